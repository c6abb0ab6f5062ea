"""What is decided once for all files of an experiment: which observables are read, what counts time; and the notes on it."""

import copy
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Array, Integers
from thermo_cli.data.table import Table, refuse_twice
from thermo_cli.errors import DataError
from thermo_cli.kinds.importers import IMPORTERS
from thermo_cli.kinds.importers.logged import Series
from thermo_cli.kinds.recorded.choice import SHOWN, chosen_of, likeliest, words_of
from thermo_cli.kinds.recorded.header import wanted
from thermo_cli.kinds.recorded.parts import RecordedArguments
from thermo_cli.kinds.recorded.shapes import Shape, shape_of, times_in, unknown
from thermo_cli.registry import load

SEPARATED: Final = "save it with commas between the cells of a line, or as .tsv with tabs"


@dataclass
class Repeats:
    """Where steps were there more than once, or went back."""

    values: int = 0
    repeated: str = ""
    back: list[str] = field(default_factory=list)

    def add(self, title: str, steps: Integers, kept: int) -> None:
        """Count the values of a series that are left out."""
        self.repeated = self.repeated or (title if kept < len(steps) else "")
        self.values += len(steps) - kept
        place = np.flatnonzero(np.diff(steps) < 0)
        self.back += [f"{title}, from {steps[place[0]]} to {steps[place[0] + 1]}"] if len(place) else []

    @property
    def words(self) -> list[str]:
        """What was done, in sentences."""
        last = f"of a repeated step the last value counts: {self.values:,} left out, the first in {self.repeated}"
        more = f" and {len(self.back) - 1} more" if len(self.back) > 1 else ""
        back = f"steps go back, as where a run was resumed: they are put in order ({''.join(self.back[:1])}{more})"
        return [*([last] if self.values else []), *([back] if self.back else [])]


