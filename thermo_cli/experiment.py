"""Everything that can be refused is refused here, before the first step: parts that do not fit, data that cannot serve."""

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from thermo_cli.contracts import Dataset, Task
from thermo_cli.data.split import draw_subsamples, load_dataset, subsample, subsample_size
from thermo_cli.environment import DEVICE
from thermo_cli.errors import DataError, SpecError
from thermo_cli.kinds.physical.walk import walk
from thermo_cli.kinds.recorded import Recorded, read_recorded
from thermo_cli.kinds.recorded.parts import RecordedSystem
from thermo_cli.kinds.scripts.command import Command
from thermo_cli.kinds.scripts.parts import CommandSystem
from thermo_cli.metric import observed, own_names
from thermo_cli.observables.custom import check_own
from thermo_cli.observables.formulas import formulas_of
from thermo_cli.replicas import Replica, pool_of, replica_table, streams_used
from thermo_cli.rng import STREAMS
from thermo_cli.spec import Spec, identity
from thermo_cli.spec.sweeping import Point, points_of
from thermo_cli.store import RunFolder
from thermo_cli.trust import Trust, code_fingerprint, set_trust


@dataclass(frozen=True)
class Study:
    """An experiment of which everything has been resolved and checked, and nothing trained.

    Attributes:
        spec: The resolved spec.
        base: Folder of the spec, where relative data paths start.
        dataset: Pool and test set; None where nothing is learned from data.
        recorded: Runs made elsewhere; None where this one trains.
        table: The replica table.
        subsample_size: Examples of each replica; 0 without data.
        folder: Where the run is, or will be.
        points: Of a sweep, each an experiment of its own; the rest then speaks of all of them, or of the first.
        noisy: Whether training draws from the `noise` streams at every step.
    """

    spec: Spec
    base: Path
    dataset: Dataset | None
    recorded: Recorded | None
    table: tuple[Replica, ...]
    subsample_size: int
    folder: RunFolder
    noisy: bool = False
    points: tuple["Study", ...] = ()

    @property
    def fingerprint(self) -> str:
        """Hash of the data, or of the script, that the run rests on."""
        if self.points:
            return "+".join(dict.fromkeys(point.fingerprint for point in self.points))
        return script_of(self.spec, self.base) or fingerprint_of(self.dataset, self.recorded)


def prepare(spec: Spec, base: Path, results: Path, allow: Sequence[str] = ()) -> Study:
    """Resolve and check everything before the first step.

    Args:
        spec: The resolved spec.
        base: Folder of the spec.
        results: Where run folders are.
        allow: What the spec may run beyond the built-ins: `local`, `command`, or packages.

    Raises:
        SpecError: Parts of the spec do not fit each other or the data.
        DataError: The data cannot serve.
        RunError: The stacked step is not the plain one.
    """
    set_trust(Trust(tuple(allow), base))
    loaded: dict[str, Dataset] = {}
    points = points_of(spec)
    specs = [point.spec for point in points]
    studies = [_point(point, base, loaded) for point in points]
    fingerprints = dict.fromkeys(study.fingerprint for study in studies)
    digits = identity(spec, "+".join(fingerprints) + "".join(dict.fromkeys(map(_code, specs))), DEVICE)
    folder = RunFolder(results / f"{spec.name}-{digits}")
    if not spec.sweep:
        return dataclasses.replace(studies[0], folder=folder)
    table, first = replica_table(spec), studies[0]
    swept = tuple(
        dataclasses.replace(
            study, folder=RunFolder(folder.path, number), table=tuple(row for row in table if row.point == number)
        )
        for number, study in enumerate(studies)
    )
    return Study(spec, base, first.dataset, None, table, first.subsample_size, folder, first.noisy, swept)


def _point(point: Point, base: Path, loaded: dict[str, Dataset]) -> "Study":
    """Prepare a point of a sweep; what is wrong with it is told with its values."""
    try:
        return _prepare(point.spec, base, loaded)
    except (SpecError, DataError) as error:
        if not point.values:
            raise
        where = f"sweep, at {point.label}" + (f": {error.where}" if error.where else "")
        raise type(error)(error.what, received=error.received, remedy=error.remedy, where=where) from None


def _code(spec: Spec) -> str:
    """Return the hashes of local code that a spec names: other code is another run."""
    return "".join(code_fingerprint(name) for name in spec.foreign)


