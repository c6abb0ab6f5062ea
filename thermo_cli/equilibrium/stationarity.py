"""Stationarity: has the macroscopic behaviour stopped changing, in each replica, on average, and in its spread?

Judged per observable and per history, over the window [T/2, T], with replicas as the independent units: a history drifting
up and one drifting down would hide each other in a pool, and one trajectory cannot say how far it is from its own end.
"""

from typing import Final

import numpy as np
from scipy import stats

from thermo_cli.contracts import Array, Row
from thermo_cli.equilibrium.intervals import (
    ROUNDING,
    Interval,
    mean_interval,
    replicas_for_mean,
    replicas_for_share,
    size_quantile,
)
from thermo_cli.equilibrium.settings import Margin, Setting, Settings

MIN_MEASUREMENTS: Final = 8
MIN_FOR_MEAN: Final = 2
MIN_FOR_SPREAD: Final = (
    3  # of two replicas each is as far from their mean as the other: a t-interval would have no width
)
S1, S2, S3 = "S1 each replica is still", "S2 projection to 4T", "S3 growth of the spread"


def stationarity(
    observable: str, history: str, values: Array, steps: Array, margin: Margin, setting: Setting, settings: Settings
) -> list[Row]:
    """Answer S1, S2 and S3 for one observable of one history.

    Args:
        observable: Its name.
        history: The history's name.
        values: A_r(t) in the window, (replica, time).
        steps: t, (time,).
        margin: delta, and whether S3 gates.
        setting: For T.
        settings: Confidence and content.
    """
    untested = None
    if setting.schedule != "constant":
        untested = f"the learning rate follows a {setting.schedule} schedule: one trajectory says nothing about longer training"
    elif len(steps) < MIN_MEASUREMENTS:
        untested = f"only {len(steps)} measurements lie in the window; {MIN_MEASUREMENTS} are needed"

    def refused(statistic: str, gates: bool, reason: str) -> Row:
        return Row(
            "stationarity", statistic, observable, history, gates, "untested", margin=margin.delta, explanation=reason
        )

    if untested is not None:
        return [refused(S1, True, untested), refused(S2, True, untested), refused(S3, margin.full, untested)]
    finite = int(np.isfinite(values).all(axis=1).sum())
    few = f"only {finite} of {len(values)} replicas have finite values; at least {{}} are needed"
    return [
        still(observable, history, values, steps, margin.delta, settings),
        going_nowhere(observable, history, values, steps, margin.delta, setting, settings)
        if finite >= MIN_FOR_MEAN
        else refused(S2, True, few.format(MIN_FOR_MEAN)),
        not_growing(observable, history, values, steps, margin, setting, settings)
        if finite >= MIN_FOR_SPREAD
        else refused(S3, margin.full, few.format(MIN_FOR_SPREAD)),
    ]


def still(observable: str, history: str, values: Array, steps: Array, delta: float, settings: Settings) -> Row:
    """S1: at least `content` of fresh replicas move by at most delta between the halves of the window.

    d_r = mean(A_r on the second half) - mean(A_r on the first half); Clopper-Pearson on the count of |d_r| <= delta, stated
    as bounds on the `content` quantile of |d_r|. A replica that is not finite counts as moving without bound.

    Args:
        observable: Its name.
        history: The history's name.
        values: (replica, time).
        steps: (time,).
        delta: The margin.
        settings: Confidence and content.
    """
    late = steps > (steps[0] + steps[-1]) / 2
    moved = np.abs(values[:, late].mean(axis=1) - values[:, ~late].mean(axis=1))
    moved = np.where(np.isfinite(moved), moved, np.inf)
    interval = size_quantile(moved, settings.content, settings.alpha)
    outcome = interval.below(delta)
    inside = int((moved <= delta * (1 + ROUNDING)).sum())
    needed = (
        replicas_for_share(inside / len(moved), settings.content, settings.alpha) if outcome == "undecided" else None
    )
    explanation = (
        f"{inside} of {len(moved)} replicas moved by at most {delta:.3g} between the halves of the window; "
        f"at least {settings.content:.0%} of fresh ones must"
    )
    return Row(
        "stationarity", S1, observable, history, True, outcome, interval.estimate,
        (interval.lower, interval.upper), delta, settings.confidence, explanation, needed,
    )  # fmt: skip


