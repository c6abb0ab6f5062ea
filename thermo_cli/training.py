"""One shard from its rows in the replica table to its file on disk: what a worker process does, start to end.

Workers commit into the run folder and return; nobody believes what they return, the disk is the truth.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from thermo_cli.contracts import Array, Dataset, Movement
from thermo_cli.data.split import load_dataset
from thermo_cli.errors import DataError
from thermo_cli.kinds.kind import Work, kind_of
from thermo_cli.replicas import Replica, control_rows
from thermo_cli.spec import Spec
from thermo_cli.store.run_folder import RunFolder
from thermo_cli.store.shard import ShardRecords, ShardStore
from thermo_cli.times import measurement_steps, snapshot_steps
from thermo_cli.trust import Trust, set_trust

CHUNK_STEPS: Final = 256  # between two looks at the clock
COMMIT_SECONDS: Final = 1.0
COMMIT_SHARE: Final = 20.0  # a commit that takes t seconds is not repeated before 20 t have passed
PROGRESS_SECONDS: Final = 0.25
LOCK_SECONDS: Final = 20.0


@dataclass(frozen=True)
class ShardTask:
    """What a worker is told: which shard of which run, where relative data paths start, and what the spec may import."""

    folder: Path
    shard: str
    base: Path
    allow: tuple[str, ...] = ()


def train_shard(task: ShardTask) -> str:
    """Train one shard until it has finished or the run is asked to stop.

    Args:
        task: Which shard.

    Returns:
        `finished`, `interrupted`, or `failed` where a script did and the reason is kept.

    Raises:
        DataError: The data are not those that the run began with.
        StoreError: The disk is full, or a committed file is damaged.
    """
    set_trust(Trust(task.allow, task.base))
    folder = RunFolder(task.folder)
    store = folder.shard(task.shard)
    with store.lock(LOCK_SECONDS):
        if store.finished:
            store.finish(store.read())
            return "finished"
        members = folder.shards[task.shard]
        specs = [folder.spec_of(member) for member in members]

        def dataset() -> Dataset:
            return _dataset(specs[0].model_dump_json(), task.base, task.folder, folder.manifest["data_fingerprint"])

        def move(moving: Movement) -> str:
            return _Training(folder, store, specs[0], members, kept_steps(members, folder.table), moving).run()

        return kind_of(specs[0]).train(Work(folder, store, specs, members, task.base, dataset, move))


def kept_steps(members: Sequence[Replica], table: Sequence[Replica]) -> set[int]:
    """Return the steps at which a shard's parameters are kept: twins and their originals are also compared after one step.

    Args:
        members: The shard's rows of the replica table.
        table: The replica table.
    """
    if members[0].role == "budget":
        return set()
    point = {member.point for member in members}
    compared = any(member.role == "twin" for member in members) or any(
        row in members
        for number in point
        for row in control_rows([one for one in table if one.point == number], "twin")
    )
    return {*snapshot_steps((members[0].steps,)), *((1,) if compared else ())}


@lru_cache(maxsize=1)
def _dataset(spec: str, base: Path, run: Path, fingerprint: str) -> Dataset:
    """Load the data once per worker, and refuse them if they changed since the run began."""
    data = Spec.model_validate_json(spec).data
    assert data is not None  # only what learns from data asks for it
    dataset = load_dataset(data, base, RunFolder(run).source())
    if dataset.fingerprint not in fingerprint.split("+"):
        raise DataError(
            "the data changed while the run was in progress",
            received=dataset.fingerprint[:12],
            remedy=f"restore the data with fingerprint {fingerprint[:12]}, or use --fresh"
            + ("; a function must return the same data each time: give it a seed" if ":" in data.use else ""),
        )
    return dataset


class _Training:
    """The loop over measurements, with commits in between."""

    def __init__(
        self,
        folder: RunFolder,
        store: ShardStore,
        spec: Spec,
        members: tuple[Replica, ...],
        kept: set[int],
        stack: Movement,
    ) -> None:
        self.folder, self.store, self.stack = folder, store, stack
        total, self.main = members[0].steps, members[0].role == "main"
        steps = measurement_steps((total,), spec.observe.window_measurements) if self.main else [total]
        self.measured = {int(step) for step in steps}
        self.kept = kept
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
        self._finish()
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

    def _finish(self) -> None:
        self.records.extend(self.new)
        if self.main:
            self.records.final = dict(self.stack.finish())
        self.store.finish(self.records)

    def _record(self, step: int) -> None:
        if step in self.measured:
            self.latest = dict(self.stack.measure())
            self.new.add(step, self.latest)
        if step in self.kept:
            self.new.snapshots[step] = self.stack.vectors().copy()
