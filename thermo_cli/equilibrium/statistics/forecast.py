"""How many replicas would decide what is open, if what was seen stays what it is."""

from collections.abc import Callable
from typing import Final

import numpy as np

from thermo_cli.equilibrium.statistics.interval import Interval

MAX_REPLICAS: Final = 100_000


def fewest(decides: Callable[[int], bool], step: float, most: int = MAX_REPLICAS) -> int | None:
    """Return the first number of replicas that decides, or None when no number up to the most does.

    Args:
        decides: Whether so many replicas would decide.
        step: Ratio of one number that is tried to the one before, above 1.
        most: Largest number that is tried.
    """
    n = 2.0
    while n <= most:
        if decides(int(n)):
            return int(n)
        n = max(n + 1, n * step)
    return None


def replicas_for_mean(interval: Interval, margin: float, replicas: int, *, one_sided: bool = False) -> int | None:
    """Return how many replicas would bring an interval inside the margin, its spread staying what it is.

    Args:
        margin: delta.
        one_sided: Whether only the upper bound is compared.

    Returns:
        A number of replicas, or None when the estimate itself is at or beyond the margin.
    """
    room = margin - (interval.estimate if one_sided else abs(interval.estimate))
    half = interval.upper - interval.estimate
    if not (np.isfinite(half) and room > 0):
        return None
    needed = int(np.ceil(replicas * (half / room) ** 2)) + 1
    return needed if needed <= MAX_REPLICAS else None
