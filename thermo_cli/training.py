"""One shard from its rows in the replica table to its file on disk: what a worker process does, start to end.

Workers commit into the run folder and return; nobody believes what they return, the disk is the truth.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import torch

from thermo_cli.contracts import Array, Dataset, Integers
from thermo_cli.data.split import load_dataset, subsample, subsample_size
from thermo_cli.design import Replica, replica_table, shards
from thermo_cli.dynamics.gradient import CHUNK_STEPS, Protocol, Stack, protocol
from thermo_cli.errors import DataError
from thermo_cli.observables.macroscopic import measure, measurement_steps, snapshot_steps
from thermo_cli.spec import Spec, from_resolved
from thermo_cli.store.run_folder import RunFolder
from thermo_cli.store.shard import ShardRecords, ShardStore

COMMIT_SECONDS: Final = 1.0
COMMIT_SHARE: Final = 20.0  # a commit that takes t seconds is not repeated before 20 t have passed
PROGRESS_SECONDS: Final = 0.25
LOCK_SECONDS: Final = 20.0


@dataclass(frozen=True)
class ShardTask:
    """What a worker is told: which shard of which run, and where relative data paths start."""

    folder: Path
    shard: str
    base: Path


def train_shard(task: ShardTask) -> str:
    """Train one shard until it has finished or the run is asked to stop.

    Args:
        task: Which shard.

    Returns:
        `finished` or `interrupted`.

    Raises:
        DataError: The data are not those that the run began with.
        StoreError: The disk is full, or a committed file is damaged.
    """
    torch.set_num_threads(1)
    folder = RunFolder(task.folder)
    store = folder.shard(task.shard)
    with store.lock(LOCK_SECONDS):
        if store.finished:
            store.finish(store.read())
            return "finished"
        resolved = (task.folder / "resolved.yaml").read_text()
        spec = from_resolved(resolved, str(task.folder / "resolved.yaml"))
        dataset = _dataset(resolved, task.base, folder.manifest["data_fingerprint"])
        members = shards(replica_table(spec))[task.shard]
        return _Training(folder, store, spec, dataset, members).run()


@lru_cache(maxsize=1)
def _dataset(resolved: str, base: Path, fingerprint: str) -> Dataset:
    """Load the data once per worker, and refuse them if they changed since the run began."""
    dataset = load_dataset(from_resolved(resolved, "resolved.yaml").data, base)
    if dataset.fingerprint != fingerprint:
        raise DataError(
            "the data changed while the run was in progress",
            received=dataset.fingerprint[:12],
            remedy=f"restore the data with fingerprint {fingerprint[:12]}, or use --fresh",
        )
    return dataset


def draw_subsamples(spec: Spec, pool: int, members: tuple[Replica, ...]) -> Integers:
    """Draw the examples of some replicas.

    Args:
        spec: The experiment.
        pool: Number of examples in the pool.
        members: Rows of the replica table.

    Returns:
        Indices into the pool, (replica, subsample).
    """
    ensemble = spec.ensemble
    return np.stack([subsample(ensemble.subsample, pool, row.subsample, ensemble.seed, row.part) for row in members])


def fill(members: tuple[Replica, ...], width: int) -> tuple[Replica, ...]:
    """Fill a shard to its constant width by repeating its first replica; the copies are trained and not recorded.

    Args:
        members: The shard's rows.
        width: The width.
    """
    return members + (members[0],) * (width - len(members))


def build_stack(spec: Spec, dataset: Dataset, members: tuple[Replica, ...]) -> Stack:
    """Put a shard's replicas at step 0.

    Args:
        spec: The experiment.
        dataset: Its data.
        members: The shard's rows of the replica table, all of one history.
    """
    rows = fill(members, spec.ensemble.shard)
    history = spec.histories[members[0].history]
    rule: Protocol = protocol(spec, dataset, subsample_size(spec.ensemble.subsample, len(dataset.y)))
    shuffled_until = history.first.steps if history.first is not None else 0
    return Stack(rule, dataset, rows, draw_subsamples(spec, len(dataset.y), rows), history.init_scale, shuffled_until)


class _Training:
    """The loop over measurements, with commits in between."""

    def __init__(
        self, folder: RunFolder, store: ShardStore, spec: Spec, dataset: Dataset, members: tuple[Replica, ...]
    ) -> None:
        self.folder, self.store, self.spec, self.dataset = folder, store, spec, dataset
        self.count = len(members)
        self.stack = build_stack(spec, dataset, members)
        self.initial = self.stack.vectors().astype(np.float64)
        self.measured = {int(step) for step in measurement_steps(spec.dynamics.steps, spec.observe.window_measurements)}
        self.kept = set(snapshot_steps(spec.dynamics.steps))
        self.records, self.new = ShardRecords(), ShardRecords()
        self.next_commit = self.next_progress = 0.0
        self.latest: dict[str, Array] = {}

    def run(self) -> str:
        done = -1
        committed = self.store.resume()
        if committed is not None:
            done, state, self.records = committed
            self.stack.restore(done, state)
        self.next_commit = time.monotonic() + COMMIT_SECONDS
        for event in sorted(step for step in self.measured | self.kept if step > done):
            while self.stack.step < event:
                if not self._between():
                    return "interrupted"
                self.stack.advance(min(event, self.stack.step + CHUNK_STEPS))
            self._record(event)
        self._between_finished()
        return "finished"

    def _between(self) -> bool:
        """Commit and report when it is time; say whether to go on. Everything up to the current step is recorded here."""
        now = time.monotonic()
        stop = self.folder.stop_file.exists()
        if stop or now >= self.next_commit:
            self.store.commit(self.stack.step, self.stack.state_arrays(), self.new)
            self.records.extend(self.new)
            self.new = ShardRecords()
            took = time.monotonic() - now
            self.next_commit = time.monotonic() + max(COMMIT_SECONDS, COMMIT_SHARE * took)
        if now >= self.next_progress:
            self.store.report_progress(self.stack.step, self.latest)
            self.next_progress = now + PROGRESS_SECONDS
        return not stop

    def _between_finished(self) -> None:
        self.records.extend(self.new)
        self.store.finish(self.records)

    def _record(self, step: int) -> None:
        if step in self.measured:
            now = self.stack.evaluate()
            values = measure(
                self.spec.observe.macro, self.dataset, self.stack.subsamples, now.train, now.test, now.parameters,
                now.gradient, self.initial, self.stack.protocol.optimizer.penalty,
            )  # fmt: skip
            self.latest = {name: array[: self.count] for name, array in values.items()}
            self.new.add(step, self.latest)
        if step in self.kept:
            self.new.snapshots[step] = self.stack.vectors()[: self.count].copy()
