"""Parquet files, where pyarrow is installed: numbers, text, categories, truth values and dates, one example a row."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from thermo_cli.contracts import Array, Examples, Task
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
    """Read a Parquet file.

    Args:
        path: The file, relative to `base`.
        target: Name of the column to predict.
        task: Classification, regression, or None to decide by the target.
        base: Folder of the spec.
        columns: Column to its transformer (`use` and `with`), a list of them, or `drop`.
        split: Names the column of groups or times.

    Raises:
        DataError: pyarrow is missing; or with the row and the column of whatever cannot be used.
    """
    file = base / path
    try:
        pyarrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise DataError(
            "Parquet files are read with pyarrow, which is not installed",
            received=str(file),
            remedy='pip install "thermo-cli[parquet]", or save the table as CSV',
        ) from None
    if not file.is_file():
        raise DataError("there is no such file", received=str(file), remedy="give the path relative to the spec")
    try:
        with parquet.ParquetFile(file) as source:
            names = source.schema_arrow.names
            _refuse_twice(names, file)
            dropped = {name for name, rule in (columns or {}).items() if rule == "drop"}
            found = source.read(columns=[name for name in names if name not in dropped])
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(
            "the file cannot be read as Parquet", received=str(error), remedy="write it again", where=str(file)
        ) from None
    if not found.num_rows:
        raise DataError("the file has no examples", received="no rows", remedy="write some", where=str(file))
    cells = {
        name: [""] * found.num_rows if name in dropped else _cells(pyarrow, found.column(name), f"{file}: {name}")
        for name in names
    }
    places = [f"row {row}" for row in range(1, found.num_rows + 1)]
    return examples_in(Table(file, cells, places), target, task, columns, split)


def _refuse_twice(names: Sequence[str], file: Path) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError("two columns have the same name", received=twice, remedy="rename one", where=str(file))


def _cells(pyarrow: Any, column: Any, where: str) -> Sequence[str] | Array:
    """Return a column as numbers, or as text; nothing is NaN or empty text."""
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
