"""Microstates of anybody's replicas: pairs that share their bath, and what has nothing in common."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thermo_cli.contracts import Overlaps
from thermo_cli.errors import DataError, UsageError
from thermo_cli.microstates.raw import raw_overlaps


def pair_overlaps(parts: Mapping[str, ArrayLike]) -> Overlaps:
    """Measure the distances of pairs and of states without anything in common, coordinate by coordinate.

    Args:
        parts: `pairs`, `reference` and, if known, `earlier` and `floor`, as `judge` takes them.

    Raises:
        UsageError: Parts are missing, or there are others.
        DataError: The arrays do not fit each other.
    """
    unknown = sorted(set(parts) - {"pairs", "reference", "earlier", "floor"})
    if unknown or not {"pairs", "reference"} <= set(parts):
        raise UsageError(
            "microstates are not what they should be",
            received=", ".join(parts) or "nothing",
            remedy="pairs and reference; earlier and floor if known",
        )
    try:
        pairs, reference = (np.asarray(parts[name], dtype=np.float64) for name in ("pairs", "reference"))
        earlier = np.asarray(parts.get("earlier", np.empty((0, 0))), dtype=np.float64)
        norms = np.linalg.norm(pairs.reshape(-1, pairs.shape[-1]), axis=1)
        default = (
            np.finfo(np.float64).eps * float(norms[np.isfinite(norms)].mean()) if np.isfinite(norms).any() else 0.0
        )
        floor = float(np.asarray(parts.get("floor", default), dtype=np.float64))
    except (TypeError, ValueError, IndexError) as error:
        raise DataError(
            "microstates are no numbers of one shape", received=str(error), remedy="give arrays of numbers"
        ) from None
    if not (math.isfinite(floor) and floor >= 0):
        raise DataError("the floor is a distance", received=floor, remedy="a finite number, 0 or more")
    wanted = (pairs.ndim == 3 and pairs.shape[1] == 2, reference.ndim == 2 and len(reference) > 15)
    if not all(wanted) or pairs.shape[2] != reference.shape[1] or (len(earlier) and earlier.shape != pairs[:, 0].shape):
        raise DataError(
            "microstates have the wrong shape",
            received=f"pairs {pairs.shape}, reference {reference.shape}, earlier {earlier.shape}",
            remedy="pairs (pair, 2, parameter), reference (at least 16, parameter), earlier (pair, parameter)",
        )
    first, second = pairs[:, 0], pairs[:, 1]
    even = len(reference) // 2 * 2
    own = np.square(first - earlier).sum(axis=1) if len(earlier) else np.empty(0)
    return Overlaps(
        np.square(first - second).sum(axis=1),
        np.square(reference[0:even:2] - reference[1:even:2]).sum(axis=1),
        own,
        floor,
        float("nan"),
        pairs.shape[2],
    )


def raw_microscopic(microstates: ArrayLike | None) -> dict[str, dict[str, Any]]:
    """Compare parameters as they are, symmetries and all; nothing where there are none."""
    if microstates is None:
        return {}
    final: NDArray[np.floating] = np.asarray(microstates, dtype=np.float64).reshape(len(np.asarray(microstates)), -1)
    return raw_overlaps(final, None)
