"""Times in words or numbers: dates that begin with the year, whole or partial, in the order in which they happened."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Integers
from thermo_cli.data.notation import gaps, is_gap, numbers
from thermo_cli.data.series import Series

_MONTH: Final = re.compile(r"(?:1\d|20)\d\d\.(0?[1-9]|1[0-2])", re.ASCII)
_PARTIAL: Final = re.compile(r"(\d{4})(?:[-./](\d{1,2})(?:[-./](\d{1,2}))?| ?-?Q([1-4]))?", re.ASCII | re.IGNORECASE)
_DAY_FIRST: Final = re.compile(r"\d{1,2}[-./]\d{1,2}[-./]\d{2,4}\b.*", re.ASCII)
_YEAR_LAST: Final = re.compile(r"(\d{1,2})([-./])(\d{1,2})\2(\d{4})\b(.*)", re.ASCII)
MONTHS: Final = "2023.10 is read as October 2023"
HOW: Final = "write dates with the year first: 2026-01-31, 2026-01 or 2026-01-31T12:30"


def times(series: Series, hint: str = "") -> Array | Integers:
    """Return times as numbers that grow with time: numbers as they are, dates as seconds in UTC where no zone is given.

    Where all cells are like 2023.9 and 2023.10, which as numbers would be in the wrong order, they are years and months.

    Args:
        series: Numbers, dates or text, (row,).
        hint: What else to do about dates that are written in another way.

    Raises:
        DataError: One is missing or not finite, or tells neither a number nor a date.
    """
    read = numbers(series.cells)
    bad = gaps(series.cells) | np.isinf(read.values)
    if bad.any():
        raise series.cells_error("a time is missing or not finite", bad, "fill it in, or remove the line")
    if isinstance(series.cells, np.ndarray) and series.cells.dtype.kind == "M":
        return series.cells.astype("datetime64[ns]").astype(np.int64)
    if not read.whole or reads_months(series.cells):
        return _dates(series, hint)
    _refuse_lost_months(series, read.values)
    return read.values


def reads_months(cells: Any) -> bool:
    """Say whether all cells are years and months that as numbers would be out of order, such as 2023.9 and 2023.10."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind not in "US":
        return False
    widths = set()
    for cell in cells:
        found = _MONTH.fullmatch(str(cell).strip())
        if found is None:
            return False
        widths.add(len(found[1]))
    return len(widths) == 2


def seconds(cell: str) -> float | None:
    """Return the beginning of a date in seconds since 1970; None where it is none, or does not begin with the year."""
    text = cell.strip()
    found = _PARTIAL.fullmatch(text)
    try:
        if found is not None:
            year, month, day, quarter = found.groups()
            time = datetime(int(year), int(month or 3 * int(quarter or 1) - 2), int(day or 1), tzinfo=UTC)
        else:
            time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()


def _dates(series: Series, hint: str) -> Array:
    values: list[Any] = [seconds(str(cell)) for cell in series.cells]
    odd: NDArray[np.bool_] = np.array([value is None for value in values])
    if odd.any():
        first = str(series.cells[int(odd.argmax())])
        doubt = f"{first!r} may begin with the day or with the month; " if _DAY_FIRST.fullmatch(first.strip()) else ""
        if year_first(series.cells) is not None:
            raise series.cells_error("dates do not begin with the year", odd, f"{HOW}; {hint}" if hint else HOW)
        raise series.cells_error("this is neither a number nor a date", odd, doubt + HOW)
    return np.array(values, dtype=np.float64)


def year_first(cells: Sequence[Any] | NDArray[Any]) -> tuple[str, ...] | None:
    """Write dates that end with the year, 31.01.2026 or 1/31/2026, with the year first.

    Only the whole column says whether the day or the month comes first: a part above 12 is a day.

    Args:
        cells: Text, (row,); gaps stay as they are.

    Returns:
        The cells, (row,); None where they are no such dates, or both orders are possible.
    """
    found = {place: _YEAR_LAST.fullmatch(str(cell).strip()) for place, cell in enumerate(cells) if not is_gap(cell)}
    if not found or None in found.values():
        return None
    able = set()
    for day in (1, 3):
        dates = {place: _ordered(date, day) for place, date in found.items() if date is not None}
        if all(seconds(date) is not None for date in dates.values()):
            able.add(tuple(dates.get(place, str(cell)) for place, cell in enumerate(cells)))
    return able.pop() if len(able) == 1 else None


def _ordered(found: re.Match[str], day: int) -> str:
    return f"{found[4]}-{found[4 - day]:0>2}-{found[day]:0>2}{found[5]}"


def _refuse_lost_months(series: Series, values: Array) -> None:
    """Refuse years and months that were saved as numbers, so that 2023.1 may be January or October."""
    if (
        isinstance(series.cells, np.ndarray)
        and series.cells.dtype.kind == "f"
        and np.all((values > 1000) & (values < 2999))
    ):
        hundredths = np.round((values % 1) * 100)
        exact = np.abs((values % 1) * 100 - hundredths) < 1e-6
        tens = np.isin(hundredths, range(20, 100, 10))
        late = np.isin(hundredths, (11, 12))
        if exact.all() and tens.any() and late.any() and np.all(tens | late | (hundredths == 10)):
            raise series.cells_error(
                "years and months were saved as numbers, so that .1 may be January or October",
                hundredths == 10 if (hundredths == 10).any() else late,
                "save them as text or as dates: 2023-10",
            )


def looks_like_date(cell: str) -> bool:
    """Say whether a cell is a date, whatever it begins with; a number alone is none."""
    text = cell.strip()
    return not numbers([text]).whole and (seconds(text) is not None or _DAY_FIRST.fullmatch(text) is not None)
