"""A CSV or Parquet file, one example a row: target, groups or times, numbers, and what becomes of text."""

import dataclasses
import functools
import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Examples
from thermo_cli.data import array_files
from thermo_cli.data.columns import Column, encode
from thermo_cli.data.csv_table import is_value, plain_copy, read_csv
from thermo_cli.data.dates import MONTHS, reads_months, times
from thermo_cli.data.files import check_link
from thermo_cli.data.notation import gaps
from thermo_cli.data.numeric import numbers_of
from thermo_cli.data.remarks import RemarkedExamples, of_repeats, of_table
from thermo_cli.data.series import Series
from thermo_cli.data.table import PATH, Table, read_parquet, refuse_twice
from thermo_cli.data.targets import targets_of
from thermo_cli.errors import DataError, collected
from thermo_cli.memory import check_memory
from thermo_cli.registry import nearest
from thermo_cli.spec.data_parts import TableFileData

TARGET: Final = "data.with.target"
COLUMNS: Final = "data.with.columns"
SPLIT: Final = "data.split.column"


def csv(data: TableFileData, base: Path) -> Examples:
    """Read a CSV file with a header.

    Args:
        data: Path, target, and what becomes of the other columns.
        base: Folder of the spec.

    Raises:
        DataError: With the line and the column of whatever cannot be used.
    """
    file = base / data.arguments.path
    content = array_files.read(file, _whole, "a CSV file", "save it as UTF-8 CSV")
    return _examples(read_csv(file, content, _each_once, strict=False), data)


def _whole(file: Path) -> bytes:
    check_memory(file.stat().st_size, str(file), "data.with.path")
    return file.read_bytes()


def parquet(data: TableFileData, base: Path) -> Examples:
    """Read a Parquet file: numbers, text, categories, truth values and dates.

    Args:
        data: Path, target, and what becomes of the other columns.
        base: Folder of the spec.

    Raises:
        DataError: pyarrow is missing; or with the row and the column of whatever cannot be used.
    """
    key = data.split.column
    dropped = [name for name, rule in data.arguments.columns.items() if rule == "drop" and name != key]
    left_out: dict[str, list[str]] = {}

    def wanted(names: list[str], where: str) -> list[str]:
        left_out.update({name: [] for name in dropped if name in names})
        return [name for name in _each_once(names, where) if name not in left_out]

    if (base / data.arguments.path).exists():
        check_link(base / data.arguments.path, PATH)
    table = read_parquet(base / data.arguments.path, None, wanted, _cells)
    return _examples(dataclasses.replace(table, columns={**table.columns, **left_out}), data)


def parquet_columns(file: Path) -> dict[str, Sequence[str] | Array]:
    """Read all columns of a Parquet file; those of nested cells are empty.

    Args:
        file: Its path.

    Raises:
        DataError: pyarrow is missing, or it is none.
    """

    def cells(column: Any, where: str) -> Sequence[str] | Array:
        try:
            return _cells(column, where)
        except DataError:
            return []

    return dict(read_parquet(file, None, _each_once, cells).columns)


def _each_once(names: list[str], where: str) -> list[str]:
    refuse_twice(names, where)
    return names


def _examples(table: Table, data: TableFileData) -> Examples:
    """Make examples of a table, after a look at which column is what; all that is wrong with it is told at once."""
    target, columns, key, hint = (
        data.arguments.target,
        data.arguments.columns,
        data.split.column,
        plain_copy(table.file),
    )
    _check_columns(table, data)
    features = [name for name in table.columns if name not in (target, key, *columns)]
    coded = [Column(table.series(name), _steps(rule)) for name, rule in columns.items() if rule != "drop"]
    if not features and not coded:
        raise table.error("the target is the only column", target, "add columns of features")
    works: list[Callable[[], Any]] = [functools.partial(_refuse, problem) for problem in table.problems]
    works += [functools.partial(numbers_of, table.series(name), hint) for name in features]
    works.append(functools.partial(targets_of, table.series(target), data.arguments.task, hint=hint))
    if key is not None:
        series = table.series(key)
        works.append(
            functools.partial(times, series, hint) if data.split.use == "time" else functools.partial(_groups, series)
        )
    results = collected(works)
    keys = results.pop() if key is not None else None
    targets = results.pop()
    x = np.column_stack([np.empty((len(table.numbers), 0)), *results])
    rest = functools.partial(encode, coded) if coded else None
    beside = {column.series.name: (column.series, column.encodes) for column in coded}
    remarks = of_table(dict(zip(features, results, strict=True)), beside, targets, target)
    if data.split.use != "grouped":  # a group holds its copies on one side
        places = [f"{table.unit or 'line '}{number}" for number in table.numbers]
        remarks += of_repeats([*results, *(series.cells for series, _ in beside.values())], targets, places)
    if data.split.use == "time" and key is not None and reads_months(table.columns[key]):
        remarks = (f"{key}: {MONTHS}", *remarks)
    return RemarkedExamples(x, targets.y, targets.task, targets.labels, keys, encode=rest, remarks=remarks)


def _refuse(problem: DataError) -> None:
    raise problem


def _check_columns(table: Table, data: TableFileData) -> None:
    """Refuse a table without rows, columns that are not there, and one that is to be a feature and something else."""
    target, columns, key = data.arguments.target, data.arguments.columns, data.split.column
    if not table.numbers and not table.problems:
        raise table.error("the file has no examples", "nothing", "a header and values")
    keys = () if key is None else (key,)
    named = [(target, TARGET), *((name, SPLIT) for name in keys), *((name, f"{COLUMNS}.{name}") for name in columns)]
    absent = [(name, field) for name, field in named if name not in table.columns]
    collected([functools.partial(_refuse, _unknown(table, name, field)) for name, field in absent])
    if target in keys:
        raise DataError("the split goes by the target", received=target, remedy="name another column", where=SPLIT)
    for name, what in ((target, "the target"), *((name, "what the split goes by") for name in keys)):
        if columns.get(name, "drop") != "drop" or (name == target and name in columns):
            raise DataError(
                f"{what} is no feature",
                received=f"an entry for {name}",
                remedy="take the entry out",
                where=f"{COLUMNS}.{name}",
            )


def _unknown(table: Table, name: str, field: str) -> DataError:
    guess, names = nearest(name, table.columns), list(table.columns)
    remedy = f"did you mean {guess!r}?" if guess else "columns: " + ", ".join(names[:20])
    again = sum(column in table.columns[column] for column in names)
    if any(map(is_value, names)) or 2 * again >= len(names):
        remedy += "; the first line looks like values: write a line with the names of the columns above it"
    what = f"there is no such {'target column' if field == TARGET else 'column'}"
    return DataError(what, received=f"{name}, in {table.file}", remedy=remedy, where=field)


def _steps(rule: Any) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    return tuple((step.use, step.arguments) for step in (rule if isinstance(rule, list) else [rule]))


def _groups(series: Series) -> NDArray[Any]:
    """Return the group of each example; none may be missing."""
    missing = gaps(series.cells)
    if missing.any():
        raise series.cells_error("a group is missing", missing, "fill it in, or remove the line")
    return np.array([str(cell).strip() for cell in series.cells])


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
