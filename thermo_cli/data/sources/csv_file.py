"""Comma-separated files: a header of names, one example a line."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thermo_cli.contracts import Examples, Task
from thermo_cli.data.table import Table, examples_in
from thermo_cli.errors import DataError
from thermo_cli.spec.builtins.data import Split


def load(
    path: str,
    target: str,
    task: Task | None,
    base: Path,
    columns: Mapping[str, Any] | None = None,
    split: Split | None = None,
) -> Examples:
    """Read a CSV file.

    Args:
        path: The file, relative to `base`.
        target: Name of the column to predict.
        task: Classification, regression, or None to decide by the target.
        base: Folder of the spec.
        columns: Column to its transformer (`use` and `with`), a list of them, or `drop`.
        split: Names the column of groups or times.

    Raises:
        DataError: With the line and the column of whatever cannot be used.
    """
    header, lines = _read(base / path)
    cells = {name: [row[place] for _, row in lines] for place, name in enumerate(header)}
    return examples_in(Table(base / path, cells, [str(line) for line, _ in lines]), target, task, columns, split)


def _read(file: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header and, for each line of values, its number and its cells."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.reader(handle)
            header = [name.strip() for name in next(reader, [])]
            lines = [(reader.line_num, row) for row in reader if row]
    except FileNotFoundError:
        raise DataError(
            "there is no such file", received=str(file), remedy="give the path relative to the spec"
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            "the file cannot be read as CSV", received=str(error), remedy="save it as UTF-8 CSV", where=str(file)
        ) from None
    if not header or not lines:
        raise DataError(
            "the file has no examples",
            received=f"{len(lines)} lines below the header",
            remedy="a header and values",
            where=str(file),
        )
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise DataError("two columns have the same name", received=twice, remedy="rename one", where=str(file))
    for line, row in lines:
        if len(row) != len(header):
            raise DataError(
                f"this line does not have {len(header)} cells",
                received=f"{len(row)} cells",
                remedy="one cell for each column of the header",
                where=f"{file}:{line}",
            )
    return header, lines
