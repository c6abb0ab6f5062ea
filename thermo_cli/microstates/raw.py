"""Raw distances between microstates: symmetries are not removed, so they describe and decide nothing.

A network with its hidden units relabelled is far from itself by these measures; they are reported beside whatever is better.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from thermo_cli.contracts import Array

MAX_REPLICAS = 4096


def raw_overlaps(final: NDArray[np.floating], initial: NDArray[np.floating] | None) -> dict[str, dict[str, Any]]:
    """Average raw cosine and L2 distance over all pairs of replicas, and of each replica to its own initialization.

    Intervals are 95 % and come from the jackknife over replicas, never over pairs, which are not independent. There is no
    null: what unrelated networks would show is not known for raw values.

    Args:
        final: theta_T, (replica, parameters).
        initial: theta_0, (replica, parameters); None where it is not known.

    Returns:
        `raw_cosine` and `raw_distance`, each with estimate, interval, null and self; empty with fewer than three finite
        replicas.
    """
    kept = np.isfinite(final).all(axis=1)
    if initial is not None:
        kept &= np.isfinite(initial).all(axis=1)
        initial = initial[kept][:MAX_REPLICAS].astype(np.float64)
    final = final[kept][:MAX_REPLICAS].astype(np.float64)
    if len(final) < 3:
        return {}
    gram = final @ final.T
    square = np.diag(gram)
    norm = np.sqrt(square)
    self_cosine = self_distance = None
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = gram / np.outer(norm, norm)
        if initial is not None:
            own = np.einsum("rp,rp->r", final, initial)
            self_cosine = float((own / (norm * np.linalg.norm(initial, axis=1))).mean())
            self_distance = float(np.linalg.norm(final - initial, axis=1).mean())
    centred = final - final.mean(axis=0)  # distances do not see the centre, and keep their digits without it
    near = centred @ centred.T
    distance = np.sqrt(np.maximum(np.diag(near)[:, None] + np.diag(near)[None, :] - 2 * near, 0.0))
    return {"raw_cosine": _pairs(cosine, self_cosine), "raw_distance": _pairs(distance, self_distance)}


def _pairs(matrix: Array, own: float | None) -> dict[str, Any]:
    n = len(matrix)
    total = (matrix.sum() - np.trace(matrix)) / 2
    rows = matrix.sum(axis=1) - np.diag(matrix)
    mean = total / (n * (n - 1) / 2)
    without = (total - rows) / ((n - 1) * (n - 2) / 2)
    error = float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
    half = float(stats.t.ppf(0.975, n - 1)) * error
    return {"estimate": float(mean), "interval": [float(mean) - half, float(mean) + half], "null": None, "self": own}
