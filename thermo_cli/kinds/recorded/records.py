"""Recorded runs as an ensemble: places -> files -> runs -> arrays; what was found out and each rule that was applied noted."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from thermo_cli.contracts import Array, Trajectories
from thermo_cli.errors import DataError
from thermo_cli.kinds.importers import mlflow_folder, mlflow_store, tensorboard_events, trainer_state
from thermo_cli.kinds.importers.logged import LoggedRun
from thermo_cli.kinds.recorded import long, wide
from thermo_cli.kinds.recorded.choice import likeliest
from thermo_cli.kinds.recorded.parts import RecordedArguments
from thermo_cli.kinds.recorded.places import Place, places_of
from thermo_cli.kinds.recorded.reading import Reading
from thermo_cli.kinds.recorded.rules import ensemble_of
from thermo_cli.kinds.recorded.shapes import TITLES


@dataclass(frozen=True)
class Recorded:
    """Runs that exist.

    Attributes:
        runs: Their observables.
        fingerprint: SHA-256 of the file, or of the places and hashes of several.
        notes: Each rule that was applied.
    """

    runs: Trajectories
    fingerprint: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Logs:
    """All that was read: the runs of every point.

    Attributes:
        runs: In the order of their places.
        fingerprint: As of `Recorded`.
        reading: With the notes.
        where: They lie.
    """

    runs: list[LoggedRun]
    fingerprint: str
    reading: Reading
    where: str

    @property
    def points(self) -> list[str]:
        """Names of the recipes, in order; empty where none is named."""
        return list(dict.fromkeys(run.point for run in self.runs if run.point))

    def finals(self) -> dict[str, Array]:
        """Return the last value of each run of what all have, the likeliest score first."""
        names = [name for name in self.runs[0].series if all(name in run.series for run in self.runs)]
        last = {name: [run.series[name][1][-1:] for run in self.runs] for name in likeliest(names) or names}
        return {name: np.concatenate(values) for name, values in last.items()}

    def at(self, point: str | None) -> Recorded:
        """Return the runs of one recipe.

        Args:
            point: Its name; None where there is one, or none is named.

        Raises:
            DataError: There are several, or there is none of this name.
        """
        points = self.points
        if point is None and len(points) > 1:
            raise DataError(
                "there are several recipes, and each is judged by itself",
                received=f"points: {', '.join(points)}",
                remedy=f"judge them all: sweep: {{system.with.point: [{', '.join(points)}]}}, or one with point: {points[0]}",
                where=self.where,
            )
        if point is not None and point not in points:
            raise DataError(
                f"there is no point {point!r}",
                received=f"points: {', '.join(points) or 'none'}",
                remedy="name one of them, or leave system.with.point out",
                where=self.where,
            )
        own = [run for run in self.runs if point is None or run.point == point]
        reading = self.reading.branch()
        runs = ensemble_of(own, reading, self.where)
        return Recorded(runs, self.fingerprint, reading.remarks)


def key_of(given: RecordedArguments) -> str:
    """Return what is read of some runs is known by, for all points of a sweep.

    Args:
        given: What the spec says of them.
    """
    return f"recorded {given.path}"


def read_logs(given: RecordedArguments, base: Path, named: Collection[str] = ()) -> Logs:
    """Read runs that exist, one file after another.

    Args:
        given: What the spec says of them.
        base: Folder of the spec.
        named: Observables that it speaks of.

    Raises:
        DataError: With the file and line of whatever cannot be used.
    """
    where = str(base / given.path)
    places, notes = places_of(base, given.path, given.format)
    reading = Reading(given, named)
    for words in notes:
        reading.note(words)
    seals: dict[Path, str] = {}
    runs: dict[int, list[LoggedRun]] = {}
    order = sorted(range(len(places)), key=lambda number: -_size(places[number]))
    for number in (
        *order[:1],
        *sorted(order[1:]),
    ):  # the largest first: it decides what is read, and is the likeliest whole
        runs[number] = _named(_read(places[number], reading, seals), places[number])
    found = [run for number in range(len(places)) for run in runs[number]]
    return Logs(found, _fingerprint(seals, base), reading, where)


def _size(place: Place) -> int:
    return sum(file.stat().st_size for file in place.files if file.exists())


def _read(place: Place, reading: Reading, seals: dict[Path, str]) -> list[LoggedRun]:
    """Read the runs of one place, and seal the bytes that they were read from."""
    first = place.files[0]
    if place.kind in ("tensorboard", "mlflow"):
        reading.note(f"taken for {TITLES[place.kind]}: {_why(place)}")
        for path in _all_files(place):
            seals[path] = hashlib.sha256(_bytes(path)).hexdigest()
    if place.kind == "tensorboard":
        source = first if len(place.files) == 1 else first.parent
        run = tensorboard_events.read(source, lambda names: reading.choose(names, str(source)))
        series = {name: reading.series(f"{name} of {source}", *own) for name, own in run.series.items()}
        return [replace(run, series=series)]
    if place.kind == "mlflow":
        read = mlflow_folder.read if first.is_dir() else mlflow_store.read
        runs = read(first, lambda names: reading.choose(names, str(first)))
        return [
            replace(
                run, series={name: reading.series(f"{name} of {run.name}", *own) for name, own in run.series.items()}
            )
            for run in runs
        ]
    tables: list[LoggedRun] = []
    for path in place.files:
        data = _bytes(path)
        seals[path] = hashlib.sha256(data).hexdigest()
        if place.kind == "trainer_state":
            reading.note(f"taken for {TITLES[place.kind]}: {_why(place)}")
            tables += wide.runs_in(trainer_state.read(path, data), reading)
        else:
            tables += _of_table(path, data, reading)
    return wide.joined(tables, str(first.parent)) if len(place.files) > 1 else tables


def _of_table(path: Path, data: bytes, reading: Reading) -> list[LoggedRun]:
    table, shape = reading.table(path, data)
    if shape.name == "long":
        return long.runs_in(table, reading)
    reading.note(shape.words)
    return wide.exported_in(table, reading) if shape.name == "wandb" else wide.runs_in(table, reading)


def _why(place: Place) -> str:
    first = place.files[0]
    return "it has folders of experiments and runs" if first.is_dir() else f"it is called {first.name}"


def _named(runs: Sequence[LoggedRun], place: Place) -> list[LoggedRun]:
    """Give runs the names of their place: a run that is alone in it has no other, of several it comes before their own."""
    named = []
    for run in runs:
        name = run.name if not place.replica else place.replica if len(runs) == 1 else f"{place.replica}/{run.name}"
        named.append(replace(run, name=name, history=place.history or run.history, point=place.point or run.point))
    return named


def _all_files(place: Place) -> list[Path]:
    return [
        file
        for path in place.files
        for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
        if file.is_file()
    ]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(
            "there is no such file", received=str(path), remedy="give the path relative to the spec"
        ) from None
    except OSError as error:
        raise DataError(
            "the file cannot be read", received=error.strerror, remedy="make it a plain, readable file", where=str(path)
        ) from None


def _fingerprint(seals: dict[Path, str], base: Path) -> str:
    """Return the hash of one file, or of the places and hashes of several."""
    if len(seals) == 1:
        return next(iter(seals.values()))
    lines = sorted(
        f"{path.relative_to(base) if path.is_relative_to(base) else path} {seal}" for path, seal in seals.items()
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
