"""What varies from one kind of system to the next: a protocol that the module `kind` of each wing keeps, and how it is found.

A wing knows its systems and nothing of the other wings; everything outside `kinds` knows this protocol and no wing. What a spec
must know before anything heavy is imported is said apart, in `spec.traits`.
"""

import importlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Dataset, Findings, Movement, Trajectories
from thermo_cli.data.remarks import remarks_of
from thermo_cli.equilibrium.ensemble import Question
from thermo_cli.registry import KINDS
from thermo_cli.replicas import Replica, control_rows, main_rows
from thermo_cli.spec import Spec
from thermo_cli.store import RunFolder
from thermo_cli.store.shard import ShardStore

SOME: Final = 8  # replicas of which the starts are compared


@dataclass(frozen=True)
class Facts:
    """What is known of an experiment once everything that it names has been resolved and checked.

    Attributes:
        fingerprint: Hash of the data, the script or the records that it rests on; empty where there are none.
        dataset: Pool and test set; None where nothing is learned from data.
        runs: Observables of runs made elsewhere; None where runs are trained here.
        examples: Examples of each replica; 0 without data.
        pool: Examples that they are drawn from; 0 without data.
        noisy: Whether training draws from the `noise` streams at every step.
        stacked: Replicas that pay in one stack; 0 where the bits of a replica depend on its width.
        constants: Observable to what always giving one answer would score; empty without data.
        remarks: What is worth a look in what was read, beside the remarks on a dataset.
        observables: What can carry a margin; None where only the first replica shows it.
    """

    fingerprint: str = ""
    dataset: Dataset | None = None
    runs: Trajectories | None = None
    examples: int = 0
    pool: int = 0
    noisy: bool = False
    observables: Collection[str] | None = None
    stacked: int = 1
    constants: Mapping[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def worth_a_look(self) -> tuple[str, ...]:
        """All remarks: on the dataset, and on what was read."""
        return (*remarks_of(self.dataset), *self.remarks)


@dataclass(frozen=True)
class Setup:
    """One point of an experiment, ready to be trained.

    Attributes:
        spec: The resolved spec of the point.
        base: Folder of the spec, where relative paths start.
        facts: What is known of it.
        table: Its rows of the replica table.
        folder: Where the run is, or will be, as if the point were alone.
    """

    spec: Spec
    base: Path
    facts: Facts
    table: tuple[Replica, ...]
    folder: RunFolder

    @property
    def histories(self) -> dict[str, int]:
        """Replicas of each history."""
        rows = [row.history for row in self.table if row.role == "main"]
        names = self.facts.runs.histories if self.facts.runs is not None else rows
        return {name: list(names).count(name) for name in dict.fromkeys(names)}

    @property
    def pairs(self) -> int:
        """Number of same-bath pairs."""
        return len(control_rows(self.table, "same_bath"))


@dataclass(frozen=True)
class Needs:
    """What training needs.

    Attributes:
        parameters: Numbers in a microstate.
        measurements: Measured times.
        memory: Bytes of one shard in training, without those of the process.
        disk: Bytes of one main replica in the finished run folder.
    """

    parameters: int
    measurements: int
    memory: int
    disk: int


@dataclass(frozen=True)
class Pace:
    """Measured cost of a shard.

    Attributes:
        step: Seconds per step of one shard.
        measurement: Seconds per measurement of one shard.
    """

    step: float
    measurement: float


@dataclass(frozen=True)
class Work:
    """Shards to be trained.

    Attributes:
        folder: The run.
        store: The first shard's disk side.
        specs: The experiment of each replica; they differ in numbers of the dynamics at most.
        members: Rows of the replica table: of one shard, or of several that share a stack; copies may fill it.
        base: Folder of the spec.
        dataset: Loads the data, where the kind learns from some.
        move: Takes a shard at step 0 through its measurements and commits, and returns what became of it.
    """

    folder: RunFolder
    store: ShardStore
    specs: Sequence[Spec]
    members: tuple[Replica, ...]
    base: Path
    dataset: Callable[[], Dataset]
    move: Callable[[Movement], str]


@dataclass(frozen=True)
class Rehearsal:
    """What a few steps of one replica have shown before all of them are trained.

    Attributes:
        words: What is worth knowing, in sentences.
        idle: Sources of randomness that are said to vary and changed nothing.
        unseeded: Whether something varies that no source decides.
    """

    words: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    unseeded: bool = False


class Specimens(Protocol):
    """The replicas whose microstates are looked at, by name."""

    @property
    def replicas(self) -> tuple[str, ...]:
        """Main replicas."""

    @property
    def pairs(self) -> tuple[str, ...]:
        """Main replicas that have a partner on their bath."""

    @property
    def twin_names(self) -> tuple[str, ...]:
        """Main replicas that have a twin."""


class Kind(Protocol):
    """A kind of system, from the spec to what the court has to know.

    Attributes:
        workers_import: Modules that a worker needs, which take time to import; none where nothing is trained.
    """

    workers_import: Sequence[str]

    def prepare(self, spec: Spec, base: Path, table: Sequence[Replica], loaded: dict[str, Any]) -> Facts:
        """Resolve and check everything that the spec names.

        Args:
            spec: The resolved spec of one point.
            base: Folder of the spec.
            loaded: Data that were loaded for other points, by what the spec says of them; what is loaded is added.

        Raises:
            SpecError: Parts of the spec do not fit each other or the data.
            DataError: The data cannot serve.
        """

    def rehearse(self, setup: Setup, workers: int) -> Rehearsal | None:
        """Train one replica for a few steps, beside the run; None where `prepare` has tried what there is to try.

        Args:
            setup: What will be trained.
            workers: Processes at the same time, at most.

        Raises:
            SpecError: What it shows can decide nothing.
            DataError: It fails.
        """

    def begin(self, setup: Setup) -> None:
        """Write into the run folder what has to be there before training."""

    def outline(self, setup: Setup, needs: Needs | None, workers: int) -> dict[str, str]:
        """Return the lines of the plan that are this kind's own, by their first word."""

    def needs(self, setup: Setup) -> Needs | None:
        """Estimate what training needs from shapes; None where that is not known before."""

    def pace(self, setup: Setup) -> Pace | None:
        """Train the first shard for a moment, in memory; None where that is not done here."""

    def train(self, work: Work) -> str:
        """Train one shard until it has finished or is asked to stop: `finished`, `interrupted` or `failed`.

        Raises:
            DataError: The data are not those that the run began with.
            StoreError: The disk is full, or a committed file is damaged.
        """

    def settle(self, folder: RunFolder) -> None:
        """Look at all replicas together, once each has ended."""

    def gather(self, folder: RunFolder, most: int) -> Specimens | None:
        """Choose the replicas whose microstates are looked at, `most` at most; None where there are too few."""

    def examine(self, folder: RunFolder, dataset: Dataset | None, specimens: Any) -> Findings:
        """Examine the microstates of what `gather` chose."""

    def question(self, folder: RunFolder, trajectories: Trajectories) -> Question:
        """Collect what the court has to know of the run besides its numbers."""

    def diagnostics(self, folder: RunFolder) -> dict[str, Any]:
        """Collect what was found out at the end of training, and decides nothing."""

    def raw(self, folder: RunFolder) -> tuple[NDArray[np.floating], NDArray[np.floating] | None] | None:
        """Return parameters as they are, at the end and at the start if they were kept; None where they mean nothing."""

    def objective(self, spec: Spec) -> Any:
        """Return what decides the meaning of the energy besides the loss: penalties and further terms."""

    def comparable_fields(self, spec: Spec) -> dict[str, Any]:
        """Return the fields of `ensemble` that must be the same in runs that are compared, where both have them."""

    def stated(self, spec: Spec, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the data of runs that are compared must have in common."""


def kind_of(spec: Spec) -> Kind:
    """Return the kind of a spec's system."""
    kind: Kind = importlib.import_module(f"{KINDS[spec.traits.name]}.kind")
    return kind


def no_rehearsal(setup: Setup, workers: int) -> None:
    """Return nothing: one step was tried when the experiment was prepared."""


def nothing_to_begin(setup: Setup) -> None:
    """Write nothing before training: shards are all that there is."""


def nothing_to_settle(folder: RunFolder) -> None:
    """Leave the replicas as they are."""


def no_diagnostics(folder: RunFolder) -> dict[str, Any]:
    """Return nothing: nothing is tried at the end of training."""
    return {}


def no_objective(spec: Spec) -> None:
    """Return nothing: the energy is what the system says it is."""


def no_comparable_fields(spec: Spec) -> dict[str, Any]:
    """Return nothing: replicas are drawn as the system says."""
    return {}


def nothing_stated(spec: Spec, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return nothing: there are no data."""
    return {}


def kept_parameters(folder: RunFolder) -> tuple[NDArray[np.floating], NDArray[np.floating] | None] | None:
    """Return parameters at T and at the start, (replica, parameter); None where not all replicas kept them."""
    if folder.status != "complete":
        return None
    kept = set.intersection(*(set(folder.records[row.shard].snapshots) for row in main_rows(folder.table)))
    if folder.total not in kept:
        return None
    return folder.parameters(folder.total), folder.parameters(0) if 0 in kept else None


def idle_sources(folder: RunFolder) -> tuple[str, ...]:
    """Return `init` if it varies, and yet replicas of several init streams begin with the same parameters to the last bit."""
    rows = [row for row in main_rows(folder.table) if row.shard in folder.records]
    rows = [row for row in rows if row.history == rows[0].history and 0 in folder.records[row.shard].snapshots]
    others = list({row.init: row for row in rows}.values())[:SOME]
    if "init" not in folder.spec.ensemble.vary or len(others) < 2:
        return ()
    starts = folder.microstates(0, others)
    return ("init",) if (starts == starts[0]).all() else ()


def rehearsal_of(folder: RunFolder) -> Rehearsal:
    """Return what a rehearsal has found out; of a run that had none, nothing.

    Args:
        folder: The run.
    """
    known = folder.rehearsal()
    return Rehearsal(idle=tuple(known.get("idle", ())), unseeded=bool(known.get("unseeded", False)))


def controls_of(folder: RunFolder) -> int:
    """Return the number of partners, twins and nulls beside the main replicas."""
    return sum(row.role not in ("main", "budget") for row in folder.table)
