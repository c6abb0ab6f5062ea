"""The plane of macroscopic spread against microscopic divergence: the project's question in one figure."""

import math
from collections.abc import Mapping
from typing import Any, Final

import altair as alt

from thermo_cli.reports.charts.chart import Chart, Rows, rounded
from thermo_cli.reports.charts.looks import INK, MUTED, NUMBERS, Layer, finished, source, tips, toned, x_of, y_of
from thermo_cli.reports.evidence import plane
from thermo_cli.reports.numerals import number
from thermo_cli.reports.sweep_view import SweepView
from thermo_cli.reports.view import RunView

CRYSTAL: Final = 0.1  # 1 - Q* of replicas that D calls identical
SEED, ONE, MANY = "the seed decides", "one model", "different models, alike in what they do"  # the regions
HEIGHT: Final = 320
MIDDLE: Final = 0.5  # names of points to its left stand to their right
LETTERS: Final = 42  # of a name across the plot of a phone
NEAR: Final = 0.05  # of the height: less than a line of text
SHAPES: Final = {
    "thermalized": "circle",
    "settled": "square",
    "crystallized": "diamond",
    "relaxing": "triangle-up",
    "undecided": "cross",
    "glassy": "triangle-down",
    "diverged": "triangle-right",
    "not judged": "triangle-left",
}
CAPTION: Final = (
    "Up: how much replicas differ in what they do (standard deviation over margin). To the right: how much they differ in what "
    "they are (1 - Q*, symmetries removed, over pairs of any bath). The regions name what the axes say; the verdict rests on "
    "the criteria and their intervals, not on where a dot lies."
)


def plane_of_run(view: RunView) -> dict[str, Chart]:
    """Draw the ensemble in the plane, one point for each gating observable."""
    if not view.plane:
        return {}
    rows = [
        {"x": point.divergence, "y": point.spread, "label": point.label, "verdict": point.verdict, "name": point.label}
        for point in view.plane
    ]
    words = "; ".join(
        f"{point.label}: spread {number(point.spread, 2)} margins, divergence {number(point.divergence, 2)}"
        for point in view.plane
    )
    return {"plane": Chart("plane", "Same performance, different models?", CAPTION, f"{words}.", *_drawn(rows), HEIGHT)}


def plane_of_sweep(view: SweepView) -> dict[str, Chart]:
    """Draw every point of a sweep in the plane, numbered as in the table."""
    rows: Rows = []
    for place, point in enumerate(view.points, 1):
        placed = plane(point.decided) if point.decided is not None else ()
        mark = next((one for one in placed if one.label == point.observable), placed[0] if placed else None)
        if mark is not None:
            name = f"point {place}: {point.label}"
            rows.append(
                {"x": mark.divergence, "y": mark.spread, "label": str(place), "verdict": point.verdict, "name": name}
            )
    if not rows:
        return {}
    words = "; ".join(
        f"{row['name']} ({row['verdict']}): spread {number(row['y'], 2)}, divergence {number(row['x'], 2)}"
        for row in rows
    )
    caption = f"{CAPTION} Numbers are those of the table."
    return {"plane": Chart("plane", "Same performance, different models?", caption, f"{words}.", *_drawn(rows), HEIGHT)}


