"""Numbers as a reader meets them: short, a dash where there is none; curves in a line of text."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from thermo_cli.contracts import Row

NEGLIGIBLE: Final = 1e-6  # of the margin: rounding, shown as 0
SMALL: Final = 0.01  # of the margin: one digit is enough
BARS: Final = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float]) -> str:
    """Draw a curve with one character per value, lowest to highest; a blank where there is no number."""
    array = np.asarray(values, dtype=float) / 2  # so that no difference overflows
    finite = array[np.isfinite(array)]
    if not len(finite):
        return " " * len(array)
    low, high = float(finite.min()), float(finite.max())
    if high == low:
        return "".join(BARS[3] if np.isfinite(value) else " " for value in array)
    heights = (array - low) / (high - low) * (len(BARS) - 1)
    return "".join(BARS[round(height)] if np.isfinite(height) else " " for height in heights)


def number(value: float | None, digits: int = 3) -> str:
    """Write a number briefly; a dash where there is none."""
    return "-" if value is None or not np.isfinite(value) else f"{value:.{digits}g}"


def bounds(low: float | None, high: float | None, digits: int = 3) -> str:
    """Write the ends of an interval; a dash where there is neither."""
    return "-" if low is None and high is None else f"{number(low, digits)} .. {number(high, digits)}"


def interval(row: Row) -> str:
    """Write estimate and interval of a row, as precisely as its margin deserves."""
    if row.estimate is None:
        return ""
    nothing = NEGLIGIBLE * (row.margin or 0.0)

    def shown(value: float | None) -> str:
        if value is None or abs(value) < nothing:
            return number(value if value is None else 0.0)
        return number(value, 1 if abs(value) < SMALL * (row.margin or 0.0) else 2)

    if row.interval is None:
        return shown(row.estimate)
    return f"{shown(row.estimate)} [{shown(row.interval[0])}, {shown(row.interval[1])}]"
