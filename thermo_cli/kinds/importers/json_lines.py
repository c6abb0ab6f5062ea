"""JSON, one object a line."""

import json
from pathlib import Path
from typing import Any

from thermo_cli.data.table import Table, Wanted, text_of
from thermo_cli.errors import DataError


def read(file: Path, data: bytes, wanted: Wanted) -> Table:
    """Read lines of JSON; blank ones are passed over, and what one of them lacks is None.

    Args:
        file: For messages.
        data: Its bytes.
        wanted: Chooses the columns of an object.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    records: list[dict[str, Any]] = []
    numbers: list[int] = []
    chosen: dict[tuple[str, ...], list[str]] = {}  # names in an object -> those that are read
    for number, line in enumerate(text_of(file, data).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{file}:{number}"
        record = _record(line, where)
        names = tuple(record)
        if names not in chosen:
            chosen[names] = wanted(list(names), where)
        records.append(record)
        numbers.append(number)
    columns = dict.fromkeys(name for names in chosen.values() for name in names)
    return Table(file, {name: [record.get(name) for record in records] for name in columns}, numbers)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; json itself would keep the last of two values of one name."""
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is given twice")
    return record


def _record(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise DataError(
            "this line is not JSON",
            received=f"{line[:80].strip()} ({error})",
            remedy="one complete object a line",
            where=where,
        ) from None
    if not isinstance(record, dict):
        raise DataError(
            "expected an object",
            received=line[:80],
            remedy="one object a line, names to numbers",
            where=where,
        )
    return record
