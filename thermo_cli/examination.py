"""Between training and judging: the kept parameters of a run are examined, and what is found becomes one file in its folder.

Nothing here is trained and nothing decided. All-pair quantities look at up to 64 main replicas, the first ones of each history,
so that their cost grows with the number of replicas and not with its square.
"""

import json
import traceback
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from thermo_cli import rng
from thermo_cli.contracts import Block, Dataset, Findings, Symmetry
from thermo_cli.kinds.estimators.examine import Specimens, examine_estimators, gather_fits
from thermo_cli.kinds.physical.walk import walk
from thermo_cli.kinds.scripts.parts import CommandSystem
from thermo_cli.microstates.examination import FORMAT, Material, Rows, examine, examine_particles
from thermo_cli.replicas import Replica, control_rows, main_rows, shares_init
from thermo_cli.store import RunFolder
from thermo_cli.times import snapshot_steps

MOST: Final = 64  # main replicas of which all pairs are looked at
NO_PARAMETERS: Final = (
    "no two replicas have finite parameters at step T: the script keeps parameters-<T>.safetensors, if it likes"
)
NO_ALIGNMENT: Final = (
    "alignment unsupported: what symmetries these parameters have is not known (none: system.with.symmetries: none)"
)
NO_START: Final = "the replicas share a start that the script has not kept: parameters-0.safetensors is needed"
OTHER_STARTS: Final = "ensemble.vary lacks init, and yet the replicas begin with different parameters"
UNALIGNED: Final = ("steps", "raw_", "memory", "twin/")  # findings that mean something without alignment


def examine_run(folder: RunFolder, dataset: Dataset | None, most: int = MOST) -> None:
    """Examine the microstates of a run, unless that was done of these very replicas, and keep what is found.

    Args:
        folder: A run that has been trained.
        dataset: Its data; None for a physical system.
        most: Main replicas of which all pairs are looked at.
    """
    fits = gather_fits(folder, folder.table, most) if folder.spec.traits.name == "estimators" else None
    material = gather(folder, most) if folder.spec.traits.name != "estimators" else None
    if material is None and folder.spec.traits.name == "scripts":
        folder.write_findings(_nothing(NO_PARAMETERS))
    if material is None and fits is None:
        return
    names = (
        ([row.name for row in fits.mains], [row.name for row in fits.firsts], [])
        if fits is not None
        else (list(material.replicas), list(material.pairs), list(material.twin_names))
        if material is not None
        else ([], [], [])
    )
    if _examined(folder.findings(), *names):
        return
    try:
        with threadpool_limits(1):  # the bits of a sum depend on the number of threads
            found = _found(folder, dataset, material, fits)
    except Exception as error:  # noqa: BLE001 - a trained run is never lost for what could not be examined
        folder.write_error("microstates", traceback.format_exc())
        reason = f"the examination failed ({type(error).__name__}: {error}); see microstates.error.txt"
        found = _nothing(reason)
    folder.write_findings(found)


def _found(folder: RunFolder, dataset: Dataset | None, material: Material | None, fits: Specimens | None) -> Findings:
    if dataset is not None and fits is not None:
        return examine_estimators(folder, dataset, fits)
    assert material is not None
    if folder.spec.traits.name == "scripts":
        return _scripts(folder, material)
    if dataset is None:
        return _particles(folder, material)
    from thermo_cli.kinds.networks.examine import examine_networks  # torch is imported where there are networks

    return examine_networks(folder, dataset, material)


def _nothing(reason: str) -> Findings:
    facts = {"replicas": [], "pairs": [], "floor": 0.0, "null_cosine": None, "dimensions": 0, "untested": reason}
    return Findings({}, facts)


def _examined(known: Findings | None, replicas: list[str], pairs: list[str], twins: list[str]) -> bool:
    """Say whether what is known is of these very replicas, pairs and twins."""
    if known is None:
        return False
    wanted = {"format": FORMAT, "replicas": replicas, "pairs": pairs, "twins": twins}
    return all(known.facts.get(name) == value for name, value in wanted.items())


