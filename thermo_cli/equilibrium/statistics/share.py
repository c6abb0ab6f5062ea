"""Counts: what share of fresh replicas would be inside? Clopper & Pearson 1934, and the same as bounds of a quantile."""

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy import stats

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.forecast import CHANCE, fewest
from thermo_cli.equilibrium.statistics.interval import Interval

STEP = 1.03  # of the forecast
SUPPOSED = 0.97  # the least share that is forecast with where all of a few are inside
Count = Callable[[int, float, float], int | None]


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
    if stats.beta.ppf(alpha, replicas, 1) < content:
        return None
    counts = np.arange(1, replicas + 1)
    enough = np.flatnonzero(stats.beta.ppf(alpha, counts, replicas - counts + 1) >= content)
    return int(counts[enough[0]])


@cache
def count_not_to_fail(replicas: int, content: float, alpha: float) -> int:
    """Return the smallest count inside whose upper share bound reaches `content`; fewer is a failure."""
    counts = np.arange(0, replicas)
    enough = np.flatnonzero(stats.beta.ppf(1 - alpha, counts + 1, replicas - counts) >= content)
    return int(counts[enough[0]]) if len(enough) else replicas


def size_quantile(sizes: Array, content: float, alpha: float, rows: int = 1) -> Interval:
    """Bound the `content` quantile of |d| over fresh replicas by order statistics, whatever its distribution.

    Comparing the result with a margin by `below` is the same as comparing the Clopper-Pearson bounds of the share of
    replicas with |d| <= margin with `content`.

    Args:
        sizes: |d_r|, (replica,); infinite for a replica that diverged.
        content: Share of fresh replicas.
        alpha: Error rate of the upper bound.
        rows: Statements of which any may fail: the lower bound has the error rate alpha / rows.
    """
    ordered, n = np.sort(sizes), len(sizes)
    hold, fail = count_to_hold(n, content, alpha), count_not_to_fail(n, content, alpha / rows)
    return Interval(
        float(ordered[int(np.ceil(content * n)) - 1]),
        float(ordered[fail - 1]) if fail else 0.0,
        float(ordered[hold - 1]) if hold is not None else np.inf,
    )


def spanned_share(inside: int, replicas: int, alpha: float) -> float:
    """Bound from below the share of fresh replicas in the interval of a width that holds most: k of n that were seen.

    P(U_(n) - U_(1) < c) = alpha gives c = Beta^-1(alpha; n - 1, 2) where all are inside; s that are outside can lie at
    either end in s + 1 ways: c = Beta^-1(alpha / (s + 1); k - 1, s + 2). Source: Wilks 1941, with Bonferroni's correction.

    Args:
        inside: k.
        replicas: n.
        alpha: Error rate.
    """
    outside = replicas - inside
    return float(stats.beta.ppf(alpha / (outside + 1), inside - 1, outside + 2)) if inside > 1 else 0.0


@cache
def least_replicas(content: float, alpha: float, hold: Count = count_to_hold) -> int:
    """Return the fewest replicas of which so many can be inside that a statement holds: all of them, then.

    Args:
        content: Share that must be inside.
        alpha: Error rate of each bound.
        hold: From replicas, content and alpha to the smallest count inside that holds; None where even all is too few.
    """
    few, many = 0, 1
    while hold(many, content, alpha) is None:
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (middle, many) if hold(middle, content, alpha) is None else (few, middle)
    return many


@cache
def replicas_for_share(
    inside: int, replicas: int, content: float, alpha: float, hold: Count = count_to_hold, rows: int = 1
) -> int | None:
    """Return how many replicas would decide with a chance of four in five whether a share reaches `content`.

    The share is taken to be p = (k + 1/2) / (n + 1), which is not 1 where all are inside; a few that all are say nothing of the
    3 % that may lie elsewhere, nor of more. Of N fresh replicas K ~ Bin(N, p) lie inside, and P(K holds or fails) >= .8.

    Args:
        inside: k.
        replicas: n.
        content: Share that must be inside.
        alpha: Error rate of each bound.
        hold: From replicas, content and alpha to the smallest count inside that holds; None where even all is too few.
        rows: Statements of which any may fail: each fails at alpha / rows.

    Returns:
        A number of replicas, or None when no number up to 1,000 would.
    """
    share = (inside + 0.5) / (replicas + 1)
    share = max(share, SUPPOSED) if inside == replicas else share

    def decides(n: int) -> bool:
        enough = hold(n, content, alpha)
        holds = float(stats.binom.sf(enough - 1, n, share)) if enough is not None else 0.0
        return holds + float(stats.binom.cdf(count_not_to_fail(n, content, alpha / rows) - 1, n, share)) >= CHANCE

    return fewest(decides, STEP, replicas + 1)
