"""Macroscopic against microscopic, for the ensemble and pair by pair: do models further apart perform more differently?"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Integers
from thermo_cli.equilibrium.ensemble import Ensemble

PERMUTATIONS: Final = 999
SEED: Final = 20240


def comparison(
    ensemble: Ensemble, rows: Sequence[int], apart: Array, divergence: float | None
) -> dict[str, dict[str, Any]]:
    """Compare the spread of each gating observable with the microscopic divergence of the same replicas.

    Args:
        ensemble: Of which microstates are known.
        rows: Which of its recorded replicas those are.
        apart: 1 - Q*_rs of them, (row, row).
        divergence: 1 - Q* of the ensemble, from pairs matched by themselves.

    Returns:
        Observable to `spread` (sd over delta), `divergence` (mean 1 - Q*) and `mantel`.
    """
    histories = [ensemble.recorded.histories[row] for row in rows]
    points = {}
    for name, margin in ensemble.margins.items():
        finals = ensemble.recorded.values[name][rows, -1]
        finite = finals[np.isfinite(finals)]
        points[name] = {
            "spread": float(finite.std(ddof=1)) / margin.delta if len(finite) > 1 else None,
            "divergence": divergence,
            "mantel": mantel(finals, apart, ensemble.settings.alpha, histories),
        }
    return points


def mantel(values: Array, distances: Array, alpha: float, histories: Sequence[str] | None = None) -> dict[str, Any]:
    """Correlate |A_r - A_s| with the microscopic distance over all pairs r, s, and permute the replicas for its null.

    Pairs are not independent, so the interval is that of the correlation when the replicas' names are shuffled: what lies
    outside of it is carried by microscopic divergence.

    Args:
        values: A_r, (replica,).
        distances: 1 - Q*_rs, (replica, replica).
        alpha: One minus the confidence of the interval.
        histories: History of each replica; names are shuffled within them, since histories are not alike.

    Returns:
        `correlation`, `interval` of the null, `p_value` (two-sided), and `reason` where there is none.

    Source: Mantel 1967.
    """
    off = distances + np.diag(np.full(len(distances), np.nan))
    kept = np.isfinite(values) & np.isfinite(off).any(axis=1)
    a, d = values[kept], distances[np.ix_(kept, kept)]
    groups = np.asarray(histories if histories is not None else [""] * len(values))[kept]
    upper = np.triu_indices(len(a), 1)
    nothing: dict[str, Any] = {"correlation": None, "interval": [None, None], "p_value": None}
    if len(a) < 4:
        return nothing | {"reason": "fewer than four replicas"}
    x, y = np.abs(a[:, None] - a[None, :]), d[upper]
    if np.ptp(x[upper]) == 0 or np.ptp(y) == 0:
        return nothing | {"reason": "all pairs are equal"}
    generator = np.random.Generator(np.random.PCG64(SEED))
    orders = [np.arange(len(a)), *(_shuffled(groups, generator) for _ in range(PERMUTATIONS))]
    y = (y - y.mean()) / y.std()
    shuffled = np.stack([x[np.ix_(order, order)][upper] for order in orders])
    correlations = shuffled @ y / (len(y) * x[upper].std())
    correlation, null = float(correlations[0]), correlations[1:]
    low, high = np.quantile(null, [alpha / 2, 1 - alpha / 2])
    beyond = 1 + int((np.abs(null) >= abs(correlation)).sum())
    return {
        "correlation": correlation,
        "interval": [float(low), float(high)],
        "p_value": beyond / (PERMUTATIONS + 1),
        "reason": None,
    }


def _shuffled(groups: NDArray[Any], generator: np.random.Generator) -> Integers:
    """Draw an order of the replicas that mixes no groups."""
    order = np.arange(len(groups))
    for group in np.unique(groups):
        inside = np.flatnonzero(groups == group)
        order[inside] = generator.permutation(inside)
    return order
