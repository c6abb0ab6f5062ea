"""Where the examples come from: `data.use` with its arguments."""

from typing import Annotated, Literal

from pydantic import Field

from thermo_cli.spec.builtins.parts import NoArguments, NonNegative, Part, Scale, Task


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
