"""What every model of the spec has in common: strictness, and the kinds of numbers."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Check = Callable[[], None]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
UnitInterval = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
MODULE: Final = "module:Class"  # stands for every name that is not built in
FIT: Final = "fit"  # the dynamics of a class that nothing else moves
PART: Final = r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$"
CLASS = Annotated[str, Field(pattern=PART)]
Task = Literal["classification", "regression"]
Scale = Literal["none", "standardize"]
Scalar = bool | int | Annotated[float, Field(allow_inf_nan=False)] | str


class Misfits(ValueError):
    """Several parts of a spec do not fit each other.

    Args:
        messages: Each begins with the field that it is about.
    """

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = tuple(messages)


def fitting(checks: Sequence[Check]) -> None:
    """Make several checks, and raise at once what they find.

    Args:
        checks: Each raises ValueError, with a message that begins with the field that it is about.

    Raises:
        Misfits: Some of them did.
    """
    messages: list[str] = []
    for check in checks:
        try:
            check()
        except Misfits as error:
            messages += error.messages
        except ValueError as error:
            messages.append(str(error))
    if messages:
        raise Misfits(messages)


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


class Growth(Part):
    """A number that grows by doubling from one value to another; N is {from: N, to: N}."""

    first: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(alias="from")
    """Where it begins."""
    last: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(alias="to")
    """Where it ends, unless it is decided before."""

    @model_validator(mode="before")
    @classmethod
    def _plain_number(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            return {"from": value, "to": value}
        if isinstance(value, dict | Growth):
            return value
        raise ValueError("expected an integer, or {from: N, to: M}")

    @model_validator(mode="after")
    def _grows(self) -> "Growth":
        if self.last < self.first:
            raise ValueError(f"to ({self.last}) must not be less than from ({self.first})")
        return self

    @model_serializer(mode="wrap")
    def _plain_again(self, write: SerializerFunctionWrapHandler) -> Any:
        return self.first if self.first == self.last else write(self)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Allow the plain number beside the mapping."""
        mapping = handler.resolve_ref_schema(handler(core_schema))
        bounds = {key: mapping["properties"]["from"][key] for key in ("type", "minimum", "maximum")}
        return {"anyOf": [bounds, mapping]}

    @property
    def grows(self) -> bool:
        """Whether it ends elsewhere than it begins."""
        return self.first != self.last


class Replicas(Growth):
    """A number of replicas that grows."""

    first: Annotated[int, Field(ge=2, le=100_000)] = Field(alias="from")
    """Replicas per history at the first look; where they grow, rounded up to whole shards."""
    last: Annotated[int, Field(ge=2, le=100_000)] = Field(alias="to")
    """Replicas per history at the last look, unless it is decided before."""


class Steps(Growth):
    """A training time that doubles."""

    first: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(alias="from")
    """Training time at the first look; when measurements are made depends on it alone."""
    last: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(alias="to")
    """Training time at the last look, `from` doubled some times, unless it is decided before."""

    @model_validator(mode="after")
    def _doubles(self) -> "Steps":
        if self.last % self.first or (self.last // self.first).bit_count() != 1:
            doubled = self.first << max((self.last // self.first).bit_length() - 1, 0)
            raise ValueError(
                f"to ({self.last}) must be from ({self.first}) doubled some times: {doubled} or {2 * doubled}"
            )
        return self

    @property
    def ends(self) -> tuple[int, ...]:
        """Where its segments end: at `from`, and at every doubling of it up to `to`."""
        return tuple(self.first << number for number in range((self.last // self.first).bit_length()))


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
    steps: Steps
    """Training time T in steps (updates), a first phase included; or {from: 8000, to: 32000}."""


class NoDynamics(DynamicsPart):
    """What has moved already: T = 0."""

    use: str = ""
    """No name."""


STILL: Final = NoDynamics.model_construct(steps=Steps.model_construct(first=1, last=0), use="", arguments=None)


class NoArguments(Part):
    """This built-in takes no arguments."""


def tag_of(value: Any) -> str | None:
    """Tell which model reads a part: that of its `use`, or the one of names that are not built in.

    Args:
        value: What was given, or the model itself.
    """
    use = value.get("use") if isinstance(value, dict) else getattr(value, "use", None)
    return MODULE if isinstance(use, str) and ":" in use else use
