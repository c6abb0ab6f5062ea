"""Means over independent replicas: Student's t-interval of one ensemble."""

import numpy as np
from scipy import stats

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.interval import Interval


def mean_interval(values: Array, alpha: float) -> Interval:
    """Bound a mean over independent replicas: mean +- t_(1-alpha; n-1) sd / sqrt(n).

    Args:
        values: (replica,), at least two; replicas that are not finite are left out (they are counted elsewhere).
        alpha: Error rate of each bound; the interval has confidence 1 - 2 alpha.
    """
    values = values[np.isfinite(values)]
    n = len(values)
    if n < 2:
        return Interval(np.nan, np.nan, np.nan)
    mean = float(values.mean())
    half = float(stats.t.ppf(1 - alpha, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half)