def gather(folder: RunFolder, most: int = MOST) -> Material | None:
    """Collect the microstates that are looked at; None where fewer than two replicas have finished with finite parameters.

    Args:
        folder: A run that has been trained.
        most: Main replicas that are looked at, at most.
    """
    spec, table = folder.spec, folder.table
    finished = [row for row in table if row.shard in folder.records]
    share = most // len(spec.histories) or 1
    mains = [main for main in main_rows(finished) if main.index < share]
    kept = [step for step in snapshot_steps(spec.ends) if all(step in folder.records[m.shard].snapshots for m in mains)]
    times = [step for step in kept if step > 0]
    if not mains or spec.total not in kept:  # a script keeps what it likes
        return None
    rows = {step: folder.microstates(step, mains) for step in kept}
    finite = np.all([np.isfinite(found).all(axis=1) for found in rows.values()], axis=0)
    mains = [main for main, good in zip(mains, finite, strict=True) if good]
    if len(mains) < 2:
        return None
    partners = {
        main: partner
        for main, partner in control_rows(table, "same_bath").items()
        if {main.shard, partner.shard} <= folder.records.keys()
    }
    twins = {
        main: twin
        for main, twin in control_rows(table, "twin").items()
        if {main.shard, twin.shard} <= folder.records.keys()
    }
    seed, firsts = spec.ensemble.seed, list(partners)
    none = rows[times[-1]][:0]

    def at(step: int, members: Sequence[Replica]) -> Rows:
        return folder.microstates(step, members) if members else none

    initial = rows[0] if 0 in rows else np.full_like(rows[times[-1]], np.nan)
    half = spec.total // 2
    earlier = at(half if half in kept else spec.total, firsts)
    first = next(iter(spec.histories.values())).first
    if spec.total < 2 or half not in kept or (first is not None and first.steps > half):
        earlier = np.full_like(earlier, np.nan)
    return Material(
        replicas=tuple(main.name for main in mains),
        pairs=tuple(main.name for main in firsts),
        mains={step: rows[step][finite] for step in times},
        initial=initial[finite],
        firsts=at(times[-1], firsts),
        partners=at(times[-1], list(partners.values())),
        earlier=earlier,
        streams=[_null_stream(seed, main) for main in mains],
        pair_streams=[(_null_stream(seed, main), _null_stream(seed, partner)) for main, partner in partners.items()],
        twins={step: (at(step, list(twins.values())), at(step, list(twins))) for step in (1, *times) if twins},
        twin_names=tuple(main.name for main in twins),
        seed=seed,
    )


def _null_stream(seed: int, replica: Replica) -> int:
    return rng.stream(seed, "noise", f"{replica.name.rpartition('/')[0]}/{replica.role}/null", replica.index)


def _particles(folder: RunFolder, material: Material) -> Findings:
    spec = folder.spec
    moving = walk(spec, main_rows(folder.table)[:1], spec.total)
    found = examine_particles(material, moving.reference)
    if "noise" not in spec.ensemble.vary:
        reason = "partners on one bath would be driven by the same noise: what makes them alike is not the landscape"
        return Findings(found.arrays, {**found.facts, "untested": reason})
    return found


def _scripts(folder: RunFolder, material: Material) -> Findings:
    """Examine what scripts have kept: overlaps where parameters compare as they are, else raw distances."""
    spec, system = folder.spec, folder.spec.system
    assert isinstance(system, CommandSystem)
    shapes = json.loads(next(iter(folder.records.values())).final["tensors"].tobytes())
    symmetry = Symmetry(tuple(Block(name, tuple(shape), 0.0) for name, shape in shapes.items()))
    begun, shared = bool(np.isfinite(material.initial).all()), shares_init(spec)
    failure = ""
    if shared and not (begun and _one_start(material.initial)):
        failure = OTHER_STARTS if begun else NO_START
    elif not shared and system.arguments.symmetries == "unknown":
        failure = NO_ALIGNMENT
    found = examine(material, symmetry, shared and not failure)
    arrays = {
        name: array
        for name, array in found.arrays.items()
        if (not failure or name.startswith(UNALIGNED)) and (begun or name != "memory")
    }
    words = {"crossed": spec.ensemble.crossed is not None, **({"untested": failure} if failure else {})}
    return Findings(arrays, {**found.facts, **words})


def _one_start(initial: NDArray[np.floating]) -> bool:
    """Say whether all replicas begin with the same parameters, but for their scale."""
    norms = np.linalg.norm(initial.astype(np.float64), axis=1, keepdims=True)
    return bool(np.allclose(initial * norms[0], initial[0] * norms, rtol=1e-5, atol=1e-6 * float(norms.max()) ** 2))
