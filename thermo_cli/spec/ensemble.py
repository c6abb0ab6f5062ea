"""The replicas of a spec: how many, which randomness tells them apart, controls and crossed designs."""

from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from thermo_cli.rng import STREAMS, StreamName
from thermo_cli.spec.parts import Part, Replicas

Fraction = Annotated[float, Field(gt=0, lt=1)]


class Subsample(Part):
    """How a replica's fixed set of examples is drawn from the pool: exactly one of the four rules, or the share alone."""

    @model_validator(mode="before")
    @classmethod
    def _a_share_alone(cls, value: Any) -> Any:
        return {"fraction": value} if isinstance(value, float) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Allow the share alone beside the mapping."""
        mapping = handler.resolve_ref_schema(handler(core_schema))
        return {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 1}, mapping]}

    fraction: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the pool, without replacement; subsamples of one pool overlap, so they vary less than fresh data."""
    size: Annotated[int, Field(ge=1)] | None = None
    """Number of examples, without replacement (or of each disjoint part)."""
    bootstrap: bool = False
    """As many examples as the pool has, with replacement: the spread of fresh data."""
    disjoint: bool = False
    """Parts of `size` examples that no two replicas share: independent baths."""
    stratified: bool = False
    """Whether the classes keep the proportions of the pool (to within one example); for classification, not with disjoint."""

    @model_validator(mode="after")
    def _one_rule(self) -> "Subsample":
        rules = [self.fraction is not None, self.size is not None and not self.disjoint, self.bootstrap, self.disjoint]
        if sum(rules) != 1:
            raise ValueError(
                "give exactly one of {fraction: F}, {size: N}, {bootstrap: true}, {disjoint: true, size: N}"
            )
        if self.disjoint and self.size is None:
            raise ValueError("disjoint subsamples need their size: {disjoint: true, size: N}")
        if self.disjoint and self.stratified:
            raise ValueError("disjoint parts cannot be stratified: leave one of the two out")
        return self


class CrossedCounts(Part):
    """How many streams of each source of randomness are crossed with each other."""

    init: Annotated[int, Field(ge=1, le=1000)] = 8
    """Initializations."""
    subsample: Annotated[int, Field(ge=1, le=1000)] = 8
    """Subsamples."""
    order: Annotated[int, Field(ge=1, le=1000)] = 1
    """Orders of the mini-batches."""

    @model_validator(mode="after")
    def _two_sources(self) -> "CrossedCounts":
        if sum(count > 1 for count in (self.init, self.subsample, self.order)) < 2:
            raise ValueError("a crossed design needs two sources with at least two streams each")
        return self


class Crossed(Part):
    """Every initialization with every subsample and every order: tells which source of randomness moves the result."""

    crossed: CrossedCounts
    """Streams of each source."""


class Controls(Part):
    """Further replicas that set scales and never enter macroscopic statistics; none in a crossed design."""

    same_bath: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Partners of so many replicas of the first history (of all, if there are fewer): same subsample, the rest drawn again; if
    absent 8, and where there may be one optimum as many as it takes to tell: 19 at the default confidence and content."""
    twin: Annotated[int, Field(ge=0, le=1000)] = 2
    """Copies of so many of them that start with every parameter moved by one unit in the last place."""


class Ensemble(Part):
    """The replicas: how many, and which randomness tells them apart."""

    replicas: Replicas = Field(default_factory=lambda: Replicas.model_validate(32), json_schema_extra={"default": 32})
    """Number of replicas per history, or {from: 32, to: 256}; agreement at the default content cannot hold with fewer than 30
    in all."""
    seed: Annotated[int, Field(ge=0, lt=2**64)] = 0
    """Root of every stream of randomness of the ensemble."""
    subsample: Subsample = Field(default_factory=lambda: Subsample(fraction=0.5))
    """How each replica's examples are drawn from the pool."""
    vary: Annotated[list[StreamName], Field(min_length=1)] = Field(default_factory=lambda: list(STREAMS))
    """Sources of randomness that differ between replicas: init, subsample, order (mini-batches), noise."""
    controls: Controls = Field(default_factory=Controls)
    """Partners on the same bath, which diversity is decided on, and twins, which show the rounding floor and chaos."""
    design: Literal["independent", "crossed"] | Crossed = "independent"
    """`crossed: {init: 8, subsample: 8, order: 1}` gives a noise budget instead of a verdict, and replaces `replicas`."""
    precision: Literal["float32", "float64"] = "float32"
    """Floating-point type of the parameters."""
    mixed_workers: bool = False
    """Whether workers of a cluster may have other versions or processors, which round differently."""

    @property
    def crossed(self) -> CrossedCounts | None:
        """Counts of a crossed design, or None."""
        if self.design == "crossed":
            return CrossedCounts()
        return self.design.crossed if isinstance(self.design, Crossed) else None

    @field_validator("vary")
    @classmethod
    def _each_once(cls, value: list[StreamName]) -> list[StreamName]:
        if len(set(value)) != len(value):
            raise ValueError("name each source of randomness once")
        return [name for name in STREAMS if name in value]
