"""The whole story: a spec is read, its ensemble is trained, the run folder is judged.

spec -> replica table -> data -> training -> run folder -> court -> verdict
"""

import hashlib
import json
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Dataset, Task, Trajectories, Verdict
from thermo_cli.data.split import load_dataset, subsample_size
from thermo_cli.design import Replica, replica_table, to_csv
from thermo_cli.dynamics.gradient import check_stacking, protocol
from thermo_cli.engines.local import LocalEngine, usable_cores
from thermo_cli.engines.schedule import run_tasks
from thermo_cli.environment import DEVICE, changes, manifest
from thermo_cli.equilibrium.court import judge
from thermo_cli.equilibrium.settings import Setting, Settings
from thermo_cli.equilibrium.verdict import as_dict
from thermo_cli.errors import DataError, Interrupted, SpecError, ThermoError
from thermo_cli.microstates.raw import raw_overlaps
from thermo_cli.observables.macroscopic import METRICS
from thermo_cli.reports.view import RunView, view_of
from thermo_cli.spec import Spec, identity, load_spec
from thermo_cli.spec.loading import validate
from thermo_cli.spec.schema import Equilibrium
from thermo_cli.spec.yaml_source import Source
from thermo_cli.store import RunFolder, find_run
from thermo_cli.training import ShardTask, draw_subsamples, train_shard


class Watcher(Protocol):
    """Whoever looks on while an ensemble trains."""

    def note(self, message: str) -> None:
        """Something worth knowing has come up."""

    def begin(self, folder: RunFolder) -> None:
        """Training starts."""

    def tick(self) -> None:
        """A moment has passed."""

    def end(self) -> None:
        """Training is over, for good or bad."""


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


@dataclass(frozen=True)
class Run:
    """A run that has been judged.

    Attributes:
        folder: Its folder.
        verdict: What the court decided.
        observables: Macroscopic observables, (replica, time).
    """

    folder: RunFolder
    verdict: Verdict
    observables: Trajectories

    def parameters(self, step: int) -> NDArray[np.floating]:
        """Return the parameters of all replicas, (replica, parameters), at 0, T/4, T/2 or T.

        Args:
            step: One of the kept steps.
        """
        return self.folder.parameters(step)

    def as_dict(self) -> dict[str, Any]:
        """Return the content of verdict.json."""
        return as_dict(self.verdict, self.folder.spec.name, self.folder.name.rpartition("-")[2], self.folder.status)


def execute(
    spec_path: str | Path, *, overrides: Sequence[str] = (), results: str | Path = "results", workers: int | None = None,
    fresh: bool = False, watcher: Watcher | None = None,
) -> Run:  # fmt: skip
    """Train the ensemble that a spec describes, as far as it is not trained yet, and judge it.

    Args:
        spec_path: The YAML file.
        overrides: `key.sub=value` assignments.
        results: Where run folders are.
        workers: Processes to train in; all cores by default. The numbers do not depend on it.
        fresh: Set an existing run of this very spec aside and start again.
        watcher: Looks on.

    Raises:
        SpecError: The spec cannot be accepted.
        DataError: The data cannot serve.
        StoreError: The run folder cannot be written or read.
        Interrupted: The user stopped it; the same call resumes.
    """
    study = prepare(load_spec(spec_path, overrides), Path(spec_path).resolve().parent, Path(results))
    if fresh:
        study.folder.set_aside()
    study.folder.make()
    with study.folder.lock():
        study.folder.create(
            Path(spec_path).read_text(encoding="utf-8-sig"),
            study.spec,
            to_csv(study.table, study.subsample_size),
            manifest(study.dataset, study.base),
        )
        if watcher is not None:
            _note_changes(study, watcher)
        train(study, workers, watcher)
        run = judge_run(study.folder)
        study.folder.write_json("verdict.json", run.as_dict())
    return run


def open_run(name: str | Path, results: str | Path = "results") -> Run:
    """Open a run that exists and judge it with the settings it was made with.

    Args:
        name: Its folder, its name, or `latest`.
        results: Where run folders are.
    """
    return judge_run(find_run(str(name), Path(results)))


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