def going_nowhere(
    observable: str, history: str, values: Array, steps: Array, delta: float, setting: Setting, settings: Settings
) -> Row:
    """S2: training four times as long would move the mean by less than delta.

    Two straight lines per replica, against t and against log2 t, projected from T to 4T: D_step = 3 T b_r, the upper envelope
    of every decelerating drift, and D_doubling = 2 c_r. Holds when the interval of mean D_step lies in (-delta, delta); fails
    when that of mean D_doubling lies outside; t-intervals over replicas, each bound at 1 - alpha.

    Args:
        observable: Its name.
        history: The history's name.
        values: (replica, time).
        steps: (time,), positive.
        delta: The margin.
        setting: For T.
        settings: Confidence.
    """
    total = float(setting.steps)
    per_step = mean_interval(3 * total * slopes(values, steps), settings.alpha)
    per_doubling = mean_interval(2 * slopes(values, np.log2(np.maximum(steps, 1))), settings.alpha)
    shown, needed, longer = per_step, None, None
    if per_step.inside(delta) == "holds":
        outcome, explanation = "holds", f"training four times as long would move it by less than {delta:.3g}"
    elif per_doubling.inside(delta) == "fails":
        outcome, shown, longer = "fails", per_doubling, 2 * setting.steps
        moved = f"it moves by {per_doubling.estimate / 2:+.3g} per doubling of the training time"
        explanation = f"{moved}, more than half the margin: caught relaxing"
    else:
        outcome = "undecided"
        needed = replicas_for_mean(per_step, delta, int(np.isfinite(values).all(axis=1).sum()))
        longer = 2 * setting.steps
        explanation = (
            f"at its present pace per step it would move by {per_step.estimate:+.3g} until 4T "
            f"(per doubling: {per_doubling.estimate:+.3g}); longer training decides"
        )
    return Row(
        "stationarity", S2, observable, history, True, outcome, shown.estimate,  # type: ignore[arg-type]
        (shown.lower, shown.upper), delta, settings.confidence, explanation, needed, longer,
    )  # fmt: skip


def not_growing(
    observable: str, history: str, values: Array, steps: Array, margin: Margin, setting: Setting, settings: Settings
) -> Row:
    """S3: the spread over replicas is not growing.

    v_r(t) = R/(R-1) (A_r - mean A)^2, a straight line per replica; V its mean at T, dV its mean projected increase from T to
    4T with t-interval; growth of the half-width g = z (sqrt(V + dV) - sqrt(V)), z = z_((1 + content)/2). Holds when the upper
    bound of g is at most delta/2, fails when the lower bound is above. It is about growth, not size.

    Args:
        observable: Its name.
        history: The history's name.
        values: (replica, time).
        steps: (time,).
        margin: delta, and whether this row gates.
        setting: For T.
        settings: Confidence and content.
    """
    finite = values[np.isfinite(values).all(axis=1)]
    n = len(finite)
    with np.errstate(over="ignore", invalid="ignore"):  # values beyond 1e150: the interval is NaN, hence undecided
        spread = n / (n - 1) * (finite - finite.mean(axis=0)) ** 2
    slope = slopes(spread, steps)
    level = max(float((spread.mean(axis=1) + slope * (setting.steps - steps.mean())).mean()), 0.0)
    change = mean_interval(3 * setting.steps * slope, settings.alpha)
    z = float(stats.norm.ppf((1 + settings.content) / 2))
    growth = Interval(
        *(
            z * float(np.sqrt(max(level + d, 0.0)) - np.sqrt(level))
            for d in (change.estimate, change.lower, change.upper)
        )
    )
    outcome = growth.below(margin.delta / 2)
    words = {
        "holds": "the spread is not growing",
        "fails": "the spread is growing: replicas drift apart",
        "undecided": "the spread may be growing; more replicas or longer training decide",
    }
    needed = replicas_for_mean(growth, margin.delta / 2, n, one_sided=True) if outcome == "undecided" else None
    return Row(
        "stationarity", S3, observable, history, margin.full, outcome, growth.estimate,
        (growth.lower, growth.upper), margin.delta / 2, settings.confidence, words[outcome], needed,
        2 * setting.steps if outcome == "undecided" else None,
    )  # fmt: skip


def slopes(values: Array, x: Array) -> Array:
    """Fit a straight line to each replica by least squares and return its slope, (replica,).

    Args:
        values: (replica, time).
        x: (time,), not constant.
    """
    centred = x - x.mean()
    slope: Array = values @ centred / (centred @ centred)
    return slope


def nothing_has_happened(moves: dict[str, float], margins: dict[str, Margin]) -> Row | None:
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
        "stationarity", "movement since the first record", name, "all histories", True, "undecided", move, None,
        margins[name].delta, None, "nothing has moved by more than its margin since the first record: still, or not yet begun?",
    )  # fmt: skip
