"""The disk side of one shard: commits while it trains, one file when it has finished.

While training, the folder `shards/<name>/` holds numbered commits (records since the one before) and `state.safetensors`
(everything that decides the rest, naming the last commit it follows). A crash between the two leaves a commit that the state
does not name: it is dropped on resume. At the end everything becomes `shards/<name>.safetensors`, whose bytes do not depend
on when commits happened, and the folder goes away.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from thermo_cli.errors import StoreError
from thermo_cli.store.files import ArrayFile, read_arrays, write_arrays, write_text

Records = dict[str, list[NDArray[np.float64]]]


@dataclass
class ShardRecords:
    """What a shard has recorded: observables at measured steps, parameters at a few.

    Attributes:
        steps: Measured steps.
        values: Observable to one (replica,) per step.
        snapshots: Step to (replica, parameters).
        final: What was found out once, at the end, each (replica, ...).
    """

    steps: list[int] = field(default_factory=list)
    values: Records = field(default_factory=dict)
    snapshots: dict[int, NDArray[np.floating]] = field(default_factory=dict)
    final: dict[str, NDArray[Any]] = field(default_factory=dict)

    def add(self, step: int, values: Mapping[str, NDArray[np.float64]]) -> None:
        """Append one measurement.

        Args:
            step: When.
            values: Observable to (replica,).
        """
        self.steps.append(step)
        for name, array in values.items():
            self.values.setdefault(name, []).append(array)

    def extend(self, later: "ShardRecords") -> None:
        """Append everything that another one recorded afterwards.

        Args:
            later: The records that follow.
        """
        self.steps += later.steps
        for name, arrays in later.values.items():
            self.values.setdefault(name, []).extend(arrays)
        self.snapshots.update(later.snapshots)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the records as named arrays: `steps`, `values/...` (replica, time), `snapshot/<step>`, `final/...`."""
        result: dict[str, NDArray[Any]] = {"steps": np.array(self.steps, dtype=np.int64)}
        result |= {f"values/{name}": np.stack(arrays, axis=1) for name, arrays in self.values.items()}
        result |= {f"snapshot/{step:012d}": array for step, array in self.snapshots.items()}
        return result | {f"final/{name}": array for name, array in self.final.items()}

    @staticmethod
    def of(arrays: Mapping[str, NDArray[Any]]) -> "ShardRecords":
        """Return the records behind named arrays; the inverse of `arrays`.

        Args:
            arrays: What `arrays` returned.
        """
        records = ShardRecords([int(step) for step in arrays["steps"]])
        for name, array in arrays.items():
            kind, _, rest = name.partition("/")
            if kind == "values":
                records.values[rest] = list(array.T)
            elif kind == "snapshot":
                records.snapshots[int(rest)] = array
            elif kind == "final":
                records.final[rest] = array
        return records


class ShardStore:
    """Commits of one shard.

    Args:
        shards: The run's `shards` folder.
        name: The shard's name.
    """

    def __init__(self, shards: Path, name: str) -> None:
        self.folder = shards / name
        self.finished_file = shards / f"{name}.safetensors"
        self._commits = 0

    @property
    def finished(self) -> bool:
        """Whether the shard needs no more training."""
        return self.finished_file.exists()

    def lock(self, timeout: float) -> FileLock:
        """Hold the shard against another worker, such as one left by a killed run that has half a second to live.

        Args:
            timeout: Seconds to wait.

        Raises:
            StoreError: Another worker keeps it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "lock", timeout=timeout)
        try:
            lock.acquire()
        except Timeout:
            raise StoreError(
                "another process trains this shard", received=str(self.folder), remedy="wait for it, or stop it"
            ) from None
        return lock

    def resume(self) -> tuple[int, dict[str, NDArray[Any]], ShardRecords] | None:
        """Return the committed step, the state arrays and all records up to it, or None when nothing is committed.

        Raises:
            StoreError: A file that the state relies on is missing or damaged.
        """
        state_file = self.folder / "state.safetensors"
        if not state_file.exists():
            for path in self._commit_files():
                path.unlink()
            return None
        state = read_arrays(state_file)
        self._commits = int(state.record["commits"])
        for path in self._commit_files()[self._commits :]:
            path.unlink()
        records = ShardRecords()
        for number in range(self._commits):
            records.extend(ShardRecords.of(read_arrays(self._commit_file(number)).arrays))
        return int(state.record["step"]), dict(state.arrays), records

    def commit(self, step: int, state: Mapping[str, NDArray[Any]], new: ShardRecords) -> None:
        """Make everything up to a step durable.

        Args:
            step: Steps taken; every measurement up to it is in `new` or in an earlier commit.
            state: What decides the rest of the training.
            new: Records since the last commit.
        """
        if new.steps or new.snapshots:
            write_arrays(self._commit_file(self._commits), ArrayFile(new.arrays(), {"kind": "commit"}))
            self._commits += 1
        write_arrays(
            self.folder / "state.safetensors",
            ArrayFile(state, {"kind": "state", "step": step, "commits": self._commits}),
        )

    def finish(self, records: ShardRecords) -> None:
        """Write the shard's only lasting file and remove its commits.

        Args:
            records: Everything recorded, from the first step to the last.
        """
        write_arrays(self.finished_file, ArrayFile(records.arrays(), {"kind": "shard"}))
        self.finished_file.with_suffix(".error.txt").unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_error(self, text: str) -> None:
        """Keep the traceback of a shard that could not be trained.

        Args:
            text: The traceback.
        """
        write_text(self.finished_file.with_suffix(".error.txt"), text)

    def refuse(self, text: str) -> None:
        """Count a finished shard as one that could not be trained.

        Args:
            text: Why.
        """
        self.write_error(text)
        self.finished_file.unlink()

    def read(self) -> ShardRecords:
        """Return the records of a finished shard."""
        return ShardRecords.of(read_arrays(self.finished_file).arrays)

    def report_progress(self, step: int, values: Mapping[str, NDArray[np.float64]]) -> None:
        """Leave word of where the training is, for the live display; not durable, never read back into the numbers.

        Args:
            step: Steps taken.
            values: The latest measurement, observable to (replica,).
        """
        finite = {name: [float(v) if np.isfinite(v) else None for v in array] for name, array in values.items()}
        temporary = self.folder / "progress.tmp"
        temporary.write_text(json.dumps({"step": step, "values": finite}))
        temporary.replace(self.folder / "progress.json")

    def progress(self) -> dict[str, Any]:
        """Return the last word of `report_progress`, or step 0."""
        try:
            word: dict[str, Any] = json.loads((self.folder / "progress.json").read_text())
        except (OSError, ValueError):  # not there yet, or gone because the shard has just finished
            return {"step": 0, "values": {}}
        return word

    def _commit_file(self, number: int) -> Path:
        return self.folder / f"commit-{number:06d}.safetensors"

    def _commit_files(self) -> list[Path]:
        return sorted(self.folder.glob("commit-*.safetensors"))
