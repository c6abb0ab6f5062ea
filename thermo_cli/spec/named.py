"""A system that is no built-in: `module:Class` of torch or scikit-learn, or of the user."""

from typing import Any, ClassVar, Final

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from thermo_cli.spec.parts import CLASS, MODULE, Part, SystemPart

GRADIENT: Final = ("sgd", "adam", "adamw", MODULE)


class Step(Part):
    """One step before an estimator: its name, or {use, with}."""

    @model_validator(mode="before")
    @classmethod
    def _a_name_alone(cls, value: Any) -> Any:
        return {"use": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Allow the name alone beside the mapping."""
        mapping = handler.resolve_ref_schema(handler(core_schema))
        name = {key: mapping["properties"]["use"][key] for key in ("type", "pattern")}
        return {"anyOf": [name, mapping]}

    use: CLASS
    """`sklearn.module:Class`: a transformer, fitted on each replica's subsample."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Arguments of the class."""


class NamedSystem(SystemPart):
    """A torch module or a scikit-learn estimator: `module:Class`; beyond torch and scikit-learn with --allow."""

    moves: ClassVar[tuple[str, ...]] = (*GRADIENT, "fit")

    use: CLASS
    """An nn.Module that maps rows of features to outputs (`inputs`, `outputs` are given if it takes them), or, with dynamics
    `fit`, a scikit-learn classifier or regressor."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Arguments of the class; `{use: module:Class, with: {...}}` among them is an object of its own, and the text
    `module:function` a function."""
    preprocess: list[Step] = Field(default_factory=list)
    """Steps before an estimator, in order, fitted on each replica's own subsample."""
