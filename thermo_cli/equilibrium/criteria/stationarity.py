"""Stationarity: has the macroscopic behaviour stopped changing, in each replica, on average, and in its spread?

Judged per observable and per history, with replicas as the independent units: a history drifting up and one drifting down would
hide each other in a pool, and one trajectory cannot say how far it is from its own end. At a constant protocol it is read off
the window [T/2, T]; under a schedule, or for fits with a budget, off ensembles trained with total budgets T/4, T/2 and T.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from thermo_cli.contracts import Array, Row
from thermo_cli.equilibrium.ensemble import Question, Settings
from thermo_cli.equilibrium.margins import Margin
from thermo_cli.equilibrium.statistics.growth import growth_of_spread
from thermo_cli.equilibrium.statistics.intervals import (
    ROUNDING,
    mean_interval,
    replicas_for_mean,
    replicas_for_share,
    size_quantile,
)

MIN_MEASUREMENTS: Final = 8
MIN_FOR_MEAN: Final = 2
MIN_FOR_SPREAD: Final = 3  # leaving one out must leave a spread
S1, S2, S3 = "S1 each replica is still", "S2 projection to 4T", "S3 growth of the spread"
PER_STEP, PER_DOUBLING = 6.0, 2.0  # from T to 4T are six times the steps and twice the doublings from T/2 to T


@dataclass(frozen=True)
class Changes:
    """What has been seen of the changes of one observable in one history.

    Attributes:
        moved: d_r, how far each replica moved lately, (replica,).
        between: Between what and what, in words.
        per_step: Each replica's drift projected from T to 4T if it goes on per step, (replica,).
        per_doubling: The same if it goes on per doubling, (replica,).
        values: A_r at the times below, (replica, time).
        times: (time,).
    """

    moved: Array
    between: str
    per_step: Array
    per_doubling: Array
    values: Array
    times: Array


@dataclass(frozen=True)
class Case:
    """Which rows are to be made: one observable of one history, and by what it is judged."""

    observable: str
    history: str
    margin: Margin
    question: Question
    settings: Settings

    def refused(self, reason: str, outcome: str = "untested") -> list[Row]:
        """Return the three rows without numbers.

        Args:
            reason: Why.
            outcome: `untested` or `inapplicable`.
        """
        return [
            self._refused(S1, True, reason, outcome),
            self._refused(S2, True, reason, outcome),
            self._refused(S3, self.margin.full, reason, outcome),
        ]

    def _refused(self, statistic: str, gates: bool, reason: str, outcome: str = "untested") -> Row:
        return Row(
            "stationarity",
            statistic,
            self.observable,
            self.history,
            gates,
            outcome,  # type: ignore[arg-type]
            margin=self.margin.delta,
            explanation=reason,
        )

    def judged(self, changes: Changes) -> list[Row]:
        """Return the three rows.

        Args:
            changes: What was seen.
        """
        finite = int(np.isfinite(changes.values).all(axis=1).sum())
        few = f"only {finite} of {len(changes.values)} replicas have finite values; at least {{}} are needed"
        return [
            still(self, changes),
            going_nowhere(self, changes)
            if finite >= MIN_FOR_MEAN
            else self._refused(S2, True, few.format(MIN_FOR_MEAN)),
            not_growing(self, changes)
            if finite >= MIN_FOR_SPREAD
            else self._refused(S3, self.margin.full, few.format(MIN_FOR_SPREAD)),
        ]


def stationarity(
    observable: str,
    history: str,
    values: Array,
    steps: Array,
    margin: Margin,
    question: Question,
    settings: Settings,
    budgets: Array | None = None,
) -> list[Row]:
    """Answer S1, S2 and S3 for one observable of one history.

    Args:
        observable: Its name.
        history: The history's name.
        values: A_r(t) in the window, (replica, time).
        steps: t, (time,).
        margin: delta, and whether S3 gates.
        question: For T, and whether a trajectory says anything.
        settings: Confidence and content.
        budgets: Final values with total budgets T/4, T/2 and T, (replica, 3), where those were run.
    """
    case = Case(observable, history, margin, question, settings)
    if not question.evolves:
        return case.refused(
            "the fit is in closed form, or at the only optimum: there is no training time", "inapplicable"
        )
    if not question.independent:
        return case.refused("in a crossed design replicas share their randomness: they are no independent units")
    if question.once:
        return case.refused(
            "the fit was done once, and one fit says nothing about a longer one: give it a training time (dynamics.with.time)"
        )
    if budgets is not None:
        return case.judged(between_budgets(budgets, question.steps))
    if question.schedule != "constant":
        return case.refused(
            f"the learning rate follows a {question.schedule} schedule: one trajectory says nothing about longer training; "
            "observe.budgets: true trains T/4 and T/2 as well"
        )
    if len(steps) < MIN_MEASUREMENTS:
        return case.refused(f"only {len(steps)} measurements lie in the window; {MIN_MEASUREMENTS} are needed")
    return case.judged(within_window(values, steps, question.steps))


def within_window(values: Array, steps: Array, total: int) -> Changes:
    """Read the changes off the window.

    d_r = mean(A_r on its second half) - mean(A_r on its first half); two straight lines per replica, against t with slope b_r
    and against log2 t with slope c_r, give 3 T b_r (the upper envelope of every decelerating drift) and 2 c_r.

    Args:
        values: A_r(t), (replica, time).
        steps: t, (time,).
        total: T.
    """
    late = steps > (steps[0] + steps[-1]) / 2
    moved = values[:, late].mean(axis=1) - values[:, ~late].mean(axis=1)
    per_step = 3.0 * total * slopes(values, steps)
    per_doubling = PER_DOUBLING * slopes(values, np.log2(np.maximum(steps, 1)))
    return Changes(moved, "between the halves of the window", per_step, per_doubling, values, steps)


def between_budgets(finals: Array, total: int) -> Changes:
    """Read the changes off ensembles trained with total budgets T/4, T/2 and T, each with its whole schedule, paired.

    d_r = A_r(T) - A_r(T/2), projected as 6 d_r per step and 2 d_r per doubling.

    Args:
        finals: (replica, 3).
        total: T.
    """
    moved = finals[:, 2] - finals[:, 1]
    times = total * np.array([0.25, 0.5, 1.0])
    return Changes(moved, "between the budgets T/2 and T", PER_STEP * moved, PER_DOUBLING * moved, finals, times)


def still(case: Case, changes: Changes) -> Row:
    """S1: at least `content` of fresh replicas have |d_r| <= delta.

    Clopper-Pearson on the count inside, stated as bounds on the `content` quantile of |d_r|. A replica that is not finite
    counts as moving without bound.

    Args:
        case: Which row.
        changes: What was seen.
    """
    settings, delta = case.settings, case.margin.delta
    moved = np.abs(changes.moved)
    moved = np.where(np.isfinite(moved), moved, np.inf)
    interval = size_quantile(moved, settings.content, settings.alpha)
    outcome = interval.below(delta)
    inside = int((moved <= delta * (1 + ROUNDING)).sum())
    needed = (
        replicas_for_share(inside / len(moved), settings.content, settings.alpha) if outcome == "undecided" else None
    )
    explanation = (
        f"{inside} of {len(moved)} replicas moved by at most {delta:.3g} {changes.between}; "
        f"at least {settings.content:.0%} of fresh ones must"
    )
    return Row(
        "stationarity",
        S1,
        case.observable,
        case.history,
        True,
        outcome,
        interval.estimate,
        (interval.lower, interval.upper),
        delta,
        settings.confidence,
        explanation,
        needed,
    )


def going_nowhere(case: Case, changes: Changes) -> Row:
    """S2: training four times as long would move the mean by less than delta.

    Holds when the interval of the mean drift per step lies in (-delta, delta); fails when that of the mean drift per doubling
    lies outside; t-intervals over replicas, each bound at 1 - alpha.

    Args:
        case: Which row.
        changes: What was seen.
    """
    alpha, delta, total = case.settings.alpha, case.margin.delta, case.question.steps
    per_step, per_doubling = mean_interval(changes.per_step, alpha), mean_interval(changes.per_doubling, alpha)
    shown, needed, longer = per_step, None, None
    if per_step.inside(delta) == "holds":
        outcome, explanation = "holds", f"training four times as long would move it by less than {delta:.3g}"
    elif per_doubling.inside(delta) == "fails":
        outcome, shown, longer = "fails", per_doubling, 2 * total
        moved = f"it moves by {per_doubling.estimate / 2:+.3g} per doubling of the training time"
        explanation = f"{moved}, more than half the margin: caught relaxing"
    else:
        outcome, longer = "undecided", 2 * total
        needed = replicas_for_mean(per_step, delta, int(np.isfinite(changes.per_step).sum()))
        explanation = (
            f"at its present pace per step it would move by {per_step.estimate:+.3g} until 4T "
            f"(per doubling: {per_doubling.estimate:+.3g}); longer training decides"
        )
    return Row(
        "stationarity",
        S2,
        case.observable,
        case.history,
        True,
        outcome,  # type: ignore[arg-type]
        shown.estimate,
        (shown.lower, shown.upper),
        delta,
        case.settings.confidence,
        explanation,
        needed,
        longer,
    )


def not_growing(case: Case, changes: Changes) -> Row:
    """S3: the half-width that holds `content` of the replicas grows by at most delta/2 from T to 4T.

    It is about growth, not size: a frozen glass holds S3 and fails A.

    Args:
        case: Which row.
        changes: What was seen.
    """
    settings, margin = case.settings, case.margin.delta / 2
    finite = changes.values[np.isfinite(changes.values).all(axis=1)]
    growth = growth_of_spread(finite, changes.times, case.question.steps, settings.content, settings.alpha)
    outcome = growth.below(margin)
    words = {
        "holds": "the spread is not growing",
        "fails": "the spread is growing: replicas drift apart",
        "undecided": "the spread may be growing; more replicas or longer training decide",
    }
    needed = replicas_for_mean(growth, margin, len(finite), one_sided=True) if outcome == "undecided" else None
    return Row(
        "stationarity",
        S3,
        case.observable,
        case.history,
        case.margin.full,
        outcome,
        growth.estimate,
        (growth.lower, growth.upper),
        margin,
        settings.confidence,
        words[outcome],
        needed,
        2 * case.question.steps if outcome == "undecided" else None,
    )


def slopes(values: Array, x: Array) -> Array:
    """Fit a straight line to each replica by least squares and return its slope, (replica,).

    Args:
        values: (replica, time).
        x: (time,), not constant.
    """
    centred = x - x.mean()
    slope: Array = values @ centred / (centred @ centred)
    return slope


def nothing_has_happened(moves: Mapping[str, float], margins: Mapping[str, Margin]) -> Row | None:
    """Return a row that leaves stationarity open when no gating mean has left its margin since the first record.

    A system that has not begun to move looks as still as one that has arrived.

    Args:
        moves: Observable to the largest |mean in the window - mean at the first record| over the histories.
        margins: delta; those derived from the movement itself say nothing here.
    """
    stated = {name: move for name, move in moves.items() if not margins[name].derived}
    if not stated or any(not move <= margins[name].delta for name, move in stated.items()):
        return None
    name, move = max(stated.items(), key=lambda item: item[1] / margins[item[0]].delta)
    return Row(
        "stationarity",
        "movement since the first record",
        name,
        "all histories",
        True,
        "undecided",
        move,
        None,
        margins[name].delta,
        None,
        "nothing has moved by more than its margin since the first record: still, or not yet begun?",
    )
