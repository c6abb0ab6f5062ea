"""The disk side of one shard: commits while it trains, a file for each segment of the training that has finished.

While training, the folder `shards/<name>/` holds numbered commits (records since the one before) and `state.safetensors`
(everything that decides the rest, naming the last commit it follows). A crash between the two leaves a commit that the state
does not name: it is dropped on resume. At the end of a segment its commits become `shards/<name>.<segment>.safetensors`, whose
bytes do not depend on when commits happened and which is never written again; beside it `states/` keeps the state from which
the next segment goes on, where there can be one.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from thermo_cli.errors import StoreError
from thermo_cli.store import version_1
from thermo_cli.store.files import (
    SCHEMA_VERSION,
    ArrayFile,
    check_record,
    digest,
    read_arrays,
    read_record,
    write_arrays,
    write_text,
)
from thermo_cli.store.shard_records import ShardRecords

ELSEWHERE: Final = "the file belongs elsewhere"
LOCK_SECONDS: Final = 20.0
ATTEMPTS: Final = 5


@dataclass(frozen=True)
class Place:
    """What a shard's files say of themselves, and must say to be read.

    Attributes:
        run: Identity of the run.
        point: Of a sweep.
        shard: Name of the shard.
        rows: Names of its replicas, in the order of the arrays.
        look: The first look that has all of these rows.
        segments: Segments of the training that are asked for.
        old: Whether version 0.5 wrote it.
    """

    run: str
    point: int
    shard: str
    rows: tuple[str, ...]
    look: int = 1
    segments: int = 1
    old: bool = False

    def record(self, kind: str, sequence: int, follows: str) -> dict[str, Any]:
        """Return what a file's record must say.

        Args:
            kind: `commit`, `state`, `segment` or `last`.
            sequence: Number of the file among those of its kind.
            follows: Checksum of the file that it goes on from; empty of the first.
        """
        where = {"run": self.run, "point": self.point, "shard": self.shard, "rows": list(self.rows)}
        return where | {"kind": kind, "sequence": sequence, "follows": follows}


class ShardStore:
    """Commits and segments of one shard.

    Args:
        run: The run's folder.
        place: What its files say of themselves.
    """

    def __init__(self, run: Path, place: Place) -> None:
        self.place, self._run = place, run
        self.folder = run / "shards" / place.shard
        self._states = run / "states" / place.shard
        self._commits, self._follows = 0, ""
        self._done: int | None = None  # segments that had finished when training went on here

    def segment_file(self, number: int) -> Path:
        """Return where a finished segment is.

        Args:
            number: From 0.
        """
        if self.place.old and number == 0:
            return version_1.segment_file(self._run, self.place.shard)
        return self.folder.with_name(f"{self.folder.name}.{number}.safetensors")

    def last_file(self, number: int) -> Path:
        """Return where the state at the end of a segment is.

        Args:
            number: From 0.
        """
        return self._states.with_name(f"{self._states.name}.{number}.safetensors")

    @property
    def segments(self) -> int:
        """Segments that have finished."""
        number = 0
        while self.segment_file(number).exists():
            number += 1
        return number

    @property
    def finished(self) -> bool:
        """Whether the shard needs no more training."""
        return self.segments >= self.place.segments

    @property
    def step(self) -> int:
        """The committed step of the segment in training; -1 where nothing is committed."""
        record = read_record(self._state_file) if self._state_file.exists() else {}
        return int(record["step"]) if record.get("segment") == self.segments else -1

    @property
    def seals(self) -> tuple[str, ...]:
        """Checksums of the segments that are asked for and have finished."""
        numbers = range(min(self.segments, self.place.segments))
        return tuple(str(read_record(self.segment_file(number)).get("sha256")) for number in numbers)

    def lock(self, timeout: float = LOCK_SECONDS) -> FileLock:
        """Hold the shard against another worker, such as one left by a killed run that has half a second to live.

        Args:
            timeout: Seconds to wait.

        Raises:
            StoreError: Another worker keeps it, or something else stands in its place.
        """
        lock = FileLock(self.folder / "lock", timeout=timeout)
        for attempt in range(ATTEMPTS):
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                lock.acquire()
                break
            except Timeout:
                raise StoreError(
                    "another process trains this shard", received=str(self.folder), remedy="wait for it, or stop it"
                ) from None
            except OSError as error:
                if isinstance(error, FileNotFoundError) and attempt + 1 < ATTEMPTS:
                    continue  # another worker has just finished, and removed the folder between the two
                raise _unusable(self.folder, error) from None
        return lock

    def resume(self) -> tuple[int, dict[str, NDArray[Any]], ShardRecords] | None:
        """Return the committed step, the state there and all records of the segment up to it; None at the very beginning.

        Raises:
            StoreError: A file that the state relies on is missing, damaged, or belongs elsewhere.
        """
        done = self._done = self.segments
        self._commits, self._follows = 0, self._seal(done)
        state_file, records = self._state_file, ShardRecords()
        state = read_arrays(state_file) if state_file.exists() else None
        if state is None or state.record.get("segment", done) != done:  # of a segment that has finished since
            self._drop_all()
            return self._last(done - 1) if done else None
        for number in range(int(state.record.get("sequence", 0))):
            commit = read_arrays(self._commit_file(number), self.place.record("commit", number, self._follows))
            self._commits, self._follows = number + 1, commit.record["sha256"]
            records.extend(ShardRecords.of(commit.arrays))
        check_record(state_file, state.record, self.place.record("state", self._commits, self._follows))
        for path in self._commit_files()[self._commits :]:
            path.unlink()
        return int(state.record["step"]), dict(state.arrays), records

    def commit(self, step: int, state: Mapping[str, NDArray[Any]], new: ShardRecords) -> None:
        """Make everything up to a step durable.

        Args:
            step: Steps taken; every measurement up to it is in `new` or in an earlier commit.
            state: What decides the rest of the training.
            new: Records since the last commit.

        Raises:
            StoreError: The segment before is there no more.
        """
        segment = self._in_training()
        if self._commits == 0:
            self._follows = self._seal(segment)
        if new.steps or new.snapshots:
            record = self._record("commit", self._commits, self._follows, segment)
            self._follows = write_arrays(self._commit_file(self._commits), ArrayFile(new.arrays(), record))
            self._commits += 1
        record = self._record("state", self._commits, self._follows, segment) | {"segment": segment, "step": step}
        write_arrays(self._state_file, ArrayFile(state, record))

    def finish(self, records: ShardRecords, step: int = 0, state: Mapping[str, NDArray[Any]] | None = None) -> None:
        """Write the lasting file of a segment, and remove its commits.

        Args:
            records: Everything recorded since the segment before.
            step: At its end.
            state: What decides how the training would go on; None where it cannot.

        Raises:
            StoreError: The segment before is there no more.
        """
        segment = self._in_training()
        self._write_segment(segment, records.arrays(), step, state)
        self._done = segment + 1
        self._error_file.unlink(missing_ok=True)
        self.clean()

    def adopt(self, other: "ShardStore") -> None:
        """Copy what another shard of the same replicas has finished: what training them here would have left.

        Args:
            other: Of another run, or of another point.

        Raises:
            StoreError: A file of it is damaged, or belongs elsewhere.
        """
        for number, (file, last) in enumerate(other._kept()):
            step, state = (last.record["step"], last.arrays) if last is not None else (0, None)
            self._write_segment(number, file.arrays, step, state)

    def _in_training(self) -> int:
        """Return which segment is in training here: what goes on from a segment must not be written in its place."""
        found = self.segments
        if self._done is None:
            self._done = found
        if found != self._done:
            raise StoreError(
                "a finished part of this shard was removed while it was in training",
                received=str(self.segment_file(found)),
                remedy="give the same command again: it is made again",
            )
        return found

    def _write_segment(
        self, number: int, arrays: Mapping[str, NDArray[Any]], step: int, state: Mapping[str, NDArray[Any]] | None
    ) -> None:
        """Write the lasting file of a segment, and the state at its end where that is kept."""
        segment = ArrayFile(arrays, self._record("segment", number, self._seal(number), number))
        if state is not None:  # first, as the segment's file says that both are there
            follows = digest(segment.arrays, {"schema_version": SCHEMA_VERSION, **segment.record})
            _made(self._states.parent)
            record = self._record("last", number, follows, number) | {"step": step}
            write_arrays(self.last_file(number), ArrayFile(state, record))
        _made(self.folder.parent)
        write_arrays(self.segment_file(number), segment)

    def _kept(self) -> list[tuple[ArrayFile, ArrayFile | None]]:
        """Return every finished segment, with the state at its end where that was kept, all of it verified."""
        kept, follows = [], ""
        for number in range(self.segments):
            file = read_arrays(self.segment_file(number), self.place.record("segment", number, follows))
            follows = file.record["sha256"]
            path = self.last_file(number)
            last = read_arrays(path, self.place.record("last", number, follows)) if path.exists() else None
            kept.append((file, last))
        return kept

    def astray(self) -> Iterator[tuple[Path, str]]:
        """Yield each file that does not follow the one before it, or that nothing can go on from, and why.

        That every file is whole has been verified; one that was moved away meanwhile is not looked at again.
        """
        done, follows = self.segments, ""
        later = re.compile(rf"{re.escape(self.folder.name)}\.\d+\.safetensors")
        found = [path for path in self.folder.parent.glob("*.safetensors") if later.fullmatch(path.name)]
        kept = self._files(done)
        yield from ((path, "the one before it is gone") for path in found if path not in kept)
        if self.place.old:
            return
        for number in range(done):
            record = read_record(self.segment_file(number))
            last = read_record(self.last_file(number)) if self.last_file(number).exists() else None
            wrong = not _says(record, self.place.record("segment", number, follows))
            follows = str(record["sha256"])
            if wrong or (last is not None and not _says(last, self.place.record("last", number, follows))):
                yield from ((path, ELSEWHERE) for path in self._files(done))
                return
        if done and not self.finished and not self.last_file(done - 1).exists():
            yield from ((path, "its last state is gone") for path in self._files(done))
        elif self._state_file.exists():
            with self.lock():
                if not self._commits_follow(done):
                    yield from ((path, ELSEWHERE) for path in (*self._commit_files(), self._state_file))

    def _files(self, segments: int) -> list[Path]:
        """Return the files of so many segments that are there."""
        files = [file(number) for number in range(segments) for file in (self.segment_file, self.last_file)]
        return [path for path in files if path.exists()]

    def _commits_follow(self, segment: int) -> bool:
        """Say whether the state and the commits before it are all there, and each goes on from the one before."""
        if not self._state_file.exists():
            return True
        state, follows = read_record(self._state_file), self._seal(segment)
        if state.get("segment", segment) != segment:
            return True  # of a segment that has finished since: it is dropped
        for number in range(int(state.get("sequence", 0))):
            path = self._commit_file(number)
            record = read_record(path) if path.exists() else {}
            if not _says(record, self.place.record("commit", number, follows)):
                return False
            follows = str(record["sha256"])
        return _says(state, self.place.record("state", int(state.get("sequence", 0)), follows))

    def clean(self) -> None:
        """Remove what finished segments no longer need."""
        for number in range(self.segments - 1):
            self.last_file(number).unlink(missing_ok=True)
        self._commits = 0
        if self.finished:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            self._drop_all()

    def read(self) -> ShardRecords:
        """Return the records of all segments that are asked for."""
        records, follows = ShardRecords(), ""
        for number in range(self.place.segments):
            expected = {} if self.place.old else self.place.record("segment", number, follows)
            file = read_arrays(self.segment_file(number), expected)
            follows = file.record["sha256"]
            records.extend(ShardRecords.of(file.arrays))
        return records

    def refuse(self, text: str) -> None:
        """Count a finished shard as one that could not be trained.

        Args:
            text: Why.
        """
        self.write_error(text)
        self.segment_file(0).unlink()

    def write_error(self, text: str) -> None:
        """Keep the traceback of a shard that could not be trained.

        Args:
            text: The traceback.
        """
        _made(self._error_file.parent)
        write_text(self._error_file, text)

    def report_progress(self, step: int, values: Mapping[str, NDArray[np.float64]]) -> None:
        """Leave word of where the training is, for the live display; not durable, never read back into the numbers.

        Args:
            step: Steps taken.
            values: The latest measurement, observable to (replica,).

        Raises:
            StoreError: It cannot be written.
        """
        finite = {name: [float(v) if np.isfinite(v) else None for v in array] for name, array in values.items()}
        temporary = self.folder / "progress.tmp"
        try:
            temporary.unlink(missing_ok=True)
            with temporary.open("x") as handle:
                handle.write(json.dumps({"step": step, "values": finite}))
            temporary.replace(self.folder / "progress.json")
        except OSError as error:
            raise _unusable(self.folder, error) from None

    def progress(self) -> dict[str, Any]:
        """Return the last word of `report_progress`, or step 0."""
        try:
            file = self.folder / "progress.json"
            word: dict[str, Any] = json.loads(file.read_text() if file.is_file() else "")  # a pipe would be waited for
        except (OSError, ValueError):  # not there yet, or gone because the shard has just finished
            return {"step": 0, "values": {}}
        return word

    def _commit_file(self, number: int) -> Path:
        return self.folder / f"commit-{number:06d}.safetensors"

    def _commit_files(self) -> list[Path]:
        return sorted(self.folder.glob("commit-*.safetensors"))

    @property
    def _state_file(self) -> Path:
        return self.folder / "state.safetensors"

    @property
    def _error_file(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.error.txt")

    def _record(self, kind: str, sequence: int, follows: str, segment: int) -> dict[str, Any]:
        return self.place.record(kind, sequence, follows) | {"look": max(self.place.look, segment + 1)}

    def _seal(self, segments: int) -> str:
        """Return the checksum of the last of so many segments; empty of none."""
        return str(read_record(self.segment_file(segments - 1)).get("sha256")) if segments else ""

    def _last(self, segment: int) -> tuple[int, dict[str, NDArray[Any]], ShardRecords]:
        """Return where a finished segment ended."""
        path = self.last_file(segment)
        if not path.exists():
            raise StoreError(
                "the last state of this shard was not kept, so its steps cannot grow",
                received=str(path),
                remedy="restore the file from a copy, or start a new run of so many steps (another name, or --fresh)",
            )
        file = read_arrays(path, self.place.record("last", segment, self._seal(segment + 1)))
        return int(file.record["step"]), dict(file.arrays), ShardRecords()

    def _drop_all(self) -> None:
        """Remove all commits and their state."""
        for path in (*self._commit_files(), self._state_file):
            path.unlink(missing_ok=True)


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, error) from None


def _unusable(folder: Path, error: OSError) -> StoreError:
    """Return what is said of a shard's folder in which nothing can be written: that is no crash of its replicas."""
    return StoreError(
        "the folder of a shard cannot be used",
        received=f"{folder}: {error.strerror}{f': {error.filename}' if error.filename else ''}",
        remedy="remove it, or free space: what has finished is not in it, and the same command makes the rest again",
    )


def _says(record: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Say whether a record says what it must."""
    return all(record.get(key) == value for key, value in expected.items())
