"""How near microstates are to each other, once symmetries are removed: squared distances, to be held against those of a null.

Q* = 1 - <d^2> / <d^2_null>: 1 for one state found many times, 0 for states that have no more in common than their shuffled
copies, which went through the same matching. Here are the distances; `equilibrium.diversity` makes statements of them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermo_cli import rng
from thermo_cli.contracts import Array, Symmetry, Tensors
from thermo_cli.microstates.matching import Labels, align, match
from thermo_cli.microstates.symmetry import canonical, fold, rows_of, tensors_of

TINY = np.finfo(np.float64).tiny
FRAME, PAIRS = 4, 5  # counters of the seed's stream: the order in which groups are matched


@dataclass(frozen=True)
class Frame:
    """Replicas in a common frame.

    Attributes:
        layers: Layer to the squared distances within it, (replica, replica).
        spread: Layer to the mean over its parameters of the logarithm of their variance over replicas.
        cosines: Of all pairs, (replica, replica).
        labels: How the units were ordered, to begin with at another time.
    """

    layers: dict[str, Array]
    spread: dict[str, float]
    cosines: Array
    labels: Labels

    @property
    def distances(self) -> Array:
        """Squared distances, (replica, replica)."""
        return np.asarray(sum(self.layers.values()))


def prepared(rows: NDArray[np.floating], symmetry: Symmetry) -> tuple[Tensors, Symmetry]:
    """Return microstates as tensors in canonical form, batch-norm folded.

    Args:
        rows: (replica, parameter).
        symmetry: Of the system.
    """
    tensors, plain = fold(tensors_of(rows, symmetry), symmetry)
    return canonical(tensors, plain), plain


def frame(tensors: Tensors, symmetry: Symmetry, seed: int, start: Labels | None = None) -> Frame:
    """Bring replicas into a common frame.

    Args:
        tensors: In canonical form, block name to (replica, *shape).
        symmetry: Without batch-norm.
        seed: Draws the order in which groups are matched.
        start: The frame at another time.
    """
    aligned, labels = align(tensors, symmetry, rng.generator(seed, FRAME), start)
    layers, spread = {}, {}
    for layer in dict.fromkeys(layer_of(block.name) for block in symmetry.blocks):
        names = [block.name for block in symmetry.blocks if layer_of(block.name) == layer]
        rows = np.concatenate([aligned[name].reshape(len(aligned[name]), -1) for name in names], axis=1)
        layers[layer] = squared_distances(rows)
        variance = rows.var(axis=0, ddof=1, dtype=np.float64) if len(rows) > 1 else np.full(rows.shape[1], np.nan)
        spread[layer] = float(np.log(np.maximum(variance, TINY)).mean())
    return Frame(layers, spread, cosines(rows_of(aligned, symmetry)), labels)


def matched_pairs(first: Tensors, second: Tensors, symmetry: Symmetry, seed: int) -> tuple[Array, Array, Labels]:
    """Match each replica to its partner.

    Args:
        first: In canonical form, block name to (pair, *shape).
        second: The partners.
        symmetry: Without batch-norm.
        seed: Draws the order in which groups are matched.

    Returns:
        Squared distances and cosines, both (pair,), and the order in which the partners' units were put.
    """
    turned, labels = match(second, first, symmetry, rng.generator(seed, PAIRS))
    a, b = (rows_of(side, symmetry).astype(np.float64) for side in (first, turned))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.einsum("rp,rp->r", a, b) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return np.square(a - b).sum(axis=1), cosine, labels


def squared_distances(rows: NDArray[np.floating]) -> Array:
    """Return |x_r - x_s|^2 of all pairs, (replica, replica).

    Args:
        rows: (replica, parameter).
    """
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    gram = centred @ centred.T
    square = np.diag(gram)
    found: Array = np.maximum(square[:, None] + square[None, :] - 2 * gram, 0.0)
    np.fill_diagonal(found, 0.0)
    return found


def cosines(rows: NDArray[np.floating], others: NDArray[np.floating] | None = None) -> Array:
    """Return <x_r, y_s> / (|x_r| |y_s|), (replica, replica); NaN where a norm is 0.

    Args:
        rows: x, (replica, parameter).
        others: y, the same; x if absent.
    """
    sides = [side.astype(np.float64) for side in (rows, rows if others is None else others)]
    with np.errstate(invalid="ignore", divide="ignore"):
        one, other = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)
    return np.asarray(one @ other.T)


def layer_of(block: str) -> str:
    """Return the layer that a block belongs to: its name up to the last point.

    Args:
        block: Its name.
    """
    return block.rpartition(".")[0] or block
