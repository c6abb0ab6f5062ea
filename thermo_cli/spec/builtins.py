"""The parts of a spec chosen by `use`: data, system and dynamics, each with the arguments it takes in `with`.

One pydantic model per built-in, so that an argument that does not exist, or has the wrong type, is refused with its line
before anything is imported.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

MODULE: Final = "module:Class"

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
UnitInterval = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Task = Literal["classification", "regression"]
Scale = Literal["none", "standardize"]


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


# --- data -------------------------------------------------------------------------------------------------------------


class DataPart(Part):
    """What every source of data has."""

    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the examples set aside as the test set, the same for all replicas and never inside a subsample."""
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of the split into pool and test set; part of the data, not of the ensemble's randomness."""


class DigitsData(DataPart):
    """1,797 handwritten digits of 8 x 8 pixels, ten classes (scikit-learn)."""

    use: Literal["digits"]
    """Handwritten digits."""
    arguments: NoArguments = Field(default_factory=NoArguments, alias="with")
    """No arguments."""
    scale: Scale = "none"
    """`standardize` divides each feature by its spread over the pool after centring it; pixels come as 0 to 1."""


class TableData(DataPart):
    """A table that comes with scikit-learn."""

    use: Literal["breast_cancer", "wine", "diabetes"]
    """`breast_cancer` (569 x 30, two classes), `wine` (178 x 13, three classes) or `diabetes` (442 x 10, regression)."""
    arguments: NoArguments = Field(default_factory=NoArguments, alias="with")
    """No arguments."""
    scale: Scale = "standardize"
    """`standardize` centres each feature (and a regression target) and divides it by its spread over the pool."""


class MoonsArguments(Part):
    """Arguments of `moons`."""

    examples: Annotated[int, Field(ge=10, le=10_000_000)] = 2000
    """Number of examples drawn."""
    noise: NonNegative = 0.2
    """Standard deviation of the Gaussian noise on the two coordinates."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the draw: the pool is one fixed set of examples."""


class MoonsData(DataPart):
    """Two interleaved half circles in the plane (scikit-learn)."""

    use: Literal["moons"]
    """Two half moons."""
    arguments: MoonsArguments = Field(default_factory=MoonsArguments, alias="with")
    """Number of examples, noise and seed."""
    scale: Scale = "standardize"
    """`standardize` centres each feature and divides it by its spread over the pool."""


class TeacherArguments(Part):
    """Arguments of `teacher`."""

    inputs: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Number of features, standard normal."""
    hidden: Annotated[int, Field(ge=1, le=100_000)] = 4
    """Hidden tanh units of the teacher."""
    examples: Annotated[int, Field(ge=10, le=10_000_000)] = 2000
    """Number of examples drawn."""
    noise: NonNegative = 0.0
    """Standard deviation of Gaussian noise on the answers."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of teacher, inputs and noise."""


class TeacherData(DataPart):
    """Answers of a fixed two-layer tanh network to Gaussian inputs (regression)."""

    use: Literal["teacher"]
    """A teacher network."""
    arguments: TeacherArguments = Field(default_factory=TeacherArguments, alias="with")
    """Sizes, noise and seed."""
    scale: Scale = "none"
    """`standardize` centres each feature and the target and divides by the spread over the pool."""


class ParityArguments(Part):
    """Arguments of `parity`."""

    bits: Annotated[int, Field(ge=2, le=16)] = 2
    """Number of inputs; two are XOR."""


