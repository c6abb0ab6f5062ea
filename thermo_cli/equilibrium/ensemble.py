"""What the court judges: an ensemble with all that is known of it, and what several criteria need of that, computed once.

    ensemble = Ensemble(trajectories, Question(steps=8000, histories=("cold", "hot"), ...), Settings(margins={...}))
    ensemble.margins["test_accuracy"].delta, ensemble.finals["test_accuracy"][ensemble.members["hot"]]

It knows no spec and no run folder: who asks says in a `Question` what numbers alone cannot tell.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Overlaps, Trajectories
from thermo_cli.equilibrium.margins import Margin, energy_margin
from thermo_cli.equilibrium.statistics.interval import ROUNDING


@dataclass(frozen=True)
class Goal:
    """What an observable is to reach at the end of training.

    Attributes:
        bound: The least, or the largest, that will do.
        higher: Whether it is the least.
        share: Share of fresh replicas that must keep it; None for the trimmed mean.
    """

    bound: float
    higher: bool
    share: float | None = None

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1."""
        return 1 if self.higher else -1

    def reached(self, values: Array) -> NDArray[np.bool_]:
        """Say which values keep the bound; what is not a number does not."""
        return np.asarray(self.sign * (values - self.bound) >= -ROUNDING * abs(self.bound))

    @property
    def words(self) -> str:
        """What is asked for."""
        who = "for the trimmed mean" if self.share is None else f"for {self.share:g} of all replicas"
        return f"at {'least' if self.higher else 'most'} {self.bound:g} is asked {who}"


@dataclass(frozen=True)
class Settings:
    """The user's choices; none of them changes the training.

    Attributes:
        confidence: 1 - alpha.
        content: Share of fresh replicas that must be inside a margin.
        window: Fraction of the training time, at its end.
        margins: Observable to delta, where the user states one.
        diverged: Replicas that may diverge or crash.
        tolerance: Kind of tolerance interval of the agreement criterion.
        require_ergodic: Whether thermalized also needs ergodicity.
        better: Observable to its good direction, `higher` or `lower`, where its name does not tell it.
        targets: Observable to what it is to reach.
        look: Which look this is at an ensemble that grows until it is decided, from 1; 0 where it does not grow.
    """

    confidence: float = 0.95
    content: float = 0.85
    window: float = 0.5
    margins: Mapping[str, float] = field(default_factory=dict)
    diverged: int = 0
    tolerance: Literal["distribution-free", "normal"] = "distribution-free"
    require_ergodic: bool = False
    better: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, Goal] = field(default_factory=dict)
    look: int = 0

    @property
    def alpha(self) -> float:
        """Error rate of each confidence statement: (1 - confidence) / 2^k at look k, so that all looks together keep it."""
        return (1.0 - self.confidence) * 0.5**self.look

    @property
    def trim(self) -> float:
        """Share of the replicas that trimmed means leave out on each side; half of them speak at least."""
        return min(1.0 - self.content, 0.25)


@dataclass(frozen=True)
class Extent:
    """How large a run that can be trained again is planned to become; advice on more of it is a command.

    Attributes:
        command: What trains it, without what is to be changed.
        replicas: Replicas per history, at first and at most.
        steps: Training time, at first and at most.
        closed: Whether a longer training is another training, from its first step.
    """

    command: str
    replicas: tuple[int, int]
    steps: tuple[int, int]
    closed: bool = False


