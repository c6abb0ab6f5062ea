"""What fitted estimators are made of: a file for each structure, and one tuple.

A structure is a file here: what it is in the docstring, the functions that it needs, and a record `Structure` at the end,
which `STRUCTURES` lists. Fits of one structure are held against each other; what that is in numbers, its function `read` says.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.kinds.estimators.structures.coefficients import COEFFICIENTS
from thermo_cli.kinds.estimators.structures.decisions import DECISION
from thermo_cli.kinds.estimators.structures.microstate import Structure
from thermo_cli.kinds.estimators.structures.neighbours import NEIGHBOURS
from thermo_cli.kinds.estimators.structures.trees import LEAVES
from thermo_cli.kinds.estimators.structures.weights import NETWORK

STRUCTURES: Final[tuple[Structure, ...]] = (NETWORK, LEAVES, NEIGHBOURS, DECISION, COEFFICIENTS)
"""The first that reads an estimator is what it is made of."""
VECTORS: Final = tuple(structure.name for structure in STRUCTURES if not structure.kernel)
KERNELS: Final = tuple(structure.name for structure in STRUCTURES if structure.kernel)
NOTHING: Final = "none"  # an estimator of which no structure is known


def microstate(estimator: Any, anchors: NDArray[Any], task: str) -> tuple[str, NDArray[np.floating]]:
    """Return the structure of a fitted estimator, and its numbers.

    Args:
        anchors: What it sees of the anchors, (anchor, feature).
        task: Classification or regression.
    """
    for structure in STRUCTURES:
        vector = structure.read(estimator, anchors, task)
        if vector is not None:
            return structure.name, vector
    return NOTHING, np.empty(0)
