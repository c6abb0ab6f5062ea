"""Rank-normalized split R-hat and effective sample size, each beside what stationary traces of the same length would show.

R-hat on short traces exceeds 1.01 in most trials although nothing is wrong, so a threshold says nothing: the null does.
"""

from functools import cache
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Array

MIN_DRAWS: Final = 4
LARGEST: Final = 1e150  # its square is a number, and so is the sum of many
MOST_REPLICAS: Final = 64  # of the null: beyond, R-hat hardly depends on their number
SIMULATIONS: Final = 40
PHI_STEP: Final = 0.05
SEED: Final = 2021


def mixing(values: Array) -> dict[str, Any]:
    """Compare one observable's traces in the window with stationary AR(1) traces that differ in nothing.

    Args:
        values: (replica, time); replicas that are not finite are left out.

    Returns:
        `rhat`, `ess`, `phi` (lag-1 autocorrelation), `rhat_null` (its median and 95 % quantile without any difference between
        replicas), `ess_null` (its median); None with a `reason` where they do not exist. Source: Vehtari 2021.
    """
    values = values[np.isfinite(values).all(axis=1)]
    reason = None
    if len(values) < 2:
        reason = "fewer than two replicas have finite values"
    elif values.shape[1] < MIN_DRAWS:
        reason = f"only {values.shape[1]} measurements"
    elif not float(np.abs(values).max()) < LARGEST:
        reason = "the values are too large for their squares to be numbers"
    elif np.ptp(values) <= 1e-12 * float(np.abs(values).max()):
        reason = "the values are constant"
    if reason is not None:
        return {"rhat": None, "ess": None, "phi": None, "rhat_null": None, "ess_null": None, "reason": reason}
    phi = autocorrelation(values)
    few = min(len(values), MOST_REPLICAS)
    with np.errstate(divide="ignore", invalid="ignore"):  # replicas without any noise of their own: R-hat is infinite
        rhat, ess = convergence(values)
    expected, extreme, null_ess = null(few, values.shape[1], round(phi / PHI_STEP) * PHI_STEP)
    return {
        "rhat": rhat if np.isfinite(rhat) else None,
        "ess": ess if np.isfinite(ess) else None,
        "phi": phi,
        "rhat_null": [expected, extreme],
        "ess_null": null_ess * len(values) / few,
        "reason": None if np.isfinite(rhat) else "replicas do not fluctuate: R-hat is infinite",
    }


def convergence(values: Array) -> tuple[float, float]:
    """Return rank-normalized split R-hat and the bulk effective sample size.

    Args:
        values: (replica, time).
    """
    from arviz_stats.base import array_stats

    return float(array_stats.rhat(values, method="rank")), float(array_stats.ess(values, method="bulk"))


def autocorrelation(values: Array) -> float:
    """Estimate the lag-1 autocorrelation within replicas, pooled, and corrected for the mean being estimated too.

    r = sum (x_t - m_r)(x_t+1 - m_r) / sum (x_t - m_r)^2 has mean about phi - (1 + 3 phi)/n, so phi = (n r + 1)/(n - 3),
    kept within [0, 0.99]. Source: Kendall 1954.

    Args:
        values: (replica, time), not constant.
    """
    n = values.shape[1]
    centred = values - values.mean(axis=1, keepdims=True)
    square = float((centred**2).sum())
    if square == 0:
        return 0.0
    r = float((centred[:, 1:] * centred[:, :-1]).sum()) / square
    return float(np.clip((n * r + 1) / (n - 3), 0.0, 0.99))


@cache
def null(replicas: int, length: int, phi: float) -> tuple[float, float, float]:
    """Simulate stationary AR(1) traces without any difference between replicas, with a fixed seed.

    Args:
        replicas: R.
        phi: Lag-1 autocorrelation, on a grid.

    Returns:
        Median and 95 % quantile of R-hat, median of the effective sample size.
    """
    from scipy.signal import lfilter

    generator = np.random.Generator(np.random.PCG64([SEED, replicas, length, round(phi / PHI_STEP)]))
    phi = min(phi, 0.99)
    simulated = []
    for _ in range(SIMULATIONS):
        noise = generator.standard_normal((replicas, length))
        noise[:, 0] /= np.sqrt(1 - phi**2)
        simulated.append(convergence(lfilter([1.0], [1.0, -phi], noise, axis=1)))
    rhats, sizes = zip(*simulated, strict=True)
    return float(np.median(rhats)), float(np.quantile(rhats, 0.95)), float(np.median(sizes))
