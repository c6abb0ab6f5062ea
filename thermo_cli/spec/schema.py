"""The spec: everything that decides a run, as frozen pydantic models with a sentence for every field."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from thermo_cli.registry import nearest
from thermo_cli.rng import STREAMS, StreamName
from thermo_cli.spec.builtins import (
    MODULE,
    CommandSystem,
    Data,
    Dynamics,
    FitDynamics,
    NamedSystem,
    Part,
    Positive,
    Scalar,
    Schedule,
    System,
    WarmupSchedule,
    name_of,
)
from thermo_cli.spec.builtins.parts import LATER

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Fraction = Annotated[float, Field(gt=0, lt=1)]

Macro = Literal[
    "energy",
    "loss",
    "accuracy",
    "brier",
    "calibration_error",
    "margin",
    "r2",
    "rmse",
    "parameter_norm",
    "gradient_norm",
    "distance_from_init",
    "cosine_to_init",
]
MACRO: Final[tuple[Macro, ...]] = get_args(Macro)
Own = Annotated[str, Field(pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_][\w.]*|[A-Za-z_]\w*)$")]
Micro = Literal["overlap", "similarity", "disagreement", "barrier"]
MICRO: Final[tuple[Micro, ...]] = get_args(Micro)
ESTIMATOR: Final = "sklearn.module:Class"
FITS_PER_TASK: Final = 2  # so that workers end together, and a file holds more than one
STACKED: Final = ("mlp", "linear", "cnn", "transformer", MODULE)
LEARNERS: Final = (*STACKED, ESTIMATOR)
MOVES: Final[dict[str, tuple[str | None, ...]]] = {
    **dict.fromkeys(STACKED, ("sgd", "adam", "adamw", MODULE)),
    ESTIMATOR: ("fit",),
    "harmonic": ("langevin", "sgd"),
    "double_well": ("langevin",),
    "random_energy": ("metropolis",),
    "autoregressive": ("recursion",),
    "recorded": (None,),
    "command": ("process",),
}


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
    stratified: Annotated[bool, LATER] = False
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

    same_bath: Annotated[int, Field(ge=0, le=1000)] = 8
    """Partners of so many replicas of the first history (of all, if there are fewer): same subsample, the rest drawn again."""
    twin: Annotated[int, Field(ge=0, le=1000)] = 2
    """Copies of so many of them that start with every parameter moved by one unit in the last place."""


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
    controls: Controls = Field(default_factory=Controls)
    """Partners on the same bath, which diversity is decided on, and twins, which show the rounding floor and chaos."""
    design: Literal["independent", "crossed"] | Crossed = "independent"
    """`crossed: {init: 8, subsample: 8, order: 1}` gives a noise budget instead of a verdict, and replaces `replicas`."""
    precision: Literal["float32", "float64"] = "float32"
    """Floating-point type of the parameters."""
    shard: Annotated[int, Field(ge=1, le=1024)] = 16
    """Replicas trained in one stack; part of the numbers (rounding), so it is here and not chosen by the machine."""

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


class PartOfTheExamples(Part):
    """A part of each replica's subsample."""

    fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the subsample, drawn by the replica's `noise` stream."""


class OtherSystem(Part):
    """Fields of the system that are different in a first phase."""

    arguments: dict[str, Any] = Field(alias="with")
    """Arguments to replace; the parameters must keep their shapes."""


