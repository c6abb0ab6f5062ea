"""Differences of final means drawn to scale: every estimate and interval over its margin, each under its name."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt

from thermo_cli.equilibrium.baseline import Difference
from thermo_cli.reports.charts.chart import Chart, Rows, rounded
from thermo_cli.reports.charts.looks import INK, MUTED, NUMBERS, PAPER, Layer, finished, source, tips, toned, x_of
from thermo_cli.reports.charts.scale import LINE_HEIGHT, NEAREST, band
from thermo_cli.reports.lineup import Lineup
from thermo_cli.reports.numerals import number
from thermo_cli.reports.sweep_view import ComparisonView, SweepView
from thermo_cli.reports.text_table import outcome_of
from thermo_cli.reports.view import RunView

Named = tuple[str, str, Difference]
"""A difference, and what stands before and behind its observable."""

TITLE: Final = "Differences, to scale"
CAPTION: Final = (
    "Each difference of final trimmed means with its interval, divided by its margin: the first minus the second; which side "
    "is good is the observable's. Inside the "
    "band from -1 to 1 two are equivalent, if none of their replicas has collapsed; beyond it they are apart; across its edge "
    "more replicas must decide. Hollow marks do not gate."
)
FURTHEST: Final = 5.0  # margins; what lies beyond is an arrow at the edge
MOST: Final = 60
BELOW: Final = 7  # pixels from the middle, where its name is above it
SHAPES: Final = {
    "equivalent": "circle",
    "better": "triangle-up",
    "worse": "triangle-down",
    "differs": "square",
    "undecided": "diamond",
}


def differences_of_run(view: RunView) -> dict[str, Chart]:
    """Draw a run against those that it was compared with."""
    several = len(view.partners) > 1
    return _chart([("", f", from {one.title}" if several else "", row) for one in view.partners for row in one.rows])


def differences_of_sweep(view: SweepView) -> dict[str, Chart]:
    """Draw the points of a sweep against each other, or each against the same point of another sweep."""
    if view.lineup is not None:
        return _chart(_pairs([view.lineup]))
    return _chart([(f"{p.brief}, ", "", row) for p in view.points for one in p.partners for row in one.rows])


def differences_of_comparison(view: ComparisonView) -> dict[str, Chart]:
    """Draw every pair of runs."""
    return _chart(_pairs(view.lineups))


def _pairs(lineups: Sequence[Lineup]) -> list[Named]:
    """Name the pairs, those of the best first."""
    return [
        (
            f"{f'{one.where}, ' if one.where else ''}{one.first} - {one.second} ",
            f": {one.names[0]} - {one.names[1]}",
            one.row,
        )
        for lineup in lineups
        for one in lineup.contests
    ]


def _chart(named: Sequence[Named]) -> dict[str, Chart]:
    """Draw what has a number, what gates first."""
    known = [one for one in named if one[-1].estimate is not None and one[-1].margin and None not in one[-1].interval]
    if not known:
        return {}
    drawn = sorted(known, key=lambda one: not one[-1].gates)[:MOST]
    ends = [abs(end or 0.0) / (row.margin or 1.0) for *_, row in drawn for end in row.interval]
    edge = min(max(NEAREST, 1.1 * max(ends)), FURTHEST)
    histories = len({row.history for *_, row in named}) > 1
    rows = [
        _row(place, f"{before}{row.observable}{f' ({row.history})' if histories else ''}{behind}", row, edge)
        for place, (before, behind, row) in enumerate(drawn)
    ]
    caption = CAPTION
    if any(row["left"] is not None or row["right"] is not None for row in rows):
        caption += f" Arrows point to what lies beyond {edge:.2g} margins."
    if len(known) > len(drawn):
        caption += f" {len(drawn)} of {len(known)} are drawn, those first that gate; the table has more."
    words = "; ".join(f"{row['name']}: {row['outcome']}, {row['said']} of the margin" for row in rows) + "."
    height = LINE_HEIGHT * len(rows)
    chart = Chart("comparison", TITLE, caption, words, finished(_layers(rows, edge), height), {"rows": rows}, height)
    return {"differences": chart}


def _row(place: int, name: str, row: Difference, edge: float) -> dict[str, Any]:
    margin = row.margin or 1.0
    at, low, high = ((value or 0.0) / margin for value in (row.estimate, *row.interval))
    inside = [min(max(value, -edge), edge) for value in (low, high)]
    return {
        "place": place,
        "name": name,
        "at": rounded([at], edge)[0] if abs(at) <= edge else None,
        "low": rounded([inside[0]], edge)[0],
        "high": rounded([inside[1]], edge)[0],
        "left": -edge if low < -edge else None,
        "right": edge if high > edge else None,
        "outcome": row.outcome,
        "label": outcome_of(row.outcome, row.gates),
        "gates": row.gates,
        "said": f"{number(at, 2)} [{number(low, 2)}, {number(high, 2)}]",
    }


def _layers(rows: Rows, edge: float) -> Layer:
    axis = {**NUMBERS, "values": [value for value in range(-5, 6) if abs(value) <= edge]}
    x = x_of("at:Q", "difference over margin", axis, domain=[-edge, edge], nice=False, zero=False)
    scale = alt.Scale(domain=[-0.5, len(rows) - 0.5], reverse=True, nice=False, zero=False)
    y = alt.Y("place:Q", axis=None, scale=scale)
    outcomes = list(SHAPES)
    colour = alt.Color("outcome:N", scale=toned(outcomes), legend=None)
    shapes = alt.Scale(domain=outcomes, range=[SHAPES[name] for name in outcomes])
    shown = tips(("name:N", "of"), ("label:N", "outcome"), ("said:N", "difference / margin"))
    base = alt.Chart(source("rows"))
    whisker = base.mark_rule(strokeWidth=2, yOffset=BELOW).encode(
        x="low:Q", x2="high:Q", y=y, color=colour, tooltip=shown
    )
    arrows = [
        base.mark_point(shape=f"triangle-{side}", filled=True, size=70, opacity=1, yOffset=BELOW).encode(
            x=f"{side}:Q", y=y, color=colour, tooltip=shown
        )
        for side in ("left", "right")
    ]
    fill = (
        alt.when("datum.gates")
        .then(alt.Fill("outcome:N", scale=toned(outcomes), legend=None))
        .otherwise(alt.value(PAPER))
    )
    marks = base.mark_point(size=70, opacity=1, strokeWidth=2, yOffset=BELOW).encode(
        x=x, y=y, color=colour, shape=alt.Shape("outcome:N", scale=shapes, legend=None), tooltip=shown, fill=fill
    )
    return alt.layer(*band(), whisker, *arrows, marks, *_names(base, y, colour))


def _names(base: Layer, y: alt.Y, colour: alt.Color) -> list[Layer]:
    """Write above each interval what it is of, and at its right what came out."""
    ink = alt.when("datum.gates").then(alt.value(INK)).otherwise(alt.value(MUTED))
    name = base.mark_text(align="left", baseline="middle", yOffset=-9, fontSize=11, limit=alt.ExprRef("width - 76"))
    outcome = base.mark_text(align="right", baseline="middle", yOffset=-9, fontSize=11, fontWeight="bold")
    return [
        name.encode(x=alt.value(0), y=y, text="name:N", color=ink),
        outcome.encode(x=alt.value("width"), y=y, text="label:N", color=colour),
    ]
