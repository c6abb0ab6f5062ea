"""Stationarity: has the macroscopic behaviour stopped changing, in each replica, on average, and in its spread?

S1: at least `content` of fresh replicas have |d_r| <= delta, d_r being how far replica r moved lately.
S2: |mean drift| projected from T to 4T < delta, of the trimmed and of the plain mean; and in the window the trimmed mean of
A_r(t) minus r's own mean never leaves (-delta, delta).
S3: the half-width that holds `content` of the replicas grows by at most delta/2 from T to 4T.

Judged per observable and per history, with replicas as the independent units: a history drifting up and one drifting down would
hide each other in a pool, and one trajectory cannot say how far it is from its own end. At a constant protocol it is read off
the window [T/2, T]; under a schedule, or for fits with a budget, off ensembles trained with total budgets T/4, T/2 and T.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from thermo_cli.contracts import Outcome, Row
from thermo_cli.equilibrium.changes import Changes, between_budgets, comes_to_rest, within_window
from thermo_cli.equilibrium.criteria.criterion import EVERYWHERE, SHARED, Criterion, answered, refused
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.statistics.forecast import replicas_for_mean, replicas_for_open
from thermo_cli.equilibrium.statistics.growth import growth_of_spread, hidden_growth
from thermo_cli.equilibrium.statistics.interval import ROUNDING, Interval
from thermo_cli.equilibrium.statistics.share import replicas_for_share, size_quantile
from thermo_cli.equilibrium.statistics.trimmed import FEWEST, mean_and_half, mean_interval

MIN_MEASUREMENTS: Final = 8
S1, S2, S3 = "S1 each replica is still", "S2 projection to 4T", "S3 growth of the spread"
DOUBT: Final = 6.0  # times the level of a failure: from there on growth behind offsets is open
LONGEST: Final = 64.0  # times T; a longer training is no advice
HIDDEN: Final = "behind constant offsets the spread may be growing; longer training decides"
NO_TIME: Final = "the fit is in closed form, or at the only optimum: there is no training time"
FINALS: Final = (
    "final scores alone do not tell; scores at several steps, or those of smaller budgets (T/4, T/2, T), would"
)
ONCE: Final = (
    "the fit was done once, and one fit says nothing about a longer one: give it a training time (dynamics.with.time)"
)


@dataclass(frozen=True)
class Terms:
    """By what the changes of one observable in one history are judged.

    Attributes:
        delta: Its margin.
        least: Least variance of a value.
        rows: Gating rows of the criterion: any of them may fail.
        ensemble: To which it belongs.
    """

    delta: float
    least: float
    rows: int
    ensemble: Ensemble

    @property
    def alpha(self) -> float:
        """Error rate of a bound that holds."""
        return self.ensemble.settings.alpha

    @property
    def trim(self) -> float:
        """Share of the replicas that a trimmed mean leaves out on each side."""
        return self.ensemble.settings.trim

    @property
    def total(self) -> int:
        """T."""
        return self.ensemble.question.steps


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
    values, times = ensemble.course(observable, history)
    budgets = ensemble.trajectories.budgets.get(observable)
    reason = _no_answer(ensemble, budgets is not None, len(times))
    if reason:
        outcome: Outcome = "untested" if ensemble.question.evolves else "inapplicable"
        return [refused(row, reason, outcome) for row in rows]
    if budgets is not None:
        changes = between_budgets(budgets[ensemble.members[history]], total)
    else:
        changes = within_window(values, times, total)
    gating = len(ensemble.histories) * sum(2 + margin.full for margin in ensemble.margins.values())
    terms = Terms(margin.delta, ensemble.least_variance(observable), gating, ensemble)
    finite = int(np.isfinite(changes.values).all(axis=1).sum())
    few = f"only {finite} of {len(changes.values)} replicas have finite values; at least {{}} are needed"
    judges = ((still, 0), (going_nowhere, FEWEST), (not_growing, FEWEST))
    return [
        judge(row, changes, terms) if finite >= least else refused(row, few.format(least))
        for row, (judge, least) in zip(rows, judges, strict=True)
    ]


def _no_answer(ensemble: Ensemble, budgets: bool, measurements: int) -> str:
    """Say why the trajectories tell nothing about longer training, or nothing."""
    question = ensemble.question
    scheduled = (
        f"the learning rate follows a {question.schedule} schedule: one trajectory says nothing about longer training; "
        "observe.budgets: true trains T/4 and T/2 as well"
    )
    missing = len(ensemble.times) - measurements
    lacking = f" ({missing} are missing of a replica)" if missing else ""
    few = f"only {measurements} measurements lie in the window{lacking}; {MIN_MEASUREMENTS} are needed"
    reasons = (
        (not question.evolves, NO_TIME),
        (not question.independent, SHARED),
        (question.once, ONCE),
        (not budgets and len(ensemble.trajectories.steps) == 1, FINALS),
        (not budgets and question.schedule != "constant", scheduled),
        (not budgets and measurements < MIN_MEASUREMENTS, few),
    )
    return next((reason for applies, reason in reasons if applies), "")


def still(row: Row, changes: Changes, terms: Terms) -> Row:
    """S1: Clopper-Pearson on the count inside, stated as bounds on the `content` quantile of |d_r|.

    A replica that is not finite counts as moving without bound.
    """
    content, delta = terms.ensemble.settings.content, terms.delta
    moved = np.abs(changes.moved)
    moved = np.where(np.isfinite(moved), moved, np.inf)
    interval = size_quantile(moved, content, terms.alpha, terms.rows)
    outcome = interval.below(delta)
    inside = int((moved <= delta * (1 + ROUNDING)).sum())
    needed = None
    if outcome == "undecided":
        needed = replicas_for_share(inside, len(moved), content, terms.alpha, rows=terms.rows)
    words = (
        f"{inside} of {len(moved)} replicas moved by at most {delta:.3g} {changes.between}; "
        f"at least {content:.0%} of fresh ones must"
    )
    return answered(row, interval, outcome, words, 1 - terms.alpha, replicas_needed=needed)


def going_nowhere(row: Row, changes: Changes, terms: Terms) -> Row:
    """S2: training four times as long would move the mean by less than delta, and within the window it was always there.

    Holds when the intervals of the trimmed and of the plain mean of the drift per step lie in (-delta, delta), each bound at
    1 - alpha (the trimmed one alone is blind where values are multiples of delta); fails when that of the trimmed mean of the
    drift per doubling lies outside at alpha / rows.
    """
    alpha, trim, delta = terms.alpha, terms.trim, terms.delta
    least, coarse = (terms.least * weight for weight in changes.weights)
    per_step, plain = (mean_interval(changes.per_step, alpha, share, least) for share in (trim, 0.0))
    per_doubling, surer = (
        mean_interval(changes.per_doubling, level, trim, coarse) for level in (alpha, alpha / terms.rows)
    )
    if per_step.inside(delta) == plain.inside(delta) == "holds":
        when = _off_its_mean(changes, terms)
        words = f"training four times as long would move it by less than {delta:.3g}"
        if when is not None:
            words = f"around step {when:.0f} the replicas may have been {delta:.3g} off their means, all the same way"
        return answered(row, per_step, "holds" if when is None else "undecided", words, 1 - alpha)
    wider = max(per_step, plain, key=lambda interval: max(abs(interval.lower), abs(interval.upper)))
    steps = _steps_for(wider, changes, terms)
    pace = f"per doubling of the training time it moves by {per_doubling.estimate / 2:+.3g}"
    if surer.inside(delta) == "fails":
        words = f"{pace}, more than half the margin: caught relaxing"
        return answered(row, per_doubling, "fails", words, 1 - alpha, steps_needed=steps)
    finite = int(np.isfinite(changes.per_step).sum())
    needed = replicas_for_mean(wider, delta, finite, alpha) if abs(wider.estimate) < delta else None
    ending = "longer training decides" if steps else "if it goes on like that no longer training decides"
    words = (
        f"at its present pace it would move by {wider.estimate:+.3g} in training four times as long ({pace}); {ending}"
    )
    return answered(row, wider, "undecided", words, 1 - alpha, replicas_needed=needed, steps_needed=steps)


def _off_its_mean(changes: Changes, terms: Terms) -> float | None:
    """Return when the trimmed mean of A_r(t) minus r's own mean may have left (-delta, delta) most; None where it never did.

    Of values as they were measured: what is outlying in all replicas at once is no accident of one of them.
    """
    if len(changes.times) < MIN_MEASUREMENTS:
        return None
    own = changes.values - changes.values.mean(axis=1, keepdims=True)
    mean, half = mean_and_half(own, terms.alpha, terms.trim, terms.least)
    reach = np.abs(mean) + half
    worst = int(np.argmax(reach))
    return float(changes.times[worst]) if reach[worst] >= terms.delta * (1 + ROUNDING) else None


def _steps_for(interval: Interval, changes: Changes, terms: Terms) -> int | None:
    """Return the training time at which the projection per step would fit; None where none does that is worth telling.

    What goes on per doubling keeps its projection whatever the time. What comes to rest like 1/t halves it with every
    doubling, and the noise of a line through as many measurements stays: 2^k T brings estimate / 2^k + half-width below delta.
    """
    own = changes.lines - changes.lines.mean(axis=1, keepdims=True)
    room = terms.delta - (interval.upper - interval.estimate)
    if not room > 0 or not comes_to_rest(mean_and_half(own, terms.alpha, terms.trim)[0], changes.times):
        return None
    ratio = 2.0 ** max(math.ceil(math.log2(max(abs(interval.estimate) / room, 1.0))), 1)
    return int(ratio * terms.total) if ratio <= LONGEST else None


def not_growing(row: Row, changes: Changes, terms: Terms) -> Row:
    """S3: it is about growth, not size: a frozen glass holds S3 and fails A.

    Where lines through the spread see no growth, drifts behind frozen offsets may: beyond t_(1 - alpha / rows; R - 1) the
    second look fails it, beyond t_(1 - 6 alpha / rows; R - 1) it leaves it open.
    """
    content, total, largest = terms.ensemble.settings.content, terms.total, terms.delta / 2
    values, times = changes.lines[np.isfinite(changes.lines).all(axis=1)], changes.times
    growth = growth_of_spread(values, times, total, content, terms.alpha, terms.rows)
    seen = growth.below(largest)
    hidden = hidden_growth(values, times, total, content, largest) if len(times) >= MIN_MEASUREMENTS else -math.inf
    level = terms.alpha / terms.rows
    certain, doubtful = (
        hidden > special.stdtrit(len(values) - 1, 1 - error) for error in (level, min(DOUBT * level, 0.5))
    )
    outcome: Outcome = "fails" if certain else "undecided" if doubtful and seen == "holds" else seen
    words = {
        "holds": "the spread is not growing",
        "fails": "the spread is growing: replicas drift apart",
        "undecided": "the spread may be growing; more replicas or longer training decide",
    }[outcome]
    needs: dict[str, int | None] = {}
    if outcome != seen:
        words = f"behind constant offsets {words}" if outcome == "fails" else HIDDEN
    if outcome == "undecided":
        seen_open = seen == outcome
        needed = replicas_for_open(growth, largest, len(values), terms.alpha, one_sided=True) if seen_open else None
        needs = {"replicas_needed": needed, "steps_needed": 2 * total}
    return answered(row, growth, outcome, words, 1 - terms.alpha, margin=largest, **needs)


STATIONARITY: Final = Criterion(
    "stationarity", "Has it stopped changing?", "yes, at rest", "no, still changing", True, stationarity
)
