"""Raw distances between microstates: symmetries are not removed, so they describe and decide nothing.

A network with its hidden units relabelled is far from itself by these measures; they are reported beside whatever is better.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.microstates.overlap import cosines, squared_distances
from thermo_cli.microstates.pairs import pair_mean

MAX_REPLICAS: Final = 4096
CONFIDENCE: Final = 0.95


def raw_overlaps(final: NDArray[np.floating], initial: NDArray[np.floating] | None) -> dict[str, dict[str, Any]]:
    """Average raw cosine and L2 distance over all pairs of replicas, and of each replica to its own initialization.

    There is no null: what unrelated networks would show is not known for raw values.

    Args:
        final: theta_T, (replica, parameters).
        initial: theta_0, (replica, parameters); None where it is not known.

    Returns:
        `raw_cosine` and `raw_distance`, each with estimate, interval of 95 %, null and self; empty with fewer than three finite
        replicas.
    """
    sides = [final] if initial is None else [final, initial]
    kept = np.all([np.isfinite(side).all(axis=1) for side in sides], axis=0)
    final, *starts = (side[kept][:MAX_REPLICAS].astype(np.float64) for side in sides)
    if len(final) < 3:
        return {}
    own: tuple[float | None, float | None] = _beside(final, starts[0]) if starts else (None, None)
    pairs = (cosines(final), np.sqrt(squared_distances(final)))
    return {
        name: pair_mean(matrix).as_dict(CONFIDENCE, own=itself)
        for name, matrix, itself in zip(("raw_cosine", "raw_distance"), pairs, own, strict=True)
    }


def _beside(final: NDArray[np.floating], initial: NDArray[np.floating]) -> tuple[float, float]:
    """Return the mean cosine and distance of replicas to where they began."""
    with np.errstate(invalid="ignore", divide="ignore"):
        norms = np.linalg.norm(final, axis=1) * np.linalg.norm(initial, axis=1)
        cosine = float((np.einsum("rp,rp->r", final, initial) / norms).mean())
    return cosine, float(np.linalg.norm(final - initial, axis=1).mean())
