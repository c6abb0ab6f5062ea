"""What a spec says of physical systems, and of how they move."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from thermo_cli.spec.parts import DynamicsPart, NoArguments, NonNegative, Part, Positive, SystemPart


class PhysicalSystem(SystemPart):
    """Base of the physical systems."""

    kind: ClassVar[str] = "physical"


class InitialLaw(Part):
    """What the coordinates of a physical system are drawn from: Gaussian, each by itself."""

    start: float = 0.0
    """Mean of the initial coordinates."""
    start_sd: NonNegative = 1.0
    """Standard deviation of the initial coordinates; `init_scale` of a history multiplies it."""


class HarmonicArguments(InitialLaw):
    """Arguments of `harmonic`."""

    dimensions: Annotated[int, Field(ge=1, le=65_536)] = 64
    """Number of independent coordinates d."""
    stiffness: Positive = 1.0
    """a in U = (a/2) |x - c|^2."""
    centre: float = 0.0
    """c, the same for all coordinates."""
    gradient_noise: NonNegative = 0.0
    """Variance of Gaussian noise on each component of the gradient, for `sgd`."""
    reference_sd: Positive | None = None
    """Spread of coordinates without anything in common, which overlaps are held against; that of equilibrium if absent."""


class HarmonicSystem(PhysicalSystem):
    """A quadratic potential, U = (a/2) |x - c|^2: everything about it is known in closed form."""

    builds: ClassVar[str] = "thermo_cli.kinds.physical.potentials:Harmonic"
    moves: ClassVar[tuple[str, ...]] = ("langevin", "sgd")

    use: Literal["harmonic"]
    """A quadratic potential."""
    arguments: HarmonicArguments = Field(default_factory=HarmonicArguments, alias="with")
    """Coordinates, stiffness, centre, initial law."""


class DoubleWellArguments(InitialLaw):
    """Arguments of `double_well`."""

    height: Positive = 1.0
    """h in U = h (x^2 - 1)^2 - f x: the barrier between the wells at -1 and +1."""
    tilt: float = 0.0
    """f, a constant force; in a first phase it chooses the well."""


class DoubleWellSystem(PhysicalSystem):
    """One particle in two wells, U = h (x^2 - 1)^2 - f x; it crosses at Kramers' rate."""

    builds: ClassVar[str] = "thermo_cli.kinds.physical.potentials:DoubleWell"
    moves: ClassVar[tuple[str, ...]] = ("langevin",)

    use: Literal["double_well"]
    """Two wells with a barrier."""
    arguments: DoubleWellArguments = Field(default_factory=DoubleWellArguments, alias="with")
    """Barrier, tilt, initial law."""


class RandomEnergyArguments(Part):
    """Arguments of `random_energy`."""

    spins: Annotated[int, Field(ge=2, le=20)] = 12
    """N; each of the 2^N states has an energy drawn from N(0, N/2), by the replica's `subsample` stream."""


class RandomEnergySystem(PhysicalSystem):
    """The random energy model: every state of N spins has an independent random energy; below T_c it freezes."""

    builds: ClassVar[str] = "thermo_cli.kinds.physical.random_energy:RandomEnergy"
    moves: ClassVar[tuple[str, ...]] = ("metropolis",)

    use: Literal["random_energy"]
    """Independent random energies."""
    arguments: RandomEnergyArguments = Field(default_factory=RandomEnergyArguments, alias="with")
    """Number of spins."""


class AutoregressiveArguments(Part):
    """Arguments of `autoregressive`."""

    phi: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Autocorrelation of one step."""
    sd: NonNegative = 1.0
    """Stationary standard deviation of the noise."""
    start: float = 0.0
    """Where it starts; its mean is 0."""
    offset_sd: NonNegative = 0.0
    """Standard deviation of a constant offset of each replica: a frozen glass."""
    drift: Literal["none", "linear", "logarithmic", "exponential"] = "none"
    """f(t): t/T, log2(1 + t)/log2(1 + T), or 1 - exp(-t/tau)."""
    drift_size: float = 0.0
    """Mean of the drift's factor."""
    drift_sd: NonNegative = 0.0
    """Standard deviation of the drift's factor over replicas: they drift apart."""
    tau: Positive = 100.0
    """Time of the exponential drift, in steps."""


class AutoregressiveSystem(PhysicalSystem):
    """A(t) = AR(1) + offset + drift: what a macroscopic observable can look like, with everything known."""

    builds: ClassVar[str] = "thermo_cli.kinds.physical.autoregressive:Autoregressive"
    moves: ClassVar[tuple[str, ...]] = ("recursion",)

    use: Literal["autoregressive"]
    """AR(1) with offsets and drifts."""
    arguments: AutoregressiveArguments = Field(default_factory=AutoregressiveArguments, alias="with")
    """Correlation, offsets and drifts."""


class LangevinArguments(Part):
    """Arguments of `langevin`."""

    lr: Positive = 0.01
    """Step size eta."""
    temperature: NonNegative = 1.0
    """T in the noise sqrt(2 eta T)."""


class LangevinDynamics(DynamicsPart):
    """Overdamped Langevin dynamics, x <- x - eta dU/dx + sqrt(2 eta T) xi: a bath of temperature T."""

    kind: ClassVar[str] = "physical"
    builds: ClassVar[str] = "thermo_cli.kinds.physical.langevin:Langevin"
    use: Literal["langevin"]
    """Langevin dynamics."""
    arguments: LangevinArguments = Field(default_factory=LangevinArguments, alias="with")
    """Step size and temperature."""


class MetropolisArguments(Part):
    """Arguments of `metropolis`."""

    temperature: Positive = 1.0
    """T in the acceptance exp(-dE/T)."""


class MetropolisDynamics(DynamicsPart):
    """Metropolis dynamics: one step tries to flip one spin chosen at random."""

    kind: ClassVar[str] = "physical"
    builds: ClassVar[str] = "thermo_cli.kinds.physical.metropolis:Metropolis"
    use: Literal["metropolis"]
    """Metropolis dynamics."""
    arguments: MetropolisArguments = Field(default_factory=MetropolisArguments, alias="with")
    """Temperature."""


class RecursionDynamics(DynamicsPart):
    """The system's own rule from one step to the next."""

    kind: ClassVar[str] = "physical"
    builds: ClassVar[str] = "thermo_cli.kinds.physical.recursion:Recursion"
    use: Literal["recursion"]
    """The system's own rule."""
    arguments: NoArguments = Field(default_factory=NoArguments, alias="with")
    """No arguments."""
