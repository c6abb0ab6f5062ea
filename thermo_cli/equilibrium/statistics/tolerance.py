"""Intervals that hold most fresh replicas, whatever the distribution: order statistics (Wilks 1941)."""

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.interval import ROUNDING, Interval
from thermo_cli.equilibrium.statistics.share import count_not_to_fail, count_to_hold


def tolerance_interval(values: Array, content: float, alpha: float) -> tuple[float, float] | None:
    """Return an interval that holds at least `content` of fresh replicas with confidence 1 - alpha, whatever the distribution.

    [x_(i), x_(j)] covers a Beta(j-i, n-j+i+1) share; the smallest j - i that will do is taken, with what is left over cut
    evenly from both ends, an odd one from the upper (fixed ranks, not the shortest). Source: Wilks 1941.

    Args:
        values: (replica,); those that are not finite count as beyond every bound.
        content: Share of fresh replicas.

    Returns:
        The interval, or None when there are too few replicas.
    """
    ordered, n = _ordered(values), len(values)
    spacings = count_to_hold(n, content, alpha)
    if spacings is None or spacings > n - 1:
        return None
    first = (n - 1 - spacings) // 2
    return float(ordered[first]), float(ordered[first + spacings])


def count_to_agree(replicas: int, content: float, alpha: float) -> int | None:
    """Return the smallest count inside one interval of width 2 delta with which A holds, or None when all is too few."""
    spacings = count_to_hold(replicas, content, alpha)
    return spacings + 1 if spacings is not None and spacings < replicas else None


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


def _shortest(ordered: Array, count: int) -> float:
    """Return the shortest span of `count` consecutive order statistics."""
    finite = ordered[np.isfinite(ordered)]
    if count < 2:
        return 0.0 if len(finite) else np.inf
    spans = finite[count - 1 :] - finite[: max(len(finite) - count + 1, 0)]
    return float(spans.min(initial=np.inf))
