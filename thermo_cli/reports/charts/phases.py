"""A sweep: the verdict at each combination of two fields, or order parameters against one."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt

from thermo_cli.reports.charts.chart import Chart, Rows
from thermo_cli.reports.charts.looks import MUTED, Layer, finished, inline, series, source, tips, toned, y_of
from thermo_cli.reports.charts.plane import SHAPES
from thermo_cli.reports.numerals import number
from thermo_cli.reports.sweep_view import PointView, SweepView, last, shown

SHORT: Final = 6  # columns with room for a verdict in full
ORDER: Final = ("spread, sd / margin", "overlap Q* on one bath", "Q* with itself, T/2 earlier")


def phases(view: SweepView) -> dict[str, Chart]:
    """Draw the phase diagram of two fields, or order parameters against one; nothing of more fields."""
    fields = list(view.points[0].values)
    if len(fields) == 2:
        return {"phase-diagram": _diagram(view, *fields)}
    return {"order-parameters": _order(view, fields[0])} if len(fields) == 1 else {}


def _diagram(view: SweepView, down: str, across: str) -> Chart:
    columns = list(dict.fromkeys(shown(point.values[across]) for point in view.points))
    lines = list(dict.fromkeys(shown(point.values[down]) for point in view.points))
    brief = len(columns) > SHORT
    rows: Rows = [
        {
            "down": shown(point.values[down]),
            "across": shown(point.values[across]),
            "verdict": point.verdict,
            "label": point.verdict[:3] if brief else point.verdict,
            "phase": point.phase or "-",
            "place": place,
            **_parameters(point),
        }
        for place, point in enumerate(view.points, 1)
    ]
    x = alt.X("across:O", sort=columns, title=across, axis=alt.Axis(labelAngle=0, domain=False, ticks=False))
    y = alt.Y("down:O", sort=lines[::-1], title=down, axis=alt.Axis(domain=False, ticks=False))
    parameters = [f"{name}:N" for name in ("verdict", "phase", "mean", "spread", "overlap")]
    pointed = tips(("place:Q", "point"), ("down:N", last(down)), ("across:N", last(across)), *parameters)
    present = list(dict.fromkeys(row["verdict"] for row in rows))
    colours = toned(present)
    legend: Any = alt.Legend(title=None) if brief else None
    base = alt.Chart(source("points")).encode(x=x, y=y)
    cells = base.mark_rect(cornerRadius=5, fillOpacity=0.16, strokeOpacity=0.7, strokeWidth=1.2).encode(
        color=alt.Color("verdict:N", scale=colours, legend=legend),
        stroke=alt.Stroke("verdict:N", scale=colours, legend=None),
        tooltip=pointed,
    )
    colour = alt.Color("verdict:N", scale=colours, legend=None)
    text = base.mark_text(fontSize=12, fontWeight="bold", dy=-7).encode(text="label:N", color=colour)
    under = base.mark_text(fontSize=10.5, dy=9, color=MUTED).encode(text="under:N")
    height = max(150, 64 * len(lines))
    spec = finished(alt.layer(cells, text, *([] if brief else [under])), height)
    words = "; ".join(f"{row['down']}, {row['across']}: {row['verdict']}" for row in rows) + "."
    caption = (
        f"The verdict of each ensemble, {down} upwards, {across} to the right; under it the spread in margins. Point at a cell "
        "for its order parameters."
    )
    return Chart("phases", "Phase diagram", caption, words, spec, {"points": rows}, height)


def _parameters(point: PointView) -> dict[str, Any]:
    spread = number(point.spread, 2)
    return {
        "mean": f"{point.observable} {number(point.mean, 4)}",
        "spread": spread,
        "overlap": number(point.overlap, 2),
        "under": f"spread {spread}" if point.spread is not None else "",
    }


def _order(view: SweepView, field: str) -> Chart:
    values = [point.values[field] for point in view.points]
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    marks: Rows = [
        {"x": value if numeric else shown(value), "verdict": p.verdict, "y": 0.5}
        for value, p in zip(values, view.points, strict=True)
    ]
    lines: Rows = [
        {"x": value if numeric else shown(value), "kind": kind, "y": round(number_, 4)}
        for value, point in zip(values, view.points, strict=True)
        for kind, number_ in zip(ORDER, (point.spread, point.overlap, point.wandering), strict=True)
        if number_ is not None
    ]
    x = _along(field, values, numeric)
    limit = alt.Chart(inline({"y": 1})).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(y=y_of("y:Q", None))
    layers = alt.layer(limit, _curves(lines, x, field), _verdicts(marks, x, field))
    height = 280
    spec = finished(layers.resolve_scale(color="independent", shape="independent"), height)
    words = "; ".join(
        f"{shown(p.values[field])}: {p.verdict}, spread {number(p.spread, 2)}, Q* {number(p.overlap, 2)}"
        for p in view.points
    )
    caption = (
        f"Order parameters against {field}; the marks along the top are the verdicts. Above the broken line the spread is "
        "wider than the margin."
    )
    return Chart("phases", "Order parameters", caption, f"{words}.", spec, {"lines": lines, "marks": marks}, height)


def _along(field: str, values: Sequence[Any], numeric: bool) -> alt.X:
    """The axis of the swept field, marked at its values: logarithmic where they span more than a factor of 20."""
    steep = numeric and min(values) > 0 and max(values) > 20 * min(values)
    scale = (
        alt.Scale(type="log", nice=False) if steep else alt.Scale(zero=False, nice=False) if numeric else alt.Undefined
    )
    marked: dict[str, Any] = {"format": ".4~g", "values": list(values)} if numeric else {}
    axis = alt.Axis(grid=False, labelAngle=0, **marked)
    return alt.X("x:Q" if numeric else "x:O", title=field, scale=scale, sort=None, axis=axis)


def _curves(lines: Rows, x: alt.X, field: str) -> Layer:
    """Draw a curve with its points for each order parameter."""
    kinds = [kind for kind in ORDER if any(row["kind"] == kind for row in lines)]
    ground = alt.Chart(source("lines"))
    legend: Any = alt.Legend(title=None, columns=1)
    colour = alt.Color("kind:N", scale=series(kinds), legend=legend)
    shown_parts = tips(("kind:N", "what"), ("x:N", last(field)), ("y:Q", "value", ".3~g"))
    y = y_of("y:Q", None)
    curve = ground.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour)
    dots = ground.mark_point(filled=True, size=50, opacity=1).encode(x=x, y=y, color=colour, tooltip=shown_parts)
    return alt.layer(curve, dots)


def _verdicts(marks: Rows, x: alt.X, field: str) -> Layer:
    """Draw the verdicts along the top, told apart by colour and shape."""
    present = list(dict.fromkeys(row["verdict"] for row in marks))
    legend: Any = alt.Legend(title=None, columns=1)
    colour = alt.Color("verdict:N", scale=toned(present), legend=legend)
    shape = alt.Shape("verdict:N", scale=alt.Scale(domain=present, range=[SHAPES[n] for n in present]), legend=legend)
    signs = alt.Chart(source("marks")).mark_point(filled=True, size=110, opacity=1)
    return signs.encode(
        x=x, y=alt.value(-12), color=colour, shape=shape, tooltip=tips(("x:N", last(field)), "verdict:N")
    )