def _drawn(points: Rows) -> tuple[dict[str, Any], dict[str, Rows]]:
    right, top = max(1.0, *(1.05 * p["x"] for p in points)), max(1.6, *(1.25 * p["y"] for p in points))
    left = min(0.0, *(p["x"] for p in points))
    regions = [
        {"x": left, "x2": right, "y": 1.0, "y2": top, "name": SEED},
        {"x": left, "x2": CRYSTAL, "y": 0.0, "y2": 1.0, "name": ONE},
        {"x": CRYSTAL, "x2": right, "y": 0.0, "y2": 1.0, "name": MANY},
    ]
    rows = [
        {**p, "x": rounded([p["x"]], right)[0], "y": rounded([p["y"]], top)[0]}
        for p in _named(points, left, right, top)
    ]
    axis = {**NUMBERS, "tickCount": 6}
    x = x_of("x:Q", "microscopic divergence, 1 - Q*", axis, domain=[left, right], nice=False)
    scale = {"type": "symlog", "constant": 0.5, "domain": [0, top], "nice": False}
    y = y_of("y:Q", "macroscopic spread, sd / margin", {**NUMBERS, "values": _ticks(top)}, **scale)
    tones = alt.Scale(domain=[SEED, ONE, MANY], range=[f"var(--{name})" for name in ("odd", "cold", "good")])
    colour = alt.Color("name:N", scale=tones, legend=None)
    ground = alt.Chart(source("regions"))
    tint = ground.mark_rect(opacity=0.1).encode(x=x, x2="x2", y=y, y2="y2", color=colour)
    sides: list[tuple[str, Any, int, int, str]] = [
        ("==", "left", 6, 25, "x"),  # on a line of its own: a phone has no room for both
        ("!=", "right", -7, 7, "x2"),
    ]
    titles = [
        ground.transform_filter(f"datum.name {sign} '{ONE}'")
        .mark_text(align=side, baseline="top", dx=shift, dy=down, fontSize=13, fontStyle="italic")
        .encode(x=f"{at}:Q", y="y2:Q", text="name:N", color=colour)
        for sign, side, shift, down, at in sides
    ]
    limit = ground.mark_rule(color=MUTED, strokeDash=[4, 4]).encode(y=alt.datum(1.0))
    return finished(alt.layer(tint, limit, *titles, *_marks(rows, x, y)), HEIGHT), {"points": rows, "regions": regions}


def _named(points: Rows, left: float, right: float, top: float) -> Rows:
    """Give points whose names would lie on each other one name together, at the first of them, as a phone draws them."""
    kept: Rows = []
    for point in points:
        at = next((one for one in kept if one["label"] and _touch(one, point, right - left, top)), None)
        if at is not None:
            at["label"] += f", {point['label']}"
        kept.append({**point} if at is None else {**point, "label": ""})
    return kept


def _touch(one: Mapping[str, Any], other: Mapping[str, Any], width: float, top: float) -> bool:
    """Say whether the names of two points would overlap: as many letters as a line of this chart holds at 400 pixels."""
    heights = [math.log1p(2 * max(point["y"], 0.0)) / math.log1p(2 * top) for point in (one, other)]
    spans = []
    for point in (one, other):
        x, long = point["x"] / width, (len(point["label"]) + 3) / LETTERS
        spans.append((x, x + long) if point["x"] < MIDDLE else (x - long, x))
    (a, b), (c, d) = spans
    return abs(heights[0] - heights[1]) < NEAR and a < d and c < b


def _marks(rows: Rows, x: alt.X, y: alt.Y) -> list[Layer]:
    present = list(dict.fromkeys(row["verdict"] for row in rows))
    several = len(present) > 1
    legend: Any = alt.Legend(title=None, symbolFillColor=INK) if several else None
    marks = alt.Chart(source("points"))
    colour = alt.Color("verdict:N", scale=toned(present), legend=legend)
    shape = alt.Shape("verdict:N", scale=alt.Scale(domain=present, range=[SHAPES[n] for n in present]), legend=legend)
    shown = tips(("name:N", "ensemble"), "verdict:N", ("x:Q", "1 - Q*"), ("y:Q", "sd / margin"))
    dots = marks.mark_point(filled=True, size=110, opacity=1).encode(x=x, y=y, color=colour, shape=shape, tooltip=shown)
    sides: list[tuple[str, Any, int]] = [
        ("<", "left", 11),
        (">=", "right", -11),
    ]  # a name points away from the nearer edge
    names = [
        marks.transform_filter(f"datum.x {sign} {MIDDLE}")
        .mark_text(align=side, dx=shift, fontSize=12, limit=220)
        .encode(x=x, y=y, text="label:N")
        for sign, side, shift in sides
    ]
    layered = alt.layer(dots, *names).resolve_scale(color="independent", shape="independent")
    return [layered]


def _ticks(top: float) -> list[float]:
    return [value for value in (0, 0.25, 0.5, 1, 2, 5, 10, 30, 100, 300, 1000, 1e4, 1e5, 1e6) if value <= top]
