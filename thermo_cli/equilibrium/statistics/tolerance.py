"""Intervals that hold most fresh replicas, whatever the distribution: the shortest that so many order statistics span.

Of all intervals that span n - s order statistics the shortest is taken, as a scan does; s, the spare replicas, is as large as
the scan's own error allows. (With fixed ranks, as Wilks 1941 has them, spare replicas help only where both ends have strays.)
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.interval import ROUNDING, Interval
from thermo_cli.equilibrium.statistics.share import count_not_to_fail


def tolerance_interval(values: Array, content: float, alpha: float) -> tuple[float, float] | None:
    """Return an interval that holds at least `content` of fresh replicas with confidence 1 - alpha, whatever the distribution.

    Args:
        values: (replica,); those that are not finite count as beyond every bound.
        content: Share of fresh replicas.
        alpha: Chance that it holds less.

    Returns:
        The shortest [x_(i), x_(i+n-1-s)], or None when there are too few replicas.
    """
    ordered, count = _ordered(values), count_to_agree(len(values), content, alpha)
    if count is None or not np.isfinite(ordered[count - 1]):
        return None
    first = int(_spans(ordered, count).argmin())
    return float(ordered[first]), float(ordered[first + count - 1])


@cache
def count_to_agree(replicas: int, content: float, alpha: float) -> int | None:
    """Return the smallest count n - s inside one interval of width 2 delta with which A holds, or None when all is too few.

    Args:
        replicas: n.
        content: Share of fresh replicas.
        alpha: Error rate; s is the largest number with `chance_of_less` <= alpha.
    """
    few, many = -1, replicas - 1
    while many - few > 1:
        spare = (few + many) // 2
        few, many = (spare, many) if chance_of_less(replicas, spare, content) <= alpha else (few, spare)
    return replicas - few if few >= 0 else None


def chance_of_less(replicas: int, spare: int, content: float) -> float:
    """Return P(min_i (U_(i+n-1-s) - U_(i)) < content), i = 1..s+1, of uniform order statistics: that the shortest holds less.

    An interval of length c = content misses the points left of it in [0, 1 - c) and right of it in (c, 1]. As it slides from 0
    to 1 - c, their number makes a walk: one more with each left point, one less with each right point, of which there are
    T ~ Bin(n, 2 (1 - c)) in random order. By the reflection principle it is s or less at some place with the chance 1 if
    T <= 2s + 1, else 2 F(s; T, 1/2) + (T - 2s - 1) b(s; T, 1/2). For c < 1/2 an upper bound: the chance that the interval at 0
    has n - s points plus the expected number of points with which a sliding one comes to have them. Source: Naus 1965.

    Args:
        replicas: n.
        spare: s.
        content: c.
    """
    if content < 0.5:
        least = replicas - spare
        crossings = replicas * (1 - content) * stats.binom.pmf(least - 1, replicas - 1, content)
        return float(stats.binom.sf(least - 1, replicas, content) + crossings)
    near = np.arange(replicas + 1)
    reached = 2 * stats.binom.cdf(spare, near, 0.5) + (near - 2 * spare - 1) * stats.binom.pmf(spare, near, 0.5)
    return float(stats.binom.pmf(near, replicas, 2 * (1 - content)) @ np.where(near <= 2 * spare + 1, 1.0, reached))


def half_width(values: Array, content: float, alpha: float, rows: int = 1) -> Interval:
    """Bound half the width of the narrowest interval that holds `content` of fresh replicas.

    Upper bound: half the tolerance interval. Lower bound: half the shortest span of the fewest replicas whose Clopper-Pearson
    upper bound reaches `content`; a margin below it fails, as then the best interval of width 2 delta holds too few. Estimate:
    half the shortest span of `content` of the replicas.

    Args:
        values: (replica,).
        content: Share of fresh replicas.
        alpha: Error rate of the upper bound.
        rows: Statements of which any may fail: the lower bound has the error rate alpha / rows.
    """
    ordered, n = _ordered(values), len(values)
    interval, fewest = tolerance_interval(values, content, alpha), count_not_to_fail(n, content, alpha / rows)
    return Interval(
        _shortest(ordered, int(np.ceil(content * n))) / 2,
        _shortest(ordered, fewest) / 2 if fewest else 0.0,
        (interval[1] - interval[0]) / 2 if interval is not None else np.inf,
    )


def most_inside(values: Array, width: float) -> int:
    """Return the largest number of replicas that one interval of a width can hold.

    Args:
        values: (replica,).
    """
    return int(inside_best(values, width).sum())


def inside_best(values: Array, width: float) -> NDArray[np.bool_]:
    """Return which replicas lie in the interval of a width that holds most of them, (replica,).

    Args:
        values: (replica,).
    """
    ordered = _ordered(values)
    ordered = ordered[np.isfinite(ordered)]
    if not len(ordered):
        return np.zeros(len(values), dtype=bool)
    last = np.searchsorted(ordered, ordered + width * (1 + ROUNDING), side="right")
    first = int((last - np.arange(len(ordered))).argmax())
    return np.asarray((ordered[first] <= values) & (values <= ordered[last[first] - 1]))


def _ordered(values: Array) -> Array:
    return np.sort(np.where(np.isfinite(values), values, np.inf))


def _spans(ordered: Array, count: int) -> Array:
    """Return what `count` consecutive order statistics span, from each that is finite on."""
    finite = ordered[np.isfinite(ordered)]
    return np.asarray(finite[count - 1 :] - finite[: max(len(finite) - count + 1, 0)])


def _shortest(ordered: Array, count: int) -> float:
    """Return the shortest span of `count` consecutive order statistics."""
    if count < 2:
        return 0.0 if np.isfinite(ordered).any() else np.inf
    return float(_spans(ordered, count).min(initial=np.inf))
