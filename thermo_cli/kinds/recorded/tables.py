"""Files of records, as columns of cells as they were written: CSV, JSON lines and Parquet."""

import json
from pathlib import Path
from typing import Any, Final

from thermo_cli.data import table
from thermo_cli.data.table import Table
from thermo_cli.errors import DataError
from thermo_cli.registry import nearest

REQUIRED: Final = ("replica", "step", "observable", "value")
COLUMNS: Final = (*REQUIRED, "history")


def read_csv(file: Path, data: bytes) -> Table:
    """Read comma-separated values with a header.

    Args:
        file: For messages.
        data: Its bytes.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    return table.read_csv(file, data, _wanted, strict=True)


def read_json_lines(file: Path, data: bytes) -> Table:
    """Read one JSON object a line.

    Args:
        file: For messages.
        data: Its bytes.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    columns: dict[str, list[Any]] = {column: [] for column in COLUMNS}
    numbers = []
    for number, line in enumerate(table.text_of(file, data).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                "this line is not JSON",
                received=str(error),
                remedy="one complete object a line",
                where=f"{file}:{number}",
            ) from None
        if not isinstance(record, dict):
            raise DataError(
                "expected an object",
                received=line[:80],
                remedy='{"replica": 0, "step": 0, "observable": "loss", "value": 1.5}',
                where=f"{file}:{number}",
            )
        if not all(column in record for column in REQUIRED):
            _wanted(list(record), f"{file}:{number}")
        for column in COLUMNS:
            columns[column].append(record.get(column))
        numbers.append(number)
    return Table(file, columns, numbers)


def read_parquet(file: Path, data: bytes) -> Table:
    """Read a Parquet file, where pyarrow is installed.

    Args:
        file: For messages.
        data: Its bytes.

    Raises:
        DataError: pyarrow is missing, or the file is none of its kind.
    """
    return table.read_parquet(file, data, _wanted, lambda column, where: column.to_pylist())


def _wanted(names: list[str], where: str) -> list[str]:
    """Return which columns are read, after a check that each is there once."""
    for column in COLUMNS:
        if column in REQUIRED and column not in names:
            guess = nearest(column, [name for name in names if name not in COLUMNS])
            raise DataError(
                f"there is no column {column!r}",
                received="columns: " + ", ".join(names[:20]),
                remedy=f"rename {guess!r} to {column!r}" if guess else f"the columns are {', '.join(REQUIRED)}",
                where=where,
            )
        if names.count(column) > 1:
            raise DataError("two columns have the same name", received=column, remedy="rename one", where=where)
    return [column for column in COLUMNS if column in names]
