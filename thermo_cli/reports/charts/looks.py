"""How every chart looks: colours, axes, what is shown on hover, and the configuration that all share."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt

from thermo_cli.reports.tones import tone

# Colours are names that the page's style sheet gives a value in its light and in its dark theme; files get the light one.
INK: Final = "var(--ink)"
MUTED: Final = "var(--muted)"
LINE: Final = "var(--line)"
PAPER: Final = "var(--paper)"
ACCENT: Final = "var(--series-0)"
GOOD: Final = "var(--good)"
SERIES: Final = tuple(f"var(--series-{number})" for number in range(6))
FONT: Final = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Liberation Sans, Arial, sans-serif"

PALETTE: Final = {  # name to its value in the light theme and in the dark one
    "ink": ("#1c2127", "#e6e9ed"),
    "muted": ("#57606b", "#a3acb7"),
    "line": ("#dfe3e8", "#333a43"),
    "paper": ("#ffffff", "#14181d"),
    "series-0": ("#1f6fb4", "#6cb2f0"),
    "series-1": ("#b45309", "#f0a35e"),
    "series-2": ("#1a7f5a", "#5fcf9f"),
    "series-3": ("#8e44ad", "#c99bea"),
    "series-4": ("#a5384f", "#f08a9d"),
    "series-5": ("#5d6773", "#a9b3be"),
    "good": ("#17754a", "#5fcf8f"),
    "cold": ("#0b7285", "#5cc8da"),
    "open": ("#7d6200", "#dcc35a"),
    "warm": ("#b34700", "#ff9e5c"),
    "odd": ("#7c3fb0", "#c79af2"),
    "bad": ("#b3261e", "#ff8a80"),
    "none": ("#626b75", "#9aa4af"),
}
LIGHT: Final = {name: light for name, (light, _) in PALETTE.items()}
DARK: Final = {name: dark for name, (_, dark) in PALETTE.items()}
VEGA_LITE: Final = "6.4"  # of the scripts that draw; what altair writes is of the same version
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

NUMBERS: Final = {"grid": False, "format": ".4~g"}  # an axis of numbers; without digits 10 is written 1e+1
BARE: Final = {"tickCount": 5, "format": ".4~g", "domain": False, "ticks": False}  # one that only its grid shows


Layer = Any  # a layer of altair, whose methods are typed in name only


def finished(layers: Layer, height: int) -> dict[str, Any]:
    """Give a chart its size, and return its spec.

    Args:
        height: Of the plot, pixels.
    """
    sized = layers.properties(width="container", height=height)
    spec: dict[str, Any] = sized.to_dict(validate=False)
    del spec["$schema"], spec["config"]
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def x_of(field: str, title: str | None, axis: Mapping[str, Any] = NUMBERS, **scale: Any) -> alt.X:
    """Return a horizontal axis.

    Args:
        field: What lies along it.
        scale: Its range and kind; by default Vega-Lite's.
    """
    return alt.X(field, title=title, axis=alt.Axis(**axis), scale=alt.Scale(**scale) if scale else alt.Undefined)


def y_of(field: str, title: str | None, axis: Mapping[str, Any] = BARE, **scale: Any) -> alt.Y:
    """Return a vertical axis, as `x_of` a horizontal one."""
    return alt.Y(field, title=title, axis=alt.Axis(**axis), scale=alt.Scale(**scale) if scale else alt.Undefined)


def rows_of(field: str, names: Sequence[str] | None, **axis: Any) -> alt.Y:
    """Return a vertical axis with a name at each line, in that order, or in that of the data."""
    looks = alt.Axis(domain=False, ticks=False, **axis)
    return alt.Y(field, sort=None if names is None else list(names), title=None, axis=looks)


def tips(*fields: str | tuple[str | None, ...]) -> list[alt.Tooltip]:
    """Return what is shown on hover: fields, or each with its title and format."""
    parts = [(field,) if isinstance(field, str) else field for field in fields]
    named: list[Any] = [dict(zip(("shorthand", "title", "format"), part, strict=False)) for part in parts]
    return [alt.Tooltip(**{key: value for key, value in part.items() if value is not None}) for part in named]


def series(names: Sequence[str]) -> alt.Scale:
    """Give each name a colour of its own."""
    return alt.Scale(domain=list(names), range=[SERIES[place % len(SERIES)] for place in range(len(names))])


def toned(names: Sequence[str]) -> alt.Scale:
    """Give each tone, verdict or outcome its colour."""
    return alt.Scale(domain=list(names), range=[f"var(--{name if name in LIGHT else tone(name)})" for name in names])


def source(name: str) -> alt.NamedData:
    """Return a reference to a data set of the chart.

    Args:
        name: Of the data set.
    """
    return alt.NamedData(name=name)


def inline(*rows: Mapping[str, Any]) -> Layer:
    """Return a few objects as a data set of their own, for what is the same in all charts."""
    make: Any = alt.Data  # unlike InlineData it stays where it is
    return make(values=[dict(row) for row in rows])
