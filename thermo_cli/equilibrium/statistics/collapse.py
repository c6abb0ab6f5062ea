"""Replicas of a run that collapsed: they lie more than delta beyond the worst of the baseline.

No interval of a mean sees one in ten that does, so where any has, a run is not called equivalent or not worse.
"""

from typing import Final

import numpy as np
from scipy import special

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.interval import ROUNDING

POINTS: Final = (np.arange(64) + 0.5) / 64  # probabilities at which the law of the baseline's worst is looked at


def collapsed(run: Array, baseline: Array, delta: float, higher: bool | None) -> int:
    """Return how many replicas lie more than delta beyond the baseline's worst.

    Args:
        run: Final values, (replica,).
        baseline: Those of the other, (replica,).
        delta: Margin.
        higher: Whether higher is better; None where that is not known, and both ends count.
    """
    if not len(baseline):
        return 0
    beyond = delta * (1 + ROUNDING)
    low, high = run < baseline.min() - beyond, run > baseline.max() + beyond
    return int((low | high if higher is None else low if higher else high).sum())


def chance_of_none(
    run: Array, baseline: Array, delta: float, higher: bool | None, means: Array, numbers: Array
) -> Array:
    """Return the chance that of N replicas none collapses, were both normal and as wide as they were seen.

    With X ~ N(mu, s^2) of the run and Y_min the least of N of the baseline, of mean zero: E P(X > Y_min - delta)^N.

    Args:
        run: Final values, (replica,), at least two.
        baseline: Those of the other, (replica,), at least two.
        delta: Margin.
        higher: Whether higher is better; None where both ends count.
        means: mu, of the run less that of the baseline, (mean,).
        numbers: N in both, (number,).

    Returns:
        (mean, number).
    """
    counts = numbers[:, None]
    deepest = special.ndtri(1 - (1 - POINTS) ** (1 / counts))  # of N standard normal ones, (number, point)
    chance = np.ones((len(means), len(numbers)))
    for sign in (1, -1) if higher is None else (1,) if higher else (-1,):
        worst = baseline.std(ddof=1) * deepest
        with np.errstate(divide="ignore", invalid="ignore"):
            away = (sign * means[:, None, None] - worst + delta) / run.std(ddof=1)
        chance *= (special.ndtr(np.nan_to_num(away, nan=0.0)) ** counts).mean(axis=2)
    return chance
