"""The run folder: everything a run is, on disk, movable and readable without the code that wrote it."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from thermo_cli.contracts import Findings, Trajectories
from thermo_cli.errors import DamagedError, SpecError, UsageError
from thermo_cli.replicas import Block, Replica, Roster, folder_of, lay_out, main_rows, to_csv
from thermo_cli.spec import Spec, from_resolved, to_yaml
from thermo_cli.spec.size import Size, at, first_rows
from thermo_cli.spec.sweeping import Point, points_of
from thermo_cli.store import collected, version_1
from thermo_cli.store.facts import RunFacts
from thermo_cli.store.files import (
    MEND,
    SCHEMA_VERSION,
    ArrayFile,
    check_record,
    read_arrays,
    read_record,
    write_arrays,
    write_text,
)
from thermo_cli.store.recorded import read_recorded, read_recorded_parameters
from thermo_cli.store.shard import Place, ShardStore
from thermo_cli.store.shard_records import ShardRecords
from thermo_cli.store.stored import stored_blocks

Sizes = Mapping[int, Size]  # of the points that grow, by number
NOTHING: Final[Sizes] = MappingProxyType({})
LOCK: Final = ".lock"


@lru_cache(maxsize=2)
def points_in(text: str, label: str) -> tuple[Spec, tuple[Point, ...]]:
    """Read a resolved spec and its points, once in a process.

    Args:
        text: The resolved spec.
        label: Its path, for messages.
    """
    spec = from_resolved(text, label)
    return spec, points_of(spec)


class RunFolder(RunFacts):
    """One run on disk, or what it holds of one point of a sweep: the same folder, seen as if that point were alone.

    Args:
        path: `results/<name>-<hash>`.
        point: Number of the point; None for the whole run.
        sizes: Number of each point that grows to what a look has of it; all that is asked for where there is none.
    """

    def __init__(self, path: Path, point: int | None = None, sizes: Sizes = NOTHING) -> None:
        super().__init__(path)
        self.point, self.sizes = point, sizes

    @property
    def name(self) -> str:
        """The run's name with its hash."""
        return self.path.name

    def seen(self, sizes: Sizes) -> "RunFolder":
        """Return the same folder as a look sees it: what is stored beyond its replicas and steps is not there.

        Args:
            sizes: Number of each point that grows to what the look has of it.
        """
        return RunFolder(self.path, self.point, sizes) if sizes else self

    # --- creation ---------------------------------------------------------------------------------------------------

    def make(self) -> None:
        """Make the empty folder.

        Raises:
            UsageError: The results folder cannot be written.
        """
        self.refuse_links()
        try:
            (self.path / "shards").mkdir(parents=True, exist_ok=True)
            (self.path / "shards" / ".writable").touch()
            (self.path / "shards" / ".writable").unlink()
        except OSError as error:
            raise UsageError(
                "the results folder cannot be written",
                received=f"{self.path}: {error.strerror}",
                remedy="choose another with --results",
            ) from None

    def create(self, spec_text: str, spec: Spec, manifest: dict[str, Any]) -> None:
        """Write what is known before training; of a run that is there already, what is asked of it now.

        Args:
            spec_text: The spec as given.
            spec: The resolved spec.
            manifest: Identity, versions, hardware, fingerprint of the data.
        """
        if (self.path / "manifest.json").exists() and self.old:
            version_1.prepare_to_grow(self.path)
        write_text(self.path / "spec.yaml", spec_text)
        if not (self.path / "manifest.json").exists():
            self.write_facts("manifest.json", {"schema_version": SCHEMA_VERSION, **manifest})
        self.write_resolved(to_yaml(spec))

    def write_table(self, sizes: Sequence[int]) -> None:
        """Write the replica table; recorded runs have none.

        Args:
            sizes: Number of examples in a subsample, at each point.
        """
        if self.table:
            write_text(self.path / "replicas.csv", to_csv(self.table, sizes))

    def set_aside(self) -> None:
        """Rename an existing run so that its place is free; nothing is overwritten or deleted.

        Raises:
            UsageError: Another process holds it.
        """
        if not self.path.exists():
            return
        self.refuse_links()
        with contextlib.nullcontext() if (self.path / LOCK).is_dir() else self.lock():  # which nobody can hold
            number = 1
            while (aside := self.path.with_name(f"{self.path.name}.aside-{number}")).exists():
                number += 1
            self.path.rename(aside)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder, and hold it against another `thermo-run` of the same spec; one that stays empty is removed.

        Raises:
            UsageError: It cannot be written, or another process holds it.
        """
        self.make()
        with self.lock():
            try:
                yield
            finally:
                if not any(path.is_file() and path.name != LOCK for path in self.path.rglob("*")):
                    shutil.rmtree(self.path, ignore_errors=True)

    def lock(self) -> FileLock:
        """Hold the run against another `thermo-run` of the same spec.

        Raises:
            UsageError: Another process holds it, or the file system has no locks.
        """
        lock = FileLock(self.path / LOCK, timeout=2.0)
        try:
            lock.acquire()
        except Timeout:
            raise UsageError(
                "another process trains this very run", received=str(self.path), remedy="wait for it, or stop it"
            ) from None
        except (NotImplementedError, OSError) as error:
            raise UsageError(
                "the results folder has no locks",
                received=f"{self.path}: {error}",
                remedy="choose another with --results: a local disk, or NFS that is mounted with locks",
            ) from None
        return lock

    # --- content ----------------------------------------------------------------------------------------------------

    @cached_property
    def spec(self) -> Spec:
        """The resolved spec; that of the point, where one is looked at."""
        return self._points[0] if self.point is None else self._points[1][self.point].spec

    @cached_property
    def points(self) -> tuple["RunFolder", ...]:
        """The points of a sweep, in order; none of a run without one."""
        numbers = [point.number for point in self._points[1]] if self.spec.sweep else []
        return tuple(RunFolder(self.path, number, self.sizes) for number in numbers)

    @cached_property
    def swept(self) -> dict[str, Any]:
        """Values of the swept fields at this point; empty where none is looked at."""
        return self._points[1][self.point].values if self.point is not None else {}

    @cached_property
    def roster(self) -> Roster:
        """The replicas that the spec asks for, in the shards that are on disk and in those that are still to be trained."""
        points = self._points[1] if self.point is None else self._points[1][self.point : self.point + 1]
        stored: dict[tuple[int, str], list[Block]] = {}
        for point in points:
            blocks = stored_blocks(self.path, point.number, folder_of(point))
            for key, older in version_1.old_blocks(self.path, point.number).items() if self.old else ():
                blocks[key] = sorted([*older, *blocks.get(key, ())], key=lambda block: block.first)
            stored |= blocks
        return lay_out(points, stored)

    @property
    def table(self) -> tuple[Replica, ...]:
        """The replica table: the rows that the spec asks for, however many are stored."""
        return self.roster.rows

    @property
    def shards(self) -> dict[str, tuple[Replica, ...]]:
        """All rows of each shard that holds one of the table."""
        return self.roster.shards

    @property
    def specs(self) -> dict[int, Spec]:
        """The experiment of each point, by its number."""
        return {point.number: point.spec for point in self._points[1]}

    def spec_of(self, row: Replica) -> Spec:
        """Return the experiment of a replica: that of its point.

        Args:
            row: Of the replica table.
        """
        return self._points[1][row.point].spec

    @property
    def manifest(self) -> dict[str, Any]:
        """Versions, hardware, facts and fingerprint of the data: those of the point, where one is looked at."""
        content = super().manifest
        if self.point is None:
            return content
        if self.point >= len(content.get("points", ())):
            raise DamagedError(
                "the manifest of the run is not whole",
                received=f"{self.path / 'manifest.json'}: nothing of point {self.point}",
                remedy=MEND,
            )
        return content | {"data": content["points"][self.point]}

    @cached_property
    def _points(self) -> tuple[Spec, tuple[Point, ...]]:
        text = self.resolved_text
        try:
            spec, points = points_in(text, str(self.path / "resolved.yaml"))
        except SpecError as error:
            raise DamagedError("the resolved spec of the run is damaged", received=str(error), remedy=MEND) from None
        if self.old and spec.sweep and len(points) != len(self._manifest().get("points", points)):
            raise DamagedError(
                "the resolved spec of the run is damaged",
                received=f"{self.path / 'resolved.yaml'}: {len(points)} points of a sweep, and others in the manifest",
                remedy=MEND,
            )
        sizes = self.sizes
        points = tuple(
            replace(point, spec=at(point.spec, sizes[point.number])) if point.number in sizes else point
            for point in points
        )
        return (spec if spec.sweep else points[0].spec), points

    @cached_property
    def records(self) -> dict[str, ShardRecords]:
        """What every finished shard recorded; ask only when training is over."""
        return {name: self.shard(name).read() for name in self.shards if self.shard(name).finished}

    @property
    def replica_steps(self) -> int:
        """How much has been trained: the steps of every replica, controls and smaller budgets among them."""
        return sum(step * len(self.shards[name]) for name, (step, _) in self.progress().items())

    def shard(self, name: str) -> ShardStore:
        """Return the disk side of a shard.

        Args:
            name: Its name in the replica table.
        """
        return self.store_of(self.shards[name])

    def store_of(self, members: Sequence[Replica]) -> ShardStore:
        """Return the disk side of a shard.

        Args:
            members: All of its rows.
        """
        spec, last = self.spec_of(members[0]), members[-1]
        ensemble = spec.ensemble
        first = first_rows(spec) if ensemble.crossed is None else last.index + 1
        place = Place(
            self.identity,
            last.point,
            last.shard,
            tuple(member.name for member in members),
            look=(-(-(last.index + 1) // first) - 1).bit_length() + 1,
            segments=1 if last.role == "budget" else len(spec.ends),
            old=self.old and version_1.segment_file(self.path, last.shard).exists(),
        )
        return ShardStore(self.path, place)

    @property
    def stop_file(self) -> Path:
        """While this file exists, workers commit and stop at their next chance."""
        return self.path / "stop"

    @property
    def recorded_file(self) -> Path:
        """Where runs are kept that were recorded elsewhere."""
        return self.path / f"recorded{self._suffix}.safetensors"

    @property
    def microstates_file(self) -> Path:
        """What is known of the microstates, once all replicas have finished."""
        return self.path / f"microstates{self._suffix}.safetensors"

    @property
    def _suffix(self) -> str:
        return "" if self.point is None else f"-{self.point:04d}"

    def findings(self) -> Findings | None:
        """Return what is known of the microstates; None where these replicas were not examined, or the file is damaged."""
        shelves = sorted(self.path.glob(f"microstates{self._suffix}.look-*.safetensors"))
        for path in (*([self.microstates_file] if self.microstates_file.exists() else []), *shelves):
            try:
                file = read_arrays(path)
                if self.old and file.record["schema_version"] == 1:  # of a run that has not grown since
                    return Findings(file.arrays, file.record["facts"])
                check_record(path, file.record, self._place)
            except DamagedError:
                continue  # no report stops for what is made again
            if file.record["follows"] == self._evidence:
                return Findings(file.arrays, file.record["facts"])
        return None

    def shelve_findings(self, look: int) -> None:
        """Keep what was found out at a look beside what later looks will find out.

        Args:
            look: Its number.
        """
        file = self.microstates_file
        if file.exists() and read_record(file).get("follows") == self._evidence:
            file.replace(file.with_name(f"microstates{self._suffix}.look-{look}.safetensors"))

    def write_findings(self, found: Findings) -> None:
        """Keep what was found out about the microstates.

        Args:
            found: Arrays and facts.
        """
        record = {**self._place, "follows": self._evidence, "facts": dict(found.facts)}
        write_arrays(self.microstates_file, ArrayFile(found.arrays, record))

    @property
    def _place(self) -> dict[str, Any]:
        return {"kind": "microstates", "run": self.identity, "point": self.point or 0}

    @cached_property
    def _evidence(self) -> str:
        """Hash of the replicas that are asked for and of what has been recorded of them."""
        seals = {name: self.shard(name).seals for name in self.shards if self.shard(name).finished}
        content = json.dumps([self.total, [row.name for row in self.table], seals])
        return hashlib.sha256(content.encode()).hexdigest()

    def write_error(self, name: str, text: str) -> None:
        """Keep the traceback of something that failed beside the training.

        Args:
            name: Of what.
            text: The traceback.
        """
        write_text(self.path / f"{name}{self._suffix}.error.txt", text)

    def unfinished(self) -> list[str]:
        """Return the names of the shards that still need training."""
        return [name for name in self.shards if not self.shard(name).finished]

    def tidy(self) -> None:
        """Remove the commits of shards that have finished: who was killed between the two has left them."""
        for store in map(self.shard, self.shards):
            if store.folder.exists() and store.finished:
                store.clean()

    @property
    def ended(self) -> bool:
        """Whether every shard has finished or was given up."""
        return all(self.given_up(name) for name in self.shards)

    @property
    def status(self) -> str:
        """`complete`, `partial` (some shards are missing), or `failed` (all are, and at least one was given up)."""
        if not self.spec.traits.trains:
            kept = [point.recorded_file.exists() for point in self.points or (self,)]
            return "complete" if all(kept) else "failed"
        missing = len(self.unfinished())
        if missing == len(self.shards) and any(self.given_up(name) for name in self.shards):
            return "failed"
        return "complete" if missing == 0 else "partial"

    @property
    def total(self) -> int:
        """Training time T; of recorded runs the last step."""
        return self.spec.total or int(self.trajectories().steps[-1])

    def progress(self) -> dict[str, tuple[int, dict[str, list[float | None]]]]:
        """Return, for each shard, its last known step and latest observables (empty once it has finished)."""
        words: dict[str, tuple[int, dict[str, list[float | None]]]] = {}
        for name, members in self.shards.items():
            store = self.shard(name)
            if store.finished:
                words[name] = (members[0].steps, {})
                continue
            word, segments = store.progress(), store.segments
            begun = self.spec_of(members[0]).ends[segments - 1] if segments else 0
            words[name] = (max(int(word["step"]), begun), word["values"])
        return words

    def trajectories(self) -> Trajectories:
        """Return the observables of all main replicas; those of shards that are not there are NaN."""
        if self.spec.traits.trains:
            return collected.trajectories(self)
        return read_recorded(self.recorded_file, self.identity, self.old)

    def given_up(self, shard: str) -> bool:
        """Say of a shard without records whether it will not get any: it has left an error, or other records than the rest.

        Args:
            shard: Its name.
        """
        return self.shard(shard).finished or (self.path / "shards" / f"{shard}.error.txt").exists()

    def finals(self, name: str) -> NDArray[Any] | None:
        """Return what was found out about each main replica at the end, (replica, ...), or None where it was not.

        Args:
            name: `test_errors`, `response`, `flatness` or `quench_gap`.
        """
        return collected.finals(self, name)

    def parameters(self, step: int) -> NDArray[np.floating]:
        """Return the parameters of all replicas at a kept step, (replica, parameters).

        Args:
            step: 0, T/4, T/2 or T.

        Raises:
            UsageError: No parameters were kept at that step.
            StoreError: Not all shards have finished.
        """
        if not self.spec.traits.trains:
            return read_recorded_parameters(self.recorded_file, self.identity, step, self.old)
        return self.microstates(step, main_rows(self.table))

    def microstates(self, step: int, replicas: Sequence[Replica]) -> NDArray[np.floating]:
        """Return the parameters of some replicas at a kept step, (replica, parameters).

        Args:
            step: 0, T/4, T/2 or T; after one step those of twins and their originals.
            replicas: Rows of the replica table, controls among them.

        Raises:
            UsageError: No parameters were kept at that step.
            StoreError: The replicas have not finished.
        """
        return collected.microstates(self, step, replicas)
