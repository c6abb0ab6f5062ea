"""How it moves: `dynamics.use` with its arguments."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, SerializerFunctionWrapHandler, Tag, model_serializer

from thermo_cli.spec.builtins.energies import Energy
from thermo_cli.spec.builtins.parts import CLASS, MODULE, NoArguments, NonNegative, Part, Positive, UnitInterval, tag_of
from thermo_cli.spec.builtins.schedules import Schedule


class TimedPart(Part):
    """What every dynamics has."""

    steps: Annotated[int, Field(ge=1, le=1_000_000_000)]
    """Training time T in steps (updates), a first phase included."""


class DynamicsPart(TimedPart):
    """What every gradient dynamics has."""

    batch_size: Annotated[int, Field(ge=1)] | Literal["full"] = 64
    """Examples per step, drawn from the replica's subsample in shuffled epochs; `full` uses all of them at every step."""
    schedule: Schedule = "constant"
    """Learning rate in time: constant, cosine, {use: step}, {use: warmup, steps: N}; if it changes late, S needs budgets."""
    clip: Positive | None = None
    """Largest norm of a replica's gradient (without weight_decay); a longer one is shortened to it."""
    energy: Energy | None = None
    """What is added to the loss besides weight_decay: an L1 penalty, and functions of your own."""

    @model_serializer(mode="wrap")
    def _leave_out_what_is_not_there(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write what older specs could not say only where it is said: their runs keep their names."""
        return {key: value for key, value in handler(self).items() if value is not None}


class SgdArguments(Part):
    """Arguments of `sgd`."""

    lr: Positive = 0.1
    """Learning rate."""
    momentum: UnitInterval = 0.0
    """Momentum mu."""
    nesterov: bool = False
    """Nesterov's form of momentum."""
    weight_decay: NonNegative = 0.0
    """L2 penalty lambda: adds (lambda / 2) |theta|^2 to the energy."""


class SgdDynamics(DynamicsPart):
    """Stochastic gradient descent."""

    use: Literal["sgd"]
    """Stochastic gradient descent."""
    arguments: SgdArguments = Field(default_factory=SgdArguments, alias="with")
    """Learning rate, momentum and penalty."""


class AdamArguments(Part):
    """Arguments of `adam` and `adamw`."""

    lr: Positive = 1e-3
    """Learning rate."""
    betas: tuple[UnitInterval, UnitInterval] = Field(default=(0.9, 0.999), strict=False)
    """Decay rates of the running mean of the gradient and of its square."""
    eps: Positive = 1e-8
    """Added to the root of the running square."""
    weight_decay: NonNegative = 0.0
    """`adam`: L2 penalty, part of the energy; `adamw`: decoupled decay, which belongs to no energy."""


class AdamDynamics(DynamicsPart):
    """Adam, with an L2 penalty (`adam`) or decoupled decay (`adamw`)."""

    use: Literal["adam", "adamw"]
    """Adam; `adamw` decouples the decay from the gradient."""
    arguments: AdamArguments = Field(default_factory=AdamArguments, alias="with")
    """Learning rate, decay rates and penalty."""


class OptimizerDynamics(DynamicsPart):
    """An elementwise optimizer of torch.optim, or one of your own with --allow local or --allow PACKAGE."""

    use: CLASS
    """`torch.optim:RMSprop`, `module:Class`: a torch.optim.Optimizer that treats every parameter by itself."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Arguments of the class; weight_decay that it adds to the gradient is part of the energy, decoupled decay is not."""


class LangevinArguments(Part):
    """Arguments of `langevin`."""

    lr: Positive = 0.01
    """Step size eta."""
    temperature: NonNegative = 1.0
    """T in the noise sqrt(2 eta T)."""


class LangevinDynamics(TimedPart):
    """Overdamped Langevin dynamics, x <- x - eta dU/dx + sqrt(2 eta T) xi: a bath of temperature T."""

    use: Literal["langevin"]
    """Langevin dynamics."""
    arguments: LangevinArguments = Field(default_factory=LangevinArguments, alias="with")
    """Step size and temperature."""


class MetropolisArguments(Part):
    """Arguments of `metropolis`."""

    temperature: Positive = 1.0
    """T in the acceptance exp(-dE/T)."""


class MetropolisDynamics(TimedPart):
    """Metropolis dynamics: one step tries to flip one spin chosen at random."""

    use: Literal["metropolis"]
    """Metropolis dynamics."""
    arguments: MetropolisArguments = Field(default_factory=MetropolisArguments, alias="with")
    """Temperature."""


class RecursionDynamics(TimedPart):
    """The system's own rule from one step to the next."""

    use: Literal["recursion"]
    """The system's own rule."""
    arguments: NoArguments = Field(default_factory=NoArguments, alias="with")
    """No arguments."""


class FitArguments(Part):
    """Arguments of `fit`."""

    time: Literal["once", "staged", "warm_start", "partial", "budget"] = "once"
    """What `steps` counts: nothing (`once`); stages of boosting (`staged`); trees added to a forest (`warm_start`); epochs of
    partial fits (`partial`); iterations, trained anew with T/4, T/2 and T (`budget`)."""
    parameter: Annotated[str, Field(min_length=1)] | None = None
    """Argument of the estimator that `steps` is given to; `n_estimators` or `max_iter`, whichever it takes, if absent."""


class FitDynamics(TimedPart):
    """The estimator's own fit."""

    use: Literal["fit"]
    """The estimator's own fit."""
    arguments: FitArguments = Field(default_factory=FitArguments, alias="with")
    """What the training time is."""
    steps: Annotated[int, Field(ge=1, le=1_000_000_000)] = 1
    """Training time T, in what `time` says; 1 for a fit that is done `once`."""


class ProcessArguments(Part):
    """Arguments of `process`; none of them changes the numbers, so a run goes on when they are changed."""

    time_limit: Positive | None = None
    """Seconds after which a replica's process is killed; no limit if absent."""
    attempts: Annotated[int, Field(ge=1, le=100)] = 1
    """How often a replica that fails is started, each time in an empty folder and with the same seeds."""
    keep_output: bool = False
    """Keep each finished replica's output folder in the run folder, as outputs/<replica>."""


class ProcessDynamics(TimedPart):
    """A process per replica: the script of a `command` trains itself, and its last line reports step T."""

    use: Literal["process"]
    """A process per replica."""
    arguments: ProcessArguments = Field(default_factory=ProcessArguments, alias="with")
    """Time limit and attempts."""
    schedule: Literal["constant", "scheduled"] = "constant"
    """Whether the learning rate is constant over the window; if not, stationarity needs observe.budgets (and {steps})."""


Dynamics = Annotated[
    Annotated[SgdDynamics, Tag("sgd")]
    | Annotated[AdamDynamics, Tag("adam")]
    | Annotated[AdamDynamics, Tag("adamw")]
    | Annotated[LangevinDynamics, Tag("langevin")]
    | Annotated[MetropolisDynamics, Tag("metropolis")]
    | Annotated[RecursionDynamics, Tag("recursion")]
    | Annotated[FitDynamics, Tag("fit")]
    | Annotated[ProcessDynamics, Tag("process")]
    | Annotated[OptimizerDynamics, Tag(MODULE)],
    Discriminator(tag_of),
]
