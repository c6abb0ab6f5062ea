"""Networks under the microscope: overlaps without symmetries, representations, answers, and the loss along paths."""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from thermo_cli import rng
from thermo_cli.contracts import Array, Dataset, Findings, StackedSystem, Symmetry
from thermo_cli.data.subsample import subsample_size
from thermo_cli.kinds import learning
from thermo_cli.kinds.networks.probing import probe
from thermo_cli.kinds.networks.protocols import protocol
from thermo_cli.microstates.canonical import prepared
from thermo_cli.microstates.connectivity import barrier
from thermo_cli.microstates.kernels import unbiased_cka
from thermo_cli.microstates.matching import relabelled
from thermo_cli.microstates.material import Material, disjoint
from thermo_cli.microstates.outputs import functions
from thermo_cli.microstates.overlap import matched_pairs
from thermo_cli.microstates.shuffling import self_test
from thermo_cli.microstates.survey import examine
from thermo_cli.microstates.symmetry import rows_of, tensors_of
from thermo_cli.observables.formulas import formula
from thermo_cli.replicas import shares_init, streams_used
from thermo_cli.store import RunFolder

ANCHORS: Final = 512  # examples of the test set on which representations are compared
EXAMPLES: Final = 512  # of the pool, for the loss along a path
UNSUPPORTED: Final = (
    "alignment unsupported: the symmetries of this system are not known; representations and answers serve"
)
UNALIGNED: Final = ("steps", "raw_", "memory", "twin/")  # findings that mean something without alignment
TESTED: Final = (2, 64)  # replicas and examples of the self-test


def examine_networks(folder: RunFolder, dataset: Dataset, material: Material) -> Findings:
    """Examine networks: overlaps, then representations, functions and paths as far as the spec asks for them.

    Args:
        folder: A run that has been trained.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _examined(folder, dataset, material)
    finally:
        torch.set_num_threads(threads)


def _examined(folder: RunFolder, dataset: Dataset, material: Material) -> Findings:
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
    consumed = streams_used(spec, size, pool, list(spec.histories)[:1], rule.noisy) & set(spec.ensemble.vary)
    if not failure and not consumed - {"subsample"}:
        words |= _by_construction(system, 0.0 if rule.energies.terms else rule.optimizer.penalty)
    words["crossed"] = spec.ensemble.crossed is not None
    if "similarity" in wanted:
        kernels, words["representations"] = _representations(system, material, dataset)
        arrays |= kernels
    if "disagreement" in wanted:
        arrays |= _functions(system, material, dataset)
    asked = probe(system, material.last[: learning.ASKED], dataset.x_test.astype(material.last.dtype)).outputs
    words["own_errors"] = learning.own_errors_of(folder, dataset, asked)
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
    first, second = (material.last[rows] for rows in disjoint(len(material.last)))
    chosen = np.unique(np.linspace(0, len(dataset.y) - 1, EXAMPLES).astype(np.int64))
    x, y = dataset.x[chosen].astype(first.dtype), dataset.y[chosen]
    mean_loss = formula("loss", dataset.task)

    def loss(rows: NDArray[np.floating]) -> Array:
        outputs = probe(system, rows, x, anew=True).outputs.astype(np.float64)
        return mean_loss(outputs, np.broadcast_to(y, (len(rows), len(y))), dataset.target_sd)

    found = {"barrier_raw": barrier(first, second, loss)}
    symmetry = system.symmetry()
    if symmetry is not None and not symmetry.products:  # the basis within a head is not aligned, only what comes of it
        (a, plain), (b, _) = prepared(first, symmetry), prepared(second, symmetry)
        labels = matched_pairs(a, b, plain, material.seed).labels
        turned = relabelled(tensors_of(second, symmetry), symmetry, labels)
        found["barrier_aligned"] = barrier(first, rows_of(turned, symmetry).astype(first.dtype), loss)
    return found
