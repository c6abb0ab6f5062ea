"""Tables of named columns, whatever file they come from: target, groups or times, numbers, and what becomes of text."""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Examples, Task
from thermo_cli.data.columns import Column, encode
from thermo_cli.data.targets import examples_of
from thermo_cli.errors import DataError
from thermo_cli.registry import nearest
from thermo_cli.spec.builtins.data import Split


@dataclass(frozen=True)
class Table:
    """The columns of a file.

    Attributes:
        file: Its path.
        columns: Name to cells: text (empty where there is nothing) or numbers (NaN where there is nothing).
        places: Line or row of each example, as messages name it.
    """

    file: Path
    columns: Mapping[str, Sequence[str] | Array]
    places: Sequence[str]

    def where(self, row: int, column: str) -> str:
        """Return where a cell stands, for a message.

        Args:
            row: Of the example.
            column: Name of the column.
        """
        return f"{self.file}:{self.places[row]}: {column}"


def examples_in(
    table: Table, target: str, task: Task | None, columns: Mapping[str, Any] | None, split: Split | None
) -> Examples:
    """Make examples of a table.

    Args:
        table: Its columns.
        target: Name of the column to predict.
        task: Classification, regression, or None to decide by the target.
        columns: Column to its transformer (`use` and `with`), a list of them, or `drop`.
        split: Names the column of groups or times.

    Raises:
        DataError: With the place of whatever cannot be used.
    """
    columns, key = columns or {}, split.column if split is not None else None
    for name, what in ((target, "target column"), *((name, "column") for name in (key, *columns) if name is not None)):
        if name not in table.columns:
            guess = nearest(name, table.columns)
            raise DataError(
                f"there is no such {what}",
                received=name,
                where=str(table.file),
                remedy=f"did you mean {guess!r}?" if guess else "columns: " + ", ".join(list(table.columns)[:20]),
            )
    for name, what in ((target, "the target"), *([(key, "what the split goes by")] if key is not None else [])):
        if name in columns or (name == target and name == key):
            raise DataError(
                f"{what} is no feature",
                received=f"{name} in columns, or as both",
                remedy="take it out",
                where=str(table.file),
            )
    features = [name for name in table.columns if name not in (target, key, *columns)]
    coded = [
        Column(name, table.columns[name], _steps(part), functools.partial(table.where, column=name))
        for name, part in columns.items()
        if part != "drop"
    ]
    if not features and not coded:
        raise DataError(
            "the target is the only column", received=target, remedy="add columns of features", where=str(table.file)
        )
    x = np.column_stack([np.empty((len(table.places), 0)), *(numbers(table, name) for name in features)])
    values = _answers(table, target)
    keys = None if key is None else _times(table, key) if split and split.use == "time" else _groups(table, key)
    found = examples_of(x, values, task, table.file, target, keys)
    if not coded:
        return found
    return Examples(found.x, found.y, found.task, found.labels, keys, encode=functools.partial(encode, coded))


def _steps(part: Any) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    return tuple((step["use"], step["with"]) for step in (part if isinstance(part, list) else [part]))


def numbers(table: Table, name: str) -> Array:
    """Return a column as finite numbers, naming the first cell that is none.

    Args:
        table: The table.
        name: Of the column.

    Raises:
        DataError: A cell is no finite number.
    """
    cells = table.columns[name]
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        values = np.array([_number(cell) for cell in cells])
    if np.isfinite(values).all():
        return values
    row = int(np.argmin(np.isfinite(values)))
    cell, where = cells[row], table.where(row, name)
    if isinstance(cell, str) and math.isnan(_number(cell)) and cell.strip().lower() not in ("nan", "+nan", "-nan"):
        tool = "impute:SimpleImputer" if not cell.strip() else "preprocessing:OneHotEncoder"
        raise DataError(
            "expected a number",
            received=repr(cell),
            where=where,
            remedy="turn it into features by an entry of data.with.columns, "
            f'`{name}: {{use: "sklearn.{tool}"}}`, or leave the column out with `{name}: drop`',
        )
    raise DataError(
        "the value is not finite",
        received=str(cell),
        where=where,
        remedy="remove the example, fill the value in, or let data.with.columns do it: "
        f'`{name}: {{use: "sklearn.impute:SimpleImputer"}}`',
    )


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _answers(table: Table, target: str) -> NDArray[Any]:
    """Return the target as numbers if all of it is, else as text; none may be missing."""
    cells = table.columns[target]
    _refuse_gaps(table, target, "the target is empty")
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        return np.array([str(cell).strip() for cell in cells])


def _groups(table: Table, name: str) -> NDArray[Any]:
    _refuse_gaps(table, name, "the group is empty")
    return np.array([str(cell).strip() for cell in table.columns[name]])


def _times(table: Table, name: str) -> Array:
    """Return times as numbers: numbers as they are, dates as seconds; a date without a zone is meant in UTC."""
    _refuse_gaps(table, name, "the time is empty")
    cells = table.columns[name]
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        values = np.array([_seconds(cell, table.where(row, name)) for row, cell in enumerate(cells)])
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise DataError(
            "the time is not finite", received=str(cells[row]), remedy="fill it in", where=table.where(row, name)
        )
    return values


def _seconds(cell: Any, where: str) -> float:
    try:
        found = datetime.fromisoformat(str(cell).strip())
    except ValueError:
        raise DataError(
            "this is neither a number nor a date",
            received=repr(cell),
            remedy="write dates as 2026-01-31 or 2026-01-31T12:30",
            where=where,
        ) from None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


def _refuse_gaps(table: Table, name: str, what: str) -> None:
    cells = table.columns[name]
    for row, cell in enumerate(cells if not isinstance(cells, np.ndarray) else ()):
        if not str(cell).strip():
            raise DataError(
                what, received="nothing", remedy="fill it in or remove the line", where=table.where(row, name)
            )
