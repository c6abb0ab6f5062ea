"""The transformations of a microstate that change no output, and the form in which they are removed or fixed.

A network's hidden units can be put in another order; where the activation is odd, turned over in sign; where it is ReLU, scaled
up before and down after. A softmax does not see a constant added to all its inputs. Batch-norm is a scale and a shift of the
convolution before it. Of a head's queries and keys only their product matters. Tensors are stacked over replicas: block name to
(replica, *shape).
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Block, Symmetry, Tensors

CONVERGED: Final = 1e-6  # largest |log c| of a sweep of rescaling
SWEEPS: Final = 200
EPSILON: Final = 1e-5  # of torch.nn.BatchNorm


def tensors_of(rows: NDArray[np.floating], symmetry: Symmetry) -> Tensors:
    """Split parameters into the system's blocks.

    Args:
        rows: (replica, parameter), block after block.
        symmetry: Names the blocks.
    """
    ends = np.cumsum([block.size for block in symmetry.blocks])[:-1]
    parts = np.split(rows, ends, axis=1)
    return {
        block.name: part.reshape(len(rows), *block.shape) for block, part in zip(symmetry.blocks, parts, strict=True)
    }


def rows_of(tensors: Tensors, symmetry: Symmetry) -> NDArray[np.floating]:
    """Join blocks into one row per replica; the inverse of `tensors_of`.

    Args:
        tensors: Block name to (replica, *shape).
        symmetry: Names the blocks.
    """
    return np.concatenate(
        [tensors[block.name].reshape(len(tensors[block.name]), -1) for block in symmetry.blocks], axis=1
    )


def canonical(tensors: Tensors, symmetry: Symmetry) -> Tensors:
    """Remove what can be removed without a partner: softmax shifts, and ReLU scales by the form of the least norm.

    For each unit c = sqrt(|out| / |[in, b]|) makes both sides equally long; sweeps over the groups repeat until nothing moves.

    Args:
        tensors: Block name to (replica, *shape); left as they are.
        symmetry: Of the system, without batch-norm: fold it first.

    Source: Pittorino 2022; Stock 2019 (equi-normalization).
    """
    found = {name: tensor.copy() for name, tensor in tensors.items()}
    for name in symmetry.shifts:
        found[name] -= found[name].mean(axis=1, keepdims=True)
    for name, axis in symmetry.centred.items():
        found[name] -= found[name].mean(axis=axis + 1, keepdims=True)
    scaled = [group.name for group in symmetry.groups if group.scale]
    for _ in range(SWEEPS if scaled else 0):
        largest = 0.0
        for group in scaled:
            before, after = _norms(found, symmetry, group)
            with np.errstate(divide="ignore", invalid="ignore"):
                log = 0.25 * np.log(after / before)  # norms are squared
            log = np.where(np.isfinite(log), log, 0.0)  # a dead unit has no scale to fix
            scale(found, symmetry, group, np.exp(log))
            largest = max(largest, float(np.abs(log).max(initial=0.0)))
        if largest < CONVERGED:
            break
    return found


def fold(tensors: Tensors, symmetry: Symmetry) -> tuple[Tensors, Symmetry]:
    """Put together what only matters together: batch-norms into the layers before them, factors into their products.

    Batch-norm: w' = w gamma/sigma, b' = beta + (b - mu) gamma/sigma, sigma^2 = var + eps. A head's queries and keys, or outputs
    and values: sum_e left[e, i] right[e, j], once what may be added along i and j has been taken out.

    Args:
        tensors: With the running statistics among the blocks.
        symmetry: Names norms and products.

    Returns:
        Tensors and symmetry without norms and products; each normalized layer has a bias.
    """
    found, axes = dict(tensors), dict(symmetry.axes)
    blocks = {block.name: block for block in symmetry.blocks}
    for norm in symmetry.norms:
        gain = found.pop(norm.gamma) / np.sqrt(found.pop(norm.variance) + EPSILON)
        weight = found[norm.weight]
        found[norm.weight] = weight * gain.reshape(*gain.shape, *(1,) * (weight.ndim - 2))
        bias = found.pop(norm.bias) if norm.bias is not None else 0.0
        found[norm.beta] = found[norm.beta] + (bias - found.pop(norm.mean)) * gain
        for name in (norm.gamma, norm.variance, norm.mean, norm.bias):
            if name is not None:
                del axes[name], blocks[name]
    for product in symmetry.products:
        left, right = (found.pop(name) for name in (product.left, product.right))
        if product.left in symmetry.centred:
            left = left - left.mean(axis=3, keepdims=True)
        if product.right in symmetry.centred:
            right = right - right.mean(axis=3, keepdims=True)
        found[product.name] = left.transpose(0, 1, 3, 2) @ right
        axes[product.name] = (axes[product.left][0], axes[product.left][2], axes.pop(product.right)[2])
        blocks[product.name] = Block(product.name, found[product.name].shape[1:], 0.0)
        del axes[product.left], blocks[product.left], blocks[product.right]
    centred = {name: axis for name, axis in symmetry.centred.items() if name in blocks}
    return found, Symmetry(tuple(blocks.values()), symmetry.groups, axes, symmetry.shifts, centred=centred)


def unfolded(tensors: Tensors, symmetry: Symmetry) -> Tensors:
    """Return folded tensors as blocks of the system again: norms that only add the bias, factors of equal length.

    Args:
        tensors: As `fold` returns them.
        symmetry: Of the system, with its norms and products.
    """
    found = dict(tensors)
    for norm in symmetry.norms:
        bias = found[norm.beta]
        found[norm.gamma], found[norm.mean] = np.ones_like(bias), np.zeros_like(bias)
        found[norm.variance] = np.full_like(bias, 1 - EPSILON)
        if norm.bias is not None:
            found[norm.bias] = np.zeros_like(bias)
    inner = {block.name: block.shape[1] for block in symmetry.blocks if len(block.shape) == 3}
    for product in symmetry.products:
        size = inner[product.left]
        u, length, v = np.linalg.svd(found.pop(product.name), full_matrices=False)
        root = np.sqrt(length[..., :size, None])
        found[product.left] = u.transpose(0, 1, 3, 2)[:, :, :size] * root
        found[product.right] = v[:, :, :size] * root
    return found


def permute(tensors: Tensors, symmetry: Symmetry, group: str, order: NDArray[np.int64]) -> None:
    """Put a group's units in another order, in place; unit i becomes unit order[i].

    Args:
        tensors: Block name to (replica, *shape).
        symmetry: Of the system.
        group: Name of the group.
        order: (replica, unit).
    """
    for name, axis in symmetry.places(group):
        tensors[name] = np.stack([np.take(one, row, axis) for one, row in zip(tensors[name], order, strict=True)])


def flip(tensors: Tensors, symmetry: Symmetry, group: str, signs: NDArray[np.floating]) -> None:
    """Turn units over: what goes in and what comes out changes sign, in place.

    Args:
        tensors: Block name to (replica, *shape).
        symmetry: Of the system.
        group: Name of the group.
        signs: +1 or -1, (replica, unit).
    """
    for name, axis in symmetry.places(group):
        tensors[name] = tensors[name] * _along(signs, tensors[name], axis)


def scale(tensors: Tensors, symmetry: Symmetry, group: str, factors: NDArray[np.floating]) -> None:
    """Scale units: what goes in by c, what comes out by 1/c, in place.

    Args:
        tensors: Block name to (replica, *shape).
        symmetry: Of the system.
        group: Name of the group.
        factors: c > 0, (replica, unit).
    """
    for name, axis in symmetry.places(group):
        change = _along(factors if axis == 0 else 1 / factors, tensors[name], axis)
        tensors[name] = (tensors[name] * change).astype(tensors[name].dtype, copy=False)


def random_element(tensors: Tensors, symmetry: Symmetry, generator: np.random.Generator) -> Tensors:
    """Apply a random transformation of every kind that the symmetry names; the outputs must not change.

    Args:
        tensors: Block name to (replica, *shape), without batch-norm; left as they are.
        symmetry: Of the system.
        generator: Source of randomness.
    """
    found = dict(tensors)
    replicas = len(next(iter(tensors.values())))
    for group in symmetry.groups:
        shape = (replicas, group.size)
        permute(found, symmetry, group.name, generator.random(shape).argsort(axis=1))
        if group.sign:
            flip(found, symmetry, group.name, np.where(generator.random(shape) < 0.5, -1.0, 1.0))
        if group.scale:
            scale(found, symmetry, group.name, np.exp(0.5 * generator.standard_normal(shape)))
    added = dict.fromkeys(symmetry.shifts, 0)
    for name, axis in (*added.items(), *symmetry.centred.items()):
        whole = found[name].shape
        found[name] = found[name] + generator.standard_normal((*whole[: axis + 1], 1, *whole[axis + 2 :]))
    return found


def scrambled(tensors: Tensors, generators: Sequence[np.random.Generator]) -> Tensors:
    """Permute the entries of each block of each replica: the same numbers, with nothing in common.

    Args:
        tensors: In canonical form, block name to (replica, *shape).
        generators: One per replica, so that the null of a replica does not depend on how many there are.
    """
    return {
        name: np.stack(
            [draw.permutation(one.ravel()).reshape(one.shape) for one, draw in zip(tensor, generators, strict=True)]
        )
        for name, tensor in tensors.items()
    }


def select(tensors: Tensors, rows: NDArray[np.int64] | slice) -> Tensors:
    """Return some replicas.

    Args:
        tensors: Block name to (replica, *shape).
        rows: Which.
    """
    return {name: tensor[rows] for name, tensor in tensors.items()}


def mean(tensors: Tensors) -> Tensors:
    """Return the centroid as a stack of one.

    Args:
        tensors: Block name to (replica, *shape).
    """
    return {name: tensor.mean(axis=0, keepdims=True) for name, tensor in tensors.items()}


def _along(values: NDArray[np.floating], tensor: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    return values.reshape(len(values), *(1,) * axis, -1, *(1,) * (tensor.ndim - axis - 2)).astype(tensor.dtype)


def _norms(
    tensors: Mapping[str, NDArray[np.floating]], symmetry: Symmetry, group: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the squared norms of what goes into and what comes out of each unit, both (replica, unit)."""
    sides = []
    for entering in (True, False):
        total: NDArray[np.float64] | float = 0.0
        for name, axis in symmetry.places(group):
            if (axis == 0) == entering:
                moved = np.moveaxis(tensors[name], axis + 1, 1)
                total = total + np.square(moved.reshape(*moved.shape[:2], -1), dtype=np.float64).sum(axis=2)
        sides.append(np.asarray(total))
    return sides[0], sides[1]
