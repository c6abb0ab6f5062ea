"""The one statistic that the court and the microstates share: the delete-one jackknife over replicas."""

import numpy as np

from thermo_cli.contracts.types import Array


def jackknife_error(without: Array) -> float:
    """Return the standard error sqrt((n-1)/n sum_r (without_r - mean)^2) of a statistic.

    Args:
        without: The statistic with one replica left out, (replica,).

    Source: Tukey 1958.
    """
    n = len(without)
    return float(np.sqrt((n - 1) / n * np.square(without - without.mean()).sum()))
