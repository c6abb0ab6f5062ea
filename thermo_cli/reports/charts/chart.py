"""What every chart shares: its parts, and numbers rounded to what the eye can see."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Array

HUGE: Final = 1e100  # no axis reaches further
LEVELS: Final = 1000  # steps of a vertical axis, at least: a quarter of a pixel

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Chart:
    """A figure of a report.

    Attributes:
        section: Part of the report that it belongs to.
        title: What it shows, in a few words.
        caption: How to read it.
        words: What it shows of this run, with the numbers: the text alternative.
        spec: Vega-Lite, without its data.
        data: Name to rows, one object each.
        height: Of the plot, pixels.
        minor: Whether it is folded away at first.
    """

    section: str
    title: str
    caption: str
    words: str
    spec: Mapping[str, Any]
    data: Mapping[str, Rows]
    height: int
    minor: bool = False


def identifier(text: str, taken: Sequence[str] = ()) -> str:
    """Make a name for an element or a file of any text: letters, digits, `_` and `-`; a number follows where it is taken."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[:60] or "chart"
    name, number = plain, 2
    while name in taken:
        name, number = f"{plain}-{number}", number + 1
    return name


def rounded(values: Any, span: float | None = None) -> list[float | None]:
    """Round to a thousandth of the range or finer; what is not finite becomes None.

    Args:
        span: The range; by default that of the values.
    """
    array = np.asarray(values, dtype=np.float64).ravel()
    finite = array[np.isfinite(array)]
    if not len(finite):
        return [None] * len(array)
    width = span if span is not None else float(finite.max() - finite.min()) or float(abs(finite[0]))
    places = decimals(width)
    return [None if not math.isfinite(value) else round(value, places) for value in array.tolist()]


def decimals(span: float) -> int:
    """Return how many digits behind the point keep a thousandth of a range or finer (negative: before it)."""
    return 4 if not span or not math.isfinite(span) else 4 - math.floor(math.log10(abs(span)) + 1)


def ticks_of(last: float) -> list[int]:
    """Return the marks of a time axis that begins at 0 and grows like a logarithm: 0, the powers of ten, the end."""
    powers = [10**power for power in range(int(math.log10(max(last, 1))) + 1)]
    return [0, *(power for power in powers if power < last / 5), int(last)]


def finite_range(*arrays: Array) -> tuple[float, float] | None:
    """Return the smallest and the largest value of some arrays that can be drawn; None where there is none."""
    parts = [array[np.isfinite(array) & (np.abs(array) < HUGE)].ravel() for array in map(np.asarray, arrays)]
    values = np.concatenate(parts) if parts else np.empty(0)
    return (float(values.min()), float(values.max())) if len(values) else None


def listed(names: Sequence[str], most: int = 5) -> str:
    """Write names in a row, the first few of many.

    Args:
        most: How many are written out.
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