class Reading:
    """The reading of all files of one experiment.

    Args:
        given: What the spec says of them.
        named: Observables that it speaks of, which are read whatever they are called.

    Attributes:
        named: Observables that the spec speaks of.
        format: What the spec says that the files are, or `auto`.
        columns: What columns of tables are to the names that they have.
        notes: Each rule that was applied, in the order in which it was, to the files in which it was.
        several: Whether there are several files, so that a note has to name its own.
        times: Number of rows to the cells of a column of steps, and what they were read as.
    """

    def __init__(self, given: RecordedArguments, named: Collection[str]) -> None:
        self.named, self.format = frozenset(named), given.format
        self.columns = {str(what): name for what, name in given.columns.items()}
        self.notes: dict[str, dict[str, None]] = {}
        self.several = False
        self.times: dict[int, tuple[list[Any], Integers]] = {}
        self._chosen: list[str] | None = None
        self._known: Collection[str] = ()
        self._time: str | None = None
        self._time_where = Path()
        self._steps: dict[bytes, Integers] = {}
        self._repeats = Repeats()

    def branch(self) -> "Reading":
        """Return the same, whose further notes are its own."""
        branch = copy.copy(self)
        branch.notes = {words: dict(files) for words, files in self.notes.items()}
        return branch

    @property
    def remarks(self) -> tuple[str, ...]:
        """All notes, each with its first file where there are several; that on repeated steps last."""
        notes = (f"{_places(list(files))}{words}" if self.several else words for words, files in self.notes.items())
        return (*notes, *self._repeats.words)

    def note(self, words: str, where: str | Path = "") -> None:
        """Keep a note, once.

        Args:
            words: Nothing for none.
            where: The file that it is of; empty where the words say it, or it is of all.
        """
        if words:
            self.notes.setdefault(words, {}).update({short(Path(where)): None} if where else {})

    def choose(self, names: Sequence[str], where: str = "") -> list[str]:
        """Return which observables are read; what the first file has decides.

        Args:
            names: Of all that a file has.
            where: The file.

        Raises:
            DataError: There are many, and none is named.
        """
        if self._chosen is None:
            self._chosen = chosen_of(names, self.named, where)
            self._known = frozenset(names)
            self.note(words_of(names, self._chosen), where)
        more = [name for name in likeliest(names) if name not in self._known and name not in self.named]
        self.note(
            f"left out, for the file that was read first has none: {', '.join(more[:SHOWN])}" if more else "", where
        )
        return [name for name in names if name in self._chosen or name in self.named]

    def time_in(self, table: Table) -> str:
        """Return the column of a table that counts time, the same in all; empty where it has none.

        Raises:
            DataError: Another table has another one.
        """
        times = times_in(list(table.columns), self.columns)
        if self._time is None:
            self._time = times[0] if times else ""
            if len(times) > 1:
                self.note(f"time is counted by {times[0]}, not by {' or '.join(times[1:])}", table.file)
            self._time_where = table.file
        if self._time and self._time not in times:
            raise table.error(
                f"there is no column {self._time!r}, which counts time in other files",
                f"columns: {', '.join(list(table.columns)[:20])}; it does in {short(self._time_where)}",
                "columns: {step: NAME} says which column does in all of them",
            )
        return self._time

    def series(self, title: str, steps: Integers, values: Array) -> Series:
        """Return what was measured of an observable: rows with a value, in the order of their steps, the last of each.

        Args:
            title: Of what, for a note.
            steps: As they were written, (row,).
            values: NaN where nothing was measured, (row,).
        """
        there = ~np.isnan(values)
        if not there.all():
            steps, values = steps[there], values[there]
        last = sorted_by_step(steps)
        if last is not None:
            self._repeats.add(title, steps, len(last))
            steps, values = steps[last], values[last]
        return self.same(steps), values

    def same(self, steps: Integers) -> Integers:
        """Return steps as they were read before, if they were: most replicas share theirs."""
        return self._steps.setdefault(steps.tobytes(), steps)

    def table(self, file: Path, data: bytes) -> tuple[Table, Shape]:
        """Read a table; a last line that is torn is left out.

        Args:
            file: For messages, and what it is by its name.
            data: Its bytes.

        Raises:
            DataError: With the line of whatever cannot be used.
        """
        try:
            return self._table(file, data)
        except DataError:
            whole = data[: data.rfind(b"\n") + 1]
            if file.suffix.lower() == ".parquet" or len(whole) in (0, len(data)):
                raise
            read = self._table(file, whole)
            self.note(f"{short(file)}: the last line is torn, it has no end: left out")
            return read

    def _table(self, file: Path, data: bytes) -> tuple[Table, Shape]:
        shapes: list[Shape] = []

        def columns(names: list[str], where: str) -> list[str]:
            shape = shapes[0] if shapes else shape_of(names, self.columns, self.format)
            if shape is None:
                raise _unknown(names, where)
            shapes.append(shape)
            if shape.name == "long":
                return wanted(names, where, self.columns)
            refuse_twice(names, where)
            return names

        table = load(IMPORTERS[file.suffix.lower()])(file, data, columns)
        if not table.numbers:
            remedy = "write replica, step, observable and value of each measurement"
            raise table.error("the file has no records", "nothing", remedy)
        return table, shapes[0]


def title_of(observable: str, run: str, where: str | Path) -> str:
    """Return the title of a series: of what, of which run, in which file.

    Args:
        observable: Its name.
        run: Its name; empty where the file is the run.
        where: The file.
    """
    return f"{observable} of {run} in {short(Path(where))}" if run else f"{observable} of {short(Path(where))}"


def _places(files: Sequence[str]) -> str:
    """Return the place of a note, as of an error: the first of some files, and how many more there are."""
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"{files[0]}{more}: " if files else ""


def short(path: Path) -> str:
    """Return the end of a path, by which a reader knows it."""
    return "/".join(path.parts[-2:])


def _unknown(names: Sequence[str], where: str) -> DataError:
    return DataError(
        "this table is none that is known",
        received=f"columns: {', '.join(names[:20])}; tried: {unknown(names)}",
        remedy=SEPARATED
        if len(names) == 1 and re.search(r"[;|\t]", names[0])
        else "say what its columns are in the spec, such as\n    "
        "system: {use: recorded, with: {path: FILE, columns: {step: NAME}}}\n    "
        "system: {use: recorded, with: {path: FILE, columns: {replica: NAME, step: NAME, observable: NAME, value: NAME}}}",
        where=where,
    )


def sorted_by_step(steps: Integers) -> Integers | None:
    """Return which records of a series count, in the order of their steps, the last of each; None where all do as they are.

    Args:
        steps: As they were written, (record,).
    """
    if len(steps) < 2 or np.all(steps[1:] > steps[:-1]):
        return None
    order = np.argsort(steps, kind="stable")
    last = np.append(steps[order][1:] != steps[order][:-1], True)
    return np.asarray(order[last], dtype=np.int64)