def _prepare(spec: Spec, base: Path, loaded: dict[str, Dataset]) -> Study:
    """Resolve and check one experiment; data are loaded once for all points that share them."""
    dataset = None
    if spec.data is not None:
        key = spec.data.model_dump_json()
        dataset = loaded[key] = loaded[key] if key in loaded else load_dataset(spec.data, base)
    recorded = read_recorded(base / spec.system.arguments.path) if isinstance(spec.system, RecordedSystem) else None
    table, known = replica_table(spec), None
    size = subsample_size(spec.ensemble.subsample, len(dataset.y)) if dataset is not None else 0
    noisy = False
    if dataset is not None:
        _check_fit(spec, size)
        _check_classes(spec, dataset, table)
        known, noisy = _check_learner(spec, dataset, table)
    elif isinstance(spec.system, CommandSystem):
        size = _check_command(spec, base, table)
    elif recorded is None:
        _check_walks(spec, table)
    _check_observables(spec, dataset)
    check_margins(spec, dataset.task if dataset is not None else None, recorded, known)
    if recorded is None:
        _check_varied(spec, size, len(dataset.y) if dataset is not None else pool_of(spec), noisy)
    return Study(spec, base, dataset, recorded, table, size, RunFolder(Path(spec.name)), noisy)


def fingerprint_of(dataset: Dataset | None, recorded: Recorded | None) -> str:
    """Return the hash of the data that a run rests on; empty for a physical system.

    Args:
        dataset: Pool and test set.
        recorded: Runs made elsewhere.
    """
    return dataset.fingerprint if dataset is not None else recorded.fingerprint if recorded is not None else ""


def script_of(spec: Spec, base: Path) -> str:
    """Return the hash of the files that a command names; empty for every other system.

    Args:
        spec: The experiment.
        base: Folder of the spec.
    """
    return Command(spec, base).fingerprint() if isinstance(spec.system, CommandSystem) else ""


def check_margins(
    spec: Spec, task: Task | None, recorded: Recorded | None = None, metrics: Collection[str] | None = None
) -> None:
    """Refuse margins of observables that a run does not measure.

    Args:
        spec: With the margins.
        task: Classification or regression; None for physical and recorded systems.
        recorded: Runs made elsewhere.
        metrics: Those that the system's answers allow; all that are observed if absent.

    Raises:
        SpecError: A margin is for something else.
    """
    if task is not None:
        names = observed(spec.observe.macro, task) if metrics is None else metrics
        known = {"energy", *(f"test_{name}" for name in names)}
    elif recorded is not None:
        known = set(recorded.values)
    elif spec.dynamics is not None and not isinstance(
        spec.system, CommandSystem
    ):  # a script's first line shows its own
        known = set(walk(spec, replica_table(spec)[:1], spec.total).measure())
    else:
        return
    for observable in spec.equilibrium.margins:
        if observable not in known:
            what = f"this {task}" if task is not None else "this system"
            raise SpecError(
                f"{observable} is not observed in {what}",
                received=f"a margin for {observable}",
                remedy="margins can go to " + ", ".join(sorted(known)),
                where="equilibrium.margins",
            )


def _check_command(spec: Spec, base: Path, table: Sequence[Replica]) -> int:
    """Refuse a command that cannot be started, and subsamples that cannot be drawn; return their size."""
    Command(spec, base).check()
    pool, rule = pool_of(spec), spec.ensemble.subsample
    if not pool:
        return 0
    for row in table if rule.disjoint else table[:1]:
        subsample(rule, pool, row.subsample, spec.ensemble.seed, row.part)
    return subsample_size(rule, pool)


def _check_observables(spec: Spec, dataset: Dataset | None) -> None:
    """Try the user's own observables."""
    own = own_names(spec.observe.macro)
    if dataset is not None:
        centred = dataset.task == "regression" and getattr(spec.data, "scale", "none") == "standardize"
        check_own(own, dataset, centred)
    elif own:
        raise SpecError(
            f"a {spec.system.use} system has no outputs that this could be computed from",
            received=own[0],
            remedy="leave it out; what the system shows is observed by itself",
            where="observe.macro",
        )


