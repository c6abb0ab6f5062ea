"""The criteria drawn to scale: every estimate and interval over its margin, on one axis."""

from typing import Any, Final

import altair as alt

from thermo_cli.contracts import Row
from thermo_cli.reports.charts.chart import Chart, rounded
from thermo_cli.reports.charts.looks import (
    INK,
    MUTED,
    NUMBERS,
    PAPER,
    Layer,
    finished,
    source,
    tips,
    toned,
    x_of,
)
from thermo_cli.reports.charts.scale import LINE_HEIGHT, NEAREST, band
from thermo_cli.reports.numerals import number
from thermo_cli.reports.text_table import outcome_of
from thermo_cli.reports.tones import tone_of
from thermo_cli.reports.view import RunView
from thermo_cli.reports.wording import short, short_scope

CAPTION: Final = (
    "Criteria, to scale",
    "Each estimate with its confidence interval, divided by the margin of its row. Inside the band from -1 to 1 a row "
    "holds; across its edge more data must decide. Of S3, D and E only the right edge counts; M is drawn around its own value; "
    "S2 beyond an edge fails only if the drift per doubling lies beyond it too. Hollow marks decide nothing.",
)
FURTHEST: Final = 3.0  # margins; what lies beyond is an arrow at the edge, with its number
SHOWN: Final = 0.75  # share of the rows that the edge follows: those that are furthest away do not shrink the others
MOST: Final = 120
ROOM: Final = 92  # pixels to the right of the axis, for the outcome in words
SHAPES: Final = {"holds": "circle", "fails": "triangle-up", "undecided": "diamond"}


def criteria(view: RunView) -> dict[str, Chart]:
    """Draw each row of the court over its margin."""
    estimated = [row for row in view.verdict.criteria if row.estimate is not None and row.margin]
    if not estimated:
        return {}
    chosen = sorted(estimated, key=lambda row: not row.gates)[:MOST] if len(estimated) > MOST else estimated
    edge = min(max(NEAREST, 1.1 * sorted(map(_extent, chosen))[int(SHOWN * (len(chosen) - 1))]), FURTHEST)
    rows = [_row(row, edge) for row in chosen]
    title, caption = CAPTION
    if any(row["beyond"] for row in rows):
        caption += f" Arrows point to what lies beyond {edge:.2g} margins, the number beside them, or has no bound."
    if len(estimated) > len(chosen):
        caption += f" {len(chosen)} of {len(estimated)} rows are drawn, those that gate first; the table has all."
    words = "; ".join(f"{row['name']}: {row['outcome']} at {row['said']} of the margin" for row in rows) + "."
    height = LINE_HEIGHT * len(rows)
    padding = {"padding": {"left": 4, "top": 4, "right": ROOM, "bottom": 4}}
    spec = finished(_drawn([row["name"] for row in rows], edge), height) | padding
    return {"criteria": Chart("criteria", title, caption, words, spec, {"rows": rows}, height)}


def _extent(row: Row) -> float:
    """Return how far from its centre a row reaches, in margins."""
    ends = [value for value in (row.estimate, *(row.interval or ())) if value is not None]
    return float(max(abs(value - _centre(row)) for value in ends)) / (row.margin or 1.0)


def _centre(row: Row) -> float:
    """Return what a row is drawn around: zero, or the mean itself where its error is held against the margin."""
    return row.estimate or 0.0 if row.criterion == "mean" else 0.0


def _row(row: Row, edge: float) -> dict[str, Any]:
    margin, centre = row.margin or 1.0, _centre(row)
    low, high = (None if end is None else (end - centre) / margin for end in row.interval or (None, None))
    at = ((row.estimate or 0.0) - centre) / margin
    open_low, open_high = low is None or low < -edge, high is None or high > edge
    bounded = row.interval is not None
    return {
        "name": " ".join(filter(None, (short(row.statistic), row.observable, f"· {short_scope(row.scope)}"))),
        "at": rounded([at], edge)[0] if abs(at) <= edge else None,
        "tone": tone_of(row.criterion, row.outcome, row.gates),
        "low": rounded([min(max(-edge if low is None else low, -edge), edge)], edge)[0] if bounded else None,
        "high": rounded([max(min(edge if high is None else high, edge), -edge)], edge)[0] if bounded else None,
        "left": -edge if (bounded and open_low) or at < -edge else None,
        "right": edge if (bounded and open_high) or at > edge else None,
        "beyond": bool((bounded and (open_low or open_high)) or abs(at) > edge),
        "outcome": row.outcome,
        "gates": row.gates,
        "label": outcome_of(row.outcome, row.gates) + (f" {number(at, 2)}" if abs(at) > edge else ""),
        "said": number(at, 2),
        "interval": f"{number(low, 2)} to {number(high, 2)}",
        "statistic": row.statistic,
    }


def _drawn(names: list[str], edge: float) -> Layer:
    axis = {**NUMBERS, "values": [value for value in (-3, -2, -1, 0, 1, 2, 3) if abs(value) <= edge]}
    x = x_of("at:Q", "estimate over margin", axis, domain=[-edge, edge], nice=False, zero=False)
    y = alt.Y("name:N", sort=list(names), title=None, axis=None)
    outcomes = [*SHAPES, "untested", "inapplicable"]
    colours = toned(["good", "bad", "open", "cold", "none"])
    colour = alt.Color("tone:N", scale=colours, legend=None)
    shapes = alt.Scale(domain=outcomes, range=[SHAPES.get(name, "cross") for name in outcomes])
    shown = tips(
        "statistic:N",
        ("name:N", "row"),
        ("label:N", "outcome"),
        ("said:N", "estimate / margin"),
        ("interval:N", "interval / margin"),
    )
    base = alt.Chart(source("rows"))
    whisker = base.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q", y=y, color=colour, tooltip=shown)
    arrows = [
        base.mark_point(shape=shape, filled=True, size=70, opacity=1).encode(
            x=f"{side}:Q", y=y, color=colour, tooltip=shown
        )
        for side, shape in (("left", "triangle-left"), ("right", "triangle-right"))
    ]
    marks = base.mark_point(size=70, opacity=1, strokeWidth=2).encode(
        x=x,
        y=y,
        color=colour,
        shape=alt.Shape("outcome:N", scale=shapes, legend=None),
        tooltip=shown,
        fill=alt.when("datum.gates").then(alt.Fill("tone:N", scale=colours, legend=None)).otherwise(alt.value(PAPER)),
    )
    label = base.mark_text(align="left", baseline="middle", dx=10, fontSize=11).encode(
        x=alt.value("width"),
        y=y,
        text="label:N",
        color=alt.when("datum.gates").then(colour).otherwise(alt.value(MUTED)),
    )
    ink = alt.when("datum.gates").then(alt.value(INK)).otherwise(alt.value(MUTED))
    named = base.encode(x=alt.value(0), y=y, text="name:N")
    letters: Any = {"align": "left", "baseline": "bottom", "dy": -6, "fontSize": 11, "limit": 300}
    edge_of: Any = {
        "stroke": PAPER,
        "strokeWidth": 4,
        "strokeJoin": "round",
    }  # so that no line runs through the letters
    halo = named.mark_text(**letters, **edge_of).encode(color=alt.value(PAPER))
    name = named.mark_text(**letters).encode(color=ink)
    return alt.layer(*band(), whisker, *arrows, marks, label, halo, name)