class OtherDynamics(Part):
    """Fields of the dynamics that are different in a first phase."""

    arguments: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Arguments to replace."""
    batch_size: Annotated[int, Field(ge=1)] | Literal["full"] | None = None
    """Other batches."""
    schedule: Schedule | None = None
    """Another path of the learning rate, over the steps of the first phase."""


class FirstPhase(Part):
    """A first phase of training, before the final protocol; its steps are part of `dynamics.steps`."""

    steps: Annotated[int, Field(ge=1)]
    """Length of the first phase in steps."""
    labels: Literal["shuffled"] | None = None
    """`shuffled`: the targets are permuted within the subsample, differently for every replica (stream `noise`)."""
    examples: PartOfTheExamples | None = None
    """A curriculum: train on a part of the subsample first."""
    system: OtherSystem | None = None
    """Another system of the same shape first: `{with: {tilt: 2.0}}`."""
    dynamics: OtherDynamics | None = None
    """Another dynamics of the same kind first: `{with: {lr: 0.3}, schedule: cosine}`."""

    @model_validator(mode="after")
    def _differs(self) -> "FirstPhase":
        if not (self.labels or self.examples or self.system or self.dynamics):
            raise ValueError("say what is different in the first phase: labels, examples, system or dynamics")
        return self


class History(Part):
    """A variant of the path that leads to the same final protocol."""

    init_scale: Positive = 1.0
    """Factor on the initial parameters (`hot` histories use 3)."""
    first: FirstPhase | None = None
    """A first phase on something else (`detour` histories)."""
    values: dict[str, Scalar] = Field(default_factory=dict)
    """Other values of a `command`'s placeholders."""

    @model_serializer(mode="wrap")
    def _without_absent_values(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = write(self)
        return found if self.values else {key: value for key, value in found.items() if key != "values"}


class Observe(Part):
    """What is measured, and when."""

    macro: list[Macro | Own] = Field(default_factory=lambda: list[Macro | Own](MACRO))
    """Macroscopic observables; a bare metric means every split, and those that do not fit the task are left out. Scorers of
    scikit-learn by name (f1_macro), and functions of (outputs, targets) as module:function; these gate where they have a
    margin (test_f1_macro)."""
    micro: list[Micro] = Field(default_factory=lambda: list(MICRO))
    """Microscopic quantities: overlaps without symmetries, similarity of representations, disagreement, loss barriers."""
    window_measurements: Annotated[int, Field(ge=8, le=10_000)] = 64
    """Measurements in the last doubling [T/2, T], evenly spaced; earlier ones are logarithmic."""
    budgets: bool = False
    """Also train every replica with total budgets T/4 and T/2: stationarity under a schedule needs them."""

    @field_validator("macro")
    @classmethod
    def _energy_is_always_observed(cls, value: list[str]) -> list[str]:
        own = [name for name in dict.fromkeys(value) if name not in MACRO]
        return [*(name for name in MACRO if name in {*value, "energy"}), *own]

    @field_validator("micro")
    @classmethod
    def _in_order(cls, value: list[Micro]) -> list[Micro]:
        return [name for name in MICRO if name in value]


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
    tolerance: Literal["distribution-free", "normal"] = "distribution-free"
    """Kind of tolerance interval of the agreement criterion; `normal` needs fewer replicas, and misses a rare stuck mode."""
    diverged: Annotated[int, Field(ge=0)] = 0
    """Number of replicas that may diverge or crash before the verdict is `diverged`."""
    require_ergodic: bool = False
    """Whether `thermalized` also needs ergodicity: that replicas wander as far from themselves as from each other."""


class Spec(Part):
    """One experiment: data, system, dynamics, ensemble, histories, observables and margins."""

    name: Name = "run"
    """Name of the run; with a hash it becomes the name of the run folder."""
    description: str = ""
    """What the experiment is for; decides nothing."""
    data: Data | None = None
    """Where the examples come from; physical and recorded systems have none."""
    system: System
    """What is trained."""
    dynamics: Dynamics | None = None
    """How it moves; recorded runs have moved already."""
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
    sweep: Annotated[dict[str, Annotated[list[Any], Field(min_length=1)]], LATER] = Field(default_factory=dict)
    """Field to the values that it takes, `dynamics.with.lr: [0.01, 0.1]`: an ensemble and a verdict for each combination."""

    @property
    def learns(self) -> bool:
        """Whether the system learns from data; physical and recorded ones do not."""
        return self.family in LEARNERS

    @property
    def family(self) -> str:
        """Name of the built-in system; of the others, what is fitted is an estimator, and what moves is a torch module."""
        if ":" not in self.system.use:
            return self.system.use
        fitted = isinstance(self.dynamics, FitDynamics) or self.system.use.startswith("sklearn.")
        return ESTIMATOR if fitted else MODULE

    @property
    def stacks(self) -> bool:
        """Whether replicas train in one stack: networks and modules."""
        return self.learns and self.family != ESTIMATOR

    @property
    def width(self) -> int:
        """Replicas of a shard: `ensemble.shard` where they train in one stack; one process, or a few fits."""
        return {"command": 1, ESTIMATOR: FITS_PER_TASK}.get(self.family, self.ensemble.shard)

    @property
    def time(self) -> str:
        """What the training time counts: `steps`, or what the spec says of a fit."""
        return self.dynamics.arguments.time if isinstance(self.dynamics, FitDynamics) else "steps"

    @property
    def foreign(self) -> tuple[str, ...]:
        """Names of what is not built in, `module:object`, whose code decides the numbers too."""
        parts = self.model_dump(mode="json", include={"data", "system", "dynamics", "histories"})
        named = [*_names_in(parts), *self.observe.macro]
        return tuple(dict.fromkeys(name for name in named if ":" in name))

    @property
    def total(self) -> int:
        """Training time T; 0 where it is read from records."""
        return self.dynamics.steps if self.dynamics is not None else 0

    @property
    def schedule(self) -> str:
        """Name of the learning-rate schedule, or `constant` where the rate no longer changes in [T/2, T]."""
        if self.time == "partial" and self._decays:
            return "decaying"
        schedule = getattr(self.dynamics, "schedule", "constant")
        warm = isinstance(schedule, WarmupSchedule) and schedule.use == "warmup" and schedule.steps <= self.total // 2
        return "constant" if warm else name_of(schedule)

    @property
    def _decays(self) -> bool:
        """Whether an estimator lowers its own learning rate from epoch to epoch."""
        name, given = self.system.use.rpartition(":")[2], dict(self.system.arguments)
        usual = {"SGDClassifier": "optimal", "SGDRegressor": "invscaling"}.get(name, "constant")
        return given.get("learning_rate", usual) in ("optimal", "invscaling", "adaptive")

    @model_validator(mode="after")
    def _parts_fit(self) -> "Spec":
        system, dynamics = self.system.use, self.dynamics.use if self.dynamics is not None else None
        if (MODULE if dynamics is not None and ":" in dynamics else dynamics) not in MOVES[self.family]:
            known = [name for name in MOVES[self.family] if name is not None]
            raise ValueError(
                f"{system} goes with dynamics {' or '.join(known)}, not {dynamics or 'none'}" if known
                else f"{system} runs have moved already: leave dynamics out"
            )  # fmt: skip
        if (self.data is not None) != self.learns:
            raise ValueError(f"{system} needs data" if self.learns else f"{system} learns from no data: leave data out")
        if self.ensemble.subsample.disjoint and "subsample" not in self.ensemble.vary:
            raise ValueError("ensemble.subsample is disjoint, so ensemble.vary must contain subsample")
        resampled = self.learns or self.family == "command"
        if self.ensemble.crossed is not None and (not resampled or len(self.histories) > 1):
            raise ValueError("ensemble.design: crossed takes a system that learns from data, and one history")
        if self.ensemble.crossed is not None and (self.ensemble.subsample.disjoint or self.observe.budgets):
            raise ValueError("ensemble.design: crossed takes neither disjoint subsamples nor budgets")
        self._check_fit()
        if self.sweep and self.family == "recorded":
            raise ValueError("sweep: recorded runs are judged and not trained; give each a spec of its own")
        for field, values in self.sweep.items():
            if any(value in values[:place] for place, value in enumerate(values)):
                raise ValueError(f"sweep.{field}: each value once")
        schedule = getattr(self.dynamics, "schedule", None)
        if isinstance(schedule, WarmupSchedule) and schedule.steps >= self._shortest[0]:
            steps, budget = self._shortest
            raise ValueError(f"dynamics.schedule.steps ({schedule.steps}) must be fewer than {budget} ({steps})")
        for name, history in self.histories.items():
            if history.first is not None:
                self._check_first(name, history.first)
            self._check_values(name, history)
        return self

    def _check_fit(self) -> None:
        """Refuse what an estimator's fit does not have: steps of one shot, other starts than its own, first phases."""
        if isinstance(self.system, NamedSystem) and self.system.preprocess and self.family != ESTIMATOR:
            raise ValueError("system.preprocess goes with dynamics fit: a torch module takes the data as they are")
        if not isinstance(self.dynamics, FitDynamics):
            return
        if self.ensemble.crossed is not None and self.ensemble.crossed.order > 1:
            raise ValueError(
                "ensemble.design.crossed.order: an estimator's fit has no order of mini-batches of its own"
            )
        time, steps = self.dynamics.arguments.time, self.dynamics.steps
        if time == "once" and steps != 1:
            raise ValueError(
                "dynamics.steps counts something only with dynamics.with.time: staged, warm_start, partial, budget"
            )
        if time in ("staged", "warm_start", "budget") and steps < 4:
            raise ValueError(f"dynamics.steps with time {time} must be at least 4, not {steps}")
        for name, history in self.histories.items():
            first = history.first
            if history.init_scale != 1 or (first is not None and (time != "partial" or first.system or first.dynamics)):
                raise ValueError(
                    f"histories.{name}: the only path an estimator can take is a first phase of partial fits with shuffled "
                    "labels or a part of the examples (dynamics.with.time: partial)"
                )

    @property
    def _shortest(self) -> tuple[int, str]:
        """The shortest training time of a replica, and what it is."""
        if self.observe.budgets and self.schedule != "constant":
            return self.total // 4, "the smallest budget, a quarter of dynamics.steps"
        return self.total, "dynamics.steps"

    def _check_values(self, name: str, history: History) -> None:
        known = self.system.arguments.values if isinstance(self.system, CommandSystem) else {}
        for key in history.values:
            if key not in known:
                guess = nearest(key, known)
                hint = f"did you mean {guess!r}?" if guess else "they replace those of a command's system.with.values"
                raise ValueError(f"histories.{name}.values: there is no value {key!r} to replace; {hint}")

    def _check_first(self, name: str, first: FirstPhase) -> None:
        if self.family == "command":
            raise ValueError(f"histories.{name}.first: a command trains itself: tell it by histories.{name}.values")
        shortest, budget = self._shortest
        if first.steps >= shortest:
            raise ValueError(f"histories.{name}.first.steps ({first.steps}) must be fewer than {budget} ({shortest})")
        if (first.labels or first.examples) and not self.learns:
            raise ValueError(f"histories.{name}.first: {self.system.use} has no labels and no examples")
        try:
            self.first_parts(first)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in detail["loc"])
            raise ValueError(f"histories.{name}.first: {place}: {detail['msg']}") from None

    def first_parts(self, first: FirstPhase) -> tuple[Any, Any]:
        """Return system and dynamics of a first phase: those of the spec with some fields replaced.

        Args:
            first: The first phase.
        """
        system = self.system.model_dump(mode="json")
        if first.system is not None:
            system["with"] = system["with"] | first.system.arguments
        dynamics = self.dynamics.model_dump(mode="json") if self.dynamics is not None else {}
        dynamics["steps"] = first.steps
        if first.dynamics is not None:
            changed = first.dynamics.model_dump(mode="json", exclude_none=True)
            dynamics |= {key: value for key, value in changed.items() if key != "with"}
            dynamics["with"] = dynamics["with"] | first.dynamics.arguments
        return type(self.system).model_validate(system), type(self.dynamics).model_validate(dynamics)  # type: ignore[union-attr]


def _names_in(content: Any) -> list[str]:
    """Return what stands behind every `use`, however deep."""
    if isinstance(content, dict):
        own = [content["use"]] if isinstance(content.get("use"), str) else []
        return own + [name for value in content.values() for name in _names_in(value)]
    return [name for value in content for name in _names_in(value)] if isinstance(content, list | tuple) else []


def margin_problem(observable: str, macro: Sequence[str] = ()) -> str | None:
    """Say why an observable of a learning system cannot carry a margin, or None when it can.

    Args:
        observable: A key of `equilibrium.margins`.
        macro: What is observed; scorers and functions among it can carry one.
    """
    if observable in {"test_" + re.split("[:.]", name)[-1] for name in macro if name not in MACRO}:
        return None
    split, _, metric = observable.partition("_")
    if split in ("train", "shifted"):
        return f"only the test split gates: use test_{metric}"
    if not re.fullmatch(r"energy|test_(loss|accuracy|brier|calibration_error|margin|r2|rmse)", observable):
        return "margins go to energy, or to test_ with loss, accuracy, brier, calibration_error, margin, r2 or rmse"
    return None
