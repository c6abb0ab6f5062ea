"""How near microstates are to each other, once symmetries are removed: squared distances, to be held against those of a null.

Q* = 1 - <d^2> / <d^2_null>: 1 for one state found many times, 0 for states that have no more in common than their shuffled
copies, which went through the same matching. Here are the distances; the court's `diversity` makes statements of them. Tensors
are in canonical form, block name to (replica, *shape).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermo_cli import rng
from thermo_cli.contracts import Array, Symmetry, Tensors
from thermo_cli.microstates.matching import Labels, align, match, match_best
from thermo_cli.microstates.symmetry import flat, rows_of

FRAME, OWN = 4, 8  # counters of the seed's stream: the order in which groups are matched


@dataclass(frozen=True)
class Framed:
    """Replicas in a common frame.

    Attributes:
        layers: Layer to the squared distances within it, (replica, replica).
        spread: Layer to the mean over its parameters of the logarithm of their variance over replicas.
        labels: How the units were ordered, to begin with at another time.
    """

    layers: dict[str, Array]
    spread: dict[str, float]
    labels: Labels

    @property
    def distances(self) -> Array:
        """Squared distances, (replica, replica)."""
        return np.asarray(sum(self.layers.values()))


@dataclass(frozen=True)
class Matched:
    """Pairs of replicas, each matched by itself.

    Attributes:
        layers: Layer to the squared distances within it, (pair,).
        cosines: (pair,).
        labels: The order in which the partners' units were put.
    """

    layers: dict[str, Array]
    cosines: Array
    labels: Labels

    @property
    def distances(self) -> Array:
        """Squared distances, (pair,)."""
        return np.asarray(sum(self.layers.values()))


def framed(tensors: Tensors, symmetry: Symmetry, seed: int, start: Labels | None = None) -> Framed:
    """Bring replicas into a common frame.

    Args:
        tensors: The replicas.
        symmetry: Without batch-norm.
        seed: Draws the order in which groups are matched.
        start: The frame at another time.
    """
    tensors, labels = align(tensors, symmetry, rng.generator(seed, FRAME), start)
    layers, spread = {}, {}
    for layer in layers_of(symmetry):
        rows = _joined(tensors, symmetry, layer)
        layers[layer] = squared_distances(rows)
        variance = rows.var(axis=0, ddof=1, dtype=np.float64) if len(rows) > 1 else np.zeros(0)
        moving = variance[variance > 0]  # what never differs between replicas has no logarithm
        spread[layer] = float(np.log(moving).mean()) if len(moving) else float("nan")
    return Framed(layers, spread, labels)


def matched_pairs(first: Tensors, second: Tensors, symmetry: Symmetry, seed: int) -> Matched:
    """Match each replica to its partner, from several orders.

    Args:
        first: One of each pair.
        second: The partners.
        symmetry: Without batch-norm.
        seed: Draws the orders.
    """
    second, labels = match_best(second, first, symmetry, seed)
    layers = {}
    for layer in layers_of(symmetry):
        a, b = (_joined(side, symmetry, layer).astype(np.float64) for side in (first, second))
        layers[layer] = np.square(a - b).sum(axis=1)
    a, b = (rows_of(side, symmetry).astype(np.float64) for side in (first, second))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.einsum("rp,rp->r", a, b) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return Matched(layers, cosine, labels)


def own_distances(now: Tensors, earlier: Tensors, symmetry: Symmetry, seed: int) -> Array:
    """Return squared distances of replicas from themselves at another time, matched from the labels that they keep, (replica,).

    Args:
        now: The replicas.
        earlier: The same ones at the other time.
        symmetry: Without batch-norm.
        seed: Draws the order in which groups are matched.
    """
    earlier, _ = match(earlier, now, symmetry, rng.generator(seed, OWN))
    change = rows_of(now, symmetry).astype(np.float64) - rows_of(earlier, symmetry)
    return np.asarray(np.square(change).sum(axis=1))


def squared_distances(rows: NDArray[np.floating]) -> Array:
    """Return |x_r - x_s|^2 of all pairs of rows, (replica, replica)."""
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)  # the centre would cost digits
    gram = centred @ centred.T
    square = np.diag(gram)
    distances: Array = np.maximum(square[:, None] + square[None, :] - 2 * gram, 0.0)
    np.fill_diagonal(distances, 0.0)
    return distances


def cosines(rows: NDArray[np.floating], others: NDArray[np.floating] | None = None) -> Array:
    """Return <x_r, y_s> / (|x_r| |y_s|), (replica, replica); NaN where a norm is 0.

    Args:
        rows: x, (replica, parameter).
        others: y, the same; x if absent.
    """
    sides = [side.astype(np.float64) for side in (rows, rows if others is None else others)]
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)
    return np.asarray(x @ y.T)


def layers_of(symmetry: Symmetry) -> tuple[str, ...]:
    """Return the layers, in order: the names of blocks up to the last point."""
    return tuple(dict.fromkeys(_layer(block.name) for block in symmetry.blocks))


def _layer(block: str) -> str:
    return block.rpartition(".")[0] or block


def _joined(tensors: Tensors, symmetry: Symmetry, layer: str) -> NDArray[np.floating]:
    """Join the blocks of a layer, (replica, parameter)."""
    names = [block.name for block in symmetry.blocks if _layer(block.name) == layer]
    return np.concatenate([flat(tensors[name]) for name in names], axis=1)