@dataclass(frozen=True)
class Question:
    """What the court has to know of a run besides its numbers.

    Attributes:
        steps: Training time T.
        histories: Names, the first being the one that others are compared with.
        margins: delta of what gates although the user states no margin, in the order in which a summary speaks of it.
        schedule: Name of the learning-rate schedule.
        scope: "for resampling this pool of n examples, with this test set; varied: ..."
        learning_rate: For the remedy of a divergence; None where there is none.
        evolves: Whether there is a training time; a closed-form fit has none.
        once: Whether the fit was done once, although it has a training time: nothing says what more of it would change.
        independent: Whether main replicas share no randomness; in a crossed design they do.
        initial: Observable to its mean before training, stated by who recorded it.
        energy_margin: Whether a margin of the energy may be derived from its fall.
        controls: Partners and twins beside the main replicas.
        resolutions: Observable to the unit that its values are multiples of: 1/n for shares of n test examples.
        higher: Observable to whether higher is better, where that is known.
        constants: Observable to the score of the constant predictor; empty where there are no labels.
        constant_answer: What it always answers.
        idle: Sources of randomness that are said to vary and change nothing.
        extent: How large it is planned to become; None of what cannot be trained again.
        own_errors: Observable to what the test set alone contributes to it, where its values are no shares of examples.
    """

    steps: int
    histories: tuple[str, ...]
    margins: Mapping[str, float]
    schedule: str
    scope: str
    learning_rate: float | None = None
    evolves: bool = True
    once: bool = False
    independent: bool = True
    initial: Mapping[str, float] = field(default_factory=dict)
    energy_margin: bool = True
    controls: int = 0
    resolutions: Mapping[str, float] = field(default_factory=dict)
    higher: Mapping[str, bool] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    constant_answer: str = "the most frequent class"
    idle: tuple[str, ...] = ()
    extent: Extent | None = None
    own_errors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Ensemble:
    """An ensemble before the court. Evidence are replicas whose training is over, copies once; what is not finite is NaN.

    Attributes:
        recorded: Observables of all main replicas, those still to be trained among them.
        question: What numbers alone cannot tell.
        settings: How it is to be judged.
        overlaps: What is known of the microstates; None where there are none.
    """

    recorded: Trajectories
    question: Question
    settings: Settings
    overlaps: Overlaps | None = None

    @cached_property
    def trajectories(self) -> Trajectories:
        """Observables of the replicas whose training is over, copies of one run once; in a crossed design some must be."""
        trained = self.recorded.trained
        evidence = trained.independent if self.question.independent else trained
        values = {name: np.where(np.isfinite(array), array, np.nan) for name, array in evidence.values.items()}
        return dataclasses.replace(evidence, values=values)

    @property
    def values(self) -> Mapping[str, Array]:
        """Observable to A_r(t), (replica, time)."""
        return self.trajectories.values

    @cached_property
    def finals(self) -> dict[str, Array]:
        """Observable to A_r at its last measurement that all have, (replica,); NaN of who has diverged or crashed."""
        last = {name: np.flatnonzero(there)[-1] for name, there in self.measured.items() if there.any()}
        nothing = np.full(len(self.trajectories.replicas), np.nan)
        finals = {name: values[:, last[name]] if name in last else nothing for name, values in self.values.items()}
        return {name: np.where(self.alive, final, np.nan) for name, final in finals.items()}

    @cached_property
    def alive(self) -> NDArray[np.bool_]:
        """Replicas that have neither diverged nor crashed, (replica,)."""
        rows = {name: row for row, name in enumerate(self.recorded.replicas)}
        return self.recorded.alive[[rows[name] for name in self.trajectories.replicas]]

    @cached_property
    def means(self) -> dict[str, Array]:
        """Observable to the mean of A_r over the window, (replica,)."""
        return {name: _mean(values[:, self.within(name)]) for name, values in self.values.items()}

    @cached_property
    def measured(self) -> dict[str, NDArray[np.bool_]]:
        """Observable to the measurements that all replicas have which have neither diverged nor crashed, (time,).

        A value that is missing between others, or at the end, is a measurement that was not made.
        """
        logged = self.recorded.trained.logged
        return {name: logged[name] & np.isfinite(self.values[name][self.alive]).all(axis=0) for name in self.values}

    def within(self, observable: str) -> NDArray[np.bool_]:
        """Return which measurements of an observable lie in the window, (time,)."""
        return np.asarray(self.window & self.measured[observable])

    def course(self, observable: str, history: str) -> tuple[Array, Array]:
        """Return A_r(t) of a history in the window, (replica, time), and t, (time,)."""
        within = self.within(observable)
        return self.values[observable][self.members[history]][:, within], self.trajectories.steps[within].astype(float)

    @cached_property
    def histories(self) -> tuple[str, ...]:
        """The question's histories of which replicas have been trained."""
        return tuple(name for name in self.question.histories if name in self.trajectories.histories)

    @cached_property
    def members(self) -> dict[str, NDArray[np.bool_]]:
        """History to which replicas belong to it, (replica,)."""
        return {name: self.trajectories.members(name) for name in self.histories}

    @cached_property
    def window(self) -> NDArray[np.bool_]:
        """Which measurements lie in [T (1 - window), T], (time,)."""
        first = round(self.question.steps * (1 - self.settings.window), 6)
        return np.asarray(self.trajectories.steps >= np.floor(first))

    @cached_property
    def times(self) -> Array:
        """Steps of the measurements in the window, (time,)."""
        return self.trajectories.steps[self.window].astype(np.float64)

    @cached_property
    def margins(self) -> dict[str, Margin]:
        """Delta of every gating observable: the user's, a default, or of the energy a share of its fall in `cold`."""
        stated = self.settings.margins
        deltas = {**stated, **self.question.margins, **stated}  # in this order: what is stated comes first, and holds
        margins = {
            name: Margin(delta, derived=False, full=name != "energy")
            for name, delta in deltas.items()
            if name in self.values
        }
        starts = self.question.energy_margin and self.trajectories.steps[0] == 0
        if starts and "energy" in self.values and "energy" not in margins:
            plain = "cold" if "cold" in self.histories else self.histories[0]
            derived = energy_margin(self.values["energy"][self.members[plain]], self.window)
            margins |= {"energy": derived} if derived is not None else {}
        return margins

    def least_variance(self, observable: str) -> float:
        """Return resolution^2 / 12, what rounding alone makes of the variance of a value; 0 where the unit is not known."""
        return self.question.resolutions.get(observable, 0.0) ** 2 / 12

    @property
    def first_to_diverge(self) -> str:
        """The replica that was the first to have a value that is not finite, and the step; empty where all are finite."""
        recorded = self.recorded.trained
        when = np.where(recorded.crashed, len(recorded.steps), recorded.lost)
        first = int(when.argmin())
        if when[first] == len(recorded.steps):
            return ""
        return f"{recorded.replicas[first]} by step {recorded.steps[when[first]]}"


def _mean(values: Array) -> Array:
    """Return the mean over time, (replica,); NaN where nothing was measured."""
    return np.asarray(values.mean(axis=1)) if values.shape[1] else np.full(len(values), np.nan)
