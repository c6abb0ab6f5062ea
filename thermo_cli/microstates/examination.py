"""What is found out about the microstates of an ensemble: parameter rows in, named arrays out; nothing is read or written.

All-pair quantities are over the replicas in one frame; what decides is measured on pairs of replicas that share their bath,
each matched to its partner. Both are held against a null that went the same way.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli import rng
from thermo_cli.contracts import Array, Block, Findings, Symmetry, Tensors
from thermo_cli.microstates.overlap import Frame, cosines, frame, matched_pairs, prepared, squared_distances
from thermo_cli.microstates.symmetry import fold, random_element, rows_of, scrambled, tensors_of, unfolded

Rows = NDArray[np.floating]
REFERENCES: Final = 128  # draws from a reference law
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
        earlier: Of the pairs' main replicas at T/2.
        streams: Of the null, one per replica.
        pair_streams: Of the null of main replica and partner, one per pair.
        twins: Step to parameters of twins and of their originals.
        seed: Draws what belongs to nobody.
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
    seed: int = 0

    @property
    def last(self) -> Rows:
        """Parameters of the main replicas at T."""
        return self.mains[max(self.mains)]


def examine(material: Material, symmetry: Symmetry, shared: bool) -> Findings:
    """Measure distances of microstates that have a symmetry, and of their shuffled copies.

    Replicas that share their initialization keep its labels, and memory passes for order: of them the displacement theta_T -
    theta_0 is examined, without matching.

    Args:
        material: The microstates.
        symmetry: Of the system.
        shared: Whether all replicas have one initialization.
    """
    if shared:
        material, symmetry = _trained(material, symmetry)
    origin = material.initial[:1] if shared else 0.0

    def ready(rows: Rows) -> tuple[Tensors, Symmetry]:
        return prepared((rows - origin).astype(rows.dtype, copy=False), symmetry)

    frames, nulls = _frames(material, ready)
    last, plain = ready(material.last)
    arrays = {"steps": np.array(list(material.mains), dtype=np.float64), **_all_pairs(material, frames, nulls)}
    own = [matched_pairs(last, ready(rows)[0], plain, material.seed)[0] for rows in material.mains.values()]
    arrays["own"] = np.stack(own)
    pairs, cosine = _bath_pairs(material, ready)
    arrays |= pairs | _twins(material) | _memory(material)
    facts = {
        "replicas": list(material.replicas), "pairs": list(material.pairs), "layers": list(next(iter(frames.values())).layers),
        "null": "shuffled", "null_cosine": cosine if np.isfinite(cosine) else None,
        "dimensions": sum(block.size for block in plain.blocks), "floor": _floor(material), "displacement": shared,
    }  # fmt: skip
    return Findings(arrays, facts)


def examine_particles(material: Material, reference: Callable[[np.random.Generator, int], Array | None]) -> Findings:
    """Measure distances of coordinates that have no symmetry, against draws from a reference law.

    Args:
        material: The microstates.
        reference: Generator and count -> microstates without anything in common; None where there is no law for them.
    """
    drawn = reference(rng.generator(material.seed, 6), REFERENCES)
    arrays: dict[str, Array] = {"steps": np.array(list(material.mains), dtype=np.float64)}
    dimensions = material.last.shape[1]
    facts: dict[str, Any] = {
        "replicas": list(material.replicas), "pairs": list(material.pairs), "layers": [], "null": "reference law",
        "null_cosine": None, "dimensions": dimensions, "floor": _floor(material), "displacement": False,
    }  # fmt: skip
    if drawn is None:
        return Findings(
            arrays | _twins(material),
            facts | {"untested": "no law is known for microstates without anything in common"},
        )
    symmetry = Symmetry((Block("coordinates", (dimensions,), 0.0),))
    unrelated = np.square(drawn[0::2] - drawn[1::2]).sum(axis=1)
    for step, rows in material.mains.items():
        if len(rows) > 1:
            found = frame({"coordinates": rows}, symmetry, material.seed)
            arrays |= {f"distance/{step}": found.distances, f"null/{step}": np.array([unrelated.mean()])}
    arrays |= {
        "null_pairs": squared_distances(drawn[: len(material.last)]),
        "own": np.stack([np.square(material.last - rows).sum(axis=1) for rows in material.mains.values()]),
        "pair_distance": np.square(material.firsts - material.partners).sum(axis=1),
        "pair_null": unrelated,
        "pair_own": np.square(material.firsts - material.earlier).sum(axis=1),
    }  # fmt: skip
    return Findings(arrays | _twins(material), facts)


def _trained(material: Material, symmetry: Symmetry) -> tuple[Material, Symmetry]:
    """Leave out running statistics, whose displacement means nothing, and all symmetries: the labels are kept."""
    kept = np.concatenate([np.full(block.size, block.trained) for block in symmetry.blocks])
    parts = {name: getattr(material, name)[:, kept] for name in ("initial", "firsts", "partners", "earlier")}
    mains = {step: rows[:, kept] for step, rows in material.mains.items()}
    twins = {step: (twin[:, kept], main[:, kept]) for step, (twin, main) in material.twins.items()}
    blocks = tuple(block for block in symmetry.blocks if block.trained)
    return dataclasses.replace(material, mains=mains, twins=twins, **parts), Symmetry(blocks)


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
    arrays |= {
        "null_pairs": nulls[last].distances, "aligned_cosine": frames[last].cosines, "aligned_cosine_null": nulls[last].cosines,
    }  # fmt: skip
    for layer, distances in frames[last].layers.items():
        arrays[f"layer/{layer}"] = distances
        arrays[f"layer_null/{layer}"] = np.array([nulls[last].layers[layer][off].mean()])
    return arrays


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
    sides = [
        scrambled(side, [rng.generator(pair[which]) for pair in streams]) for which, side in enumerate((first, second))
    ]
    distance, _, _ = matched_pairs(first, second, plain, material.seed)
    null, cosine, _ = matched_pairs(sides[0], sides[1], plain, material.seed)
    own, _, _ = matched_pairs(first, ready(material.earlier[kept])[0], plain, material.seed)
    for name, values in (("pair_distance", distance), ("pair_null", null), ("pair_own", own)):
        arrays[name][kept] = values
    return arrays, float(np.nanmean(cosine)) if np.isfinite(cosine).any() else float("nan")


def _twins(material: Material) -> dict[str, Array]:
    """Return distances of twins from their originals, step to (twin,)."""
    return {
        f"twin/{step}": np.linalg.norm(twin.astype(np.float64) - original, axis=1)
        for step, (twin, original) in material.twins.items()
    }


def _memory(material: Material) -> dict[str, Array]:
    """Return raw cosines, of all pairs at T and of each replica with each start, and the rms distance of pairs."""
    upper = np.triu_indices(len(material.replicas), 1)
    apart = np.array([np.sqrt(squared_distances(material.last)[upper].mean())])
    memory = cosines(material.last, material.initial)
    return {"raw_cosine": cosines(material.last), "memory": memory, "raw_distance": apart}


def _floor(material: Material) -> float:
    """Return the distance that rounding makes: of twins after one step, or machine epsilon times the norm."""
    after = material.twins.get(1)
    if after is not None and len(after[0]):
        change = after[0].astype(np.float64) - after[1]
        return float(np.sqrt(np.square(change).sum(axis=1).mean()))
    kind = material.last.dtype
    return float(np.finfo(kind).eps * np.linalg.norm(material.last.astype(np.float64), axis=1).mean())


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
