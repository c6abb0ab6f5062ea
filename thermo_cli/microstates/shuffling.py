"""Random copies of microstates: transformations that must change no output, and shufflings that leave nothing in common."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli import rng
from thermo_cli.contracts import Array, Symmetry, Tensors
from thermo_cli.microstates.canonical import fold, unfolded
from thermo_cli.microstates.symmetry import permute, rows_of, scale, tensors_of

SELF_TEST: Final = 1e-6  # of the largest output, in double precision
COUNTER: Final = 7  # of the seed's stream


def random_element(tensors: Tensors, symmetry: Symmetry, generator: np.random.Generator) -> Tensors:
    """Apply a random transformation of every kind that the symmetry names; the outputs must not change.

    Args:
        tensors: Block name to (replica, *shape), without batch-norm; left as they are.
        symmetry: Of the system.
        generator: Source of randomness.
    """
    tensors = dict(tensors)
    replicas = len(next(iter(tensors.values())))
    for group in symmetry.groups:
        shape = (replicas, group.size)
        order = generator.random(shape).argsort(axis=1)
        signs = np.where(generator.random(shape) < 0.5, -1.0, 1.0) if group.sign else None
        permute(tensors, symmetry, group.name, order, signs)
        if group.scale:
            scale(tensors, symmetry, group.name, np.exp(0.5 * generator.standard_normal(shape)))
    for name, axis in (*dict.fromkeys(symmetry.shifts, 0).items(), *symmetry.centred.items()):
        whole = tensors[name].shape
        tensors[name] = tensors[name] + generator.standard_normal((*whole[: axis + 1], 1, *whole[axis + 2 :]))
    return tensors


def scrambled(tensors: Tensors, streams: Sequence[int]) -> Tensors:
    """Permute the entries of each block of each replica: the same numbers, with nothing in common.

    Args:
        tensors: In canonical form, block name to (replica, *shape).
        streams: One per replica, so that the null of a replica does not depend on how many there are.
    """
    generators = [rng.generator(stream) for stream in streams]
    return {
        name: np.stack(
            [draw.permutation(one.ravel()).reshape(one.shape) for one, draw in zip(tensor, generators, strict=True)]
        )
        for name, tensor in tensors.items()
    }


def self_test(
    rows: NDArray[np.floating], symmetry: Symmetry, outputs: Callable[[NDArray[np.floating]], Array], seed: int
) -> str:
    """Say how a random transformation of the symmetry changes the outputs, or nothing when it does not.

    Args:
        rows: Some replicas, (replica, parameter), in double precision.
        symmetry: Of the system.
        outputs: Parameters -> outputs, (replica, output, example).
        seed: Draws the transformation.
    """
    folded, plain = fold(tensors_of(rows, symmetry), symmetry)
    changed = unfolded(random_element(folded, plain, rng.generator(seed, COUNTER)), symmetry)
    before, after = outputs(rows), outputs(rows_of(changed, symmetry))
    if symmetry.shifts:
        before, after = (side - side.mean(axis=1, keepdims=True) for side in (before, after))
    size = float(np.abs(before).max(initial=0.0)) or 1.0
    worst = float(np.abs(after - before).max(initial=0.0))
    if np.isfinite(worst) and worst <= SELF_TEST * size:
        return ""
    return f"self-test failed: a relabelling of the units changed the outputs by {worst / size:.2g} of their size"
