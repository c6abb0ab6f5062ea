"""Agreement: would a fresh replica, with another seed, subsample and history, show the same macroscopic behaviour?"""

import numpy as np

from thermo_cli.contracts import Array, Row
from thermo_cli.equilibrium.ensemble import Settings
from thermo_cli.equilibrium.margins import Margin
from thermo_cli.equilibrium.statistics.intervals import (
    ROUNDING,
    Interval,
    count_not_to_fail,
    count_to_hold,
    replicas_for_share,
)
from thermo_cli.equilibrium.statistics.normal import normal_half_width, replicas_for_normal


def agreement(
    observable: str, finals: Array, window_means: Array, margin: Margin, settings: Settings, histories: int
) -> tuple[Row, Row]:
    """Answer A on the final values (the models one would deploy), and report it on the window means.

    Args:
        observable: Its name.
        finals: A_r(T) of all histories, (replica,); not finite for a replica that diverged.
        window_means: Mean of A_r over the window, (replica,).
        margin: delta, and whether the row gates.
        settings: Confidence and content.
        histories: Number of histories, as replicas are asked for per history.
    """
    make = _normal_row if settings.tolerance == "normal" else _row
    return (
        make("A tolerance interval, final values", observable, finals, margin.delta, margin.full, settings, histories),
        make("A* tolerance interval, window means", observable, window_means, margin.delta, False, settings, histories),
    )


def tolerance_interval(values: Array, content: float, alpha: float) -> tuple[float, float] | None:
    """Return an interval that holds at least `content` of fresh replicas with confidence 1 - alpha, whatever the distribution.

    [x_(i), x_(j)] covers a Beta(j-i, n-j+i+1) share; the smallest j - i that will do is taken, with what is left over cut
    evenly from both ends, an odd one from the upper (fixed ranks, not the shortest). Source: Wilks 1941.

    Args:
        values: (replica,); those that are not finite count as beyond every bound.
        content: Share of fresh replicas.
        alpha: Error rate.

    Returns:
        The interval, or None when there are too few replicas.
    """
    ordered, n = _ordered(values), len(values)
    spacings = count_to_hold(n, content, alpha)
    if spacings is None or spacings > n - 1:
        return None
    first = (n - 1 - spacings) // 2
    return float(ordered[first]), float(ordered[first + spacings])


def half_width(values: Array, content: float, alpha: float) -> Interval:
    """Bound half the width of the narrowest interval that holds `content` of fresh replicas.

    Upper bound: half the Wilks tolerance interval. Lower bound: half the shortest span of the fewest replicas whose
    Clopper-Pearson upper bound reaches `content`; a margin below it fails, as then the best interval of width 2 delta holds too
    few. Estimate: half the shortest span of `content` of the replicas.

    Args:
        values: (replica,).
        content: Share of fresh replicas.
        alpha: Error rate of each bound.
    """
    ordered, n = _ordered(values), len(values)
    wilks = tolerance_interval(values, content, alpha)
    fewest = count_not_to_fail(n, content, alpha)
    return Interval(
        _shortest(ordered, int(np.ceil(content * n))) / 2,
        _shortest(ordered, fewest) / 2 if fewest else 0.0,
        (wilks[1] - wilks[0]) / 2 if wilks is not None and np.isfinite(wilks[1]) else np.inf,
    )


def _row(
    statistic: str, observable: str, values: Array, delta: float, gates: bool, settings: Settings, histories: int
) -> Row:
    interval = half_width(values, settings.content, settings.alpha)
    outcome = interval.below(delta)
    n, inside = len(values), most_inside(values, 2 * delta)
    needed = None
    if outcome == "undecided":
        total = replicas_for_share(inside / n, settings.content, settings.alpha, spare=1)
        needed = None if total is None else max(int(np.ceil(max(total, n + 1) / histories)), 2)
    explanation = (
        f"{inside} of {n} replicas lie within some interval of width 2 x {delta:.3g}; "
        f"at least {settings.content:.0%} of fresh ones must"
    )
    if not np.isfinite(interval.upper) and np.isfinite(values).all():
        explanation += f"; {n} replicas are too few to bound the spread of fresh ones, however close they lie"
    return Row(
        "agreement",
        statistic,
        observable,
        "all histories",
        gates,
        outcome,
        interval.estimate,
        (interval.lower, interval.upper),
        delta,
        settings.confidence,
        explanation,
        needed,
    )


def _normal_row(
    statistic: str, observable: str, values: Array, delta: float, gates: bool, settings: Settings, histories: int
) -> Row:
    n, finite = len(values), bool(np.isfinite(values).all())
    if n < 2 or not finite:
        lost = f"{int((~np.isfinite(values)).sum())} of {n} replicas have no finite value: their distribution is not normal"
        reason = lost if not finite else "one replica has no spread"
        return Row(
            "agreement", statistic, observable, "all histories", gates, "untested", margin=delta, explanation=reason
        )
    interval = normal_half_width(values, settings.content, settings.alpha)
    outcome = interval.below(delta)
    needed = None
    if outcome == "undecided":
        total = replicas_for_normal(interval.estimate / delta, settings.content, settings.alpha)
        needed = None if total is None else max(int(np.ceil(max(total, n + 1) / histories)), 2)
    explanation = (
        f"if replicas are normally distributed, {settings.content:.0%} of fresh ones lie within +- {interval.upper:.3g}; "
        "a rare replica that is stuck elsewhere would not be noticed"
    )
    return Row(
        "agreement",
        statistic,
        observable,
        "all histories",
        gates,
        outcome,
        interval.estimate,
        (interval.lower, interval.upper),
        delta,
        settings.confidence,
        explanation,
        needed,
    )


def most_inside(values: Array, width: float) -> int:
    """Return the largest number of replicas that one interval of a width can hold.

    Args:
        values: (replica,).
        width: Of the interval.
    """
    ordered = _ordered(values)
    ordered = ordered[np.isfinite(ordered)]
    last = np.searchsorted(ordered, ordered + width * (1 + ROUNDING), side="right")
    return int((last - np.arange(len(ordered))).max(initial=0))


def _ordered(values: Array) -> Array:
    return np.sort(np.where(np.isfinite(values), values, np.inf))


def _shortest(ordered: Array, count: int) -> float:
    """Return the shortest span of `count` consecutive order statistics."""
    if count < 2:
        return 0.0 if np.isfinite(ordered[0]) else float(np.inf)
    low, high = ordered[: len(ordered) - count + 1], ordered[count - 1 :]
    spans = np.full(len(low), np.inf)
    finite = np.isfinite(high)
    spans[finite] = high[finite] - low[finite]
    return float(spans.min())