def train(study: Study, workers: int | None, watcher: Watcher | None) -> None:
    """Train every shard that has not finished.

    Args:
        study: What to train.
        workers: Number of processes.
        watcher: Looks on.

    Raises:
        Interrupted: The user stopped it.
        ThermoError: A worker met something that the user must mend (a full disk, changed data).
    """
    folder = study.folder
    missing = folder.unfinished()
    if not missing:
        return
    folder.stop_file.unlink(missing_ok=True)
    tasks = [ShardTask(folder.path, name, study.base) for name in missing]
    engine = LocalEngine(workers or usable_cores())
    if watcher is not None:
        watcher.begin(folder)
    try:
        outcome = run_tasks(engine, train_shard, tasks, watcher.tick if watcher else _no_tick, folder.stop_file.touch)
    finally:
        if watcher is not None:
            watcher.end()
        folder.stop_file.unlink(missing_ok=True)
    if outcome.interrupted and folder.unfinished():
        done = len(folder.shards) - len(folder.unfinished())
        raise Interrupted(
            f"stopped; everything up to the last commit is kept ({done} of {len(folder.shards)} shards have finished)",
            remedy="give the same command again: it resumes where this one stopped",
        )
    for task, error in outcome.failed.items():
        if isinstance(error, ThermoError):
            raise error
        folder.shard(task.shard).write_error("".join(traceback.format_exception(error)))


def judge_run(folder: RunFolder, equilibrium: Equilibrium | None = None) -> Run:
    """Judge a run folder: pure, no training, nothing written.

    Args:
        folder: The run.
        equilibrium: Other margins, confidence, content or window than the spec's.
    """
    spec, facts = folder.spec, folder.manifest["data"]
    wanted = equilibrium or spec.equilibrium
    trajectories = folder.trajectories()
    settings = Settings(wanted.confidence, wanted.content, wanted.window, wanted.margins, wanted.diverged)
    return Run(folder, judge(trajectories, setting_of(spec, facts), settings, _microscopic(folder)), trajectories)


def judge_again(folder: RunFolder, changes: Mapping[str, Any]) -> Run:
    """Judge a stored run with other settings, and keep the verdict as `verdicts/<hash of settings>.json`.

    Args:
        folder: The run.
        changes: Fields of `equilibrium` to replace; margins are merged into those of the spec.

    Raises:
        SpecError: A setting is not possible.
    """
    own = folder.spec.equilibrium.model_dump(mode="json")
    merged = own | dict(changes) | {"margins": own["margins"] | dict(changes.get("margins", {}))}
    spec = validate(Source("judging again", folder.spec.model_dump(mode="json") | {"equilibrium": merged}))
    facts = folder.manifest["data"]
    _check_margins(spec, facts["task"])
    run = judge_run(folder, spec.equilibrium)
    digest = hashlib.sha256(json.dumps(merged, sort_keys=True).encode()).hexdigest()[:8]
    folder.write_json(f"verdicts/{digest}.json", run.as_dict() | {"equilibrium": merged})
    return run


def view(run: Run) -> RunView:
    """Choose what a report shows of a run.

    Args:
        run: A judged run.
    """
    return view_of(run.folder.name, run.folder.spec.description, run.folder.status, run.verdict, run.observables)


def setting_of(spec: Spec, facts: Mapping[str, Any]) -> Setting:
    """Collect what the court must know of an experiment.

    Args:
        spec: The resolved spec.
        facts: `data` of the manifest.
    """
    whole = subsample_size(spec.ensemble.subsample, int(facts["pool_examples"]))
    used = {"init", "subsample"} | ({"order"} if spec.dynamics.batch_size not in ("full", whole) else set())
    if any(history.first is not None for history in spec.histories.values()):
        used.add("noise")
    varied = ", ".join(name for name in spec.ensemble.vary if name in used)
    return Setting(
        steps=spec.dynamics.steps,
        histories=tuple(spec.histories),
        test_examples=int(facts["test_examples"]),
        schedule=spec.dynamics.schedule,
        scope=f"for resampling this pool of {facts['pool_examples']} examples, with this test set; varied: {varied}",
        learning_rate=spec.dynamics.arguments.lr,
    )


def _microscopic(folder: RunFolder) -> dict[str, dict[str, Any]]:
    if folder.status != "complete":
        return {}
    return raw_overlaps(folder.parameters(folder.spec.dynamics.steps), folder.parameters(0))


def _note_changes(study: Study, watcher: Watcher) -> None:
    """Say when a run is resumed on other versions or another processor than it began with."""
    if study.folder.unfinished():
        changed = changes(study.folder.manifest, manifest(study.dataset, study.base))
        if changed:
            watcher.note(
                f"resumed with {', '.join(changed)}: the rest may round differently than the part that is done"
            )


def _no_tick() -> None:
    """Look away."""


def _check_fit(spec: Spec, dataset: Dataset, size: int) -> None:
    """Refuse what cannot work together, before anything is trained."""
    batch = spec.dynamics.batch_size
    if batch != "full" and batch > size:
        raise SpecError(
            "a batch is larger than a replica's subsample", received=f"batch_size {batch}, subsample {size}",
            remedy=f"dynamics.batch_size of at most {size}, or full", where="dynamics.batch_size",
        )  # fmt: skip
    _check_margins(spec, dataset.task)


def _check_margins(spec: Spec, task: Task) -> None:
    """Refuse margins of observables that this run does not measure."""
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
