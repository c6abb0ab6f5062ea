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
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        (mean, square, freedom), (mean_other, square_other, freedom_other) = _moments(one), _moments(other)
        error = square + square_other
        joint = error**2 / (square**2 / freedom + square_other**2 / freedom_other)
        joint = np.where(error > 0, joint, np.minimum(freedom, freedom_other))
        half: Array = stats.t.ppf(1 - alpha, joint) * np.sqrt(error)
    difference: Array = mean - mean_other
    return difference, half


def _moments(values: Array) -> tuple[Array, Array, Array]:
    """Return mean, squared error of the mean and degrees of freedom, (...)."""
    finite = np.isfinite(values)
    n = np.where(finite.sum(axis=0) >= 2, finite.sum(axis=0), np.nan)
    mean = np.where(finite, values, 0.0).sum(axis=0) / n
    squares = np.where(finite, values - mean, 0.0) ** 2
    return mean, squares.sum(axis=0) / (n - 1) / n, n - 1
