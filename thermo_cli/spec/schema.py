"""The spec: everything that decides a run, as frozen pydantic models with a sentence for every field."""

import re
from typing import Annotated, Final, Literal, get_args

from pydantic import Field, field_validator, model_validator

from thermo_cli.rng import STREAMS, StreamName
from thermo_cli.spec.builtins import Data, Dynamics, Part, Positive, System

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Fraction = Annotated[float, Field(gt=0, lt=1)]

Macro = Literal[
    "energy",
    "loss",
    "accuracy",
    "r2",
    "rmse",
    "parameter_norm",
    "gradient_norm",
    "distance_from_init",
    "cosine_to_init",
]
MACRO: Final[tuple[Macro, ...]] = get_args(Macro)


class Subsample(Part):
    """How a replica's fixed set of examples is drawn from the pool: exactly one of the four rules."""

    fraction: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the pool, without replacement; subsamples of one pool overlap, so they vary less than fresh data."""
    size: Annotated[int, Field(ge=1)] | None = None
    """Number of examples, without replacement (or of each disjoint part)."""
    bootstrap: bool = False
    """As many examples as the pool has, with replacement: the spread of fresh data."""
    disjoint: bool = False
    """Parts of `size` examples that no two replicas share: independent baths."""

    @model_validator(mode="after")
    def _one_rule(self) -> "Subsample":
        rules = [self.fraction is not None, self.size is not None and not self.disjoint, self.bootstrap, self.disjoint]
        if sum(rules) != 1:
            raise ValueError(
                "give exactly one of {fraction: F}, {size: N}, {bootstrap: true}, {disjoint: true, size: N}"
            )
        if self.disjoint and self.size is None:
            raise ValueError("disjoint subsamples need their size: {disjoint: true, size: N}")
        return self


class Ensemble(Part):
    """The replicas: how many, and which randomness tells them apart."""

    replicas: Annotated[int, Field(ge=2, le=100_000)] = 32
    """Number of replicas per history; agreement at the default content cannot hold with fewer than 30 in all."""
    seed: Annotated[int, Field(ge=0, lt=2**64)] = 0
    """Root of every stream of randomness of the ensemble."""
    subsample: Subsample = Field(default_factory=lambda: Subsample(fraction=0.5))
    """How each replica's examples are drawn from the pool."""
    vary: Annotated[list[StreamName], Field(min_length=1)] = Field(default_factory=lambda: list(STREAMS))
    """Sources of randomness that differ between replicas: init, subsample, order (mini-batches), noise."""
    precision: Literal["float32", "float64"] = "float32"
    """Floating-point type of the parameters."""
    shard: Annotated[int, Field(ge=1, le=1024)] = 16
    """Replicas trained in one stack; part of the numbers (rounding), so it is here and not chosen by the machine."""

    @field_validator("vary")
    @classmethod
    def _each_once(cls, value: list[StreamName]) -> list[StreamName]:
        if len(set(value)) != len(value):
            raise ValueError("name each source of randomness once")
        return [name for name in STREAMS if name in value]


class FirstPhase(Part):
    """A first phase of training, before the final protocol; its steps are part of `dynamics.steps`."""

    steps: Annotated[int, Field(ge=1)]
    """Length of the first phase in steps."""
    labels: Literal["shuffled"]
    """`shuffled`: the targets are permuted within the subsample, differently for every replica (stream `noise`)."""


class History(Part):
    """A variant of the path that leads to the same final protocol."""

    init_scale: Positive = 1.0
    """Factor on the initial parameters (`hot` histories use 3)."""
    first: FirstPhase | None = None
    """A first phase on something else (`detour` histories)."""


class Observe(Part):
    """What is measured, and when."""

    macro: list[Macro] = Field(default_factory=lambda: list(MACRO))
    """Macroscopic observables; a bare metric means both splits, and those that do not fit the task are left out."""
    window_measurements: Annotated[int, Field(ge=8, le=10_000)] = 64
    """Measurements in the last doubling [T/2, T], evenly spaced; earlier ones are logarithmic."""

    @field_validator("macro")
    @classmethod
    def _energy_is_always_observed(cls, value: list[Macro]) -> list[Macro]:
        return [name for name in MACRO if name in {*value, "energy"}]


class Equilibrium(Part):
    """How the verdict is reached; none of it changes the training, so a stored run can be judged again with other values."""

    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    """1 - alpha of every confidence statement."""
    content: Fraction = 0.85
    """Share of fresh replicas that must agree within the margin."""
    window: Annotated[float, Field(gt=0, le=0.5)] = 0.5
    """The window as a fraction of the training time, at its end; 0.5 is one doubling."""
    margins: dict[str, Positive] = Field(default_factory=dict)
    """Observable to delta, the largest difference that does not matter; what has a margin gates."""
    tolerance: Literal["distribution-free"] = "distribution-free"
    """Kind of tolerance interval of the agreement criterion."""
    diverged: Annotated[int, Field(ge=0)] = 0
    """Number of replicas that may diverge or crash before the verdict is `diverged`."""


class Spec(Part):
    """One experiment: data, system, dynamics, ensemble, histories, observables and margins."""

    name: Name = "run"
    """Name of the run; with a hash it becomes the name of the run folder."""
    description: str = ""
    """What the experiment is for; decides nothing."""
    data: Data
    """Where the examples come from."""
    system: System
    """What is trained."""
    dynamics: Dynamics
    """How it moves."""
    ensemble: Ensemble = Field(default_factory=Ensemble)
    """The replicas."""
    histories: Annotated[dict[Name, History], Field(min_length=1, max_length=64)] = Field(
        default_factory=lambda: {"cold": History()}
    )
    """Named paths to the final protocol; one named `cold` if absent. Each has its own replicas."""
    observe: Observe = Field(default_factory=Observe)
    """What is measured."""
    equilibrium: Equilibrium = Field(default_factory=Equilibrium)
    """Margins and confidence."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "Spec":
        for name, history in self.histories.items():
            if history.first is not None and history.first.steps >= self.dynamics.steps:
                first = f"histories.{name}.first.steps ({history.first.steps})"
                raise ValueError(f"{first} must be fewer than dynamics.steps ({self.dynamics.steps})")
        if self.ensemble.subsample.disjoint and "subsample" not in self.ensemble.vary:
            raise ValueError("ensemble.subsample is disjoint, so ensemble.vary must contain subsample")
        return self


def margin_problem(observable: str) -> str | None:
    """Say why an observable cannot carry a margin, or None when it can.

    Args:
        observable: A key of `equilibrium.margins`.
    """
    if observable.startswith("train_"):
        return "only the test split gates: use test_" + observable.removeprefix("train_")
    if not re.fullmatch(r"energy|test_(loss|accuracy|r2|rmse)", observable):
        return "margins go to energy, test_loss, test_accuracy, test_r2 or test_rmse"
    return None
