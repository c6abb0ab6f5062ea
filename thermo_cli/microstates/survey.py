"""What is found out about the microstates of an ensemble: parameters in, named arrays out.

    findings = examine(material, system.symmetry(), shared=False)
    findings.arrays["pair_distance"], findings.arrays["pair_null"], findings.facts["floor"]

All-pair quantities are over the replicas in one frame; what decides is measured on pairs of replicas that share their bath,
each matched to its partner. Both are held against a null that went the same way. It knows no system and no run folder.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

import numpy as np

from thermo_cli import rng
from thermo_cli.contracts import Array, Findings, Symmetry
from thermo_cli.microstates.canonical import dimensions, prepared
from thermo_cli.microstates.matching import Labels
from thermo_cli.microstates.material import Material, Parameters, disjoint
from thermo_cli.microstates.overlap import cosines, framed, layers_of, matched_pairs, own_distances, squared_distances
from thermo_cli.microstates.shuffling import scrambled

REFERENCES: Final = 128  # draws from a reference law
COUNTER: Final = 6  # of the seed's stream, for them


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
    plain = prepared(material.last[:1], symmetry)[1]
    pairs, cosine = _bath_pairs(material, symmetry)
    arrays = {
        "steps": material.steps,
        **_all_pairs(material, symmetry),
        "own": _own(material, symmetry),
        **_main_pairs(material, symmetry),
        **pairs,
        **_twins(material),
        **_memory(material),
    }
    facts = material.facts | {
        "layers": list(layers_of(plain)),
        "null": "shuffled",
        "null_cosine": cosine if np.isfinite(cosine) else None,
        "dimensions": dimensions(symmetry, plain),
        "displacement": shared,
    }
    return Findings(arrays, facts)


def examine_particles(material: Material, reference: Callable[[np.random.Generator, int], Array | None]) -> Findings:
    """Measure distances of coordinates that have no symmetry, against draws from a reference law.

    Args:
        material: The microstates.
        reference: Generator and count -> microstates without anything in common; None where there is no law for them.
    """
    states = reference(rng.generator(material.seed, COUNTER), REFERENCES)
    arrays = {"steps": material.steps, **_twins(material)}
    facts = material.facts | {
        "layers": [],
        "null": "reference law",
        "null_cosine": None,
        "dimensions": material.last.shape[1],
        "displacement": False,
    }
    if states is None:
        reason = "no law is known for microstates without anything in common"
        return Findings(arrays, facts | {"untested": reason})
    unrelated = _squares(states[0::2], states[1::2])
    for step, rows in material.mains.items():
        arrays |= {f"distance/{step}": squared_distances(rows), f"null/{step}": np.array([unrelated.mean()])}
    arrays |= {
        "null_pairs": squared_distances(states[: len(material.last)]),
        "own": np.stack([_squares(material.last, rows) for rows in material.mains.values()]),
        "main_distance": _squares(*(material.last[rows] for rows in disjoint(len(material.last)))),
        "main_null": unrelated,
        "pair_distance": _squares(material.firsts, material.partners),
        "pair_null": unrelated,
        "pair_own": _squares(material.firsts, material.earlier),
    }
    return Findings(arrays, facts)


def _squares(first: Parameters, second: Parameters) -> Array:
    """Return the squared distances of pairs, (pair,)."""
    return np.asarray(np.square(first - second).sum(axis=1))


def _learned(material: Material, symmetry: Symmetry) -> tuple[Material, Symmetry]:
    """Take away what is left of the common start, running statistics, and all symmetries: the labels are kept."""
    kept = np.concatenate([np.full(block.size, block.trained) for block in symmetry.blocks])
    start = material.initial[0, kept].astype(np.float64)
    length = float(np.linalg.norm(start))
    unit = start / length if length > 0 else start

    def learned(rows: Parameters) -> Parameters:
        return (rows[:, kept] - np.outer(rows[:, kept] @ unit, unit)).astype(rows.dtype)

    changed = dataclasses.replace(
        material,
        initial=material.initial[:, kept],
        mains={step: learned(rows) for step, rows in material.mains.items()},
        twins={step: (twin[:, kept], main[:, kept]) for step, (twin, main) in material.twins.items()},
        whole=material.last[:, kept],
        firsts=learned(material.firsts),
        partners=learned(material.partners),
        earlier=learned(material.earlier),
    )
    return changed, Symmetry(tuple(block for block in symmetry.blocks if block.trained))


def _all_pairs(material: Material, symmetry: Symmetry) -> dict[str, Array]:
    """Bring all replicas into one frame at each time, the last one first; and the same of their shuffled copies."""
    arrays: dict[str, Array] = {}
    starts: tuple[Labels, Labels] | None = None
    others = ~np.eye(len(material.replicas), dtype=bool)
    for step in sorted(material.mains, reverse=True):
        tensors, plain = prepared(material.mains[step], symmetry)
        sides = zip((tensors, scrambled(tensors, material.streams)), starts or (None, None), strict=True)
        frame, null = (framed(side, plain, material.seed, start) for side, start in sides)
        arrays[f"distance/{step}"] = frame.distances
        arrays[f"null/{step}"] = np.array([null.distances[others].mean()])
        arrays[f"spread/{step}"] = np.array([list(frame.spread.values()), list(null.spread.values())])
        if starts is None:
            starts, arrays["null_pairs"] = (frame.labels, null.labels), null.distances
    return arrays


def _own(material: Material, symmetry: Symmetry) -> Array:
    """Return squared distances of each replica at T from itself at each time, (time, replica)."""
    *earlier, last = (prepared(rows, symmetry) for rows in material.mains.values())
    own = [own_distances(last[0], tensors, last[1], material.seed) for tensors, _ in earlier]
    return np.stack([*own, np.zeros(len(material.replicas))])


def _main_pairs(material: Material, symmetry: Symmetry) -> dict[str, Array]:
    """Match main replicas in pairs that have none in common, and their shuffled copies: Q* that no other replica influences."""
    sides = disjoint(len(material.last))
    (first, plain), (second, _) = (prepared(material.last[rows], symmetry) for rows in sides)
    streams = ([material.streams[row] for row in rows] for rows in sides)
    shuffled = [scrambled(side, own) for side, own in zip((first, second), streams, strict=True)]
    pairs, null = (matched_pairs(a, b, plain, material.seed) for a, b in ((first, second), shuffled))
    return {
        "main_distance": pairs.distances,
        "main_null": null.distances,
        "main_cosine": pairs.cosines,
        "main_cosine_null": null.cosines,
        "main_layers": np.stack(list(pairs.layers.values())),
        "main_layers_null": np.stack(list(null.layers.values())),
    }


def _bath_pairs(material: Material, symmetry: Symmetry) -> tuple[dict[str, Array], float]:
    """Match main replicas and their partners, their shuffled copies, and each main replica and itself half the time earlier."""
    kept = np.asarray(np.isfinite(material.firsts).all(axis=1) & np.isfinite(material.partners).all(axis=1))
    arrays = {name: np.full(len(kept), np.nan) for name in ("pair_distance", "pair_null", "pair_own")}
    if not kept.any():
        return arrays, float("nan")
    (first, plain), (second, _) = prepared(material.firsts[kept], symmetry), prepared(material.partners[kept], symmetry)
    streams = zip(*(pair for pair, keep in zip(material.pair_streams, kept, strict=True) if keep), strict=True)
    a, b = (scrambled(side, own) for side, own in zip((first, second), streams, strict=True))
    null = matched_pairs(a, b, plain, material.seed)
    arrays["pair_distance"][kept] = matched_pairs(first, second, plain, material.seed).distances
    arrays["pair_null"][kept] = null.distances
    if np.isfinite(material.earlier[kept]).all():
        earlier = prepared(material.earlier[kept], symmetry)[0]
        arrays["pair_own"][kept] = own_distances(first, earlier, plain, material.seed)
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
