"""Stationarity: has the macroscopic behaviour stopped changing, in each replica, on average, and in its spread?

S1: at least `content` of fresh replicas have |d_r| <= delta, d_r being how far replica r moved lately.
S2: |mean drift| projected from T to 4T < delta.
S3: the half-width that holds `content` of the replicas grows by at most delta/2 from T to 4T.

Judged per observable and per history, with replicas as the independent units: a history drifting up and one drifting down would
hide each other in a pool, and one trajectory cannot say how far it is from its own end. At a constant protocol it is read off
the window [T/2, T]; under a schedule, or for fits with a budget, off ensembles trained with total budgets T/4, T/2 and T.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from thermo_cli.contracts import Array, Outcome, Row
from thermo_cli.equilibrium.criteria.criterion import EVERYWHERE, SHARED, Criterion, answered, refused
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.statistics.forecast import replicas_for_mean
from thermo_cli.equilibrium.statistics.growth import growth_of_spread
from thermo_cli.equilibrium.statistics.interval import ROUNDING
from thermo_cli.equilibrium.statistics.mean import mean_interval
from thermo_cli.equilibrium.statistics.share import replicas_for_share, size_quantile
from thermo_cli.equilibrium.statistics.slope import slopes

MIN_MEASUREMENTS: Final = 8
MIN_FOR_MEAN: Final = 2
MIN_FOR_SPREAD: Final = 3  # leaving one out must leave a spread
S1, S2, S3 = "S1 each replica is still", "S2 projection to 4T", "S3 growth of the spread"
PER_STEP, PER_DOUBLING = 6.0, 2.0  # from T to 4T are six times the steps and twice the doublings from T/2 to T
NO_TIME: Final = "the fit is in closed form, or at the only optimum: there is no training time"
ONCE: Final = (
    "the fit was done once, and one fit says nothing about a longer one: give it a training time (dynamics.with.time)"
)


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


def stationarity(ensemble: Ensemble) -> list[Row]:
    """Answer S1, S2 and S3 for every gating observable of every history."""
    if not ensemble.margins:
        return [refused(Row("stationarity", "S", None, EVERYWHERE, True), "no observable has a margin")]
    return [
        row
        for history in ensemble.histories
        for observable in ensemble.margins
        for row in _three(ensemble, observable, history)
    ]


def _three(ensemble: Ensemble, observable: str, history: str) -> list[Row]:
    margin, total = ensemble.margins[observable], ensemble.question.steps
    rows = [
        Row("stationarity", statistic, observable, history, gates, margin=margin.delta)
        for statistic, gates in ((S1, True), (S2, True), (S3, margin.full))
    ]
    budgets = ensemble.trajectories.budgets.get(observable)
    reason = _no_answer(ensemble, budgets is not None)
    if reason:
        outcome: Outcome = "untested" if ensemble.question.evolves else "inapplicable"
        return [refused(row, reason, outcome) for row in rows]
    members = ensemble.members[history]
    if budgets is not None:
        changes = between_budgets(budgets[members], total)
    else:
        changes = within_window(ensemble.values[observable][members][:, ensemble.window], ensemble.times, total)
    finite = int(np.isfinite(changes.values).all(axis=1).sum())
    few = f"only {finite} of {len(changes.values)} replicas have finite values; at least {{}} are needed"
    judges = ((still, 0), (going_nowhere, MIN_FOR_MEAN), (not_growing, MIN_FOR_SPREAD))
    return [
        judge(row, changes, margin.delta, ensemble) if finite >= least else refused(row, few.format(least))
        for row, (judge, least) in zip(rows, judges, strict=True)
    ]


def _no_answer(ensemble: Ensemble, budgets: bool) -> str:
    """Say why the trajectories tell nothing about longer training, or nothing."""
    question, measurements = ensemble.question, len(ensemble.times)
    scheduled = (
        f"the learning rate follows a {question.schedule} schedule: one trajectory says nothing about longer training; "
        "observe.budgets: true trains T/4 and T/2 as well"
    )
    few = f"only {measurements} measurements lie in the window; {MIN_MEASUREMENTS} are needed"
    reasons = (
        (not question.evolves, NO_TIME),
        (not question.independent, SHARED),
        (question.once, ONCE),
        (not budgets and question.schedule != "constant", scheduled),
        (not budgets and measurements < MIN_MEASUREMENTS, few),
    )
    return next((reason for applies, reason in reasons if applies), "")


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


def still(row: Row, changes: Changes, delta: float, ensemble: Ensemble) -> Row:
    """S1: Clopper-Pearson on the count inside, stated as bounds on the `content` quantile of |d_r|.

    A replica that is not finite counts as moving without bound.
    """
    content, alpha = ensemble.settings.content, ensemble.settings.alpha
    moved = np.abs(changes.moved)
    moved = np.where(np.isfinite(moved), moved, np.inf)
    interval = size_quantile(moved, content, alpha)
    outcome = interval.below(delta)
    inside = int((moved <= delta * (1 + ROUNDING)).sum())
    needed = replicas_for_share(inside, len(moved), content, alpha) if outcome == "undecided" else None
    words = (
        f"{inside} of {len(moved)} replicas moved by at most {delta:.3g} {changes.between}; "
        f"at least {content:.0%} of fresh ones must"
    )
    return answered(row, interval, outcome, words, 1 - ensemble.settings.alpha, replicas_needed=needed)


def going_nowhere(row: Row, changes: Changes, delta: float, ensemble: Ensemble) -> Row:
    """S2: training four times as long would move the mean by less than delta.

    Holds when the interval of the mean drift per step lies in (-delta, delta); fails when that of the mean drift per doubling
    lies outside; t-intervals over replicas, each bound at 1 - alpha.
    """
    alpha, confidence = ensemble.settings.alpha, 1 - ensemble.settings.alpha
    per_step, per_doubling = mean_interval(changes.per_step, alpha), mean_interval(changes.per_doubling, alpha)
    longer = {"steps_needed": 2 * ensemble.question.steps}
    if per_step.inside(delta) == "holds":
        words = f"training four times as long would move it by less than {delta:.3g}"
        return answered(row, per_step, "holds", words, confidence)
    if per_doubling.inside(delta) == "fails":
        pace = f"it moves by {per_doubling.estimate / 2:+.3g} per doubling of the training time"
        words = f"{pace}, more than half the margin: caught relaxing"
        return answered(row, per_doubling, "fails", words, confidence, **longer)
    needed = replicas_for_mean(per_step, delta, int(np.isfinite(changes.per_step).sum()))
    words = (
        f"at its present pace per step it would move by {per_step.estimate:+.3g} until 4T "
        f"(per doubling: {per_doubling.estimate:+.3g}); longer training decides"
    )
    return answered(row, per_step, "undecided", words, confidence, replicas_needed=needed, **longer)


def not_growing(row: Row, changes: Changes, delta: float, ensemble: Ensemble) -> Row:
    """S3: it is about growth, not size: a frozen glass holds S3 and fails A."""
    settings, total, largest = ensemble.settings, ensemble.question.steps, delta / 2
    finite = changes.values[np.isfinite(changes.values).all(axis=1)]
    growth = growth_of_spread(finite, changes.times, total, settings.content, settings.alpha)
    outcome = growth.below(largest)
    words = {
        "holds": "the spread is not growing",
        "fails": "the spread is growing: replicas drift apart",
        "undecided": "the spread may be growing; more replicas or longer training decide",
    }[outcome]
    needs = {}
    if outcome == "undecided":
        needed = replicas_for_mean(growth, largest, len(finite), one_sided=True)
        needs = {"replicas_needed": needed, "steps_needed": 2 * total}
    return answered(row, growth, outcome, words, 1 - settings.alpha, margin=largest, **needs)


STATIONARITY: Final = Criterion(
    "stationarity", "Has it stopped changing?", "yes, at rest", "no, still changing", True, stationarity
)