class ParityData(DataPart):
    """The truth table of parity, each row once."""

    use: Literal["parity"]
    """Parity of bits; two bits are XOR."""
    arguments: ParityArguments = Field(default_factory=ParityArguments, alias="with")
    """Number of bits."""
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share set aside as the test set; with 0 the table is learned whole, and tested on itself."""
    scale: Scale = "none"
    """`standardize` changes little: the inputs are -1 and +1."""


class ModularAdditionArguments(Part):
    """Arguments of `modular_addition`."""

    modulus: Annotated[int, Field(ge=2, le=997)] = 23
    """p: the examples are all p^2 pairs."""


class ModularAdditionData(DataPart):
    """Addition modulo p from two one-hot codes, p classes: the problem learned by heart long before it is understood."""

    use: Literal["modular_addition"]
    """(a + b) mod p."""
    arguments: ModularAdditionArguments = Field(default_factory=ModularAdditionArguments, alias="with")
    """The modulus."""
    scale: Scale = "none"
    """`standardize` centres each feature and divides it by its spread over the pool."""


class CsvArguments(Part):
    """Arguments of `csv`."""

    path: Annotated[str, Field(min_length=1)]
    """The file, relative to the spec; the first row names the columns."""
    target: Annotated[str, Field(min_length=1)]
    """Name of the column to predict; all others must be numbers."""
    task: Task | None = None
    """What to predict; if absent, classification when the target is text or has at most 20 distinct whole numbers."""


class CsvData(DataPart):
    """A comma-separated file with a header."""

    use: Literal["csv"]
    """A CSV file."""
    arguments: CsvArguments = Field(alias="with")
    """Path and target column."""
    scale: Scale = "standardize"
    """`standardize` centres each feature (and a regression target) and divides it by its spread over the pool."""


class NpzArguments(Part):
    """Arguments of `npz`."""

    path: Annotated[str, Field(min_length=1)]
    """The file, relative to the spec."""
    features: Annotated[str, Field(min_length=1)] = "x"
    """Name of the array of features, (examples, features...)."""
    target: Annotated[str, Field(min_length=1)] = "y"
    """Name of the array to predict, (examples,)."""
    task: Task | None = None
    """What to predict; if absent, classification when the target holds at most 20 distinct whole numbers or text."""


class NpzData(DataPart):
    """A NumPy archive with one array of features and one of targets."""

    use: Literal["npz"]
    """An NPZ file."""
    arguments: NpzArguments = Field(alias="with")
    """Path and names of the arrays."""
    scale: Scale = "standardize"
    """`standardize` centres each feature (and a regression target) and divides it by its spread over the pool."""


Data = Annotated[
    DigitsData | TableData | MoonsData | TeacherData | ParityData | ModularAdditionData | CsvData | NpzData,
    Field(discriminator="use"),
]


# --- system -----------------------------------------------------------------------------------------------------------


class MlpArguments(Part):
    """Arguments of `mlp`."""

    hidden: Annotated[list[Annotated[int, Field(ge=1, le=65_536)]], Field(min_length=1, max_length=64)] = [32, 32]
    """Number of units of each hidden layer."""
    activation: Literal["relu", "tanh"] = "relu"
    """Nonlinearity of the hidden units."""


class MlpSystem(Part):
    """A fully connected network."""

    use: Literal["mlp"]
    """A fully connected network."""
    arguments: MlpArguments = Field(default_factory=MlpArguments, alias="with")
    """Hidden layers and activation."""


class LinearSystem(Part):
    """A linear model: softmax regression for classes, least squares for numbers."""

    use: Literal["linear"]
    """A linear model."""
    arguments: NoArguments = Field(default_factory=NoArguments, alias="with")
    """No arguments."""


class CnnArguments(Part):
    """Arguments of `cnn`."""

    channels: Annotated[int, Field(ge=1, le=4096)] = 8
    """Channels of every layer."""
    blocks: Annotated[int, Field(ge=0, le=64)] = 1
    """Residual blocks of two layers, after the first layer."""
    image: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=3, max_length=3)] | None = None
    """Colours, height and width of an image; a square of one colour if absent."""


class CnnSystem(Part):
    """A convolutional network with batch-norm and residual blocks."""

    use: Literal["cnn"]
    """A convolutional network."""
    arguments: CnnArguments = Field(default_factory=CnnArguments, alias="with")
    """Channels, blocks and shape of the images."""


class ModuleSystem(Part):
    """A torch module of your own, or one of torch: `module:Class`, with --allow local or --allow PACKAGE."""

    use: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
    """`module:Class`: an nn.Module that maps rows of features to outputs; `inputs` and `outputs` are given if it takes them."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Arguments of the class."""


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


