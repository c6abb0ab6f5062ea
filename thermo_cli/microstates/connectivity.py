"""Whether two microstates lie in one valley: the loss along the straight line between them."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array

POINTS: Final = 11


def barrier(
    first: NDArray[np.floating], second: NDArray[np.floating], loss: Callable[[NDArray[np.floating]], Array]
) -> Array:
    """Return how far the loss rises above the chord between its ends, (pair,).

    barrier = max over t of L((1-t) a + t b) - [(1-t) L(a) + t L(b)], at 11 points, at least 0.

    Args:
        first: Parameters, (pair, parameter).
        second: Of the partners, aligned or not.
        loss: Mean loss of parameters, (pair, parameter) -> (pair,).

    Source: Frankle 2020; Entezari 2021.
    """
    shares = np.linspace(0, 1, POINTS)
    path = np.stack([loss(((1 - t) * first + t * second).astype(first.dtype)) for t in shares])
    chord = (1 - shares)[:, None] * path[0] + shares[:, None] * path[-1]
    return np.asarray((path - chord).max(axis=0))
