"""What a spec says of a script or a function: what is started for each replica, and its limits."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from thermo_cli.placeholders import placeholders
from thermo_cli.spec.parts import DynamicsPart, Part, Positive, Scalar, SystemPart


class ProgramArguments(Part):
    """Arguments of whatever trains a replica by itself."""

    run: Any
    values: dict[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")], Scalar] = Field(default_factory=dict)
    """Further arguments of your own, such as {lr}; a history may replace them."""
    pool: Annotated[int, Field(ge=1)] | None = None
    """Number of the examples that subsamples are drawn from; absent: there is no {subsample}."""
    files: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)
    """Further files that decide the numbers; they enter the identity of the run, as do files named in `run`."""
    symmetries: Literal["unknown", "none"] = "unknown"
    """`none`: other parameters are another model (linear models), so that distances tell; networks have symmetries."""
    test_examples: Annotated[int, Field(ge=1)] | None = None
    """Size of the test set, for the default margin of the accuracy."""


class CommandArguments(ProgramArguments):
    """Arguments of `command`."""

    run: Annotated[list[str | int | Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=1, max_length=1000)]
    """The program and its arguments, no shell; {seed}, {order_seed}, {noise_seed}, {subsample} (a file, one index a line),
    {output} (a folder for logs), {history}, {replica}, {steps}, {init_scale}, names of `values` and dotted fields of the spec
    are filled in; `python` is this interpreter; it is started in the folder of the spec."""

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
    """A training script; it writes {output}/metrics.jsonl, one JSON object a line with `step` and numbers, or CSV files, such
    as those of Lightning."""
    arguments: CommandArguments = Field(alias="with")
    """What is started, and what is filled in."""


class FunctionArguments(ProgramArguments):
    """Arguments of `function`."""

    run: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
    """`module:train`, called in a process for each replica with those of its arguments that it names: seed, subsample (indices,
    or None without `pool`), report, output (a folder), history, replica, steps, init_scale and names of `values`."""

    @property
    def placeholders(self) -> frozenset[str]:
        """What tells replicas apart: one seed, and examples where there is a pool."""
        return frozenset({"seed"} | ({"subsample"} if self.pool else set()))


class FunctionSystem(SystemPart):
    """A function that trains one replica, with --allow local or its package."""

    kind: ClassVar[str] = "scripts"
    moves: ClassVar[tuple[str, ...]] = ("process",)
    use: Literal["function"]
    """A function of Python, `train(seed, subsample, report)`; it calls `report(step, test_accuracy=0.93)` as it trains."""
    arguments: FunctionArguments = Field(alias="with")
    """What is called, and what it is told."""


class ProcessArguments(Part):
    """Arguments of `process`; none of them changes the numbers, so a run goes on when they are changed."""

    time_limit: Positive | None = None
    """Seconds after which a replica's process is killed; no limit if absent."""
    attempts: Annotated[int, Field(ge=1, le=100)] = 1
    """How often a replica that fails is started, each time in an empty folder and with the same seeds."""
    keep_output: bool = False
    """Keep each finished replica's output folder in the run folder, as outputs/<replica>."""


class ProcessDynamics(DynamicsPart):
    """A process per replica: a `command` or a `function` trains itself, and reports step T last."""

    kind: ClassVar[str] = "scripts"

    use: Literal["process"]
    """A process per replica."""
    arguments: ProcessArguments = Field(default_factory=ProcessArguments, alias="with")
    """Time limit and attempts."""
    schedule: Literal["constant", "scheduled"] = "constant"
    """Whether the learning rate is constant over the window; if not, stationarity needs observe.budgets (and {steps})."""
