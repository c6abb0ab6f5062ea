"""The coefficients of linear models."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array
from thermo_cli.kinds.estimators.structures.microstate import Structure


def coefficients(estimator: Any, anchors: NDArray[Any], task: str) -> Array | None:
    """Return coefficients and intercepts; of a softmax without what is common to all classes, which changes no answer."""
    if not hasattr(estimator, "coef_") or callable(estimator.coef_):
        return None
    dense = estimator.coef_.toarray() if hasattr(estimator.coef_, "toarray") else estimator.coef_
    matrix = np.atleast_2d(np.asarray(dense, dtype=np.float64))
    bias = np.ravel(np.asarray(getattr(estimator, "intercept_", 0.0), dtype=np.float64))
    rows = np.hstack([matrix, np.broadcast_to(bias, len(matrix))[:, None]])
    if type(estimator).__name__ == "LogisticRegression" and len(rows) > 2:
        rows = rows - rows.mean(axis=0)
    return rows.ravel()


COEFFICIENTS: Final = Structure("coefficients", False, coefficients)
