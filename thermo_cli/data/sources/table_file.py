"""A CSV or Parquet file, one example a row: target, groups or times, numbers, and what becomes of text."""

import dataclasses
import functools
import importlib
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Examples
from thermo_cli.data import array_files
from thermo_cli.data.columns import Column, encode
from thermo_cli.data.table import Table, read_csv, read_parquet, refuse_twice
from thermo_cli.data.targets import examples_of
from thermo_cli.errors import DataError
from thermo_cli.registry import nearest
from thermo_cli.spec.data_parts import TableFileData


def csv(data: TableFileData, base: Path) -> Examples:
    """Read a CSV file with a header.

    Args:
        data: Path, target, and what becomes of the other columns.
        base: Folder of the spec.

    Raises:
        DataError: With the line and the column of whatever cannot be used.
    """
    file = base / data.arguments.path
    content = array_files.read(file, Path.read_bytes, "a CSV file", "save it as UTF-8 CSV")
    return _examples(read_csv(file, content, _each_once, strict=False), data)


def parquet(data: TableFileData, base: Path) -> Examples:
    """Read a Parquet file: numbers, text, categories, truth values and dates.

    Args:
        data: Path, target, and what becomes of the other columns.
        base: Folder of the spec.

    Raises:
        DataError: pyarrow is missing; or with the row and the column of whatever cannot be used.
    """
    dropped = [name for name, rule in data.arguments.columns.items() if rule == "drop"]
    left_out: dict[str, list[str]] = {}

    def wanted(names: list[str], where: str) -> list[str]:
        left_out.update({name: [] for name in dropped if name in names})
        return [name for name in _each_once(names, where) if name not in left_out]

    table = read_parquet(base / data.arguments.path, None, wanted, _cells)
    return _examples(dataclasses.replace(table, columns={**table.columns, **left_out}), data)


def _each_once(names: list[str], where: str) -> list[str]:
    refuse_twice(names, where)
    return names


def _examples(table: Table, data: TableFileData) -> Examples:
    """Make examples of a table, after a look at which column is what."""
    target, columns, key = data.arguments.target, data.arguments.columns, data.split.column
    _check_columns(table, data)
    features = [name for name in table.columns if name not in (target, key, *columns)]
    coded = [
        Column(name, table.columns[name], _steps(rule), functools.partial(table.where, column=name))
        for name, rule in columns.items()
        if rule != "drop"
    ]
    if not features and not coded:
        raise table.error("the target is the only column", target, "add columns of features")
    x = np.column_stack([np.empty((len(table.numbers), 0)), *(_numbers(table, name) for name in features)])
    values = _answers(table, target)
    keys = None if key is None else _times(table, key) if data.split.use == "time" else _groups(table, key)
    plain = examples_of(x, values, data.arguments.task, table.file, target, keys)
    return dataclasses.replace(plain, encode=functools.partial(encode, coded)) if coded else plain


def _check_columns(table: Table, data: TableFileData) -> None:
    """Refuse a table without rows, a column that is not there, and one that is to be a feature and something else."""
    target, columns, key = data.arguments.target, data.arguments.columns, data.split.column
    if not table.numbers:
        raise table.error("the file has no examples", "nothing", "a header and values")
    keys = () if key is None else (key,)
    for name in (target, *keys, *columns):
        if name not in table.columns:
            guess = nearest(name, table.columns)
            remedy = f"did you mean {guess!r}?" if guess else "columns: " + ", ".join(list(table.columns)[:20])
            raise table.error(f"there is no such {'target column' if name == target else 'column'}", name, remedy)
    for name, what in zip((target, *keys), ("the target", "what the split goes by"), strict=False):
        if name in columns or target in keys:
            raise table.error(f"{what} is no feature", f"{name} in columns, or as both", "take it out")


def _steps(rule: Any) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    return tuple((step.use, step.arguments) for step in (rule if isinstance(rule, list) else [rule]))


def _numbers(table: Table, name: str) -> Array:
    """Return a column as finite numbers, naming the first cell that is none."""
    cells = table.columns[name]
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        values = np.array([_number(cell) for cell in cells])
    if np.isfinite(values).all():
        return values
    row = int(np.argmin(np.isfinite(values)))
    cell, filled = cells[row], f'`{name}: {{use: "sklearn.impute:SimpleImputer"}}`'
    if isinstance(cell, str) and math.isnan(_number(cell)) and cell.strip().lower() not in ("nan", "+nan", "-nan"):
        entry = f'`{name}: {{use: "sklearn.preprocessing:OneHotEncoder"}}`' if cell.strip() else filled
        remedy = f"turn it into features by an entry of data.with.columns, {entry}, or leave the column out with `{name}: drop`"
        raise table.error("expected a number", repr(cell), remedy, row, name)
    remedy = f"remove the example, fill the value in, or let data.with.columns do it: {filled}"
    raise table.error("the value is not finite", str(cell), remedy, row, name)


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
        values = np.array([_seconds(table, name, row) for row in range(len(cells))])
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise table.error("the time is not finite", str(cells[row]), "fill it in", row, name)
    return values


def _seconds(table: Table, name: str, row: int) -> float:
    cell = table.columns[name][row]
    try:
        time = datetime.fromisoformat(str(cell).strip())
    except ValueError:
        remedy = "write dates as 2026-01-31 or 2026-01-31T12:30"
        raise table.error("this is neither a number nor a date", repr(cell), remedy, row, name) from None
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()


def _refuse_gaps(table: Table, name: str, what: str) -> None:
    cells = table.columns[name]
    for row, cell in enumerate(cells if not isinstance(cells, np.ndarray) else ()):
        if not str(cell).strip():
            raise table.error(what, "nothing", "fill it in or remove the line", row, name)


def _cells(column: Any, where: str) -> Sequence[str] | Array:
    """Return a column of pyarrow as numbers, or as text; nothing is NaN or empty text."""
    pyarrow = importlib.import_module("pyarrow")
    kind, kinds = column.type, pyarrow.types
    if kinds.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind) or kinds.is_decimal(kind):
        return np.array(column.cast(pyarrow.float64(), safe=False).to_numpy(), dtype=np.float64)
    if kinds.is_nested(kind) or kinds.is_binary(kind) or kinds.is_large_binary(kind):
        raise DataError(
            "cells are numbers, text or dates",
            received=str(kind),
            remedy="convert the column before saving",
            where=where,
        )
    if kinds.is_timestamp(kind):
        column = column.cast(pyarrow.timestamp("us", tz=kind.tz), safe=False)  # what Python's own dates resolve
    if kinds.is_timestamp(kind) or kinds.is_date(kind):
        return ["" if value is None else value.isoformat() for value in column.to_pylist()]
    return ["" if value is None else str(value) for value in column.to_pylist()]
