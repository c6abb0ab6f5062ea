"""What is found out about the microstates of an ensemble: parameter rows in, named arrays out; nothing is read or written.

All-pair quantities are over the replicas in one frame; what decides is measured on pairs of replicas that share their bath,
each matched to its partner. Both are held against a null that went the same way.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli import rng
from thermo_cli.contracts import Array, Block, Findings, Symmetry, Tensors
from thermo_cli.microstates.overlap import (
    Frame,
    cosines,
    frame,
    layers_of,
    matched_pairs,
    own_distances,
    prepared,
    squared_distances,
)
from thermo_cli.microstates.symmetry import fold, random_element, rows_of, scrambled, tensors_of, unfolded

Rows = NDArray[np.floating]
REFERENCES: Final = 128  # draws from a reference law
MAIN_PAIRS: Final = 16  # of main replicas, matched pair by pair
FORMAT: Final = 1  # of the findings: another one is made anew
SELF_TEST: Final = 1e-6  # of the largest output, in double precision


@dataclass(frozen=True)
class Material:
    """Microstates to be examined; every row of the main replicas is finite.

    Attributes:
        replicas: Names of the main replicas, (replica,).
        pairs: Names of the main replicas that have a partner on their bath, (pair,).
        mains: Step (T/4, T/2 and T, in order) to parameters, (replica, parameter).
        initial: At step 0, (replica, parameter).
        firsts: Of the pairs' main replicas at T, (pair, parameter).
        partners: Of their partners at T.
        earlier: Of the pairs' main replicas at T/2; NaN where that was another protocol, or the start.
        streams: Of the null, one per replica.
        pair_streams: Of the null of main replica and partner, one per pair.
        twins: Step to parameters of twins and of their originals.
        twin_names: Of the originals.
        seed: Draws what belongs to nobody.
        whole: Parameters at T where `mains` are only what was learned.
    """

    replicas: tuple[str, ...]
    pairs: tuple[str, ...]
    mains: Mapping[int, Rows]
    initial: Rows
    firsts: Rows
    partners: Rows
    earlier: Rows
    streams: Sequence[int]
    pair_streams: Sequence[tuple[int, int]]
    twins: Mapping[int, tuple[Rows, Rows]] = field(default_factory=dict)
    twin_names: tuple[str, ...] = ()
    seed: int = 0
    whole: Rows | None = None

    @property
    def last(self) -> Rows:
        """Parameters of the main replicas at T."""
        return self.mains[max(self.mains)]


def examine(material: Material, symmetry: Symmetry, shared: bool) -> Findings:
    """Measure distances of microstates that have a symmetry, and of their shuffled copies.

    Replicas that share their initialization keep its labels, and memory passes for order: of them, without matching, that part
    is examined which was learned, theta_T - c theta_0 with the least-squares c. (With c = 1, decay or a hot start leave
    -theta_0 in the difference of all replicas, which then look like one another.)

    Args:
        material: The microstates.
        symmetry: Of the system.
        shared: Whether all replicas have one initialization, but for its scale.
    """
    if shared:
        material, symmetry = _learned(material, symmetry)

    def ready(rows: Rows) -> tuple[Tensors, Symmetry]:
        return prepared(rows, symmetry)

    frames, nulls = _frames(material, ready)
    last, plain = ready(material.last)
    arrays = {"steps": np.array(list(material.mains), dtype=np.float64), **_all_pairs(material, frames, nulls)}
    earlier = [ready(rows)[0] for rows in material.mains.values()][:-1]
    own = [own_distances(last, one, plain, material.seed) for one in earlier]
    arrays["own"] = np.stack([*own, np.zeros(len(material.replicas))])
    pairs, cosine = _bath_pairs(material, ready)
    arrays |= _main_pairs(material, ready) | pairs | _twins(material) | _memory(material)
    facts = _facts(material) | {
        "layers": list(layers_of(plain)),
        "null": "shuffled",
        "null_cosine": cosine if np.isfinite(cosine) else None,
        "dimensions": dimensions(symmetry, plain),
        "displacement": shared,
    }
    return Findings(arrays, facts)


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


def examine_particles(material: Material, reference: Callable[[np.random.Generator, int], Array | None]) -> Findings:
    """Measure distances of coordinates that have no symmetry, against draws from a reference law.

    Args:
        material: The microstates.
        reference: Generator and count -> microstates without anything in common; None where there is no law for them.
    """
    drawn = reference(rng.generator(material.seed, 6), REFERENCES)
    arrays: dict[str, Array] = {"steps": np.array(list(material.mains), dtype=np.float64)}
    dimensions = material.last.shape[1]
    facts = _facts(material) | {
        "layers": [],
        "null": "reference law",
        "null_cosine": None,
        "dimensions": dimensions,
        "displacement": False,
    }
    if drawn is None:
        return Findings(
            arrays | _twins(material),
            facts | {"untested": "no law is known for microstates without anything in common"},
        )
    symmetry = Symmetry((Block("coordinates", (dimensions,), 0.0),))
    unrelated = np.square(drawn[0::2] - drawn[1::2]).sum(axis=1)
    for step, rows in material.mains.items():
        found = frame({"coordinates": rows}, symmetry, material.seed)
        arrays |= {f"distance/{step}": found.distances, f"null/{step}": np.array([unrelated.mean()])}
    first, second = disjoint(material.last)
    arrays |= {
        "null_pairs": squared_distances(drawn[: len(material.last)]),
        "own": np.stack([np.square(material.last - rows).sum(axis=1) for rows in material.mains.values()]),
        "main_distance": np.square(first - second).sum(axis=1),
        "main_null": unrelated,
        "pair_distance": np.square(material.firsts - material.partners).sum(axis=1),
        "pair_null": unrelated,
        "pair_own": np.square(material.firsts - material.earlier).sum(axis=1),
    }
    return Findings(arrays | _twins(material), facts)


def disjoint(rows: Rows) -> tuple[Rows, Rows]:
    """Return pairs of replicas of which none has a replica in common with another, at most 16.

    Args:
        rows: (replica, parameter).
    """
    number = min(len(rows) // 2, MAIN_PAIRS)
    return rows[0 : 2 * number : 2], rows[1 : 2 * number : 2]


def _facts(material: Material) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "replicas": list(material.replicas),
        "pairs": list(material.pairs),
        "twins": list(material.twin_names),
        "floor": _floor(material),
    }


def _learned(material: Material, symmetry: Symmetry) -> tuple[Material, Symmetry]:
    """Take away what is left of the common start, running statistics, and all symmetries: the labels are kept."""
    kept = np.concatenate([np.full(block.size, block.trained) for block in symmetry.blocks])
    start = material.initial[0, kept].astype(np.float64)
    length = float(np.linalg.norm(start))
    unit = start / length if length > 0 else start

    def learned(rows: Rows) -> Rows:
        return (rows[:, kept] - np.outer(rows[:, kept] @ unit, unit)).astype(rows.dtype)

    mains = {step: learned(rows) for step, rows in material.mains.items()}
    twins = {step: (twin[:, kept], main[:, kept]) for step, (twin, main) in material.twins.items()}
    blocks = tuple(block for block in symmetry.blocks if block.trained)
    changed = dataclasses.replace(
        material,
        initial=material.initial[:, kept],
        mains=mains,
        twins=twins,
        whole=material.last[:, kept],
        firsts=learned(material.firsts),
        partners=learned(material.partners),
        earlier=learned(material.earlier),
    )
    return changed, Symmetry(blocks)


def _frames(
    material: Material, ready: Callable[[Rows], tuple[Tensors, Symmetry]]
) -> tuple[dict[int, Frame], dict[int, Frame]]:
    """Bring all replicas into one frame at each time, the last one first; and the same of their shuffled copies."""
    frames: dict[int, Frame] = {}
    nulls: dict[int, Frame] = {}
    for step in sorted(material.mains, reverse=True):
        tensors, plain = ready(material.mains[step])
        shuffled = scrambled(tensors, [rng.generator(stream) for stream in material.streams])
        for found, side in ((frames, tensors), (nulls, shuffled)):
            start = next(iter(found.values())).labels if found else None
            found[step] = frame(side, plain, material.seed, start)
    return {step: frames[step] for step in material.mains}, {step: nulls[step] for step in material.mains}


def _all_pairs(material: Material, frames: Mapping[int, Frame], nulls: Mapping[int, Frame]) -> dict[str, Array]:
    off = ~np.eye(len(material.replicas), dtype=bool)
    arrays: dict[str, Array] = {}
    for step, found in frames.items():
        null = nulls[step]
        arrays[f"distance/{step}"] = found.distances
        arrays[f"null/{step}"] = np.array([null.distances[off].mean()])
        arrays[f"spread/{step}"] = np.array([list(found.spread.values()), list(null.spread.values())])
    last = max(frames)
    return arrays | {"null_pairs": nulls[last].distances}


def _main_pairs(material: Material, ready: Callable[[Rows], tuple[Tensors, Symmetry]]) -> dict[str, Array]:
    """Match main replicas in pairs that have none in common, and their shuffled copies: Q* that no other replica influences."""
    (first, plain), (second, _) = (ready(side) for side in disjoint(material.last))
    streams = np.arange(2 * len(next(iter(first.values()))))
    shuffled = [
        scrambled(side, [rng.generator(material.streams[row]) for row in streams[which::2]])
        for which, side in enumerate((first, second))
    ]
    found, null = (matched_pairs(a, b, plain, material.seed) for a, b in ((first, second), shuffled))
    return {
        "main_distance": found.distances,
        "main_null": null.distances,
        "main_cosine": found.cosines,
        "main_cosine_null": null.cosines,
        "main_layers": np.stack(list(found.layers.values())),
        "main_layers_null": np.stack(list(null.layers.values())),
    }


def _bath_pairs(
    material: Material, ready: Callable[[Rows], tuple[Tensors, Symmetry]]
) -> tuple[dict[str, Array], float]:
    """Match main replicas and their partners, their shuffled copies, and each main replica and itself half the time earlier."""
    kept = np.asarray(np.isfinite(material.firsts).all(axis=1) & np.isfinite(material.partners).all(axis=1))
    arrays = {name: np.full(len(kept), np.nan) for name in ("pair_distance", "pair_null", "pair_own")}
    if not kept.any():
        return arrays, float("nan")
    (first, plain), (second, _) = ready(material.firsts[kept]), ready(material.partners[kept])
    streams = [pair for pair, keep in zip(material.pair_streams, kept, strict=True) if keep]
    shuffled = [
        scrambled(side, [rng.generator(pair[which]) for pair in streams]) for which, side in enumerate((first, second))
    ]
    null = matched_pairs(shuffled[0], shuffled[1], plain, material.seed)
    arrays["pair_distance"][kept] = matched_pairs(first, second, plain, material.seed).distances
    arrays["pair_null"][kept] = null.distances
    if np.isfinite(material.earlier[kept]).all():
        arrays["pair_own"][kept] = own_distances(first, ready(material.earlier[kept])[0], plain, material.seed)
    cosine = null.cosines[np.isfinite(null.cosines)]
    return arrays, float(cosine.mean()) if len(cosine) else float("nan")


def _twins(material: Material) -> dict[str, Array]:
    """Return distances of twins from their originals, step to (twin,)."""
    return {
        f"twin/{step}": np.linalg.norm(twin.astype(np.float64) - original, axis=1)
        for step, (twin, original) in material.twins.items()
    }


def _memory(material: Material) -> dict[str, Array]:
    """Return raw cosines, of all pairs at T and of each replica with each start, and the rms distance of pairs."""
    upper = np.triu_indices(len(material.replicas), 1)
    last = material.last if material.whole is None else material.whole
    apart = np.array([np.sqrt(squared_distances(last)[upper].mean())])
    return {"raw_cosine": cosines(last), "memory": cosines(last, material.initial), "raw_distance": apart}


def _floor(material: Material) -> float:
    """Return the distance that rounding makes: of twins after one step, or machine epsilon times the norm."""
    twin, original = material.twins.get(1, (np.empty((0, 0)), np.empty((0, 0))))
    change = np.square(twin.astype(np.float64) - original).sum(axis=1)
    change = change[np.isfinite(change)]
    if len(change) and change.any():
        return float(np.sqrt(change.mean()))
    eps = np.finfo(material.last.dtype).eps
    return float(eps * np.linalg.norm(material.last.astype(np.float64), axis=1).mean())


def self_test(rows: Rows, symmetry: Symmetry, outputs: Callable[[Rows], Array], seed: int) -> str:
    """Say how a random transformation of the symmetry changes the outputs, or nothing when it does not.

    Args:
        rows: Some replicas, (replica, parameter), in double precision.
        symmetry: Of the system.
        outputs: Parameters -> outputs, (replica, output, example).
        seed: Draws the transformation.
    """
    folded, plain = fold(tensors_of(rows, symmetry), symmetry)
    changed = unfolded(random_element(folded, plain, rng.generator(seed, 7)), symmetry)
    before, after = outputs(rows), outputs(rows_of(changed, symmetry))
    if symmetry.shifts:
        before, after = (side - side.mean(axis=1, keepdims=True) for side in (before, after))
    scale = float(np.abs(before).max(initial=0.0)) or 1.0
    worst = float(np.abs(after - before).max(initial=0.0))
    if np.isfinite(worst) and worst <= SELF_TEST * scale:
        return ""
    return f"self-test failed: a relabelling of the units changed the outputs by {worst / scale:.2g} of their size"
