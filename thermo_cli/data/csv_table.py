"""Comma-separated values with a header, line by line, so that whatever cannot be used is named with its line."""

import csv
import io
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from thermo_cli.data.plain_text import SEPARATORS, separator_of
from thermo_cli.data.table import Table, Wanted, text_of
from thermo_cli.errors import DataError

NAMED: Final = 5  # lines that one message names
_VALUE: Final = re.compile(r"[+-]?\d*\.\d+(e[+-]?\d+)?", re.IGNORECASE)  # no name of a column


def read_csv(file: Path, data: bytes, wanted: Wanted, strict: bool, separator: str = ",") -> Table:
    """Read separated values with a header; lines without a cell are passed over.

    Args:
        file: For messages.
        data: Its bytes.
        wanted: Chooses the columns.
        strict: Whether a quote that is never closed, or amid a cell, is refused; and the first line of another length at once.
        separator: Of the cells of a line.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    text = text_of(file, data, f"save it as UTF-8, or {plain_copy(file)}" if not strict else "save it as UTF-8")
    if not strict:
        _refuse_separator(file, text)
    table = parsed(file, text, wanted, separator, strict)
    if strict and table.problems:
        raise table.problems[0]
    return table


def parsed(file: Path, text: str, wanted: Wanted, separator: str, strict: bool = False) -> Table:
    """Read separated values with a header.

    Args:
        file: For messages.
        text: Of the file.
        wanted: Chooses the columns.
        separator: Of the cells of a line.
        strict: As in `read_csv`.

    Raises:
        DataError: It cannot be read as CSV, or the columns do not serve.
    """
    plain = _plain(file, text, wanted, separator) if strict else None
    if plain is not None:
        return plain
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)
    columns: dict[str, list[str]] = {}
    numbers, ragged, open_quote = [], [], False
    try:
        header = [name.strip() for name in next((row for row in reader if row), [])]
        if header:
            columns = {column: [] for column in wanted(header, f"{file}:{reader.line_num}")}
        places = [(header.index(column), cells.append) for column, cells in columns.items()]
        for number, row in _numbered(reader):
            if len(row) != len(header):
                ragged.append((number, len(row)))
                open_quote = open_quote or "\n" in row[-1]
            elif strict or any(row):
                numbers.append(number)
                for place, append in places:
                    append(row[place])
    except csv.Error as error:
        raise DataError(
            "the file cannot be read as CSV",
            received=str(error),
            remedy="close every quote, and save it as CSV",
            where=f"{file}:{reader.line_num}",
        ) from None
    problems = (_ragged(file, len(header), ragged, open_quote),) if ragged else ()
    return Table(file, columns, numbers, problems=problems)


def _plain(file: Path, text: str, wanted: Wanted, separator: str) -> Table | None:
    """Read a text without quotes whose lines have the same number of cells, in one go; None where it is another."""
    lines = text.replace("\r\n", "\n").removesuffix("\n")
    width, height = lines.partition("\n")[0].count(separator) + 1, lines.count("\n") + 1
    cells = lines.replace("\n", f"{separator}\n").split(separator)
    first = "".join(cells[::width])  # each line but the first begins with its end of line, or is of another length
    if '"' in text or "\r" in lines or width < 2 or len(cells) != width * height or first.count("\n") + 1 != height:
        return None
    header = [name.strip() for name in cells[:width]]
    chosen = wanted(header, f"{file}:1")
    columns = {name: cells[width + header.index(name) :: width] for name in chosen}
    if header[0] in columns:
        columns[header[0]] = first.split("\n")[1:]
    return Table(file, columns, range(2, height + 1))


def plain_copy(file: Path) -> str:
    """Return the command that writes a plain copy of a table, with a spec.

    Args:
        file: The table.
    """
    path = file.resolve()
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"`thermo-run --example {shlex.quote(str(shown))} --into DIR` writes a plain copy with a spec"


def is_value(name: str) -> bool:
    """Say whether the name of a column is a number with a fraction, as in a file without a header."""
    return _VALUE.fullmatch(name) is not None


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Give each record that has a cell the line where it begins."""
    number = reader.line_num + 1  # type: ignore[attr-defined]
    for row in reader:
        if row:
            yield number, row
        number = reader.line_num + 1  # type: ignore[attr-defined]


def _refuse_separator(file: Path, text: str) -> None:
    separator = separator_of(text)
    if separator != ",":
        raise DataError(
            f"cells are separated by {SEPARATORS.get(separator, repr(separator))}, and commas are expected",
            received=repr(text[:60].splitlines()[0]),
            remedy=f"save it with commas, or {plain_copy(file)}",
            where=f"{file}:1",
        )


def _ragged(file: Path, width: int, lines: Sequence[tuple[int, int]], open_quote: bool) -> DataError:
    """Name the lines that have too many or too few cells."""
    (first, count), *rest = lines
    others = ", ".join(f"{many} in line {number}" for number, many in rest[: NAMED - 1])
    received = f"{count} cells" + (f"; {others}" if others else "")
    received += f" and {len(lines) - NAMED} more lines" if len(lines) > NAMED else ""
    remedy = "one cell for each column of the header"
    if open_quote:
        remedy += "; close the quote that is open from here on"
    elif count > width:
        remedy += ", and quotes around a cell with a comma in it"
    return DataError(
        f"this line does not have {width} cells", received=received, remedy=remedy, where=f"{file}:{first}"
    )
