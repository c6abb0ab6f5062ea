"""Means that speak of the middle of an ensemble: trimmed at both ends, with Yuen's intervals (Yuen 1974).

With g = floor(trim n) values left out at each end, h = n - 2g, and s_w^2 the variance of the winsorized values (ddof 1), the
trimmed mean has the squared error q = (n - 1) s_w^2 / (h (h - 1)) with h - 1 degrees of freedom. A trim of 0 is the plain mean.
No interval of a mean sees what a few replicas do far away: what a minority does is for counts to say.
"""

from typing import Final

import numpy as np
from scipy import special

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.interval import ROUNDING, Interval

FEWEST: Final = 5  # fewer values give no interval
FEW: Final = 20  # of fewer, skew shows: every bound is at alpha / 2


def mean_interval(values: Array, alpha: float, trim: float = 0.0, least: float = 0.0) -> Interval:
    """Bound a mean over independent replicas, as `mean_and_half` does.

    Args:
        values: (replica,).
        alpha: Error rate of each bound.
        trim: Share of the replicas that is left out at each end.
        least: Least variance of a value.
    """
    return _interval(*mean_and_half(values, alpha, trim, least))


def difference_interval(values: Array, others: Array, alpha: float, trim: float = 0.0, least: float = 0.0) -> Interval:
    """Bound the difference of the means of two ensembles, as `difference_and_half` does.

    Args:
        values: (replica,).
        others: (replica,), of another ensemble.
        alpha: Error rate of each bound.
        trim: Share of the replicas that is left out at each end.
        least: Least variance of a value.
    """
    return _interval(*difference_and_half(values, others, alpha, trim, least))


def mean_and_half(values: Array, alpha: float, trim: float = 0.0, least: float = 0.0) -> tuple[Array, Array]:
    """Bound trimmed means: m +- t_(1 - alpha; h - 1) sqrt(q).

    Args:
        values: (replica, ...); values that are not finite are left out (they are counted elsewhere).
        alpha: Error rate of each bound; halved with fewer than 20 values.
        trim: Share of the replicas that is left out at each end.
        least: Least variance of a value: what its rounding makes.

    Returns:
        Mean and half-width, (...); NaN with fewer than five finite values. Source: Yuen 1974, Tukey & McLaughlin 1963.
    """
    mean, square, freedom, count = moments(values, trim, least)
    with np.errstate(invalid="ignore"):  # of too few values there is none
        return mean, quantile(alpha, freedom, count) * np.sqrt(square)


def difference_and_half(
    values: Array, others: Array, alpha: float, trim: float = 0.0, least: float = 0.0
) -> tuple[Array, Array]:
    """Bound differences of trimmed means: m1 - m2 +- t_(1 - alpha; nu) sqrt(q1 + q2), nu after Satterthwaite.

    Args:
        values: (replica, ...); values that are not finite are left out.
        others: (replica, ...), the other axes as those of `values`.
        alpha: Error rate of each bound; halved with fewer than 20 values on a side.
        trim: Share of the replicas that is left out at each end.
        least: Least variance of a value.

    Returns:
        Difference and half-width, (...); NaN with fewer than five finite values on a side. Source: Yuen 1974.
    """
    difference, square, freedom, count = difference_moments(values, others, trim, least)
    half: Array = quantile(alpha, freedom, count) * np.sqrt(square)
    return difference, half


def difference_moments(
    values: Array, others: Array, trim: float, least: float = 0.0
) -> tuple[Array, Array, Array, Array]:
    """Return m1 - m2, its squared error q1 + q2, degrees of freedom nu after Satterthwaite, and the smaller number of values.

    Args:
        values: (replica, ...).
        others: (replica, ...), the other axes as those of `values`.
        trim: Share of the replicas that is left out at each end.
        least: Least variance of a value.
    """
    mean, square, freedom, count = moments(values, trim, least)
    mean_other, square_other, freedom_other, count_other = moments(others, trim, least)
    error = square + square_other
    with np.errstate(invalid="ignore", divide="ignore"):
        joint = error**2 / (square**2 / freedom + square_other**2 / freedom_other)
        joint = np.where(error > 0, joint, np.minimum(freedom, freedom_other))
    return mean - mean_other, error, joint, np.minimum(count, count_other)


def moments(values: Array, trim: float, least: float = 0.0) -> tuple[Array, Array, Array, Array]:
    """Return the trimmed mean, its squared error, degrees of freedom and the number of finite values, (...).

    Args:
        values: (replica, ...).
        trim: Share of the replicas that is left out at each end.
        least: Least variance of a value.
    """
    ordered = np.sort(np.where(np.isfinite(values), values, np.nan), axis=0)  # what is not a number comes last
    count = np.isfinite(ordered).sum(axis=0)
    rank = np.arange(len(ordered)).reshape(-1, *[1] * (ordered.ndim - 1))
    cut = np.floor(trim * count + ROUNDING).astype(np.int64)
    kept = (rank >= cut) & (rank < count - cut)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        inside = np.where(count >= FEWEST, count - 2 * cut, np.nan)
        mean = np.where(kept, ordered, 0.0).sum(axis=0) / inside
        ends = [np.take_along_axis(ordered, np.maximum(place, 0)[None], 0) for place in (cut, count - cut - 1)]
        winsorized = np.clip(ordered, *ends)
        centre = np.where(rank < count, winsorized, 0.0).sum(axis=0) / count
        variance = np.where(rank < count, (winsorized - centre) ** 2, 0.0).sum(axis=0) / (count - 1)
        square = (count - 1) * np.maximum(variance, least) / (inside * (inside - 1))
    return mean, square, inside - 1, count


def quantile(alpha: float, freedom: Array | float, count: Array | int) -> Array:
    """Return t_(1 - alpha; freedom), or t_(1 - alpha / 2; freedom) with fewer than 20 values.

    Args:
        alpha: Error rate of each bound.
        freedom: Degrees of freedom, (...).
        count: Finite values, (...).
    """
    level = np.where(count < FEW, alpha / 2, alpha)
    multiple: Array = special.stdtrit(freedom, 1 - level)
    return multiple


def _interval(centre: Array, half: Array) -> Interval:
    return Interval(float(centre), float(centre - half), float(centre + half))
