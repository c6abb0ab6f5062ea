"""Products of decision values, of support vector machines; and which examples are their support vectors."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM

from thermo_cli.contracts import Integers
from thermo_cli.kinds.estimators.structures.microstate import Structure, upper


def decisions(estimator: Any, anchors: NDArray[Any], task: str) -> NDArray[np.float32] | None:
    """Return the kernel K_ij = f(i) . f(j) of decision values, or of predictions."""
    if not is_machine(estimator):
        return None
    scores = estimator.decision_function(anchors) if task == "classification" else estimator.predict(anchors)
    scores = np.asarray(scores, dtype=np.float64).reshape(len(anchors), -1)
    return upper(scores @ scores.T)


def is_machine(estimator: Any) -> bool:
    """Say whether it is one of scikit-learn's support vector machines."""
    return isinstance(estimator, SVC | SVR | NuSVC | NuSVR | OneClassSVM)


def support_in_pool(estimator: Any, rows: Integers, pool: int) -> NDArray[np.int8]:
    """Return 1 for each example of the pool that is a support vector, 0 for one that is none, -1 for one not seen, (pool,).

    Args:
        estimator: A fitted support vector machine.
        rows: Which examples of the pool it was fitted to, (example,).
        pool: Number of examples in the pool.
    """
    support = np.full(pool, -1, dtype=np.int8)
    support[rows] = 0
    support[rows[estimator.support_]] = 1
    return support


DECISION: Final = Structure("decision", True, decisions)
