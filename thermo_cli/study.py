"""The whole story: a spec is read, its ensemble is trained, the run folder is judged.

spec -> replica table -> data -> training -> run folder -> examination -> court -> verdict
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Any, Protocol

from thermo_cli.engines.engine import Engine, Outcome, open_engine
from thermo_cli.environment import changes, facts_of, manifest
from thermo_cli.errors import DamagedError, Interrupted, SpecError, ThermoError
from thermo_cli.examination import examine_run
from thermo_cli.experiment import Experiment, prepare
from thermo_cli.grow import Stage, looks
from thermo_cli.judging.gating import Required
from thermo_cli.judging.judge import judge_folder
from thermo_cli.judging.record import JudgedRun
from thermo_cli.kinds.kind import Facts, Rehearsal, kind_of
from thermo_cli.live import onlooker
from thermo_cli.reuse import reuse
from thermo_cli.runs.judged_run import Run
from thermo_cli.spec import SpecFile, deciding_order, open_spec
from thermo_cli.spec.size import most_stacks
from thermo_cli.store import RunFolder, find_run
from thermo_cli.store.healing import heal_arrays, heal_facts
from thermo_cli.store.unkept import UnkeptRun
from thermo_cli.training import ShardTask, tasks_of, train_shard


class Watcher(Protocol):
    """Whoever looks on while an ensemble trains."""

    def note(self, message: str) -> None:
        """Something worth knowing has come up."""

    def begin(self, folder: RunFolder, ahead: int) -> None:
        """Training starts for a look; the next one would add so many replica-steps at most."""

    def tick(self) -> None:
        """A moment has passed."""

    def end(self) -> None:
        """Training is over, for good or bad."""


class Nobody:
    """The watcher who looks away."""

    def note(self, message: str) -> None:
        """Hear nothing."""

    def begin(self, folder: RunFolder, ahead: int) -> None:
        """See nothing."""

    def tick(self) -> None:
        """See nothing."""

    def end(self) -> None:
        """See nothing."""


def execute(
    spec_path: str | Path | Mapping[str, Any] | SpecFile,
    *,
    overrides: Sequence[str] = (),
    results: str | Path = "results",
    workers: int | None = None,
    fresh: bool = False,
    allow: Sequence[str] = (),
    watcher: Watcher | None = None,
    engine: Engine | None = None,
    require: Required = (),
) -> Run:
    """Train the ensemble that a spec describes, as far as it is not trained yet, and judge it.

    Args:
        spec_path: The YAML file, the same as a dict (paths in it start in the working directory), or what was read of it.
        overrides: `key.sub=value` assignments.
        results: Where run folders are.
        workers: Processes to train in; all cores by default. The numbers do not depend on it.
        fresh: Set an existing run of this very spec aside and start again.
        allow: What the spec may run beyond the built-ins: `local` modules (beside it or in the working directory), the
            script of a `command`, or packages.
        watcher: Looks on; by default a terminal or a notebook shows progress, and nothing else does.
        engine: Where shards are trained, instead of `workers` processes of this machine.
        require: What ends an ensemble that grows, once it is met or not met, instead of a verdict: all of these, each by any
            of its words.

    Raises:
        SpecError: The spec cannot be accepted.
        DataError: The data cannot serve.
        StoreError: The run folder cannot be written or read.
        Interrupted: The user stopped it; the same call resumes.
    """
    given = spec_path if isinstance(spec_path, SpecFile) else open_spec(spec_path, overrides)
    engine, watcher = engine or open_engine("pool", workers), watcher or onlooker() or Nobody()
    try:
        with engine.ready(*_ahead(given, Path(results))):
            return _carry_out(given, Path(results), engine, watcher, fresh, allow, require)
    except Interrupted as stopped:
        if fresh:  # which would begin anew once more
            stopped.remedy = "give the same command without --fresh: it resumes where this one stopped"
        raise


def _ahead(given: SpecFile, results: Path) -> tuple[Sequence[str], int]:
    """Return what workers can import before anything has been prepared, and how many there can be use for.

    Args:
        given: The spec.
        results: Where run folders are.
    """
    text = given.text.encode()
    for done in results.glob(f"{escape(given.spec.name)}-*/verdict.json"):
        kept = done.with_name("spec.yaml")
        with suppress(OSError):
            if kept.is_file() and kept.stat().st_size == len(text) and kept.read_bytes() == text:
                return (), 0  # nothing is left to be trained, unless --set asks for more
    return kind_of(given.spec).workers_import, most_stacks(given.spec)


def _carry_out(
    given: SpecFile,
    results: Path,
    engine: Engine,
    watcher: Watcher,
    fresh: bool,
    allow: Sequence[str],
    require: Required,
) -> Run:
    """Do what `execute` says, with workers at hand."""
    with given.placed():
        experiment = prepare(given.spec, given.folder, results, allow)
    folder = experiment.folder
    if fresh:
        folder.set_aside()
    with folder.held():
        for words in heal_facts(folder, experiment.identity):
            watcher.note(words)
        with given.placed():
            rehearsal = rehearse(experiment, engine.workers, watcher)
            begin(experiment, given.text, rehearsal)
        for words in heal_arrays(folder):
            watcher.note(words)
        folder.note_asked(given.path, given.overrides, allow)
        for remark in remarks_on(experiment):
            watcher.note(remark)
        reused = "" if fresh else reuse(experiment)
        if reused:
            watcher.note(reused)
        for look in looks(experiment, require, watcher.note):
            train(experiment, look, engine, watcher, allow)
            examine(experiment, look)
        run = Run(judge_folder(folder))
        folder.write_verdict(run.as_dict())
    return run


def open_run(name: str | Path, results: str | Path = "results") -> Run:
    """Open a run that exists and judge it with the settings it was made with.

    Args:
        name: Its folder, its name, or `latest`.
        results: Where run folders are.
    """
    return Run(judge_folder(find_run(str(name), Path(results))))


def look_at(given: SpecFile, loaded: Mapping[str, Any]) -> JudgedRun:
    """Judge runs that exist without keeping them: nothing is written.

    Args:
        given: A spec of recorded runs.
        loaded: What was read of them.

    Raises:
        ThermoError: They cannot be read, or judged.
    """
    with given.placed():
        experiment = prepare(given.spec, given.folder, Path(), loaded=loaded)
    runs = [point.facts.runs for point in experiment.points if point.facts.runs is not None]
    return judge_folder(UnkeptRun(experiment.folder.path, given.spec, _manifest(experiment), runs))


def rehearse(experiment: Experiment, workers: int, watcher: Watcher) -> Rehearsal | None:
    """Train one replica for a few steps, of the first point, where a kind does so and nothing has been trained yet.

    Args:
        experiment: What has been prepared.
        workers: Processes at the same time, at most.
        watcher: Is told what was found out.

    Raises:
        ThermoError: It fails, or shows that nothing could be decided.
    """
    folder, point = experiment.folder, experiment.points[0]
    if folder.rehearsal() or any((folder.path / "shards").rglob("*.safetensors")):
        return None
    rehearsal = kind_of(point.spec).rehearse(point, workers)
    for words in rehearsal.words if rehearsal is not None else ():
        watcher.note(words)
    return rehearsal


def begin(experiment: Experiment, spec_text: str, rehearsal: Rehearsal | None = None) -> None:
    """Write into the run folder what is known before training.

    Args:
        experiment: What has been prepared.
        spec_text: The spec as given.
        rehearsal: What was found out; None where nothing was tried, or is known already.

    Raises:
        SpecError: The run was begun with names in another order.
    """
    _check_order(experiment)
    experiment.folder.create(spec_text, experiment.spec, _manifest(experiment))
    if rehearsal is not None:
        experiment.folder.write_rehearsal(rehearsal.idle, rehearsal.unseeded)
    for point in experiment.points:
        kind_of(point.spec).begin(point)


def _check_order(experiment: Experiment) -> None:
    """Refuse to go on with a run in another order of names: who has partners, or which point is which, would be another."""
    path = experiment.folder.path
    if not all((path / name).exists() for name in ("manifest.json", "resolved.yaml")):
        return
    try:
        before = deciding_order(RunFolder(path).spec)
    except DamagedError:  # it is written anew now, and nothing else says how the run was begun
        return
    for where, names in deciding_order(experiment.spec).items():
        if names != before[where]:
            raise SpecError(
                f"the run {path.name} was begun with another order here, which decides its numbers",
                received=f"{', '.join(names)}; there {', '.join(before[where])}",
                remedy="keep that order, or give the spec another name, or start anew with --fresh",
                where=where,
            )


def remarks_on(experiment: Experiment) -> list[str]:
    """Return what is worth a look in the data of all points.

    Args:
        experiment: What has been prepared.
    """
    return list(dict.fromkeys(remark for point in experiment.points for remark in point.facts.worth_a_look))


def train(experiment: Experiment, look: Stage, engine: Engine, watcher: Watcher, allow: Sequence[str] = ()) -> None:
    """Train every shard of a look that has not finished.

    Args:
        experiment: What to train.
        look: How much of it.
        engine: Where.
        watcher: Looks on.
        allow: What the spec may run.

    Raises:
        Interrupted: The user stopped it.
        ThermoError: A worker met something that the user must mend (a full disk, changed data).
    """
    folder = look.folder
    folder.tidy()
    tasks = tasks_of(folder, experiment.base, allow, engine.workers, experiment.stacked)
    if not tasks:
        return
    _note_changes(experiment, watcher)
    folder.stop_file.unlink(missing_ok=True)
    watcher.begin(folder, look.ahead)
    before, began = folder.replica_steps, time.monotonic()
    try:
        outcome = engine.run(train_shard, tasks, watcher.tick, folder.stop_file.touch)
    finally:
        watcher.end()
        folder.stop_file.unlink(missing_ok=True)
        folder.add_work(folder.replica_steps - before, time.monotonic() - began)
    _answer(outcome, folder)


def examine(experiment: Experiment, look: Stage) -> None:
    """Look at the replicas of a trained run together, point by point, and at their microstates.

    Args:
        experiment: What has been trained.
        look: How much of it.
    """
    for point, folder in zip(experiment.points, look.folder.points or (look.folder,), strict=True):
        kind_of(point.spec).settle(folder)
        examine_run(folder, point.facts.dataset)


def _manifest(experiment: Experiment) -> dict[str, Any]:
    """Describe the surroundings of a run, and the data of each point of a sweep."""
    spec, every = experiment.points[0].spec, [point.facts for point in experiment.points]
    facts = [_known(known) for known in every]
    whole = {"run": experiment.identity, "dtype": spec.ensemble.precision, "stacked": experiment.stacked}
    foreign = [name for point in experiment.points for name in point.spec.foreign]
    whole |= manifest(facts[0], experiment.fingerprint, experiment.base, spec.traits.stacks, foreign)
    return whole | ({"points": facts} if experiment.spec.sweep else {})


def _known(facts: Facts) -> dict[str, Any]:
    remarks = facts.worth_a_look
    known = facts_of(facts.dataset, facts.noisy, facts.constants)
    return known | ({"remarks": list(remarks)} if remarks else {})


def _note_changes(experiment: Experiment, watcher: Watcher) -> None:
    """Say when a run is resumed on other versions or another processor than it began with."""
    if not experiment.stacked:
        watcher.note(
            "on this processor the rounding of a replica depends on the width of its stack: shards train one by one"
        )
    changed = changes(experiment.folder.manifest, _manifest(experiment))
    if changed:
        watcher.note(f"resumed with {', '.join(changed)}: the rest may round differently than the part that is done")


def _answer(outcome: Outcome[ShardTask], folder: RunFolder) -> None:
    """Raise what the user must know at once, and keep why a shard could not be trained."""
    missing = len(folder.unfinished())
    if outcome.interrupted and missing:
        done = f"{len(folder.shards) - missing} of {len(folder.shards)} shards have finished"
        raise Interrupted(
            f"stopped; everything up to the last commit is kept ({done})",
            remedy="give the same command again: it resumes where this one stopped",
        )
    for task, error in outcome.failed.items():
        if isinstance(error, ThermoError):
            raise error
        for name in task.names:
            folder.shard(name).write_error(str(error))
