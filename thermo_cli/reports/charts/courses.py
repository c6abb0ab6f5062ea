"""Energy and its terms, overlaps and dispersion, on one time axis."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import numpy as np

from thermo_cli.reports.charts.chart import Chart, Rows, rounded
from thermo_cli.reports.charts.lines import time_axis
from thermo_cli.reports.charts.looks import INK, finished, series, source, tips, y_of
from thermo_cli.reports.evidence import Course
from thermo_cli.reports.numerals import number
from thermo_cli.reports.view import RunView

HEIGHT: Final = 200
DASHES: Final = ([1, 0], [5, 3], [2, 2], [8, 3, 2, 3])
MOST_LINES: Final = 12
CAPTIONS: Final = {  # of each chart, its title and how to read it
    "energy": (
        "Energy and its terms",
        "Means over replicas, of the whole objective and of each of its terms; one line for each history.",
    ),
    "overlaps": (
        "Overlap in time",
        "How alike replicas are, and how alike each is to its own end. Rising to the end while the energy stays: the "
        "weights still wander. Flat: nothing new is found.",
    ),
    "dispersion": (
        "Dispersion in time",
        "How widely the weights of the replicas are scattered, as a logarithm, less what the null scatters. Falling: the "
        "replicas contract.",
    ),
}


def courses(view: RunView) -> dict[str, Chart]:
    """Draw energy, overlaps and dispersion against time."""
    last = int(view.steps[-1])
    if last <= 0:
        return {}
    lines = {name: [course for course in view.courses if _kind(course) == name] for name in CAPTIONS}
    rows = {"energy": _energies(view) if len(view.steps) > 1 else []}
    rows |= {name: _rows(courses) for name, courses in lines.items() if name != "energy"}
    return {name: _chart(*CAPTIONS[name], part, last, name != "energy") for name, part in rows.items() if part}


def _kind(course: Course) -> str:
    return "overlaps" if course.words.startswith("overlap") else "dispersion"


def _energies(view: RunView) -> Rows:
    return [
        {
            "name": panel.observable,
            "history": spread.history if len(panel.spreads) > 1 else "",
            "step": panel.steps.tolist(),
            "y": rounded(spread.mean),
        }
        for panel in view.panels
        if panel.observable == "energy" or panel.observable.startswith("energy_")
        for spread in panel.spreads
        if np.isfinite(spread.mean).any()
    ][:MOST_LINES]


def _rows(courses: Sequence[Course]) -> Rows:
    names = [one.words.removeprefix("overlap Q* ").removeprefix("of a replica ").partition(":")[0] for one in courses]
    return [
        {"name": name, "history": "", "step": list(one.steps), "y": rounded(one.values, 1.0)}
        for name, one in zip(names, courses, strict=True)
    ]


def _chart(title: str, caption: str, rows: Rows, last: int, points: bool) -> Chart:
    names, histories = (list(dict.fromkeys(row[key] for row in rows)) for key in ("name", "history"))
    legend: Any = alt.Legend(title=None, columns=2, symbolType="stroke", symbolStrokeWidth=3)
    strokes: Any = alt.Legend(title=None, symbolStrokeColor=INK) if len(histories) > 1 else None
    dashes = alt.Scale(domain=histories, range=[DASHES[place % len(DASHES)] for place in range(len(histories))])
    base = alt.Chart(source("lines")).transform_flatten(["step", "y"])
    x, y = time_axis(float(last)), y_of("y:Q", None, zero=False)
    colour = alt.Color("name:N", scale=series(names), legend=legend if len(names) > 1 else None, sort=None)
    line = base.mark_line(strokeWidth=2).encode(
        x=x, y=y, color=colour, strokeDash=alt.StrokeDash("history:N", scale=dashes, legend=strokes)
    )
    shown = tips(("name:N", "line"), "history:N", ("step:Q", None, ",d"), ("y:Q", "value", ".4~g"))
    dots = base.mark_point(filled=True, size=45, opacity=1 if points else 0).encode(
        x=x, y=y, color=colour, tooltip=shown
    )
    words = "; ".join(_said(row) for row in rows) + "."
    return Chart("courses", title, caption, words, finished(alt.layer(line, dots), HEIGHT), {"lines": rows}, HEIGHT)


def _said(row: dict[str, Any]) -> str:
    points = [(step, value) for step, value in zip(row["step"], row["y"], strict=True) if value is not None]
    (first, start), (last, end) = points[0], points[-1]
    name = ", ".join(filter(None, (row["name"], row["history"])))
    return f"{name}: {number(start)} at step {first:,}, {number(end)} at step {last:,}"
