"""Recorded runs as an ensemble: places -> files -> runs -> arrays; what was found out and each rule that was applied noted."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from thermo_cli.contracts import Trajectories
from thermo_cli.errors import DataError
from thermo_cli.kinds.importers.logged import LoggedRun
from thermo_cli.kinds.recorded.contents import runs_at
from thermo_cli.kinds.recorded.folders import Place
from thermo_cli.kinds.recorded.parts import RecordedArguments
from thermo_cli.kinds.recorded.places import places_of
from thermo_cli.kinds.recorded.reading import Reading
from thermo_cli.kinds.recorded.rules import ensemble_of


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

    @property
    def histories(self) -> list[str]:
        """Names of the histories, in order; empty where none is named."""
        return list(dict.fromkeys(run.history for run in self.runs if run.history))

    def at(self, point: str | None) -> Recorded:
        """Return the runs of one recipe.

        Args:
            point: Its name; None where there is one, or none is named.

        Raises:
            DataError: There are several, or there is none of this name.
        """
        points = self.points
        nameless = next((run for run in self.runs if not run.point), None)
        if points and nameless is not None:
            raise DataError(
                "some runs name a point and some do not",
                received=f"points: {', '.join(points)}; none of {nameless.where}",
                remedy="name it in all of them, or in none",
                where=self.where,
            )
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
    """Return the name by which all points of a sweep find what was read for them.

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
    where = ", ".join(str(base / path) for path in given.paths[:3]) + (", ..." if len(given.paths) > 3 else "")
    places, notes = places_of(base, given.paths, given.format)
    reading = Reading(given, named)
    reading.several = len({file for place in places for file in place.files}) > 1
    for words in notes:
        reading.note(words)
    seals: dict[Path, str] = {}
    runs: dict[int, list[LoggedRun]] = {}
    order = sorted(range(len(places)), key=lambda number: -_size(places[number]))
    for number in (
        *order[:1],
        *sorted(order[1:]),
    ):  # the largest first: it decides what is read, and is the likeliest whole
        runs[number] = _named(runs_at(places[number], reading, seals), places[number])
    found = [run for number in range(len(places)) for run in runs[number]]
    return Logs(found, _fingerprint(seals, base), reading, where)


def _size(place: Place) -> int:
    return sum(file.stat().st_size for file in place.files if file.exists())


def _named(runs: Sequence[LoggedRun], place: Place) -> list[LoggedRun]:
    """Give runs the names of their place: a run that is alone in it has no other, of several it comes before their own."""
    named = []
    for run in runs:
        name = run.name if not place.replica else place.replica if len(runs) == 1 else f"{place.replica}/{run.name}"
        named.append(replace(run, name=name, history=place.history or run.history, point=place.point or run.point))
    return named


def _fingerprint(seals: dict[Path, str], base: Path) -> str:
    """Return the hash of one file, or of the places and hashes of several."""
    if len(seals) == 1:
        return next(iter(seals.values()))
    lines = sorted(
        f"{path.relative_to(base) if path.is_relative_to(base) else path} {seal}" for path, seal in seals.items()
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