def _check_varied(spec: Spec, examples: int, pool: int, noisy: bool) -> None:
    """Refuse an ensemble of copies: what `vary` names must be used."""
    used = streams_used(spec, examples, pool, noisy=noisy)
    if not used & set(spec.ensemble.vary):
        raise SpecError(
            "replicas would be copies of each other: this experiment uses nothing that varies",
            received=", ".join(spec.ensemble.vary),
            remedy="vary " + ", ".join(name for name in STREAMS if name in used),
            where="ensemble.vary",
        )


def _check_fit(spec: Spec, size: int) -> None:
    """Refuse what cannot work together, before anything is trained."""
    parts = [(size, spec.dynamics, "dynamics.batch_size")]
    for name, history in spec.histories.items():
        if history.first is not None:
            share = history.first.examples.fraction if history.first.examples is not None else 1.0
            where = f"histories.{name}.first"
            parts.append((max(round(share * size), 1), spec.first_parts(history.first)[1], where))
    for examples, dynamics, where in parts:
        batch = getattr(dynamics, "batch_size", "full")
        if isinstance(batch, int) and batch > examples:
            raise SpecError(
                "a batch is larger than the examples of a replica",
                received=f"batch_size {batch}, examples {examples}",
                remedy=f"batch_size of at most {examples}, or full",
                where=where,
            )


def _check_protocols(spec: Spec, dataset: Dataset, table: Sequence[Replica]) -> bool:
    """Check every protocol that is trained with, and that a first phase keeps shapes; say whether training is noisy."""
    from thermo_cli.kinds.networks.checks import check_stacking  # torch is imported where there are networks
    from thermo_cli.kinds.networks.protocols import legs_of

    noisy = False
    for history in spec.histories:
        members = [row for row in table if row.history == history][:2]
        part, subsamples = dataset.gathered(draw_subsamples(spec, len(dataset.y), members, dataset.classes))
        legs = legs_of(spec, part, members, subsamples)
        noisy = noisy or any(leg.protocol.system.noisy for leg in legs)
        shapes = [[block.shape for block in leg.protocol.system.blocks] for leg in legs]
        if shapes[0] != shapes[-1]:
            raise SpecError(
                "the first phase has parameters of other shapes",
                received=str(shapes[0]),
                remedy=f"keep {shapes[-1]}",
                where=f"histories.{history}.first.system",
            )
        for leg in legs if history == table[0].history or len(legs) > 1 else ():
            for protocol in leg.protocols:
                check_stacking(protocol, part, members, leg.examples)
    return noisy


def _check_learner(spec: Spec, dataset: Dataset, table: Sequence[Replica]) -> tuple[Collection[str], bool]:
    """Check what is trained; return the metrics that its answers allow, and whether it draws noise at every step."""
    if spec.traits.name == "estimators":
        from thermo_cli.kinds.estimators.fit import try_fit  # scikit-learn, which judging again does not need

        kind, random = try_fit(spec, dataset, table[0])
        return formulas_of(spec.observe.macro, dataset.task, kind), random
    return observed(spec.observe.macro, dataset.task), _check_protocols(spec, dataset, table)


def _check_walks(spec: Spec, table: Sequence[Replica]) -> None:
    """Take a step of each history: a first phase must keep the shapes of the microstates."""
    for history in spec.histories:
        moving = walk(spec, [row for row in table if row.history == history][:1], spec.total)
        shapes = [
            {name: array.shape for name, array in rule.start(table[0], 1.0).items()} for rule in moving.rules.values()
        ]
        if shapes[0] != shapes[-1]:
            raise SpecError(
                "the first phase has microstates of other shapes",
                received=str(shapes[0]),
                remedy=f"keep {shapes[-1]}",
                where=f"histories.{history}.first.system",
            )


def _check_classes(spec: Spec, dataset: Dataset, table: Sequence[Replica]) -> None:
    """Refuse subsamples in which a class is absent: such a replica learns another problem."""
    rows = tuple(table)
    for replica, indices in zip(rows, draw_subsamples(spec, len(dataset.y), rows, dataset.classes), strict=True):
        if dataset.task != "classification" or replica.role != "main":
            continue
        missing = np.setdiff1d(np.arange(dataset.outputs), dataset.y[indices])
        if len(missing):
            raise DataError(
                f"a class is absent from the subsample of replica {replica.name}",
                received=f"no example of class {dataset.labels[missing[0]]!r} among its {len(indices)} examples",
                remedy="larger subsamples (ensemble.subsample), another ensemble.seed, or remove the rare class",
                where="ensemble.subsample",
            )
