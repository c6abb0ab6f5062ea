"""What every model of the spec has in common: strictness, and the kinds of numbers."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
UnitInterval = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Task = Literal["classification", "regression"]
Scale = Literal["none", "standardize"]
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


class NoArguments(Part):
    """This built-in takes no arguments."""
