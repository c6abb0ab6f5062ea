"""How many replicas would decide what is open with a chance of four in five, if what was seen stays what it is."""

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy import special

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.interval import Interval
from thermo_cli.equilibrium.statistics.trimmed import quantile

CHANCE: Final = 0.8
MAX_REPLICAS: Final = 1000  # what needs more is not reachable in this way
USUAL: Final = float(special.ndtri(0.75))  # standard errors: half of all estimates lie further from the truth


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
    calm: Callable[[Array], Array] | None = None,
) -> int | None:
    """Return how many replicas would decide a mean in four of five cases, its spread staying what it is.

    With se = half-width / c(n), c(N) the t-quantile of N replicas and d(mu) = (delta - mu) sqrt(N / n) / se, the chance is
    P(c(N) - d(-mu) < Z < d(mu) - c(N)) that it holds, and P(Z < -d(mu) - c(N)) + P(Z < -d(-mu) - c(N)) that it fails. What is
    open lies far from its truth more often than not: of ensembles at rest that are open, as many replicas as the bare
    estimate m asks for would decide 96-100 %. So mu is m moved to zero by its usual error, .67 se.

    Args:
        interval: Of `replicas` replicas, its half-width c(n) standard errors.
        margin: delta.
        replicas: n.
        alpha: Error rate of each bound.
        one_sided: Whether only the upper bound is compared.
        rests: Whether zero is what an ensemble at rest has; where it is not, mu = m.
        calm: From numbers of replicas to the chance that nothing else keeps them from holding.

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
    root, bound = np.sqrt(numbers / replicas) / error, quantile(alpha, numbers - 1, numbers)
    above, below = (margin - mean) * root, np.inf if one_sided else (margin + mean) * root
    holds = np.maximum(special.ndtr(above - bound) - special.ndtr(bound - below), 0.0)
    fails = special.ndtr(-above - bound) + special.ndtr(-below - bound)
    enough = np.flatnonzero((holds if calm is None else holds * calm(numbers)) + fails >= CHANCE)
    return int(numbers[enough[0]]) if len(enough) else None
