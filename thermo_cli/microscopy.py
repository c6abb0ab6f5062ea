"""Between training and judging: the kept parameters of a run are examined, and what is found becomes one file in its folder.

Nothing here is trained and nothing decided. All-pair quantities look at up to 64 main replicas, the first ones of each history,
so that their cost grows with the number of replicas and not with its square.
"""

import json
import traceback
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from thermo_cli import rng
from thermo_cli.contracts import Array, Block, Dataset, Findings, StackedSystem, Symmetry
from thermo_cli.data.split import subsample_size
from thermo_cli.design import Replica, control_rows, main_rows, shares_init, streams_used
from thermo_cli.dynamics.protocols import protocol
from thermo_cli.dynamics.walks import walk
from thermo_cli.microstates.connectivity import barrier
from thermo_cli.microstates.examination import FORMAT, Material, Rows, disjoint, examine, examine_particles, self_test
from thermo_cli.microstates.kernels import unbiased_cka
from thermo_cli.microstates.matching import relabelled
from thermo_cli.microstates.outputs import functions
from thermo_cli.microstates.overlap import matched_pairs, prepared
from thermo_cli.microstates.symmetry import rows_of, tensors_of
from thermo_cli.observables.macroscopic import METRICS, snapshot_steps
from thermo_cli.spec.builtins import CommandSystem
from thermo_cli.spec.schema import ESTIMATOR
from thermo_cli.specimens import Specimens, examine_estimators, gather_fits
from thermo_cli.store import RunFolder
from thermo_cli.systems.probing import probe

MOST: Final = 64  # main replicas of which all pairs are looked at
ANCHORS: Final = 512  # examples of the test set on which representations are compared
EXAMPLES: Final = 512  # of the pool, for the loss along a path
UNSUPPORTED: Final = (
    "alignment unsupported: the symmetries of this system are not known; representations and answers serve"
)
NO_PARAMETERS: Final = (
    "no two replicas have finite parameters at step T: the script keeps parameters-<T>.safetensors, if it likes"
)
NO_ALIGNMENT: Final = (
    "alignment unsupported: what symmetries these parameters have is not known (none: system.with.symmetries: none)"
)
NO_START: Final = "the replicas share a start that the script has not kept: parameters-0.safetensors is needed"
OTHER_STARTS: Final = "ensemble.vary lacks init, and yet the replicas begin with different parameters"
UNALIGNED: Final = ("steps", "raw_", "memory", "twin/")  # findings that mean something without alignment
TESTED: Final = (2, 64)  # replicas and examples of the self-test


def examine_run(folder: RunFolder, dataset: Dataset | None, most: int = MOST) -> None:
    """Examine the microstates of a run, unless that was done of these very replicas, and keep what is found.

    Args:
        folder: A run that has been trained.
        dataset: Its data; None for a physical system.
        most: Main replicas of which all pairs are looked at.
    """
    fits = gather_fits(folder, folder.table, most) if folder.spec.family == ESTIMATOR else None
    material = gather(folder, most) if folder.spec.family != ESTIMATOR else None
    if material is None and folder.spec.family == "command":
        folder.write_findings(_nothing(NO_PARAMETERS))
    if material is None and fits is None:
        return
    names = (
        ([row.name for row in fits.mains], [row.name for row in fits.firsts], []) if fits is not None
        else (list(material.replicas), list(material.pairs), list(material.twin_names)) if material is not None
        else ([], [], [])
    )  # fmt: skip
    if _examined(folder.findings(), *names):
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):  # the bits of a sum depend on the number of threads
            found = _found(folder, dataset, material, fits)
    except Exception as error:  # noqa: BLE001 - a trained run is never lost for what could not be examined
        folder.write_error("microstates", traceback.format_exc())
        reason = f"the examination failed ({type(error).__name__}: {error}); see microstates.error.txt"
        found = _nothing(reason)
    finally:
        torch.set_num_threads(threads)
    folder.write_findings(found)


def _found(folder: RunFolder, dataset: Dataset | None, material: Material | None, fits: Specimens | None) -> Findings:
    if dataset is not None and fits is not None:
        return examine_estimators(folder, dataset, fits)
    assert material is not None
    if folder.spec.family == "command":
        return _scripts(folder, material)
    return _networks(folder, dataset, material) if dataset is not None else _particles(folder, material)


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
    kept = [
        step for step in snapshot_steps(spec.total) if all(step in folder.records[m.shard].snapshots for m in mains)
    ]
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
        replicas=tuple(main.name for main in mains), pairs=tuple(main.name for main in firsts),
        mains={step: rows[step][finite] for step in times}, initial=initial[finite],
        firsts=at(times[-1], firsts), partners=at(times[-1], list(partners.values())), earlier=earlier,
        streams=[_null_stream(seed, main) for main in mains],
        pair_streams=[(_null_stream(seed, main), _null_stream(seed, partner)) for main, partner in partners.items()],
        twins={step: (at(step, list(twins.values())), at(step, list(twins))) for step in (1, *times) if twins},
        twin_names=tuple(main.name for main in twins), seed=seed,
    )  # fmt: skip


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
        name: array for name, array in found.arrays.items()
        if (not failure or name.startswith(UNALIGNED)) and (begun or name != "memory")
    }  # fmt: skip
    words = {"crossed": spec.ensemble.crossed is not None, **({"untested": failure} if failure else {})}
    return Findings(arrays, {**found.facts, **words})


