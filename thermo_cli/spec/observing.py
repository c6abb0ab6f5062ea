"""What a spec observes, and how it wants its verdict reached."""

from typing import TYPE_CHECKING, Annotated, Final, Literal, get_args

from pydantic import AfterValidator, Field, field_validator, model_validator

from thermo_cli.magnitudes import LARGEST, SMALLEST
from thermo_cli.metric import NAMES, own_names
from thermo_cli.spec.parts import Part, Positive

SUREST: Final = 0.999999
Fraction = Annotated[float, Field(gt=0, lt=1)]


def _with_squares(value: float) -> float:
    """Refuse what cannot be squared and divided by."""
    if not SMALLEST <= value <= LARGEST:
        raise ValueError(f"a margin lies between {SMALLEST:g} and {LARGEST:g}")
    return value


def _reachable(value: float) -> float:
    """Refuse a confidence whose bounds are beyond what floats tell apart from certainty."""
    if value > SUREST:
        raise ValueError(f"a confidence is at most {SUREST}")
    return value


Margin = Annotated[Positive, AfterValidator(_with_squares)]
Confidence = Annotated[float, Field(ge=0.5, lt=1), AfterValidator(_reachable)]

if TYPE_CHECKING:
    Macro = str
else:
    Macro = Literal[NAMES]
Own = Annotated[str, Field(pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_][\w.]*|[A-Za-z_]\w*)$")]
Micro = Literal["overlap", "similarity", "disagreement", "barrier"]
MICRO: Final[tuple[Micro, ...]] = get_args(Micro)


class Observe(Part):
    """What is measured, and when."""

    macro: list[Macro | Own] = Field(default_factory=lambda: list(NAMES))
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
        built_in = [name for name in NAMES if name in {*value, "energy"}]
        return [*built_in, *own_names(dict.fromkeys(value))]

    @field_validator("micro")
    @classmethod
    def _in_order(cls, value: list[Micro]) -> list[Micro]:
        return [name for name in MICRO if name in value]


class Target(Part):
    """What an observable is to reach at the end of training: one bound."""

    at_least: float | None = None
    """Lower bound; of the mean over replicas, trimmed at both ends, unless `share` is given."""
    at_most: float | None = None
    """Upper bound, likewise."""
    share: Fraction | None = None
    """Share of fresh replicas that must keep the bound, instead of the mean."""

    @model_validator(mode="after")
    def _one_bound(self) -> "Target":
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a target has one bound: at_least or at_most")
        return self


class Equilibrium(Part):
    """How the verdict is reached; none of it changes the training, so a stored run can be judged again with other values."""

    confidence: Confidence = 0.95
    """1 - alpha of every confidence statement."""
    content: Annotated[float, Field(gt=0, le=0.9999)] = 0.85
    """Share of fresh replicas that must agree within the margin."""
    window: Annotated[float, Field(gt=0, le=0.5)] = 0.5
    """The window as a fraction of the training time, at its end; 0.5 is one doubling."""
    margins: dict[str, Margin] = Field(default_factory=dict)
    """Observable to delta, the largest difference that does not matter; what has a margin gates."""
    targets: dict[str, Target] = Field(default_factory=dict)
    """Observable to what it is to reach; it gates only where that is asked for, with --require target."""
    better: dict[str, Literal["higher", "lower"]] = Field(default_factory=dict)
    """Observable to its good direction in comparisons, where its name does not tell it (my_score: higher)."""
    tolerance: Literal["distribution-free", "normal"] = "distribution-free"
    """Kind of tolerance interval of the agreement criterion; `normal` needs fewer replicas, and misses a rare stuck mode."""
    diverged: Annotated[int, Field(ge=0)] = 0
    """Number of replicas that may diverge or crash before the verdict is `diverged`."""
    require_ergodic: bool = False
    """Whether `thermalized` also needs ergodicity: that replicas wander as far from themselves as from each other."""
