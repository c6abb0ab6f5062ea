"""Counts: what share of fresh replicas would be inside? Clopper & Pearson 1934, and the same as bounds of a quantile."""

from functools import cache

import numpy as np
from scipy import stats

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.forecast import fewest
from thermo_cli.equilibrium.statistics.interval import Interval

STEP = 1.02  # of the forecast


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
    """Return the smallest count inside whose lower share bound reaches `content`, or None when even all is too few."""
    counts = np.arange(1, replicas + 1)
    enough = np.flatnonzero(stats.beta.ppf(alpha, counts, replicas - counts + 1) >= content)
    return int(counts[enough[0]]) if len(enough) else None


@cache
def count_not_to_fail(replicas: int, content: float, alpha: float) -> int:
    """Return the smallest count inside whose upper share bound reaches `content`; fewer is a failure."""
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


@cache
def replicas_for_share(share: float, content: float, alpha: float, spare: int = 0) -> int | None:
    """Return how many replicas would decide whether a share reaches `content`, if it stays what it is.

    Args:
        share: Observed share inside.
        content: Share that must be inside.
        alpha: Error rate of each bound.
        spare: Counts that a statement gives away (1 for a two-sided tolerance interval).

    Returns:
        A number of replicas, or None when no number up to 100,000 would.
    """

    def decides(n: int) -> bool:
        lower = share_bounds(max(int(np.floor(share * n)) - spare, 0), n, alpha)[0]
        upper = share_bounds(min(int(np.ceil(share * n)), n), n, alpha)[1]
        return lower >= content or upper < content

    return fewest(decides, STEP)