class HarmonicSystem(Part):
    """A quadratic potential, U = (a/2) |x - c|^2: everything about it is known in closed form."""

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


class DoubleWellSystem(Part):
    """One particle in two wells, U = h (x^2 - 1)^2 - f x; it crosses at Kramers' rate."""

    use: Literal["double_well"]
    """Two wells with a barrier."""
    arguments: DoubleWellArguments = Field(default_factory=DoubleWellArguments, alias="with")
    """Barrier, tilt, initial law."""


class RandomEnergyArguments(Part):
    """Arguments of `random_energy`."""

    spins: Annotated[int, Field(ge=2, le=20)] = 12
    """N; each of the 2^N states has an energy drawn from N(0, N/2), by the replica's `subsample` stream."""


class RandomEnergySystem(Part):
    """The random energy model: every state of N spins has an independent random energy; below T_c it freezes."""

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


class AutoregressiveSystem(Part):
    """A(t) = AR(1) + offset + drift: what a macroscopic observable can look like, with everything known."""

    use: Literal["autoregressive"]
    """AR(1) with offsets and drifts."""
    arguments: AutoregressiveArguments = Field(default_factory=AutoregressiveArguments, alias="with")
    """Correlation, offsets and drifts."""


class RecordedArguments(Part):
    """Arguments of `recorded`."""

    path: Annotated[str, Field(min_length=1)]
    """CSV, Parquet or JSON lines with columns replica, step, observable, value and optionally history; relative to the spec."""
    parameters: Annotated[str, Field(min_length=1)] | None = None
    """Path pattern of safetensors files with parameters, with {history}, {replica} and {step}; relative to the spec."""
    initial: dict[str, float] = Field(default_factory=dict)
    """Observable to its mean before training, where the first record is later than that."""
    schedule: Literal["constant", "scheduled"] = "constant"
    """Whether the learning rate was constant over the window; if not, stationarity cannot be read off one trajectory."""
    test_examples: Annotated[int, Field(ge=1)] | None = None
    """Size of the test set, for the default margin of the accuracy."""
    scope: Annotated[str, Field(min_length=1)] = "for the runs recorded"
    """Which randomness was varied, printed with the verdict."""


class RecordedSystem(Part):
    """Runs that exist already, judged without training."""

    use: Literal["recorded"]
    """Recorded runs."""
    arguments: RecordedArguments = Field(alias="with")
    """Where the records are."""


def _system_tag(value: Any) -> str | None:
    """Tell which model reads a system: that of its name, or the one of modules."""
    use = value.get("use") if isinstance(value, dict) else getattr(value, "use", None)
    return MODULE if isinstance(use, str) and ":" in use else use


System = Annotated[
    Annotated[MlpSystem, Tag("mlp")]
    | Annotated[LinearSystem, Tag("linear")]
    | Annotated[CnnSystem, Tag("cnn")]
    | Annotated[HarmonicSystem, Tag("harmonic")]
    | Annotated[DoubleWellSystem, Tag("double_well")]
    | Annotated[RandomEnergySystem, Tag("random_energy")]
    | Annotated[AutoregressiveSystem, Tag("autoregressive")]
    | Annotated[RecordedSystem, Tag("recorded")]
    | Annotated[ModuleSystem, Tag(MODULE)],
    Discriminator(_system_tag),
]


# --- dynamics ---------------------------------------------------------------------------------------------------------


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


Dynamics = Annotated[
    SgdDynamics | AdamDynamics | LangevinDynamics | MetropolisDynamics | RecursionDynamics, Field(discriminator="use")
]
