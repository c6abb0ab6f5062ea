"""The transformations of a microstate that change no output, one at a time.

A network's hidden units can be put in another order; where the activation is odd, turned over in sign; where it is ReLU, scaled
up before and down after. Tensors are stacked over replicas: block name to (replica, *shape).
"""

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Symmetry, Tensors


def tensors_of(rows: NDArray[np.floating], symmetry: Symmetry) -> Tensors:
    """Split parameters (replica, parameter), block after block, into the system's blocks."""
    ends = np.cumsum([block.size for block in symmetry.blocks])[:-1]
    parts = np.split(rows, ends, axis=1)
    return {
        block.name: part.reshape(len(rows), *block.shape) for block, part in zip(symmetry.blocks, parts, strict=True)
    }


def rows_of(tensors: Tensors, symmetry: Symmetry) -> NDArray[np.floating]:
    """Join blocks into one row per replica; the inverse of `tensors_of`."""
    return np.concatenate([flat(tensors[block.name]) for block in symmetry.blocks], axis=1)


def flat(tensor: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return a block as one row per replica, (replica, number)."""
    return tensor.reshape(len(tensor), -1)


def permute(
    tensors: Tensors,
    symmetry: Symmetry,
    group: str,
    order: NDArray[np.int64],
    signs: NDArray[np.floating] | None = None,
) -> None:
    """Put a group's units in another order, in place, and turn them over in sign.

    Args:
        tensors: Block name to (replica, *shape).
        symmetry: Of the system.
        group: Name of the group.
        order: Which unit is to stand at each place, (replica, unit).
        signs: +1 or -1 of each place, (replica, unit): what goes in and what comes out is multiplied with it.
    """
    for name, axis in symmetry.places(group):
        tensors[name] = np.stack([np.take(one, row, axis) for one, row in zip(tensors[name], order, strict=True)])
        if signs is not None:
            tensors[name] = tensors[name] * _along(signs, tensors[name], axis)


def scale(tensors: Tensors, symmetry: Symmetry, group: str, factors: NDArray[np.floating]) -> None:
    """Scale units, in place: what goes in by c > 0, what comes out by 1/c, (replica, unit)."""
    for name, axis in symmetry.places(group):
        change = _along(factors if axis == 0 else 1 / factors, tensors[name], axis)
        tensors[name] = (tensors[name] * change).astype(tensors[name].dtype, copy=False)


def select(tensors: Tensors, rows: NDArray[np.int64] | slice) -> Tensors:
    """Return some replicas."""
    return {name: tensor[rows] for name, tensor in tensors.items()}


def mean(tensors: Tensors) -> Tensors:
    """Return the centroid as a stack of one."""
    return {name: tensor.mean(axis=0, keepdims=True) for name, tensor in tensors.items()}


def _along(values: NDArray[np.floating], tensor: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    return values.reshape(len(values), *(1,) * axis, -1, *(1,) * (tensor.ndim - axis - 2)).astype(tensor.dtype)
