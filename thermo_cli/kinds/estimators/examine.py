"""Fitted estimators under the microscope: what their run folder kept of them becomes findings; nothing is fitted here.

The null of everything are the same replicas on the same bath, fitted to shuffled labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli import rng
from thermo_cli.contracts import Array, Dataset, Findings
from thermo_cli.kinds import learning
from thermo_cli.kinds.estimators.distances import Fits, examine_fits, same, shared_support
from thermo_cli.kinds.estimators.structures import KERNELS, VECTORS
from thermo_cli.kinds.estimators.structures.microstate import ANCHORS
from thermo_cli.kinds.estimators.structures.weights import NETWORK
from thermo_cli.microstates.kernels import kernel_cka, unbiased_cka
from thermo_cli.microstates.material import Material
from thermo_cli.microstates.outputs import functions
from thermo_cli.microstates.perceptron import perceptron
from thermo_cli.microstates.survey import examine
from thermo_cli.replicas import Replica, control_rows, main_rows
from thermo_cli.store import RunFolder

LEAST: Final = 4  # anchors of a kernel
KNOWN: Final = ("tanh", "relu")  # activations of scikit-learn's networks whose symmetries are known


@dataclass(frozen=True)
class FitSpecimens:
    """The replicas that are looked at.

    Attributes:
        mains: Main replicas that have not crashed.
        firsts: Those of them that have a partner on their bath, with two nulls.
        partners: Their partners.
        nulls: Their nulls.
        null_partners: Those of their partners.
    """

    mains: tuple[Replica, ...]
    firsts: tuple[Replica, ...]
    partners: tuple[Replica, ...]
    nulls: tuple[Replica, ...]
    null_partners: tuple[Replica, ...]
    twin_names: tuple[str, ...] = ()

    @property
    def replicas(self) -> tuple[str, ...]:
        """Names of the main replicas."""
        return tuple(row.name for row in self.mains)

    @property
    def pairs(self) -> tuple[str, ...]:
        """Names of those that have a partner on their bath."""
        return tuple(row.name for row in self.firsts)


def gather_fits(folder: RunFolder, table: Sequence[Replica], most: int) -> FitSpecimens | None:
    """Choose the replicas that are looked at; None where fewer than two have been fitted.

    Args:
        folder: A run whose estimators have been fitted.
        most: Main replicas that are looked at, at most.
    """

    def there(row: Replica) -> bool:
        return row.shard in folder.records and not folder.records[row.shard].final["crashed"][row.slot]

    share = most // len(folder.spec.histories) or 1
    mains = tuple(row for row in main_rows(table) if row.index < share and there(row))
    if len(mains) < 2:
        return None
    roles = [control_rows(table, role) for role in ("same_bath", "null")]
    null_bath = {(row.history, row.index): row for row in table if row.role == "null_bath"}
    sets = [(main, partner, roles[1][main], null_bath[main.history, main.index]) for main, partner in roles[0].items()]
    whole = [rows for rows in sets if all(there(row) for row in rows)]
    firsts, partners, nulls, null_partners = (tuple(rows[place] for rows in whole) for place in range(4))
    return FitSpecimens(mains, firsts, partners, nulls, null_partners)


def examine_estimators(folder: RunFolder, dataset: Dataset, chosen: FitSpecimens) -> Findings:
    """Examine fitted estimators: structure, then functions and representations as far as the spec asks for them."""
    spec = folder.spec
    kind = _kind(folder)
    fits = _fits(folder, chosen, kind)
    found = _network(folder, chosen, fits, dataset) if kind == NETWORK.name else examine_fits(fits)
    arrays, facts = dict(found.arrays), dict(found.facts)
    basis = kind in VECTORS and any(_final(folder, row, "seeded_steps") for row in chosen.mains)
    if basis and not same(fits):
        facts["untested"] = (
            "a step before the estimator draws random numbers: its coefficients refer to features of their own"
        )
    if same(fits):
        unique = all(bool(_final(folder, row, "unique")) for row in chosen.firsts)
        facts |= (
            {"unique": True}
            if unique
            else {
                "untested": "partners on one bath are the same bit for bit: this fit uses nothing random, so nothing can tell "
                "whether its optimum is the only one"
            }
        )
    if "support" in next(iter(folder.records.values())).final:
        arrays |= _support(folder, chosen)
    if "similarity" in spec.observe.micro:
        kernels, facts["representations"] = _representations(folder, chosen, fits)
        arrays |= kernels
    if "disagreement" in spec.observe.micro:
        outputs = _outputs(folder, chosen.mains)
        arrays |= functions(outputs, dataset.y_test[: outputs.shape[2]], dataset.task, dataset.target_sd)
    facts["own_errors"] = learning.own_errors_of(folder, dataset, _outputs(folder, chosen.mains[: learning.ASKED]))
    return Findings(arrays, facts)


def _support(folder: RunFolder, chosen: FitSpecimens) -> dict[str, Array]:
    """Compare support vectors: between replicas, and between fits to shuffled labels."""

    def rows(members: Sequence[Replica]) -> NDArray[np.int8]:
        return np.stack([_final(folder, row, "support") for row in members])

    found = {"support": shared_support(rows(chosen.mains))}
    null = (*chosen.nulls, *chosen.null_partners)
    return found | ({"support_null": shared_support(rows(null))} if len(null) > 1 else {})


def _kind(folder: RunFolder) -> str:
    final = next(record.final for record in folder.records.values() if record.final)
    return next(name.removeprefix("kind:") for name in final if name.startswith("kind:"))


def _final(folder: RunFolder, row: Replica, name: str) -> NDArray[Any]:
    found: NDArray[Any] = folder.records[row.shard].final[name][row.slot]
    return found


def _outputs(folder: RunFolder, rows: Sequence[Replica]) -> NDArray[np.float32]:
    """Answers on the test set, (replica, output, example)."""
    return np.stack([_final(folder, row, "outputs") for row in rows])


def _fits(folder: RunFolder, chosen: FitSpecimens, kind: str) -> Fits:
    total = folder.spec.total

    def at(step: int, rows: Sequence[Replica]) -> NDArray[np.floating]:
        return folder.microstates(step, rows) if rows else np.empty((0, 0))

    kept = folder.spec.time == "partial" and total >= 2
    first = next(iter(folder.spec.histories.values())).first
    kept = kept and (first is None or first.steps <= total // 2)
    firsts = at(total, chosen.firsts)
    return Fits(
        replicas=tuple(row.name for row in chosen.mains),
        pairs=tuple(row.name for row in chosen.firsts),
        total=total,
        kind=kind,
        last=at(total, chosen.mains),
        firsts=firsts,
        partners=at(total, chosen.partners),
        nulls=at(total, chosen.nulls),
        null_partners=at(total, chosen.null_partners),
        earlier=at(total // 2, chosen.firsts) if kept else np.full_like(firsts, np.nan),
    )


def _network(folder: RunFolder, chosen: FitSpecimens, fits: Fits, dataset: Dataset) -> Findings:
    """Examine weights as those of networks: symmetries removed, against shuffled copies."""
    activation = str(folder.spec.system.arguments.get("activation", "relu"))
    sizes = tuple(int(size) for size in _final(folder, chosen.mains[0], "sizes"))
    symmetry = perceptron(sizes, activation, softmax=dataset.task == "classification" and sizes[-1] > 1)
    seed = folder.spec.ensemble.seed

    def stream(row: Replica) -> int:
        return rng.stream(seed, "noise", f"{row.history}/{row.role}/shuffled", row.index)

    material = Material(
        replicas=fits.replicas,
        pairs=fits.pairs,
        mains={fits.total: fits.last},
        initial=np.full_like(fits.last, np.nan),
        firsts=fits.firsts,
        partners=fits.partners,
        earlier=fits.earlier,
        streams=[stream(row) for row in chosen.mains],
        pair_streams=[(stream(a), stream(b)) for a, b in zip(chosen.firsts, chosen.partners, strict=True)],
        seed=seed,
    )
    found = examine(material, symmetry, shared=False)
    arrays = {name: array for name, array in found.arrays.items() if name != "memory"}  # where they began was not kept
    if activation not in KNOWN:
        return Findings(arrays, {**found.facts, "untested": f"the symmetries of {activation} units are not known here"})
    return Findings(arrays, found.facts)


def _representations(folder: RunFolder, chosen: FitSpecimens, fits: Fits) -> tuple[dict[str, Array], list[str]]:
    """Compare kernels by CKA: between replicas, between label-permuted fits, and between each replica and its own null."""
    sides = {"cka": chosen.mains, "cka_null": (*chosen.nulls, *chosen.null_partners)}
    outputs = {name: _outputs(folder, rows)[:, :, :ANCHORS] for name, rows in sides.items() if len(rows) > 1}
    if outputs["cka"].shape[2] < LEAST:
        return {}, []
    arrays = {f"{name}/output": unbiased_cka(array.transpose(0, 2, 1)) for name, array in outputs.items()}
    names = ["output"]
    if fits.kind in KERNELS and fits.last.shape[1]:
        names = [fits.kind, "output"]
        arrays[f"cka/{fits.kind}"] = kernel_cka(fits.last)
        if len(fits.pairs) > 1:
            arrays[f"cka_null/{fits.kind}"] = kernel_cka(np.concatenate([fits.nulls, fits.null_partners]))
            arrays[f"cka_twin/{fits.kind}"] = _crossed(fits)
    return arrays, names


def _crossed(fits: Fits) -> Array:
    """CKA of each main replica with its label-permuted twin on the same bath, (pair,)."""
    pairs: Mapping[int, Any] = dict(enumerate(zip(fits.firsts, fits.nulls, strict=True)))
    return np.array([kernel_cka(np.stack(pair))[0, 1] for pair in pairs.values()])
