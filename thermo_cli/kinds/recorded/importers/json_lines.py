"""Records as JSON, one object a line."""

import json
from pathlib import Path
from typing import Any

from thermo_cli.data.table import Table, text_of
from thermo_cli.errors import DataError
from thermo_cli.kinds.recorded.header import COLUMNS, REQUIRED, wanted


def read(file: Path, data: bytes) -> Table:
    """Read lines of JSON; blank ones are passed over.

    Args:
        file: For messages.
        data: Its bytes.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    columns: dict[str, list[Any]] = {column: [] for column in COLUMNS}
    numbers = []
    for number, line in enumerate(text_of(file, data).split("\n"), start=1):
        if not line.strip():
            continue
        record = _record(line, f"{file}:{number}")
        for column in COLUMNS:
            columns[column].append(record.get(column))
        numbers.append(number)
    return Table(file, columns, numbers)


def _record(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(
            "this line is not JSON", received=str(error), remedy="one complete object a line", where=where
        ) from None
    if not isinstance(record, dict):
        raise DataError(
            "expected an object",
            received=line[:80],
            remedy='{"replica": 0, "step": 0, "observable": "loss", "value": 1.5}',
            where=where,
        )
    if not all(column in record for column in REQUIRED):
        wanted(list(record), where)
    return record
