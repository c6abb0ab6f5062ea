"""A table as somebody exported it, in whatever encoding, with whatever separators, made plain; what was changed is said.

Nothing is guessed in silence: each change is a note, and the file itself is left as it is.
"""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.data.csv_table import is_value
from thermo_cli.data.dates import year_first
from thermo_cli.data.notation import gaps, is_gap, numbers, style_of
from thermo_cli.data.plain_text import SEPARATORS, decoded, separator_of, without_directive
from thermo_cli.data.series import Series
from thermo_cli.errors import DataError

NAMED: Final = 5  # lines that one note names
_TOTAL: Final = re.compile(r"(grand |sub)?totals?:?|sum:?|average:?|summe:?|gesamt:?|mean:?", re.IGNORECASE)


@dataclass(frozen=True)
class RawTable:
    """Columns of a file, and what had to be changed to read them.

    Attributes:
        columns: Name to cells: text, or of a Parquet file numbers; empty where cells are nested.
        numbers: Line or row of each record.
        unit: What is counted; nothing for lines.
        notes: What was changed; empty where the file can be read as it is.
    """

    file: Path
    columns: Mapping[str, Sequence[str] | NDArray[Any]]
    numbers: Sequence[int]
    unit: str = ""
    notes: tuple[str, ...] = field(default=())

    def series(self, name: str) -> Series:
        """Return a column with its place.

        Args:
            name: Of the column.
        """
        return Series(self.columns[name], str(self.file), name, self.numbers, self.unit)

    def kept(self, rows: NDArray[np.bool_], note: str) -> "RawTable":
        """Return the table with some of its rows alone; lines that are left out are named.

        Args:
            rows: Which, (row,).
            note: Why the others are left out.
        """
        if rows.all():
            return self
        out = [number for number, row in zip(self.numbers, rows, strict=True) if not row]
        places = np.flatnonzero(rows).tolist()
        columns = {
            name: cells[rows]
            if isinstance(cells, np.ndarray)
            else [cells[place] for place in places]
            if len(cells)
            else []
            for name, cells in self.columns.items()
        }
        note = f"{note}: {_lines(out, self.unit)} left out"
        return replace(self, columns=columns, numbers=[self.numbers[p] for p in places], notes=(*self.notes, note))

    def changed(self, name: str, cells: Sequence[str], note: str) -> "RawTable":
        """Return the table with other cells in one column.

        Args:
            name: Of the column.
            cells: Its cells.
            note: What was done.
        """
        return replace(self, columns={**self.columns, name: cells}, notes=(*self.notes, f"{name}: {note}"))


def read_text(file: Path, data: bytes) -> RawTable:
    """Read separated values of any kind that is recognised.

    Args:
        file: For messages.
        data: Its bytes.

    Raises:
        DataError: There are no columns or no rows in it.
    """
    read = decoded(data)
    text, separator = without_directive(read.text), separator_of(read.text)
    notes = [f"encoding {read.encoding}, written as utf-8"] if read.encoding != "utf-8" else []
    if separator != ",":
        notes.append(f"cells separated by {SEPARATORS.get(separator, repr(separator))}, written with commas")
    header, rows, lines, more = _records(file, text, separator)
    names, named = _names(header, rows)
    notes += [*more, *named]
    if named and named[0].startswith("no header"):
        rows, lines = [header, *rows], [lines[0] - 1, *lines] if lines else [1]
    table = RawTable(file, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)), lines, notes=tuple(notes))
    return _plain_dates(_plain_numbers(_without_total(table), separator == ";"))