def _one_start(initial: NDArray[np.floating]) -> bool:
    """Say whether all replicas begin with the same parameters, but for their scale."""
    norms = np.linalg.norm(initial.astype(np.float64), axis=1, keepdims=True)
    return bool(np.allclose(initial * norms[0], initial[0] * norms, rtol=1e-5, atol=1e-6 * float(norms.max()) ** 2))


def _networks(folder: RunFolder, dataset: Dataset, material: Material) -> Findings:
    """Examine networks: overlaps, then representations, functions and paths as far as the spec asks for them."""
    spec, wanted = folder.spec, folder.spec.observe.micro
    facts = folder.manifest["data"]
    rule = protocol(
        spec.system, spec.dynamics, dataset, int(facts["pool_examples"]), spec.total, spec.ensemble.precision
    )
    system, symmetry = rule.system, rule.system.symmetry()
    shared = shares_init(spec)
    found = examine(material, symmetry or Symmetry(system.blocks), shared)
    arrays, words = dict(found.arrays), dict(found.facts)
    failure = ""
    if symmetry is not None and not shared:
        failure = _self_test(system, symmetry, material, dataset)
    elif not shared:  # what shares its start needs no alignment
        failure, arrays = UNSUPPORTED, {name: array for name, array in arrays.items() if name.startswith(UNALIGNED)}
    if failure:
        words["untested"] = failure
    pool = int(facts["pool_examples"])
    size = subsample_size(spec.ensemble.subsample, pool)
    consumed = streams_used(spec, size, pool, list(spec.histories)[:1], system.noisy) & set(spec.ensemble.vary)
    if not failure and not consumed - {"subsample"}:
        words |= _by_construction(system, 0.0 if rule.energies.terms else rule.optimizer.penalty)
    words["crossed"] = spec.ensemble.crossed is not None
    if "similarity" in wanted:
        kernels, words["representations"] = _representations(system, material, dataset)
        arrays |= kernels
    if "disagreement" in wanted:
        arrays |= _functions(system, material, dataset)
    if "barrier" in wanted:
        arrays |= _paths(system, material, dataset)
    return Findings(arrays, words)


def _self_test(system: StackedSystem, symmetry: Symmetry, material: Material, dataset: Dataset) -> str:
    """Say how a random transformation of the symmetry changes the outputs of trained replicas, or nothing."""
    count, examples = TESTED
    test = dataset.x_test[:examples].astype(np.float64)
    rows = material.last[:count].astype(np.float64)
    return self_test(rows, symmetry, lambda rows: probe(system, rows, test).outputs.astype(np.float64), material.seed)


def _by_construction(system: StackedSystem, penalty: float) -> dict[str, Any]:
    """Say what follows when partners on one bath differ in nothing that is consumed."""
    if system.convex and penalty > 0:
        return {"unique": True}
    return {"untested": "partners on one bath would be copies: nothing that is varied besides the subsample is used"}


def _representations(system: StackedSystem, material: Material, dataset: Dataset) -> tuple[dict[str, Array], list[str]]:
    """Compare hidden layers and outputs by CKA on anchors of the test set, at T and untrained (the null)."""
    x = dataset.x_test[:ANCHORS].astype(material.last.dtype)
    arrays: dict[str, Array] = {}
    names: list[str] = []
    if len(x) < 4:
        return arrays, names
    untrained = [system.initial(rng.generator(stream, 1), 1.0) for stream in material.streams]
    for name, rows in (("cka", material.last), ("cka_null", np.stack(untrained).astype(material.last.dtype))):
        answers = probe(system, rows, x, hidden=True)
        names = [*answers.layers, "output"]
        for layer, active in (*answers.layers.items(), ("output", answers.outputs)):
            arrays[f"{name}/{layer}"] = unbiased_cka(active.transpose(0, 2, 1))
    return arrays, names


def _functions(system: StackedSystem, material: Material, dataset: Dataset) -> dict[str, Array]:
    """Compare answers on the test set."""
    x, half = dataset.x_test.astype(material.last.dtype), max(material.mains) // 2
    outputs = probe(system, material.last, x).outputs
    earlier = probe(system, material.mains[half], x).outputs if half in material.mains else None
    return functions(outputs, dataset.y_test, dataset.task, dataset.target_sd, earlier)


def _paths(system: StackedSystem, material: Material, dataset: Dataset) -> dict[str, Array]:
    """Measure the loss along straight lines between main replicas, in pairs that have none in common, raw and aligned."""
    first, second = disjoint(material.last)
    chosen = np.unique(np.linspace(0, len(dataset.y) - 1, EXAMPLES).astype(np.int64))
    x, y = dataset.x[chosen].astype(first.dtype), dataset.y[chosen]
    metric = METRICS[dataset.task]["loss"]

    def loss(rows: NDArray[np.floating]) -> Array:
        outputs = probe(system, rows, x, anew=True).outputs.astype(np.float64)
        return metric(outputs, np.broadcast_to(y, (len(rows), len(y))), dataset.target_sd)

    found = {"barrier_raw": barrier(first, second, loss)}
    symmetry = system.symmetry()
    if symmetry is not None and not symmetry.products:  # the basis within a head is not aligned, only what comes of it
        (a, plain), (b, _) = prepared(first, symmetry), prepared(second, symmetry)
        labels = matched_pairs(a, b, plain, material.seed).labels
        turned = relabelled(tensors_of(second, symmetry), symmetry, labels)
        found["barrier_aligned"] = barrier(first, rows_of(turned, symmetry).astype(first.dtype), loss)
    return found
