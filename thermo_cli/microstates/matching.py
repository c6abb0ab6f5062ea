"""Putting hidden units in a common order: coordinate descent of linear assignments, stacked over replicas.

Matching is a heuristic: it may end short of the best order, so an overlap found this way is a lower bound on the similarity.
And it manufactures similarity: of two states without anything in common, the best order still has a positive overlap. So what
is measured after matching is compared with a null that went through the same matching.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from thermo_cli import rng
from thermo_cli.contracts import Integers, Symmetry, Tensors
from thermo_cli.microstates.symmetry import flat, mean, permute, select

SWEEPS: Final = 30  # of a pair: until nothing changes
RESTARTS: Final = 3  # of a pair, from random orders, where all groups are
NARROW: Final = 64  # as narrow as this: there descent ends short of the best order
COUNTER: Final = 5  # of the seed's stream
REFERENCE_SWEEPS: Final = 3  # of many replicas to the first one, before
CENTROID_SWEEPS: Final = 3  # one to each running centroid; further ones shorten distances by less than 1 %

Labels = dict[str, tuple[Integers, NDArray[np.float64]]]
"""Group to which unit is now at each place, and its sign, both (replica, unit)."""


def match(
    tensors: Tensors, reference: Tensors, symmetry: Symmetry, generator: np.random.Generator, sweeps: int = SWEEPS
) -> tuple[Tensors, Labels]:
    """Reorder (and turn over, where signs are free) the units of each replica to be as near to a reference as can be found.

    For one group the squared distance is least where sum_i s_i <ref_i, cur_p(i)> is greatest: a linear assignment on |gain|
    where the sign s is free. Groups are visited in random order until nothing changes.

    Args:
        tensors: In canonical form, block name to (replica, *shape); left as they are.
        reference: The same, or a stack of one.
        symmetry: Of the system.
        generator: Draws the order of the groups.
        sweeps: At most.

    Source: Ainsworth 2022 (weight matching).
    """
    tensors = {name: tensor.copy() for name, tensor in tensors.items()}
    count = _count(tensors)
    labels = identity(symmetry, count)
    active = np.arange(count)  # replicas that still change
    for _ in range(sweeps if symmetry.groups else 0):
        whole = len(active) == count
        current = tensors if whole else select(tensors, active)
        beside = reference if whole or _count(reference) == 1 else select(reference, active)
        changed = np.zeros(len(active), dtype=bool)
        for place in generator.permutation(len(symmetry.groups)):
            group = symmetry.groups[place]
            order, signs = _assign(_gain(current, beside, symmetry, group.name), group.sign)
            moved = (order != np.arange(group.size)).any(axis=1) | (signs < 0).any(axis=1)
            if moved.any():
                permute(current, symmetry, group.name, order, signs if group.sign else None)
                before, turned = labels[group.name]
                before[active] = np.take_along_axis(before[active], order, 1)
                turned[active] = np.take_along_axis(turned[active], order, 1) * signs
            changed |= moved
        if not whole:
            for name, tensor in current.items():
                tensors[name][active] = tensor
        active = active[changed]
        if not len(active):
            break
    return tensors, labels


def match_best(tensors: Tensors, reference: Tensors, symmetry: Symmetry, seed: int) -> tuple[Tensors, Labels]:
    """Match from the given order and from a few random ones, and keep the nearest of each replica.

    What is drawn for one replica does not depend on how many others there are.

    Args:
        tensors: In canonical form, block name to (replica, *shape).
        reference: The same.
        symmetry: Of the system.
        seed: Draws orders.
    """
    count = _count(tensors)
    best, labels = match(tensors, reference, symmetry, rng.generator(seed, COUNTER, 0))
    nearest = _distance(best, reference)
    narrow = bool(symmetry.groups) and max(group.size for group in symmetry.groups) <= NARROW
    for restart in range(1, 1 + RESTARTS if narrow else 1):
        start = {
            group.name: (
                rng.generator(seed, COUNTER, restart, place).random((count, group.size)).argsort(axis=1),
                np.ones((count, group.size)),
            )
            for place, group in enumerate(symmetry.groups)
        }
        other, then = match(
            relabelled(tensors, symmetry, start), reference, symmetry, rng.generator(seed, COUNTER, restart)
        )
        distance = _distance(other, reference)
        better = distance < nearest
        for name, tensor in other.items():
            best[name][better] = tensor[better]
        for name, (order, signs) in composed(start, then).items():
            labels[name][0][better], labels[name][1][better] = order[better], signs[better]
        nearest = np.minimum(nearest, distance)
    return best, labels


def composed(first: Labels, then: Labels) -> Labels:
    """Return the order that two orders make one after the other."""
    return {
        name: (np.take_along_axis(order, then[name][0], 1), np.take_along_axis(signs, then[name][0], 1) * then[name][1])
        for name, (order, signs) in first.items()
    }


def align(
    tensors: Tensors, symmetry: Symmetry, generator: np.random.Generator, start: Labels | None = None
) -> tuple[Tensors, Labels]:
    """Put many replicas into one frame: match all to the first, then a few times to the running centroid.

    Args:
        tensors: In canonical form, block name to (replica, *shape).
        symmetry: Of the system.
        generator: Draws the order of the groups.
        start: A frame that was found at another time, to begin with instead of the first replica.
    """
    if not symmetry.groups:
        return tensors, {}
    if start is None:
        tensors, labels = match(tensors, select(tensors, slice(0, 1)), symmetry, generator, REFERENCE_SWEEPS)
    else:
        tensors, labels = relabelled(tensors, symmetry, start), start
    for _ in range(CENTROID_SWEEPS if start is None else 1):
        tensors, then = match(tensors, mean(tensors), symmetry, generator, 1)
        labels = composed(labels, then)
    return tensors, labels


def identity(symmetry: Symmetry, count: int) -> Labels:
    """Return the order in which no unit of `count` replicas is moved."""
    return {
        group.name: (np.tile(np.arange(group.size), (count, 1)), np.ones((count, group.size)))
        for group in symmetry.groups
    }


def relabelled(tensors: Tensors, symmetry: Symmetry, labels: Labels) -> Tensors:
    """Return tensors with their units in another order; they themselves are left as they are."""
    tensors = dict(tensors)
    for group in symmetry.groups:
        order, signs = labels[group.name]
        permute(tensors, symmetry, group.name, order, signs if group.sign else None)
    return tensors


def _count(tensors: Tensors) -> int:
    return len(next(iter(tensors.values())))


def _distance(tensors: Tensors, reference: Tensors) -> NDArray[np.float64]:
    """Return squared distances, (replica,)."""
    parts = [np.square(tensors[name] - reference[name], dtype=np.float64) for name in tensors]
    return np.asarray(sum(flat(part).sum(axis=1) for part in parts))


def _gain(current: Tensors, reference: Tensors, symmetry: Symmetry, group: str) -> NDArray[np.floating]:
    """Return <ref_i, cur_j> over all blocks that touch the group, (replica, unit of reference, unit)."""
    total: NDArray[np.floating] | float = 0.0
    for name, axis in symmetry.places(group):
        left, right = (np.moveaxis(side[name], axis + 1, 1) for side in (reference, current))
        left, right = (np.ascontiguousarray(side).reshape(*side.shape[:2], -1) for side in (left, right))
        alone = len(left) == 1
        # one product per replica: a stacked one with a shared or transposed factor does not reach the fast kernels
        total = total + np.stack([left[0 if alone else row] @ right[row].T for row in range(len(right))])
    return np.asarray(total)


def _assign(gain: NDArray[np.floating], signed: bool) -> tuple[Integers, NDArray[np.float64]]:
    """Solve the assignment of each replica; one whose gains overflow is left as it is."""
    order = np.tile(np.arange(gain.shape[1]), (len(gain), 1))
    for row, square in enumerate(gain):
        if np.isfinite(square).all():
            order[row] = linear_sum_assignment(np.abs(square) if signed else square, maximize=True)[1]
    if not signed:
        return order, np.ones(order.shape)
    chosen = np.take_along_axis(gain, order[:, :, None], 2)[:, :, 0]
    return order, np.where(chosen < 0, -1.0, 1.0)
