"""What every chart shares: its parts, its colours, and numbers rounded to what the eye can see."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import altair as alt
import numpy as np

from thermo_cli.contracts import Array

# Colours are names that the page's style sheet gives a value in its light and in its dark theme; files get the light one.
INK: Final = "var(--ink)"
MUTED: Final = "var(--muted)"
LINE: Final = "var(--line)"
PAPER: Final = "var(--paper)"
ACCENT: Final = "var(--series-0)"
GOOD: Final = "var(--good)"
SERIES: Final = tuple(f"var(--series-{number})" for number in range(6))
FONT: Final = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Liberation Sans, Arial, sans-serif"

LIGHT: Final = {
    "ink": "#1c2127",
    "muted": "#57606b",
    "line": "#dfe3e8",
    "paper": "#ffffff",
    "series-0": "#1f6fb4",
    "series-1": "#b45309",
    "series-2": "#1a7f5a",
    "series-3": "#8e44ad",
    "series-4": "#a5384f",
    "series-5": "#5d6773",
    "good": "#17754a",
    "cold": "#0b7285",
    "open": "#7d6200",
    "warm": "#b34700",
    "odd": "#7c3fb0",
    "bad": "#b3261e",
    "none": "#626b75",
}
DARK: Final = {
    "ink": "#e6e9ed",
    "muted": "#a3acb7",
    "line": "#333a43",
    "paper": "#14181d",
    "series-0": "#6cb2f0",
    "series-1": "#f0a35e",
    "series-2": "#5fcf9f",
    "series-3": "#c99bea",
    "series-4": "#f08a9d",
    "series-5": "#a9b3be",
    "good": "#5fcf8f",
    "cold": "#5cc8da",
    "open": "#dcc35a",
    "warm": "#ff9e5c",
    "odd": "#c79af2",
    "bad": "#ff8a80",
    "none": "#9aa4af",
}
VEGA_LITE: Final = "6.4"  # of the scripts that draw; what altair writes is of the same version
HUGE: Final = 1e100  # no axis reaches further
LEVELS: Final = 1000  # steps of a vertical axis, at least: a quarter of a pixel
CONFIG: Final[dict[str, Any]] = {  # the looks that all charts share
    "aria": False,  # the text alternative is what is read aloud, not thousands of marks
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "padding": 4,
    "axis": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "domainColor": LINE,
        "tickColor": LINE,
        "gridColor": LINE,
        "labelFontSize": 11,
        "titleFontSize": 11.5,
        "titleFontWeight": "normal",
        "labelOverlap": "greedy",
        "titlePadding": 8,
        "labelLimit": 170,
        "gridOpacity": 0.7,
    },
    "legend": {
        "orient": "bottom",
        "direction": "horizontal",
        "columns": 3,
        "labelColor": MUTED,
        "titleColor": MUTED,
        "labelFontSize": 11.5,
        "titleFontSize": 11.5,
        "titleFontWeight": "normal",
        "symbolOpacity": 1,
        "labelLimit": 180,
        "offset": 8,
    },
    "text": {"color": INK, "fontSize": 11},
}

Rows = list[dict[str, Any]]
Layer = Any  # a layer of altair, whose methods are typed in name only


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


def finished(layers: Layer, height: int) -> dict[str, Any]:
    """Give a chart its size, and return its spec.

    Args:
        layers: The chart.
        height: Of the plot, pixels.
    """
    sized = layers.properties(width="container", height=height)
    spec: dict[str, Any] = sized.to_dict(validate=False)
    del spec["$schema"], spec["config"]
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def source(name: str) -> alt.NamedData:
    """Return a reference to a data set of the chart.

    Args:
        name: Of the data set.
    """
    return alt.NamedData(name=name)


def inline(*rows: Mapping[str, Any]) -> Layer:
    """Return a few objects as a data set of their own, for what is the same in all charts.

    Args:
        rows: The objects.
    """
    make: Any = alt.Data  # unlike InlineData it stays where it is
    return make(values=[dict(row) for row in rows])


def identifier(text: str, taken: Sequence[str] = ()) -> str:
    """Make a name for an element or a file of any text: letters, digits, `_` and `-`; a number follows where it is taken.

    Args:
        text: Any text.
        taken: Names that exist.
    """
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[:60] or "chart"
    name, number = plain, 2
    while name in taken:
        name, number = f"{plain}-{number}", number + 1
    return name


def rounded(values: Any, span: float | None = None) -> list[float | None]:
    """Round to a thousandth of the range or finer; what is not finite becomes None.

    Args:
        values: Numbers.
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
    """Return how many digits behind the point keep a thousandth of a range or finer (negative: before it).

    Args:
        span: The range.
    """
    return 4 if not span or not math.isfinite(span) else 4 - math.floor(math.log10(abs(span)) + 1)


def ticks_of(last: float) -> list[int]:
    """Return the marks of a time axis that begins at 0 and grows like a logarithm: 0, the powers of ten, the end.

    Args:
        last: The end.
    """
    powers = [10**power for power in range(int(math.log10(max(last, 1))) + 1)]
    return [0, *(power for power in powers if power < last / 5), int(last)]


def finite_range(*arrays: Array) -> tuple[float, float] | None:
    """Return the smallest and the largest value of some arrays that can be drawn; None where there is none.

    Args:
        arrays: Numbers.
    """
    found = [array[np.isfinite(array) & (np.abs(array) < HUGE)] for array in map(np.asarray, arrays)]
    values = np.concatenate([part.ravel() for part in found]) if found else np.empty(0)
    return (float(values.min()), float(values.max())) if len(values) else None


def listed(names: Sequence[str], most: int = 5) -> str:
    """Write names in a row, the first few of many.

    Args:
        names: What to write.
        most: How many are written out.
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
