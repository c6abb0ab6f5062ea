"""Means over all pairs of replicas, with the jackknife over replicas: pairs share replicas, so they are not independent."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from thermo_cli.contracts import Array
from thermo_cli.contracts.jackknife import jackknife_error


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error.

    Attributes:
        value: The mean.
        error: Its standard error; NaN where there is none.
        count: Independent units behind it: replicas, or pairs that share none.
    """

    value: float
    error: float = float("nan")
    count: int = 1

    def interval(self, confidence: float | None) -> list[float | None]:
        """Return the t-interval; nothing from a single unit.

        Args:
            confidence: Of both ends together; None where the units are not independent.
        """
        if confidence is None or self.count < 2 or not np.isfinite(self.error):
            return [None, None]
        half = float(stats.t.ppf((1 + confidence) / 2, self.count - 1)) * self.error
        return [self.value - half, self.value + half]

    def as_dict(
        self, confidence: float | None, null: float | None = None, own: float | None = None, **more: Any
    ) -> dict[str, Any]:
        """Return what verdict.json holds of a microscopic quantity.

        Args:
            confidence: Of the interval.
            null: What unrelated microstates show.
            own: What a replica shows against itself, earlier.
            more: Further fields.
        """
        return {"estimate": self.value, "interval": self.interval(confidence), "null": null, "self": own, **more}


def pair_mean(matrix: Array) -> Estimate:
    """Average over all pairs r < s that have a value; replicas without any are left out.

    Args:
        matrix: Symmetric, (replica, replica); the diagonal is not looked at.

    Source: the delete-one jackknife for U-statistics, Arvesen 1969.
    """
    off = matrix.astype(np.float64, copy=True)
    np.fill_diagonal(off, np.nan)
    kept = np.isfinite(off).any(axis=1)
    off = off[np.ix_(kept, kept)]
    there = np.isfinite(off)
    off[~there] = 0.0
    n, rows, counts = len(off), off.sum(axis=1), there.sum(axis=1)
    total, count = off.sum() / 2, counts.sum() / 2
    if n < 2:
        return Estimate(float("nan"), count=n)
    value = float(total / count)
    if n < 3 or (count <= counts).any():
        return Estimate(value, count=n)
    return Estimate(value, jackknife_error((total - rows) / (count - counts)), n)


def unit_mean(values: Array) -> Estimate:
    """Average over independent units, (unit,); those that are not finite are left out."""
    kept = values[np.isfinite(values)]
    if not len(kept):
        return Estimate(float("nan"), count=0)
    error = float(kept.std(ddof=1) / np.sqrt(len(kept))) if len(kept) > 1 else float("nan")
    return Estimate(float(kept.mean()), error, len(kept))
