"""Growth of the spread: do the replicas drift apart, so that they would disagree after longer training?

Two looks at the half-width z s(t) that holds `content` of the replicas. The first draws straight lines through spread and
variance as they were seen. Behind frozen offsets those bend upwards and lines see too little; the second look takes offsets and
drifts apart, V(t) = V0 + 2 (t - tm) C + (t - tm)^2 B, and asks whether the half-width would grow by more than allowed.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from thermo_cli.contracts import Array
from thermo_cli.contracts.jackknife import jackknife_error
from thermo_cli.equilibrium.statistics.interval import Interval
from thermo_cli.equilibrium.statistics.slope import slopes
from thermo_cli.equilibrium.statistics.trimmed import mean_interval

PROJECTED: Final = 3.0  # from T to 4T are 3 T
SPLIT: Final = 4  # measurements in a row that go to one half of an interleaved split, at most a quarter of them


def growth_of_spread(
    values: Array, steps: Array, total: float, content: float, alpha: float, rows: int = 1
) -> Interval:
    """Project the half-width that holds `content` of the replicas from T to 4T, and bound how much it grows.

    Two projections, as S2 has two: the half-width z s(t) goes on along a straight line (the upper envelope of every
    decelerating growth, and what replicas do that drift apart steadily), or the variance does. The estimate and the upper
    bound are those of the first, the lower bound that of the second, so that "holds" and "fails" are both on the safe side.
    With the variance alone, replicas that drift apart and reach their margin at 4T would be called still in 90 % of trials.

    Args:
        values: A_r(t), (replica, time), finite, at least five replicas.
        steps: t, (time,).
        total: T.
        content: Share of fresh replicas.
        alpha: Error rate of the upper bound.
        rows: Statements of which any may fail: the lower bound has the error rate alpha / rows.
    """
    z = float(special.ndtri((1 + content) / 2))
    with np.errstate(over="ignore", invalid="ignore"):  # values beyond 1e150: the interval is NaN, hence undecided
        square = (values - values.mean(axis=0)) ** 2
        estimate, upper = _along_a_line(square, steps, total, z, alpha)
        lower = _along_the_variance(square, steps, total, z, alpha / rows)
        return Interval(estimate, min(lower, estimate), upper)


def hidden_growth(values: Array, steps: Array, total: float, content: float, margin: float) -> float:
    """Return w = W / se of W = V(4T) - (sqrt(V(T)) + margin / z)^2, the growth that offsets hide, in Fieller's form.

    V(t) = V0 + 2 (t - tm) C + (t - tm)^2 B: V0 the variance over replicas of their means in the window, C the covariance of
    means and slopes, B that of slopes on the window's two halves, whose noise is not the same; se by jackknife over
    replicas. Slow noise looks like a drift in one way of cutting the window and not in another, so the smaller w of the halves
    and of alternate blocks of four measurements (fewer in a window of less than sixteen) is returned.

    Args:
        values: A_r(t), (replica, time), finite, at least five replicas.
        steps: t, (time,).
        total: T.
        content: Share of fresh replicas.
        margin: The largest growth of the half-width that does not matter.
    """
    allowed = margin / float(special.ndtri((1 + content) / 2))
    place = np.arange(len(steps))
    splits = (place < len(steps) // 2, place // min(SPLIT, len(steps) // 4) % 2 == 0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return float(np.min([_fieller(values, steps, split, total, allowed) for split in splits]))


def _fieller(values: Array, steps: Array, split: NDArray[np.bool_], total: float, allowed: float) -> float:
    means, slope = values.mean(axis=1), slopes(values, steps)
    halves = [slopes(values[:, part], steps[part]) for part in (split, ~split)]
    parts = [_covariance(x, y) for x, y in ((means, means), (means, slope), (halves[0], halves[1]))]
    later = np.array([total, 4 * total]) - steps.mean()
    if parts[1][0] + later[0] * parts[2][0] <= 0:  # V'(T) / 2: replicas that draw nearer would cross, and part again
        return -math.inf
    excess, without = (_excess([part[place] for part in parts], later, allowed) for place in (0, 1))
    error = jackknife_error(without)
    return float(excess / error) if error > 0 else math.copysign(math.inf, float(excess))


def _excess(parts: Sequence[Array], later: Array, allowed: float) -> Array:
    """Return V(4T) - (sqrt(V(T)) + allowed)^2 of V0, C and B; `later` are T - tm and 4T - tm."""
    now, then = (parts[0] + 2 * time * parts[1] + time**2 * parts[2] for time in later)
    excess: Array = then - (np.sqrt(np.maximum(now, 0.0)) + allowed) ** 2
    return excess


def _covariance(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the covariance over replicas, and those with one replica left out, (replica,)."""
    n = len(x)
    products = (x - x.mean()) * (y - y.mean())
    whole = products.sum()
    return whole / (n - 1), (whole - n / (n - 1) * products) / (n - 2)


def _along_a_line(square: Array, steps: Array, total: float, z: float, alpha: float) -> tuple[float, float]:
    """Return g = z 3T b and its upper bound, b being the slope of s(t), the standard deviation over replicas.

    h = t_(1-alpha; R-1) times the jackknife error of g; upper bound g + sqrt(h^2 + (c^2 - 1) (g h_s)^2) for g > 0, where
    h_s is the same half-width of log(mean s), and c the ratio by which the exact chi-square bound of a Gaussian standard
    deviation exceeds the t bound: with it a steady drift at the margin holds in 5 % of trials, without it in 8 to 14 %.
    """
    n = len(square)
    centred = steps - steps.mean()
    weight = z * PROJECTED * total * centred / (centred @ centred)
    whole = square.sum(axis=0)
    spread = np.sqrt(whole / (n - 1))
    without = np.sqrt(np.maximum(whole - n / (n - 1) * square, 0.0) / (n - 2))
    growth, level = float(spread @ weight), float(spread.mean())
    least = -z * max(
        level + growth * (total - float(steps.mean())) / (z * PROJECTED * total), 0.0
    )  # no spread is left then
    quantile = float(special.stdtrit(n - 1, 1 - alpha))
    half = quantile * jackknife_error(without @ weight)
    if growth > 0 and level > 0:
        relative = quantile * jackknife_error(without.mean(axis=1)) / level
        exact = np.sqrt((n - 1) / stats.chi2.ppf(alpha, n - 1)) - 1
        excess = max((exact / (quantile / np.sqrt(2 * n))) ** 2 - 1, 0.0)
        half = float(np.sqrt(half**2 + excess * (growth * relative) ** 2))
    return max(growth, least), max(growth + half, least)


def _along_the_variance(square: Array, steps: Array, total: float, z: float, alpha: float) -> float:
    """Return the lower bound of z (sqrt(V + dV) - sqrt(V)).

    v_r(t) = R/(R-1) (A_r - mean A)^2, a straight line per replica; V its mean at T, dV its mean increase from T to
    4T with t-interval.
    """
    n = len(square)
    spread = n / (n - 1) * square
    slope = slopes(spread, steps)
    level = max(float((spread.mean(axis=1) + slope * (total - steps.mean())).mean()), 0.0)
    change = mean_interval(PROJECTED * total * slope, alpha).lower
    return z * float(np.sqrt(max(level + change, 0.0)) - np.sqrt(level))
