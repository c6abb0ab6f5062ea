"""Energy and its terms, overlaps and dispersion, on one time axis."""

from typing import Any, Final

import altair as alt
import numpy as np

from thermo_cli.reports.charts.chart import INK, SERIES, Chart, Rows, finished, rounded, source
from thermo_cli.reports.charts.lines import time_axis
from thermo_cli.reports.evidence import Course
from thermo_cli.reports.numerals import number
from thermo_cli.reports.view import RunView

HEIGHT: Final = 200
DASHES: Final = ([1, 0], [5, 3], [2, 2], [8, 3, 2, 3])
MOST_LINES: Final = 12


def courses(view: RunView) -> dict[str, Chart]:
    """Draw energy, overlaps and dispersion against time.

    Args:
        view: A run.
    """
    found: dict[str, Chart] = {}
    last = int(view.steps[-1])
    energies = _energies(view)
    if energies and last > 0 and len(view.steps) > 1:
        caption = "Means over replicas, of the whole objective and of each of its terms; one line for each history."
        found["energy"] = _chart("Energy and its terms", caption, energies, last, points=False)
    overlaps = [course for course in view.courses if course.words.startswith("overlap")]
    dispersion = [course for course in view.courses if not course.words.startswith("overlap")]
    if overlaps and last > 0:
        caption = (
            "How alike replicas are, and how alike each is to its own end. Rising to the end while the energy stays: the "
            "weights still wander. Flat: nothing new is found."
        )
        found["overlaps"] = _chart("Overlap in time", caption, _rows(overlaps), last, points=True)
    if dispersion and last > 0:
        caption = (
            "How widely the weights of the replicas are scattered, as a logarithm, less what the null scatters. Falling: the "
            "replicas contract."
        )
        found["dispersion"] = _chart("Dispersion in time", caption, _rows(dispersion), last, points=True)
    return found


def _energies(view: RunView) -> Rows:
    rows: Rows = []
    for panel in view.panels:
        if panel.observable == "energy" or panel.observable.startswith("energy_"):
            for spread in panel.spreads:
                if np.isfinite(spread.mean).any():
                    history = spread.history if len(panel.spreads) > 1 else ""
                    rows.append(
                        {
                            "name": panel.observable,
                            "history": history,
                            "step": panel.steps.tolist(),
                            "y": rounded(spread.mean),
                        }
                    )
    return rows[:MOST_LINES]


def _rows(found: list[Course]) -> Rows:
    short = [
        course.words.removeprefix("overlap Q* ").removeprefix("of a replica ").partition(":")[0] for course in found
    ]
    return [
        {"name": name, "history": "", "step": list(c.steps), "y": rounded(c.values, 1.0)}
        for name, c in zip(short, found, strict=True)
    ]


def _chart(title: str, caption: str, rows: Rows, last: int, points: bool) -> Chart:
    names, histories = (list(dict.fromkeys(row[key] for row in rows)) for key in ("name", "history"))
    colours = alt.Scale(domain=names, range=[SERIES[place % len(SERIES)] for place in range(len(names))])
    legend: Any = (
        alt.Legend(title=None, columns=2, symbolType="stroke", symbolStrokeWidth=3) if len(names) > 1 else None
    )
    strokes: Any = alt.Legend(title=None, symbolStrokeColor=INK) if len(histories) > 1 else None
    dashes = alt.Scale(domain=histories, range=[DASHES[place % len(DASHES)] for place in range(len(histories))])
    y = alt.Y(
        "y:Q",
        title=None,
        scale=alt.Scale(zero=False),
        axis=alt.Axis(tickCount=5, format="~g", domain=False, ticks=False),
    )
    base = alt.Chart(source("lines")).transform_flatten(["step", "y"])
    x = time_axis(float(last))
    colour = alt.Color("name:N", scale=colours, legend=legend, sort=None)
    tips = [
        alt.Tooltip("name:N", title="line"),
        alt.Tooltip("history:N"),
        alt.Tooltip("step:Q", format=",d"),
        alt.Tooltip("y:Q", title="value", format=".4~g"),
    ]
    line = base.mark_line(strokeWidth=2).encode(
        x=x, y=y, color=colour, strokeDash=alt.StrokeDash("history:N", scale=dashes, legend=strokes)
    )
    dots = base.mark_point(filled=True, size=45, opacity=1 if points else 0).encode(
        x=x, y=y, color=colour, tooltip=tips
    )
    words = "; ".join(_said(row) for row in rows) + "."
    return Chart("courses", title, caption, words, finished(alt.layer(line, dots), HEIGHT), {"lines": rows}, HEIGHT)


def _said(row: dict[str, Any]) -> str:
    told = [(step, value) for step, value in zip(row["step"], row["y"], strict=True) if value is not None]
    (first, start), (last, end) = told[0], told[-1]
    name = ", ".join(filter(None, (row["name"], row["history"])))
    return f"{name}: {number(start)} at step {first:,}, {number(end)} at step {last:,}"
