"""Cells of a table, converted: names, steps and numbers, and whatever is none of them named with its line."""

import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any, Final, TypeVar

import numpy as np

from thermo_cli.contracts import Array, Integers
from thermo_cli.data.table import Table
from thermo_cli.errors import DataError

_NOTHING: Final = (
    "",
    "null",
    "na",
    "n/a",
    "#n/a",
    "<na>",
    "none",
)  # how tables written by other programs leave a cell empty
_DIGITS: Final = re.compile(r"[0-9.eE+-]*", re.ASCII)  # no other letters: neither nan nor gaps that are words
_WHOLE: Final = re.compile(r"-?\d{1,300}")
_EXPECTED: Final = {
    "replica": "a replica needs a name",
    "history": "a history needs a name",
    "point": "a point needs a name",
    "observable": "an observable needs a name",
    "step": "a step is a whole number, 0 or more",
    "budget": "a total budget is a whole number of steps",
    "value": "expected a number",
}
_REMEDIES: Final = {
    "history": "name it in every record, or leave the column out",
    "point": "name it in every record, or leave the column out",
    "step": "count the updates of training from 0",
    "budget": "say in every record how many steps its training has in all, or leave the column out",
    "value": "leave it empty where there is no number; a column of words is left out",
}
NAME_IT: Final = "give it a printable name, the same in each of its records"
T = TypeVar("T")


def check_kinds(table: Table, column: str, cells: list[Any]) -> None:
    """Refuse whatever is neither text nor a real number nor nothing, such as true or a list."""
    for kind in dict.fromkeys(map(type, cells)):
        if not issubclass(kind, str | Real | Decimal | None) or issubclass(kind, bool):
            index = next(position for position, cell in enumerate(cells) if type(cell) is kind)
            raise DataError(
                "expected text or a number",
                received=repr(cells[index])[:80],
                remedy=f"one plain {column} in each record",
                where=table.where(index, column),
            )


def groups(table: Table, column: str) -> list[str]:
    """Return the history, or the point, of each record; empty where none is named.

    Raises:
        DataError: Some records name one and some do not.
    """
    cells = table.columns.get(column, [None])
    if all(_is_nothing(cell) for cell in dict.fromkeys(cells)):
        return [""] * len(table.numbers)
    return converted(table, column, as_name)


def budgets(table: Table, column: str) -> list[int]:
    """Return the total budget of each record; 0 where there is no such column."""
    return steps(table, column).tolist() if column in table.columns else [0] * len(table.numbers)


def converted(table: Table, column: str, convert: Callable[[Any], T]) -> list[T]:
    """Convert each distinct cell of a column once, naming the first one that cannot be."""
    cells = table.columns[column]
    values: dict[Any, T] = {}
    try:
        distinct = list(dict.fromkeys(cells))
    except TypeError:  # of JSON, a value that holds others
        distinct = [next(cell for cell in cells if isinstance(cell, dict | list))]
    for cell in distinct:
        try:
            if isinstance(cell, dict | list):
                raise ValueError
            values[cell] = convert(cell)
        except (ValueError, ArithmeticError):
            raise DataError(
                _EXPECTED.get(column, _EXPECTED["value"]),
                received="nothing" if _is_nothing(cell) else repr(cell)[:80],
                remedy=_REMEDIES.get(column, _REMEDIES["value"] if column not in _EXPECTED else NAME_IT),
                where=table.where(cells.index(cell), column),
            ) from None
    return [values[cell] for cell in cells]


def numbers(table: Table, column: str) -> Array:
    """Convert a column to numbers, (record,), naming the first cell that is none; as in `as_number`."""
    values = _at_once(table.columns[column])
    return np.array(converted(table, column, as_number), dtype=np.float64) if values is None else values


def steps(table: Table, column: str) -> Integers:
    """Convert a column to steps, (record,), naming the first cell that is none; as in `as_step`."""
    values = _at_once(table.columns[column])
    if values is not None and len(values) and np.all((values >= 0) & (values < 2**53) & (values == np.floor(values))):
        return values.astype(np.int64)
    return np.array(converted(table, column, as_step), dtype=np.int64)


def _at_once(cells: Sequence[Any]) -> Array | None:
    """Convert a column in one go; None where a cell has to be looked at by itself."""
    kinds = set(map(type, cells))
    if kinds == {str} and _DIGITS.fullmatch("".join(cells)):
        try:
            return np.array([cell or "nan" for cell in cells], dtype=np.float64)
        except ValueError:
            return None
    if not kinds <= {float, int, type(None)}:
        return None
    try:
        values = np.array(cells, dtype=np.float64)
    except OverflowError:
        return None
    lost = np.isnan(values)
    values[lost] = [math.nan if cells[index] is None else math.inf for index in np.flatnonzero(lost).tolist()]
    return values


def _is_nothing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def as_name(cell: Any) -> str:
    """Return a name; 7.0, which a table makes of a column of whole numbers with a gap, is 7."""
    if isinstance(cell, float):
        cell = int(cell) if cell == int(cell) else cell
    name = "" if cell is None else str(cell).strip()
    if not name or not name.isprintable():
        raise ValueError(name)
    return name


def as_step(cell: Any) -> int:
    """Return a step; 7.0 is 7.

    Raises:
        ValueError: It is no whole number, 0 or more.
    """
    if isinstance(cell, str) and _WHOLE.fullmatch(cell.strip()):
        cell = int(cell)
    number = as_number(cell)
    if not 0 <= number < 2**63 or number != int(number):  # NaN is none of them
        raise ValueError(cell)
    return int(cell) if isinstance(cell, int) else int(number)


def as_number(cell: Any) -> float:
    """Return a value; NaN where the cell is empty, infinity where it says that the value is not finite.

    Raises:
        ValueError: It is no number.
    """
    if isinstance(cell, str):
        cell = cell.strip()
        if cell.lower() in _NOTHING:
            return math.nan
        if "_" in cell:  # Python reads 1_0 as ten; a table does not mean that
            raise ValueError(cell)
    number = math.nan if cell is None else float(cell)
    return math.inf if cell is not None and math.isnan(number) else number
