"""The form of a microstate in which symmetries are removed or fixed, as far as that needs no partner.

A softmax does not see a constant added to all its inputs. Batch-norm is a scale and a shift of the convolution before it. Of a
head's queries and keys only their product matters. ReLU units have a scale that their neighbours undo.
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Block, Symmetry, Tensors
from thermo_cli.microstates.symmetry import scale, tensors_of

CONVERGED: Final = 1e-6  # largest |log c| of a sweep of rescaling
SWEEPS: Final = 200
EPSILON: Final = 1e-5  # of torch.nn.BatchNorm


def prepared(rows: NDArray[np.floating], symmetry: Symmetry) -> tuple[Tensors, Symmetry]:
    """Return parameters (replica, parameter) as tensors in canonical form, and the symmetry that is left to be matched."""
    tensors, plain = fold(tensors_of(rows, symmetry), symmetry)
    return canonical(tensors, plain), plain


def canonical(tensors: Tensors, symmetry: Symmetry) -> Tensors:
    """Remove what can be removed without a partner: softmax shifts, and ReLU scales by the form of the least norm.

    For each unit c = sqrt(|out| / |[in, b]|) makes both sides equally long; sweeps over the groups repeat until nothing moves.

    Args:
        tensors: Block name to (replica, *shape); left as they are.
        symmetry: Of the system, without batch-norm: fold it first.

    Source: Pittorino 2022; Stock 2019 (equi-normalization).
    """
    tensors = {name: tensor.copy() for name, tensor in tensors.items()}
    for name in symmetry.shifts:
        tensors[name] -= tensors[name].mean(axis=1, keepdims=True)
    for name, axis in symmetry.centred.items():
        tensors[name] -= tensors[name].mean(axis=axis + 1, keepdims=True)
    scaled = [group.name for group in symmetry.groups if group.scale]
    for _ in range(SWEEPS if scaled else 0):
        largest = 0.0
        for group in scaled:
            before, after = _norms(tensors, symmetry, group)
            with np.errstate(divide="ignore", invalid="ignore"):
                log = 0.25 * np.log(after / before)  # norms are squared
            log = np.where(np.isfinite(log), log, 0.0)  # a dead unit has no scale to fix
            scale(tensors, symmetry, group, np.exp(log))
            largest = max(largest, float(np.abs(log).max(initial=0.0)))
        if largest < CONVERGED:
            break
    return tensors


def fold(tensors: Tensors, symmetry: Symmetry) -> tuple[Tensors, Symmetry]:
    """Put together what only matters together: batch-norms into the layers before them, factors into their products.

    Batch-norm: w' = w gamma/sigma, b' = beta + (b - mu) gamma/sigma, sigma^2 = var + eps. A head's queries and keys, or outputs
    and values: sum_e left[e, i] right[e, j], once what may be added along i and j has been taken out.

    Args:
        tensors: With the running statistics among the blocks; left as they are.
        symmetry: Names norms and products.

    Returns:
        Tensors and symmetry without norms and products; each normalized layer has a bias.
    """
    tensors, axes = dict(tensors), dict(symmetry.axes)
    blocks = {block.name: block for block in symmetry.blocks}
    for norm in symmetry.norms:
        gain = tensors.pop(norm.gamma) / np.sqrt(tensors.pop(norm.variance) + EPSILON)
        weight = tensors[norm.weight]
        tensors[norm.weight] = weight * gain.reshape(*gain.shape, *(1,) * (weight.ndim - 2))
        bias = tensors.pop(norm.bias) if norm.bias is not None else 0.0
        tensors[norm.beta] = tensors[norm.beta] + (bias - tensors.pop(norm.mean)) * gain
        for name in (norm.gamma, norm.variance, norm.mean, norm.bias):
            if name is not None:
                del axes[name], blocks[name]
    for product in symmetry.products:
        left, right = (_centred(tensors.pop(name), name, symmetry) for name in (product.left, product.right))
        tensors[product.name] = left.transpose(0, 1, 3, 2) @ right
        axes[product.name] = (axes[product.left][0], axes[product.left][2], axes.pop(product.right)[2])
        blocks[product.name] = Block(product.name, tensors[product.name].shape[1:], 0.0)
        del axes[product.left], blocks[product.left], blocks[product.right]
    centred = {name: axis for name, axis in symmetry.centred.items() if name in blocks}
    return tensors, Symmetry(tuple(blocks.values()), symmetry.groups, axes, symmetry.shifts, centred=centred)


def unfolded(tensors: Tensors, symmetry: Symmetry) -> Tensors:
    """Return folded tensors as blocks of the system again: norms that only add the bias, factors of equal length.

    Args:
        tensors: As `fold` returns them; left as they are.
        symmetry: Of the system, with its norms and products.
    """
    tensors = dict(tensors)
    for norm in symmetry.norms:
        bias = tensors[norm.beta]
        tensors[norm.gamma], tensors[norm.mean] = np.ones_like(bias), np.zeros_like(bias)
        tensors[norm.variance] = np.full_like(bias, 1 - EPSILON)
        if norm.bias is not None:
            tensors[norm.bias] = np.zeros_like(bias)
    inner = {block.name: block.shape[1] for block in symmetry.blocks if len(block.shape) == 3}
    for product in symmetry.products:
        size = inner[product.left]
        u, length, v = np.linalg.svd(tensors.pop(product.name), full_matrices=False)
        root = np.sqrt(length[..., :size, None])
        tensors[product.left] = u.transpose(0, 1, 3, 2)[:, :, :size] * root
        tensors[product.right] = v[:, :, :size] * root
    return tensors


def dimensions(symmetry: Symmetry, plain: Symmetry) -> int:
    """Return how many independent numbers a microstate in canonical form has.

    Args:
        symmetry: Of the system; a product of rank r of d x d numbers, rows and columns centred, has r (2 (d - 1) - r).
        plain: The same without batch-norm and products.
    """
    shapes = {block.name: block.shape for block in (*symmetry.blocks, *plain.blocks)}
    count = sum(block.size for block in plain.blocks) - sum(group.size for group in plain.groups if group.scale)
    for name, axis in (*dict.fromkeys(plain.shifts, 0).items(), *plain.centred.items()):
        count -= math.prod(shapes[name]) // shapes[name][axis]
    count += len(plain.centred.keys() & set(plain.shifts))  # what is taken out both ways is taken out once
    for product in symmetry.products:
        heads, inner, width = shapes[product.left]
        rank = min(inner, width - 1)
        count -= math.prod(shapes[product.name]) - heads * rank * (2 * (width - 1) - rank)
    return count


def _centred(factor: NDArray[np.floating], name: str, symmetry: Symmetry) -> NDArray[np.floating]:
    return factor - factor.mean(axis=3, keepdims=True) if name in symmetry.centred else factor


def _norms(
    tensors: Mapping[str, NDArray[np.floating]], symmetry: Symmetry, group: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the squared norms of what goes into and what comes out of each unit, both (replica, unit)."""
    sides = []
    for entering in (True, False):
        total: NDArray[np.float64] | float = 0.0
        for name, axis in symmetry.places(group):
            if (axis == 0) == entering:
                units = np.moveaxis(tensors[name], axis + 1, 1)
                total = total + np.square(units.reshape(*units.shape[:2], -1), dtype=np.float64).sum(axis=2)
        sides.append(np.asarray(total))
    return sides[0], sides[1]
