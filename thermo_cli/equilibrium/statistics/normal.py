"""Tolerance intervals for who is willing to assume a normal distribution: fewer replicas, blind to a rare stuck mode."""

from functools import cache
from typing import Final

import numpy as np
from scipy import optimize, special, stats

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.forecast import CHANCE, fewest
from thermo_cli.equilibrium.statistics.interval import Interval

NODES: Final = 40
STEP = 1.05  # of the forecast


def normal_half_width(values: Array, content: float, alpha: float, rows: int = 1) -> Interval:
    """Bound the half-width z sigma that holds `content` of fresh replicas, z = z_((1 + content)/2).

    Upper bound: k s, half the two-sided tolerance interval mean +- k s. Lower bound: z s sqrt((n-1)/chi2_(1-alpha; n-1)); a
    margin below it fails, as no interval of that half-width holds `content`.

    Args:
        values: (replica,), finite, at least two.
        content: Share of fresh replicas.
        alpha: Error rate of the upper bound.
        rows: Statements of which any may fail: the lower bound has the error rate alpha / rows.
    """
    n, sd = len(values), float(values.std(ddof=1))
    z = float(special.ndtri((1 + content) / 2))
    lower = z * sd * float(np.sqrt((n - 1) / stats.chi2.ppf(1 - alpha / rows, n - 1)))
    return Interval(z * sd, lower, tolerance_factor(n, content, alpha) * sd)


@cache
def tolerance_factor(replicas: int, content: float, alpha: float) -> float:
    """Return k such that mean +- k s holds at least `content` of a normal distribution with confidence 1 - alpha.

    Given the mean's error x = sqrt(n)(mean - mu)/sigma ~ N(0, 1), the interval must have half-width r(x) with
    Phi(x/sqrt(n) + r) - Phi(x/sqrt(n) - r) = content, so k solves E_x P(chi2_(n-1) >= (n-1) r(x)^2 / k^2) = 1 - alpha; the mean
    over x by Gauss-Hermite quadrature. Source: Wald & Wolfowitz 1946, without their approximation of r.

    Args:
        replicas: n.
        content: Share of fresh replicas.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    radius_squared = stats.ncx2.ppf(content, 1, nodes**2 / replicas)  # (Z + x)^2 <= r^2

    def confidence(k: float) -> float:
        return float(weights @ stats.chi2.sf((replicas - 1) * radius_squared / k**2, replicas - 1))

    return float(optimize.brentq(lambda k: confidence(k) - (1 - alpha), 0.1, 1e4, xtol=1e-8))


@cache
def replicas_for_normal(ratio: float, content: float, alpha: float) -> int | None:
    """Return how many replicas would decide in four of five cases, or None when no number up to 1,000 would.

    s^2 (n-1) / sigma^2 is chi-square, so that s of fresh replicas is below sigma sqrt(chi2_.8 / (n-1)) in four of five.

    Args:
        ratio: z s / delta, taken for z sigma / delta.
        content: Share of fresh replicas.
    """
    z = float(special.ndtri((1 + content) / 2))

    def decides(n: int) -> bool:
        low, high = (ratio * np.sqrt(stats.chi2.ppf(q, n - 1) / (n - 1)) for q in (1 - CHANCE, CHANCE))
        fails = low * np.sqrt((n - 1) / stats.chi2.ppf(1 - alpha, n - 1)) > 1
        return bool(fails) or high * tolerance_factor(n, content, alpha) / z <= 1

    return fewest(decides, STEP)
