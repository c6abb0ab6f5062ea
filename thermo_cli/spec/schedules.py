"""The learning rate in time: `dynamics.schedule`, a name or `use` with arguments."""

import itertools
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator

from thermo_cli.spec.parts import Part

PLAIN: Final = ("constant", "cosine")


class WarmupSchedule(Part):
    """A learning rate that rises linearly from 0 and stays, or then falls as a cosine to 0 at the end."""

    use: Literal["warmup", "warmup_cosine"]
    """`warmup`: constant after the rise, so stationarity is read off one trajectory if it ends by T/2; or `warmup_cosine`."""
    steps: Annotated[int, Field(ge=1)]
    """Length of the rise in steps."""


class StepSchedule(Part):
    """A learning rate that drops by a factor at some fractions of the training time."""

    use: Literal["step"]
    """Drops at fractions of T."""
    at: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1, max_length=64)] = Field(
        default=[0.5, 0.75]
    )
    """When it drops, as fractions of the training time, increasing."""
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """What it is multiplied by at each drop."""

    @field_validator("at")
    @classmethod
    def _increasing(cls, value: list[float]) -> list[float]:
        if any(later <= earlier for earlier, later in itertools.pairwise(value)):
            raise ValueError("the fractions must increase")
        return value


def _one_form(value: Any) -> Any:
    """Write a schedule without arguments as its name, and refuse the name alone of one that takes some."""
    if value in ("warmup", "warmup_cosine", "step"):
        raise ValueError(f"a schedule with arguments is a mapping: {{use: {value}, ...}}")
    if isinstance(value, dict) and set(value) == {"use"} and value["use"] in PLAIN:
        return value["use"]
    return value


def _tag(value: Any) -> str | None:
    if isinstance(value, str):
        return "plain" if value in PLAIN else value
    use = value.get("use") if isinstance(value, dict) else getattr(value, "use", None)
    return "warmup" if use == "warmup_cosine" else use


Schedule = Annotated[
    Annotated[Literal["constant", "cosine"], Tag("plain")]
    | Annotated[WarmupSchedule, Tag("warmup")]
    | Annotated[StepSchedule, Tag("step")],
    Discriminator(_tag),
    BeforeValidator(_one_form),
]


def name_of(schedule: Any) -> str:
    """Return the name of a schedule.

    Args:
        schedule: The spec's `dynamics.schedule`.
    """
    return schedule if isinstance(schedule, str) else str(schedule.use)
