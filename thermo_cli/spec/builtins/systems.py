"""What is trained: `system.use` with its arguments."""

from typing import Annotated, Any, Literal

from pydantic import (
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    field_validator,
    model_serializer,
    model_validator,
)

from thermo_cli.spec.builtins.parts import (
    CLASS,
    LATER,
    MODULE,
    NoArguments,
    NonNegative,
    Part,
    Positive,
    Scalar,
    UnitInterval,
    tag_of,
)
from thermo_cli.spec.placeholders import placeholders


class MlpArguments(Part):
    """Arguments of `mlp`."""

    hidden: Annotated[list[Annotated[int, Field(ge=1, le=65_536)]], Field(min_length=1, max_length=64)] = Field(
        default=[32, 32]
    )
    """Number of units of each hidden layer."""
    activation: Literal["relu", "tanh"] = "relu"
    """Nonlinearity of the hidden units."""
    dropout: UnitInterval = 0.0
    """Probability of a hidden unit to be left out in training; masks come from each replica's `noise` stream."""

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write dropout only where there is some: runs of older specs keep their names."""
        return {key: value for key, value in handler(self).items() if key != "dropout" or value}


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


class TransformerArguments(Part):
    """Arguments of `transformer`."""

    tokens: Annotated[int, Field(ge=1, le=65_536)] | None = None
    """Into how many parts a row of features divides (2 for modular_addition); the side of a square if absent."""
    width: Annotated[int, Field(ge=2, le=4096)] = 32
    """Width of the residual stream."""
    heads: Annotated[int, Field(ge=1, le=64)] = 4
    """Heads of each attention; they share the width."""
    layers: Annotated[int, Field(ge=1, le=32)] = 1
    """Blocks of attention and network."""
    hidden: Annotated[int, Field(ge=1, le=65_536)] = 64
    """Hidden units of each block's network."""
    activation: Literal["relu", "tanh", "gelu"] = "relu"
    """Nonlinearity of the hidden units."""
    dropout: UnitInterval = 0.0
    """Probability of a number that a block adds to the stream to be left out in training."""

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "TransformerArguments":
        if self.width % self.heads:
            raise ValueError(f"the width ({self.width}) must be a multiple of the heads ({self.heads})")
        return self


class TransformerSystem(Part):
    """A transformer encoder for rows that divide into tokens."""

    use: Literal["transformer"]
    """A transformer encoder."""
    arguments: TransformerArguments = Field(default_factory=TransformerArguments, alias="with")
    """Tokens, width, heads, blocks and activation."""


class Step(Part):
    """One step before an estimator."""

    use: CLASS
    """`sklearn.module:Class`: a transformer, fitted on each replica's subsample."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Arguments of the class."""


class NamedSystem(Part):
    """A torch module or a scikit-learn estimator: `module:Class`; beyond torch and scikit-learn with --allow."""

    use: CLASS
    """An nn.Module that maps rows of features to outputs (`inputs`, `outputs` are given if it takes them), or, with dynamics
    `fit`, a scikit-learn classifier or regressor."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Arguments of the class; `{use: module:Class, with: {...}}` among them is an estimator of its own."""
    preprocess: Annotated[list[Step], LATER] = Field(default_factory=list)
    """Steps before an estimator, in order, fitted on each replica's own subsample."""


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


class CommandSystem(Part):
    """A training script in any language, started once per replica, with --allow command."""

    use: Literal["command"]
    """A training script; it writes {output}/metrics.jsonl, one JSON object a line with `step` and numbers."""
    arguments: CommandArguments = Field(alias="with")
    """What is started, and what is filled in."""


System = Annotated[
    Annotated[MlpSystem, Tag("mlp")]
    | Annotated[LinearSystem, Tag("linear")]
    | Annotated[CnnSystem, Tag("cnn")]
    | Annotated[TransformerSystem, Tag("transformer")]
    | Annotated[HarmonicSystem, Tag("harmonic")]
    | Annotated[DoubleWellSystem, Tag("double_well")]
    | Annotated[RandomEnergySystem, Tag("random_energy")]
    | Annotated[AutoregressiveSystem, Tag("autoregressive")]
    | Annotated[RecordedSystem, Tag("recorded")]
    | Annotated[CommandSystem, Tag("command")]
    | Annotated[NamedSystem, Tag(MODULE)],
    Discriminator(tag_of),
]
