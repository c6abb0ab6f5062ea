"""Confidence statements that the criteria share: counts, order statistics and means over independent replicas.

alpha is the error rate of each single bound, so "holds" is wrong with probability alpha at most.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from scipy import stats

from thermo_cli.contracts import Array, Outcome

MAX_REPLICAS: Final = 100_000
ROUNDING: Final = (
    1e-9  # accuracies are multiples of 1/n: two that differ by just the margin must not differ by its rounding
)


@dataclass(frozen=True)
class Interval:
    """A point estimate with a lower and an upper bound, each of confidence 1 - alpha; infinite where there is none."""

    estimate: float
    lower: float
    upper: float

    def inside(self, margin: float) -> Outcome:
        """Compare with (-margin, margin): inside holds, outside fails, else undecided.

        Args:
            margin: delta > 0.
        """
        if np.isnan([self.estimate, self.lower, self.upper]).any():
            return "undecided"
        if -margin < self.lower and self.upper < margin:
            return "holds"
        if self.lower > margin or self.upper < -margin:
            return "fails"
        return "undecided"

    def below(self, margin: float) -> Outcome:
        """Compare a size with its largest allowed value: upper bound at or below holds, lower bound above fails.

        Args:
            margin: The largest allowed value.
        """
        if np.isnan([self.estimate, self.lower]).any():
            return "undecided"
        margin *= 1 + ROUNDING
        return "holds" if self.upper <= margin else "fails" if self.lower > margin else "undecided"


def share_bounds(inside: int, replicas: int, alpha: float) -> tuple[float, float]:
    """Bound a share from a count: one-sided lower and upper bound, each of confidence 1 - alpha.

    lower = Beta^-1(alpha; k, n-k+1), upper = Beta^-1(1-alpha; k+1, n-k). Source: Clopper & Pearson 1934.

    Args:
        inside: k.
        replicas: n.
        alpha: Error rate of each bound.
    """
    lower = float(stats.beta.ppf(alpha, inside, replicas - inside + 1)) if inside > 0 else 0.0
    upper = float(stats.beta.ppf(1 - alpha, inside + 1, replicas - inside)) if inside < replicas else 1.0
    return lower, upper


@cache
def count_to_hold(replicas: int, content: float, alpha: float) -> int | None:
    """Return the smallest count inside whose lower share bound reaches `content`, or None when even all is too few.

    Args:
        replicas: n.
        content: Share that must be inside.
        alpha: Error rate.
    """
    counts = np.arange(1, replicas + 1)
    enough = np.flatnonzero(stats.beta.ppf(alpha, counts, replicas - counts + 1) >= content)
    return int(counts[enough[0]]) if len(enough) else None


@cache
def count_not_to_fail(replicas: int, content: float, alpha: float) -> int:
    """Return the smallest count inside whose upper share bound reaches `content`; fewer is a failure.

    Args:
        replicas: n.
        content: Share that must be inside.
        alpha: Error rate.
    """
    counts = np.arange(0, replicas)
    enough = np.flatnonzero(stats.beta.ppf(1 - alpha, counts + 1, replicas - counts) >= content)
    return int(counts[enough[0]]) if len(enough) else replicas


def size_quantile(sizes: Array, content: float, alpha: float) -> Interval:
    """Bound the `content` quantile of |d| over fresh replicas by order statistics, whatever its distribution.

    Comparing the result with a margin by `below` is the same as comparing the Clopper-Pearson bounds of the share of
    replicas with |d| <= margin with `content`.

    Args:
        sizes: |d_r|, (replica,); infinite for a replica that diverged.
        content: Share of fresh replicas.
        alpha: Error rate of each bound.
    """
    ordered, n = np.sort(sizes), len(sizes)
    hold, fail = count_to_hold(n, content, alpha), count_not_to_fail(n, content, alpha)
    return Interval(
        float(ordered[int(np.ceil(content * n)) - 1]),
        float(ordered[fail - 1]) if fail else 0.0,
        float(ordered[hold - 1]) if hold is not None else np.inf,
    )


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


@cache
def replicas_for_share(share: float, content: float, alpha: float, spare: int = 0) -> int | None:
    """Return how many replicas would decide whether a share reaches `content`, if it stays what it is.

    Args:
        share: Observed share inside.
        content: Share that must be inside.
        alpha: Error rate.
        spare: Counts that a statement gives away (1 for a two-sided tolerance interval).

    Returns:
        A number of replicas, or None when no number up to 100,000 would.
    """
    n = 2.0
    while n <= MAX_REPLICAS:
        count = int(n)
        lower, upper = (
            share_bounds(max(int(np.floor(share * count)) - spare, 0), count, alpha)[0],
            share_bounds(min(int(np.ceil(share * count)), count), count, alpha)[1],
        )
        if lower >= content or upper < content:
            return count
        n = max(n + 1, n * 1.02)
    return None


def replicas_for_mean(interval: Interval, margin: float, replicas: int, *, one_sided: bool = False) -> int | None:
    """Return how many replicas would bring an interval inside the margin, its spread staying what it is.

    Args:
        interval: The present interval.
        margin: delta.
        replicas: Present number.
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
