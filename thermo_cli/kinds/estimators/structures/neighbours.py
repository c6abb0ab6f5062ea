"""The share of neighbours that two anchors have in common, of models that look their answers up."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Integers
from thermo_cli.kinds.estimators.structures.microstate import Structure, upper


def neighbours(estimator: Any, anchors: NDArray[Any], task: str) -> NDArray[np.float32] | None:
    """Return the kernel of shared neighbours."""
    if not hasattr(estimator, "kneighbors"):
        return None
    return upper(shared_neighbours(estimator.kneighbors(anchors, return_distance=False)))


def shared_neighbours(lists: Integers) -> Array:
    """Return K_ij = |N(i) and N(j)| / k, (example, example).

    Args:
        lists: The k neighbours of each example, (example, k).
    """
    number, k = lists.shape
    member = np.zeros((number, int(lists.max()) + 1), dtype=np.float32)
    member[np.arange(number)[:, None], lists] = 1.0
    return np.asarray(member @ member.T / k, dtype=np.float64)


NEIGHBOURS: Final = Structure("neighbours", True, neighbours)
