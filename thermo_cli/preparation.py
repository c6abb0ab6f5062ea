"""Everything that can be refused is refused here, before the first step: parts that do not fit, data that cannot serve."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thermo_cli.contracts import Dataset, Task
from thermo_cli.data.split import load_dataset, subsample_size
from thermo_cli.design import Replica, replica_table
from thermo_cli.dynamics.checking import check_stacking
from thermo_cli.dynamics.gradient import protocol
from thermo_cli.environment import DEVICE
from thermo_cli.errors import DataError, SpecError
from thermo_cli.observables.macroscopic import METRICS
from thermo_cli.spec import Spec, identity
from thermo_cli.store import RunFolder
from thermo_cli.training import draw_subsamples


@dataclass(frozen=True)
class Study:
    """An experiment of which everything has been resolved and checked, and nothing trained.

    Attributes:
        spec: The resolved spec.
        base: Folder of the spec, where relative data paths start.
        dataset: Pool and test set.
        table: The replica table.
        subsample_size: Examples of each replica.
        folder: Where the run is, or will be.
    """

    spec: Spec
    base: Path
    dataset: Dataset
    table: tuple[Replica, ...]
    subsample_size: int
    folder: RunFolder


def prepare(spec: Spec, base: Path, results: Path) -> Study:
    """Resolve and check everything before the first step.

    Args:
        spec: The resolved spec.
        base: Folder of the spec.
        results: Where run folders are.

    Raises:
        SpecError: Parts of the spec do not fit each other or the data.
        DataError: The data cannot serve.
        RunError: The stacked step is not the plain one.
    """
    dataset = load_dataset(spec.data, base)
    size = subsample_size(spec.ensemble.subsample, len(dataset.y))
    table = replica_table(spec)
    _check_fit(spec, dataset, size)
    _check_classes(spec, dataset, table)
    members = table[:2]
    check_stacking(protocol(spec, dataset, size), dataset, members, draw_subsamples(spec, len(dataset.y), members))
    folder = RunFolder(results / f"{spec.name}-{identity(spec, dataset.fingerprint, DEVICE)}")
    return Study(spec, base, dataset, table, size, folder)


def _check_fit(spec: Spec, dataset: Dataset, size: int) -> None:
    """Refuse what cannot work together, before anything is trained."""
    batch = spec.dynamics.batch_size
    if batch != "full" and batch > size:
        raise SpecError(
            "a batch is larger than a replica's subsample", received=f"batch_size {batch}, subsample {size}",
            remedy=f"dynamics.batch_size of at most {size}, or full", where="dynamics.batch_size",
        )  # fmt: skip
    check_margins(spec, dataset.task)


def check_margins(spec: Spec, task: Task) -> None:
    """Refuse margins of observables that a run does not measure.

    Args:
        spec: With the margins.
        task: Classification or regression.

    Raises:
        SpecError: A margin is for something else.
    """
    known = {"energy", *(f"test_{name}" for name in METRICS[task] if name in spec.observe.macro)}
    for observable in spec.equilibrium.margins:
        if observable not in known:
            raise SpecError(
                f"{observable} is not observed in this {task}", received=f"a margin for {observable}",
                remedy="margins can go to " + ", ".join(sorted(known)), where="equilibrium.margins",
            )  # fmt: skip


def _check_classes(spec: Spec, dataset: Dataset, table: Sequence[Replica]) -> None:
    """Refuse subsamples in which a class is absent: such a replica learns another problem."""
    rows = tuple(table)
    for replica, indices in zip(rows, draw_subsamples(spec, len(dataset.y), rows), strict=True):
        if dataset.task != "classification":
            continue
        missing = np.setdiff1d(np.arange(dataset.outputs), dataset.y[indices])
        if len(missing):
            raise DataError(
                f"a class is absent from the subsample of replica {replica.name}",
                received=f"no example of class {dataset.labels[missing[0]]!r} among its {len(indices)} examples",
                remedy="larger subsamples (ensemble.subsample), another ensemble.seed, or remove the rare class",
                where="ensemble.subsample",
            )
