"""The weights of multi-layer perceptrons, whose symmetries are removed like those of networks."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array
from thermo_cli.kinds.estimators.structures.microstate import Structure


def weights(estimator: Any, anchors: NDArray[Any], task: str) -> Array | None:
    """Return weights as torch lays them out, (output, input), and biases, layer by layer."""
    if not (hasattr(estimator, "coefs_") and hasattr(estimator, "intercepts_")):
        return None
    layers = zip(estimator.coefs_, estimator.intercepts_, strict=True)
    return np.concatenate([part for matrix, bias in layers for part in (matrix.T.ravel(), bias)]).astype(np.float64)


def layer_sizes(estimator: Any) -> tuple[int, ...]:
    """Return the numbers of features, hidden units and outputs of a fitted perceptron."""
    return (estimator.coefs_[0].shape[0], *(matrix.shape[1] for matrix in estimator.coefs_))


NETWORK: Final = Structure("network", False, weights)
