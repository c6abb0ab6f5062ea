"""How many replicas would decide what is open with a chance of four in five, if what was seen stays what it is."""

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy import special, stats

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.interval import Interval
from thermo_cli.equilibrium.statistics.trimmed import quantile

CHANCE: Final = 0.8
MAX_REPLICAS: Final = 1000  # what needs more is not reachable in this way
USUAL: Final = float(special.ndtri(0.75))  # standard errors: half of all estimates lie further from the truth
AWAY: Final = np.linspace(-7.0, 7.0, 57)  # standard errors from the estimate to the mean: past them nothing is likely
NOISE: Final = (np.arange(8) + 0.5) / 8  # probabilities at which the law of a standard error is looked at
TINY: Final = 1e-12  # chance to be open, where another rule than this one left it so
TRIED: Final = 60  # numbers of replicas, evenly in their logarithm


def fewest(decides: Callable[[int], bool], step: float, least: int = 2) -> int | None:
    """Return the first number of replicas that decides, or None when no number up to 1,000 does.

    Args:
        decides: Whether so many replicas would decide.
        step: Ratio of one number that is tried to the one before, above 1.
        least: Smallest number that is tried.
    """
    n = float(least)
    while n <= MAX_REPLICAS:
        if decides(int(n)):
            return int(n)
        n = max(n + 1, n * step)
    return None


def replicas_for_mean(
    interval: Interval,
    margin: float,
    replicas: int,
    alpha: float,
    *,
    one_sided: bool = False,
    rests: bool = True,
) -> int | None:
    """Return how many replicas would decide a mean in four of five cases, its spread staying what it is.

    With se = half-width / c(n), c(N) being the t-quantile of N replicas. What is open lies far from its truth more often than
    not: of ensembles at rest that are open, as many replicas as the bare estimate m asks for would decide 96-100 %. So mu is m
    moved to zero by its usual error, .67 se.

    Args:
        interval: Of `replicas` replicas, its half-width c(n) standard errors.
        margin: delta.
        replicas: n.
        alpha: Error rate of each bound.
        one_sided: Whether only the upper bound is compared.
        rests: Whether zero is what an ensemble at rest has; where it is not, mu = m.

    Returns:
        The first number above n, or None when no number up to 1,000 would.
    """
    half = interval.upper - interval.estimate
    if not (np.isfinite(half) and half > 0):
        return None
    error = half / float(quantile(alpha, replicas - 1, replicas))
    usual = USUAL * error if rests else 0.0
    mean = np.sign(interval.estimate) * max(abs(interval.estimate) - usual, 0.0)
    numbers = np.arange(replicas + 1.0, MAX_REPLICAS + 1)
    bounds = quantile(alpha, numbers - 1, numbers)
    holds, fails = _chances(np.array([mean]), margin, error / np.sqrt(numbers / replicas), bounds, one_sided)
    enough = np.flatnonzero((holds + fails)[0] >= CHANCE)
    return int(numbers[enough[0]]) if len(enough) else None


def replicas_for_open(
    interval: Interval,
    margin: float,
    replicas: int,
    alpha: float,
    *,
    one_sided: bool = False,
    freedom: float | None = None,
    calm: Callable[[Array, Array], Array] | None = None,
) -> int | None:
    """Return how many replicas would decide a mean in four of five of the open ensembles that show the same.

    The first N with sum_mu w(mu) P(N decide | mu) / sum_mu w(mu) >= .8, w(mu) = phi((m - mu) / se) / P(n are open | mu): what
    is decided asks for no number. The prior of mu is flat. Taken for the truth, the m of few replicas asks for too few, since
    they may show any mean, and an m beside the margin, where the open gather, for too many.

    Args:
        interval: Of `replicas` replicas, its half-width c(n) standard errors.
        margin: delta.
        replicas: n.
        alpha: Error rate of each bound.
        one_sided: Whether only the upper bound is compared.
        freedom: Degrees of freedom of se, n - 1 unless stated.
        calm: From means and numbers of replicas to the chance that nothing else keeps them from holding, (mean, number).

    Returns:
        A number above n, the one tried before it at most a tenth less, or None when no number up to 1,000 would. Source:
        O'Hagan, Stevens & Campbell 2005 (assurance), Bayarri & DeGroot 1987 (the likelihood of what was selected).
    """
    half = interval.upper - interval.estimate
    if not (np.isfinite(half) and half > 0) or replicas >= MAX_REPLICAS:
        return None
    freedom = replicas - 1 if freedom is None else freedom
    error = half / float(quantile(alpha, freedom, replicas))
    means = interval.estimate + AWAY * error
    numbers = np.append(replicas, np.unique(np.geomspace(replicas + 1, MAX_REPLICAS, TRIED).round()))
    bounds = quantile(alpha, freedom * numbers / replicas, numbers)
    still = calm(means, numbers) if calm else np.ones((1, 1))
    holds, fails = _chances(means, margin, error / np.sqrt(numbers / replicas), bounds, one_sided)
    seen = np.sqrt(stats.chi2.ppf(NOISE, freedom) / freedom)
    held, failed = _chances(means, margin, np.full(len(seen), error), bounds[0] * seen, one_sided)
    still_open = np.maximum(1 - (held * still[:, :1] + failed).mean(axis=1), TINY)
    weights = stats.norm.pdf(AWAY) / still_open
    enough = np.flatnonzero((weights @ (holds * still + fails) / weights.sum())[1:] >= CHANCE)
    return int(numbers[1 + enough[0]]) if len(enough) else None


def _chances(means: Array, margin: float, errors: Array, bounds: Array, one_sided: bool = False) -> tuple[Array, Array]:
    """Return P(holds) and P(fails) of intervals that reach `bounds` standard errors to each side, (mean, error).

    With d(mu) = (delta - mu) / se: P(c - d(-mu) < Z < d(mu) - c), and P(Z < -d(mu) - c) + P(Z < -d(-mu) - c).

    Args:
        means: mu, (mean,).
        margin: delta.
        errors: se, (error,).
        bounds: c, (error,).
        one_sided: Whether only the upper bound is compared.
    """
    above = (margin - means)[:, None] / errors
    below = np.inf if one_sided else (margin + means)[:, None] / errors
    holds: Array = np.maximum(special.ndtr(above - bounds) - special.ndtr(bounds - below), 0.0)
    fails: Array = special.ndtr(-above - bounds) + special.ndtr(-below - bounds)
    return holds, fails
