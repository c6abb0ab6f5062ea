"""What every model of the spec has in common: strictness, and the kinds of numbers."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializationInfo, SerializerFunctionWrapHandler, model_serializer

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
UnitInterval = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
MODULE: Final = "module:Class"  # stands for every name that is not built in
CLASS = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
Task = Literal["classification", "regression"]
Scale = Literal["none", "standardize"]
LATER: Final = (
    "later"  # in a field's Annotated: it came after the first release, and at its default no run's hash knows it
)
Scalar = bool | int | Annotated[float, Field(allow_inf_nan=False)] | str


class Part(BaseModel):
    """Base of every model of the spec: frozen, no unknown keys, no numbers in quotes, no infinities."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        defer_build=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        serialize_by_alias=True,
    )

    @model_serializer(mode="wrap")
    def _without_later(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        """Leave out, for the hash of a run, what came later and is at its default: older runs keep their names."""
        content: dict[str, Any] = handler(self)
        if info.context == LATER:
            for name, field in type(self).model_fields.items():
                if LATER in field.metadata and getattr(self, name) == field.get_default(call_default_factory=True):
                    content.pop(field.alias or name, None)
        return content


class SystemPart(Part):
    """Base of everything that `system.use` can name.

    Attributes:
        kind: Name of the wing that trains it; empty where the dynamics decides.
        builds: What the name stands for, `module:object`.
        moves: Names of the dynamics that it goes with; empty where it has moved already.
    """

    kind: ClassVar[str] = ""
    builds: ClassVar[str] = ""
    moves: ClassVar[tuple[str, ...]] = ()
    if TYPE_CHECKING:
        use: str
        arguments: Any


class DynamicsPart(Part):
    """Base of everything that `dynamics.use` can name.

    Attributes:
        kind: Name of the wing that a system without a kind of its own belongs to.
        builds: What the name stands for, `module:object`.
    """

    kind: ClassVar[str] = ""
    builds: ClassVar[str] = ""
    if TYPE_CHECKING:
        use: str
        arguments: Any
    steps: Annotated[int, Field(ge=1, le=1_000_000_000)]
    """Training time T in steps (updates), a first phase included."""


class NoArguments(Part):
    """This built-in takes no arguments."""


def tag_of(value: Any) -> str | None:
    """Tell which model reads a part: that of its `use`, or the one of names that are not built in.

    Args:
        value: What was given, or the model itself.
    """
    use = value.get("use") if isinstance(value, dict) else getattr(value, "use", None)
    return MODULE if isinstance(use, str) and ":" in use else use
