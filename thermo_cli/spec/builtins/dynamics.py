"""How it moves: `dynamics.use` with its arguments."""

from typing import Annotated, Literal

from pydantic import Field

from thermo_cli.spec.builtins.parts import NoArguments, NonNegative, Part, Positive, UnitInterval


class TimedPart(Part):
    """What every dynamics has."""

    steps: Annotated[int, Field(ge=1, le=1_000_000_000)]
    """Training time T in steps (updates), a first phase included."""


class DynamicsPart(TimedPart):
    """What every gradient dynamics has."""

    batch_size: Annotated[int, Field(ge=1)] | Literal["full"] = 64
    """Examples per step, drawn from the replica's subsample in shuffled epochs; `full` uses all of them at every step."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Learning rate in time; with `cosine` stationarity cannot be read off one trajectory and stays untested."""


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
    SgdDynamics | AdamDynamics | LangevinDynamics | MetropolisDynamics | RecursionDynamics | ProcessDynamics,
    Field(discriminator="use"),
]