def _records(file: Path, text: str, separator: str) -> tuple[list[str], list[list[str]], list[int], list[str]]:
    """Return header, rows, their lines, and notes about lines that are not of the table's width."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    found: list[tuple[int, list[str]]] = []
    number = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                found.append((number, row))
            number = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            "the file cannot be read as CSV", received=str(error), remedy="close every quote", where=f"{file}:{number}"
        ) from None
    found = _trimmed(found)
    widths = Counter(len(row) for _, row in found)
    width = widths.most_common(1)[0][0] if widths else 0
    above = list(itertools.takewhile(lambda record: len(record[1]) != width, found))
    table = found[len(above) :]
    if width < 2 or sum(len(row) == width for _, row in table) < 2:
        raise DataError(
            "there is no table in the file",
            received=f"{len(found)} lines",
            remedy="name a table, and close every quote in it",
            where=str(file),
        )
    if any(sum(map(bool, row)) > 1 for _, row in above):
        raise DataError(
            "the lines have another number of cells than the header",
            received=f"{len(above[0][1])} in line {above[0][0]}, {width} in most others",
            remedy="put quotes around a cell with a comma in it, such as a number with a decimal comma",
            where=str(file),
        )
    notes = [f"{_lines([line for line, _ in above])} above the header left out"] if above else []
    ragged = [line for line, row in table if len(row) != width]
    notes += [f"not {width} cells: {_lines(ragged)} left out"] if ragged else []
    (_, header), *rest = [record for record in table if len(record[1]) == width]
    return [name.strip() for name in header], [row for _, row in rest], [line for line, _ in rest], notes


def _trimmed(found: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Take away what a separator at the end of each line but the header makes: a last cell without anything in it."""
    if len(found) < 2 or any(len(row) != len(found[0][1]) + 1 or row[-1].strip() for _, row in found[1:]):
        return found
    return [found[0], *((line, row[:-1]) for line, row in found[1:])]


def _names(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[str]]:
    """Return the names of the columns; new ones where the first line holds values, or two have one name."""
    counted = [str(place) for place in range(len(header))]
    numeric = [name for name in header if not is_gap(name) and numbers([name]).whole]
    again = sum(any(row[place].strip() == name for row in rows) for place, name in enumerate(header))
    scale = np.diff(numbers(numeric).values)  # of wavelengths, say: names that are numbers in their order
    ordered = len(scale) > 1 and bool(np.all(scale > 0) or np.all(scale < 0))
    values = (any(map(is_value, header)) and not ordered) or 2 * again >= len(header)
    if header != counted and (values or (len(numeric) == len(header) and not ordered)):
        names = [f"column_{place + 1}" for place in range(len(header))]
        return names, [f"no header, columns named {names[0]} to {names[-1]}"]
    names = []
    for name in header:
        others = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
        new = next(other for other in others if other not in names)
        names.append(new)
    renamed = [f"{old} to {new}" for old, new in zip(header, names, strict=True) if old != new]
    return names, [f"columns of one name renamed: {', '.join(renamed)}"] if renamed else []


def _without_total(table: RawTable) -> RawTable:
    """Leave out a last line of totals."""
    last = [str(cells[-1]).strip() for cells in table.columns.values() if len(cells)]
    said = [cell for cell in last if cell]
    if len(table.numbers) < 3 or not said or not _TOTAL.fullmatch(said[0]):
        return table
    rows = np.ones(len(table.numbers), dtype=bool)
    rows[-1] = False
    return table.kept(rows, f"totals ({said[0]})")


def _plain_numbers(table: RawTable, commas_are_decimal: bool) -> RawTable:
    """Write numbers in another notation as plain ones."""
    for name, cells in table.columns.items():
        if isinstance(cells, np.ndarray) or numbers(cells).whole:
            continue
        style = style_of(cells, commas_are_decimal)
        if style is not None:
            row = int(numbers(cells).odd.argmax())
            table = table.changed(
                name, style.plain, f"{style.words}, {cells[row].strip()} written as {style.plain[row]}"
            )
    return table


def _plain_dates(table: RawTable) -> RawTable:
    """Write dates that end with the year as those that begin with it, where the column leaves one way to read them."""
    for name, cells in table.columns.items():
        plain = year_first(cells)
        if plain is not None:
            old, new = next(pair for pair in zip(cells, plain, strict=True) if pair[0] != pair[1])
            table = table.changed(name, plain, f"dates, {str(old).strip()} written as {new}")
    return table


def read_parquet(file: Path, read: Callable[[Path], Mapping[str, Any]]) -> RawTable:
    """Read a Parquet file.

    Args:
        file: Its path.
        read: Its columns.
    """
    columns = dict(read(file))
    return RawTable(file, columns, range(1, max(map(len, columns.values()), default=0) + 1), "row ")


def text_of_table(table: RawTable) -> str:
    """Write a table as plain CSV: commas, points, one line for each record."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(zip(*table.columns.values(), strict=True))
    return written.getvalue()


def without_gaps(table: RawTable, name: str) -> RawTable:
    """Leave out the rows in which a column says nothing."""
    return table.kept(~gaps(table.columns[name]), f"no {name}")


def _lines(numbers: Sequence[int], unit: str = "") -> str:
    noun = unit.strip() or "line"
    shown = ", ".join(map(str, numbers[:NAMED])) + (f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else "")
    return f"{noun}{'s' if len(numbers) > 1 else ''} {shown}"
