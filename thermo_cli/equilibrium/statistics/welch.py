"""Differences of means of two ensembles whose spreads need not be alike: Welch 1947."""

import numpy as np
from scipy import stats

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.interval import Interval


def welch_interval(one: Array, other: Array, alpha: float) -> Interval:
    """Bound the difference of two means, as `welch` does.

    Args:
        one: (replica,).
        other: (replica,), of another ensemble.
        alpha: Error rate of each bound.
    """
    difference, half = (float(value) for value in welch(one, other, alpha))
    return Interval(difference, difference - half, difference + half)


def welch(one: Array, other: Array, alpha: float) -> tuple[Array, Array]:
    """Bound differences of means: m1 - m2 +- t_(1-alpha; nu) sqrt(s1^2/n1 + s2^2/n2), nu after Satterthwaite.

    Args:
        one: (replica, ...); values that are not finite are left out (they are counted elsewhere).
        other: (replica, ...), the other axes as those of `one`.
        alpha: Error rate of each bound.

    Returns:
        Difference and half-width, (...); NaN with fewer than two finite values on a side. Source: Welch 1947.
    """
    means, errors, freedoms = [], [], []
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for values in (one, other):
            finite = np.isfinite(values)
            n = np.where(finite.sum(axis=0) >= 2, finite.sum(axis=0), np.nan)
            mean = np.where(finite, values, 0.0).sum(axis=0) / n
            square = np.where(finite, values - mean, 0.0) ** 2
            means.append(mean)
            errors.append(square.sum(axis=0) / (n - 1) / n)
            freedoms.append(n - 1)
        error = errors[0] + errors[1]
        freedom = error**2 / (errors[0] ** 2 / freedoms[0] + errors[1] ** 2 / freedoms[1])
        freedom = np.where(error > 0, freedom, np.minimum(*freedoms))
        half: Array = stats.t.ppf(1 - alpha, freedom) * np.sqrt(error)
    difference: Array = means[0] - means[1]
    return difference, half
