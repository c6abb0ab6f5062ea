"""How many replicas would decide what is open with a chance of four in five, if what was seen stays what it is."""

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy import stats

from thermo_cli.equilibrium.statistics.interval import Interval

CHANCE: Final = 0.8
MAX_REPLICAS: Final = 1000  # what needs more is not reachable in this way
SURER: Final = float(((stats.norm.ppf(0.95) + stats.norm.ppf(CHANCE)) / stats.norm.ppf(0.95)) ** 2)


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


def replicas_for_mean(interval: Interval, margin: float, replicas: int, *, one_sided: bool = False) -> int | None:
    """Return how many replicas would bring an interval inside the margin in four of five cases, its spread staying what it is.

    n (half-width / room)^2 would in half of them, and ((z_.95 + z_.80) / z_.95)^2 = 2.3 times as many in four of five.

    Args:
        margin: delta.
        one_sided: Whether only the upper bound is compared.

    Returns:
        A number of replicas, or None when the estimate itself is at or beyond the margin, or no number up to 1,000 would.
    """
    room = margin - (interval.estimate if one_sided else abs(interval.estimate))
    half = interval.upper - interval.estimate
    if not (np.isfinite(half) and room > 0):
        return None
    needed = int(np.ceil(replicas * SURER * (half / room) ** 2)) + 1
    return needed if needed <= MAX_REPLICAS else None
