"""Shards that move in one stack, through the segments of their training: measurements, commits and lasting files of each."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from thermo_cli.contracts import Array, Movement
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec
from thermo_cli.store.run_folder import RunFolder
from thermo_cli.store.shard import ShardStore
from thermo_cli.store.shard_records import ShardRecords
from thermo_cli.times import measurement_steps, snapshot_steps

CHUNK_STEPS: Final = 256  # between two looks at the clock
COMMIT_SECONDS: Final = 1.0
COMMIT_SHARE: Final = 20.0  # a commit that takes t seconds is not repeated before 20 t have passed
PROGRESS_SECONDS: Final = 0.25


@dataclass
class Share:
    """One shard of a stack.

    Attributes:
        store: Its disk side.
        slots: Its places in the stack.
        measured: Steps at which it is measured.
        kept: Steps at which its parameters are kept.
        records: Since the segment before, and committed.
        new: Since the last commit.
        latest: The last measurement.
    """

    store: ShardStore
    slots: slice
    measured: set[int]
    kept: set[int]
    records: ShardRecords = field(default_factory=ShardRecords)
    new: ShardRecords = field(default_factory=ShardRecords)
    latest: dict[str, Array] = field(default_factory=dict)

    def commit(self, stack: Movement) -> None:
        """Make everything up to this step durable.

        Args:
            stack: In which it moves.
        """
        self.store.commit(stack.step, stack.state_arrays(self.slots), self.new)
        self.records.extend(self.new)
        self.new = ShardRecords()


class Training:
    """Shards in one stack, from where they all stand to the end of what is asked for.

    Args:
        folder: The run.
        spec: The experiment; of several points one, as their times are the same.
        shards: Disk side and rows of each shard, in the order of the stack; all of one history and one budget, and main
            replicas or none.
        stack: At step 0.
    """

    def __init__(
        self, folder: RunFolder, spec: Spec, shards: Sequence[tuple[ShardStore, Sequence[Replica]]], stack: Movement
    ) -> None:
        first = shards[0][1][0]
        self.folder, self.stack, self.main = folder, stack, first.role == "main"
        self.ends = (first.steps,) if first.role == "budget" else spec.ends
        self.goes_on = first.role != "budget" and not spec.closed
        self.shares, start = [], 0
        for store, members in shards:
            slots = slice(start, start + len(members))
            self.shares.append(Share(store, slots, self._measured(spec), kept_steps(spec, members, self.ends)))
            start = slots.stop
        self.next_commit = self.next_progress = 0.0

    def run(self) -> str:
        """Train until all is done or the run is asked to stop, and say which: `finished` or `interrupted`."""
        done, segment = self._resume()
        self.next_commit = time.monotonic() + COMMIT_SECONDS
        events = sorted(set[int]().union(*(share.measured | share.kept for share in self.shares), self.ends))
        for end in self.ends[segment:]:
            for event in [step for step in events if done < step <= end]:
                while self.stack.step < event:
                    if not self._between():
                        return "interrupted"
                    self.stack.advance(min(event, self.stack.step + CHUNK_STEPS))
                self._record(event)
            self._finish()
            done = end
        return "finished"

    def _resume(self) -> tuple[int, int]:
        """Restore the shards; return the last step of which everything is recorded, and the segment that it is in."""
        done = -1
        for share in self.shares:
            committed = share.store.resume()
            if committed is not None:
                done, state, share.records = committed
                self.stack.restore(done, share.slots, state)
        return done, self.shares[0].store.segments

    def _between(self) -> bool:
        """Commit and report when it is time; say whether to go on. Everything up to the current step is recorded here."""
        now = time.monotonic()
        stop = self.folder.stop_file.exists()
        if stop or now >= self.next_commit:
            for share in self.shares:
                share.commit(self.stack)
            took = time.monotonic() - now
            self.next_commit = time.monotonic() + max(COMMIT_SECONDS, COMMIT_SHARE * took)
        if now >= self.next_progress:
            for share in self.shares:
                share.store.report_progress(self.stack.step, share.latest)
            self.next_progress = now + PROGRESS_SECONDS
        return not stop

    def _record(self, step: int) -> None:
        measured = dict(self.stack.measure()) if any(step in share.measured for share in self.shares) else {}
        vectors = self.stack.vectors() if any(step in share.kept for share in self.shares) else None
        for share in self.shares:
            if step in share.measured:
                share.latest = {name: array[share.slots] for name, array in measured.items()}
                share.new.add(step, share.latest)
            if vectors is not None and step in share.kept:
                share.new.snapshots[step] = vectors[share.slots].copy()

    def _finish(self) -> None:
        """Write the files of a segment."""
        finals = dict(self.stack.finish()) if self.main else {}
        for share in self.shares:
            share.records.extend(share.new)
            share.records.final = {name: array[share.slots] for name, array in finals.items()}
            state = self.stack.state_arrays(share.slots) if self.goes_on else None
            share.store.finish(share.records, self.stack.step, state)
            share.records, share.new = ShardRecords(), ShardRecords()

    def _measured(self, spec: Spec) -> set[int]:
        """Return when main replicas are measured; others are at the ends alone."""
        steps = measurement_steps(self.ends, spec.observe.window_measurements) if self.main else self.ends
        return {int(step) for step in steps}


def kept_steps(spec: Spec, members: Sequence[Replica], ends: Sequence[int]) -> set[int]:
    """Return the steps at which parameters are kept.

    Twins and the history that they belong to are also compared after one step; whether a file holds it must not depend on the
    number of twins.

    Args:
        spec: The experiment.
        members: The shard's rows of the replica table.
        ends: Of the segments.
    """
    first = members[0]
    if first.role == "budget":
        return set()
    original = first.role == "main" and first.history == next(iter(spec.histories)) and spec.ensemble.crossed is None
    compared = first.role == "twin" or (original and spec.traits.twins)
    return {*snapshot_steps(ends), *((1,) if compared else ())}
