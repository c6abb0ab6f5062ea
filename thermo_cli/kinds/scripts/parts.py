"""What a spec says of a script: the command that is started for each replica, and its limits."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from thermo_cli.kinds.scripts.placeholders import placeholders
from thermo_cli.spec.parts import DynamicsPart, Part, Positive, Scalar, SystemPart


class CommandArguments(Part):
    """Arguments of `command`."""

    run: Annotated[list[str | int | Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=1, max_length=1000)]
    """The program and its arguments, no shell; {seed}, {order_seed}, {noise_seed}, {subsample} (a file, one index a line),
    {output} (a folder), {history}, {replica}, {steps}, {init_scale}, names of `values` and dotted fields of the spec are
    filled in; `python` is this interpreter; it is started in the folder of the spec."""
    values: dict[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")], Scalar] = Field(default_factory=dict)
    """Placeholders of your own, such as {lr}; a history may replace them."""
    pool: Annotated[int, Field(ge=1)] | None = None
    """Number of the script's examples that subsamples are drawn from; absent: there is no {subsample}."""
    files: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)
    """Further files that decide the numbers; they enter the identity of the run, as do files named in `run`."""
    symmetries: Literal["unknown", "none"] = "unknown"
    """`none`: other parameters are another model (linear models), so that distances tell; networks have symmetries."""
    test_examples: Annotated[int, Field(ge=1)] | None = None
    """Size of the test set, for the default margin of the accuracy."""

    @field_validator("run")
    @classmethod
    def _braces_close(cls, value: list[str | int | float]) -> list[str | int | float]:
        for argument in value:
            placeholders(str(argument))
            if "\0" in str(argument):
                raise ValueError("an argument cannot contain a zero byte")
        return value

    @property
    def placeholders(self) -> frozenset[str]:
        """Names in braces among the arguments."""
        return frozenset(name for argument in self.run for name in placeholders(str(argument)))


class CommandSystem(SystemPart):
    """A training script in any language, started once per replica, with --allow command."""

    kind: ClassVar[str] = "scripts"
    moves: ClassVar[tuple[str, ...]] = ("process",)
    use: Literal["command"]
    """A training script; it writes {output}/metrics.jsonl, one JSON object a line with `step` and numbers."""
    arguments: CommandArguments = Field(alias="with")
    """What is started, and what is filled in."""


class ProcessArguments(Part):
    """Arguments of `process`; none of them changes the numbers, so a run goes on when they are changed."""

    time_limit: Positive | None = None
    """Seconds after which a replica's process is killed; no limit if absent."""
    attempts: Annotated[int, Field(ge=1, le=100)] = 1
    """How often a replica that fails is started, each time in an empty folder and with the same seeds."""
    keep_output: bool = False
    """Keep each finished replica's output folder in the run folder, as outputs/<replica>."""


class ProcessDynamics(DynamicsPart):
    """A process per replica: the script of a `command` trains itself, and its last line reports step T."""

    kind: ClassVar[str] = "scripts"

    use: Literal["process"]
    """A process per replica."""
    arguments: ProcessArguments = Field(default_factory=ProcessArguments, alias="with")
    """Time limit and attempts."""
    schedule: Literal["constant", "scheduled"] = "constant"
    """Whether the learning rate is constant over the window; if not, stationarity needs observe.budgets (and {steps})."""
