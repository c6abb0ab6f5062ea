"""What every source of data has: how the test set is set aside, and what is done to the bath."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from thermo_cli.spec.parts import NonNegative, Part, Positive


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
    """Base of everything that `data.use` can name.

    Attributes:
        builds: What the name stands for, `module:object`, with the name itself in it where one model reads several.
    """

    builds: ClassVar[str] = ""
    if TYPE_CHECKING:
        use: str
        arguments: Any
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
    """What every source of data of one's own has; its object is called with the part and the folder of the spec."""

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
            raise ValueError(f"split: {{use: {use}}} of {self.use} takes no {given[0]}")
        return self
