"""Trajectories: every replica as a thin line, each history's mean and band, the margin to scale, the window enlarged."""

from collections.abc import Sequence
from typing import Final

import altair as alt
import numpy as np

from thermo_cli.contracts import Array
from thermo_cli.reports.charts.chart import Chart, Rows, finite_range, identifier, listed, rounded
from thermo_cli.reports.charts.lines import Extent, drawn
from thermo_cli.reports.charts.looks import finished, series, source, tips, x_of
from thermo_cli.reports.numerals import number
from thermo_cli.reports.panels import Panel, Trace
from thermo_cli.reports.view import RunView

HEIGHT: Final = 250
FAR: Final = 3.0  # ranges of the other replicas: what stands apart further than that leaves the frame
WIDE: Final = 2.5  # ranges of the replicas: a wider margin is cut at the frame
CLOSE: Final = 0.07  # of the frame: names closer than that would cover each other
NAMED: Final = 6  # places at which names are written beside the lines


def trajectories(view: RunView) -> dict[str, Chart]:
    """Draw the observables in time; those that gate also within the window, enlarged."""
    figures: dict[str, Chart] = {}
    begin = int((view.verdict.diagnostics.get("window") or {}).get("from_step", 0))
    for panel in view.panels:
        if finite_range(*(trace.values for trace in panel.traces)) is None:
            continue
        name = identifier(f"trajectory-{panel.observable}", list(figures))
        if len(panel.steps) < 2:
            figures[name] = _finals(panel)
            continue
        figures[name] = _course(panel, begin, view.content)
        if panel.margin is not None and (panel.steps >= begin).sum() > 2 and begin > panel.steps[0]:
            name = identifier(f"window-{panel.observable}", list(figures))
            figures[name] = _course(panel.since(begin), begin, view.content, window=True)
    return figures


def _course(panel: Panel, begin: int, content: float, window: bool = False) -> Chart:
    extent = _extent(panel)
    left = [trace for trace in panel.traces if _leaves(trace.values, extent)]
    minor = panel.margin is None
    data: dict[str, Rows] = {
        "lines": [
            {"replica": one.replica, "history": one.history, "apart": one.apart, "v": extent.coded(one.values)}
            for one in panel.traces
        ],
        "bands": [
            {
                "history": spread.history,
                "m": extent.coded(spread.mean),
                "l": extent.coded(spread.low),
                "u": extent.coded(spread.high),
            }
            for spread in panel.spreads
        ],
        "ends": _ends(panel, extent),
        "margin": _margin(panel, extent),
    }
    height = 200 if minor else HEIGHT
    spec = drawn(panel.steps, extent, begin, window, [spread.history for spread in panel.spreads], height)
    title = f"{panel.observable}: {'the window, enlarged' if window else 'the whole training'}"
    caption = _caption(panel, content, left, data["margin"], window)
    return Chart("trajectories", title, caption, _words(panel), spec, data, height, minor)


def _caption(panel: Panel, content: float, left: Sequence[Trace], margin: Rows, window: bool) -> str:
    parts = [
        "Thin lines are replicas (point at one for its name), thick lines means, shades the middle "
        f"{content:.0%} of each history" + ("" if window else "; the grey ground is the window at the end") + "."
    ]
    if panel.margin is not None and margin:
        cut = None in margin[0].values()
        taller = ", taller than the frame" if cut else ""
        parts.append(f"The bar at the right is the margin to scale, {number(panel.margin, 2)} up and down{taller}.")
    if len(panel.traces) < panel.total:
        parts.append(f"{len(panel.traces)} of {panel.total:,} replicas are drawn; means and shades are of all.")
    if left:
        parts.append(f"Beyond the frame: {listed([trace.replica for trace in left])}.")
    return " ".join(parts)


def _words(panel: Panel) -> str:
    parts = []
    for spread in panel.spreads:
        start, end, low, high = (float(v) for v in (spread.mean[0], spread.mean[-1], spread.low[-1], spread.high[-1]))
        parts.append(
            f"{spread.history}: mean from {number(start)} at step {panel.steps[0]:,} to {number(end, 4)} at step "
            f"{panel.steps[-1]:,} (middle band {number(low)} to {number(high)})"
        )
    apart = [trace.replica for trace in panel.traces if trace.apart]
    parts.append(f"standing apart: {listed(apart)}" if apart else "no replica stands apart")
    return "; ".join(parts) + "."


def _extent(panel: Panel) -> Extent:
    """Return the vertical range: of the replicas that do not stand apart, wider for others and a margin that are not far."""
    usual = [trace.values for trace in panel.traces if not trace.apart]
    odd = [trace.values for trace in panel.traces if trace.apart]
    low, high = finite_range(*usual) or finite_range(*odd) or (0.0, 1.0)
    span = max(high - low, 1e-6 * abs(high), 1e-100)
    nearest = (low - FAR * span, high + FAR * span)
    for values in odd:
        reach = finite_range(values)
        if reach is not None and nearest[0] <= reach[0] and reach[1] <= nearest[1]:
            low, high = min(low, reach[0]), max(high, reach[1])
    middle = _middle(panel)
    if panel.margin is not None and middle is not None and 2 * panel.margin <= WIDE * span:
        low, high = min(low, middle - panel.margin), max(high, middle + panel.margin)
    pad = 0.04 * max(high - low, span)
    return Extent(low - pad, high + pad)


def _leaves(values: Array, extent: Extent) -> bool:
    return bool((np.isfinite(values) & ~extent.holds(values)).any())


def _ends(panel: Panel, extent: Extent) -> Rows:
    """Return where the names of the replicas that stand apart are written: at their last value within the frame.

    Names that would cover each other share a place.
    """
    places: Rows = []
    for trace in panel.traces:
        inside = np.flatnonzero(extent.holds(trace.values))
        if not trace.apart or not len(inside):
            continue
        step, y = int(panel.steps[inside[-1]]), float(trace.values[inside[-1]])
        near = [place for place in places if place["step"] == step and abs(place["y"] - y) < CLOSE * extent.span]
        if near:
            near[0]["names"].append(trace.replica)
        else:
            places.append({"names": [trace.replica], "step": step, "y": y})
    return [{"text": listed(one["names"], 2), "step": one["step"], "y": one["y"]} for one in places[:NAMED]]


def _middle(panel: Panel) -> float | None:
    """Return where the margin's bar stands: at the median of the last values of the replicas that do not stand apart."""
    usual = [trace.values[-1] for trace in panel.traces if not trace.apart]
    finite = [value for value in usual if np.isfinite(value)]
    return float(np.median(finite)) if finite else None


def _margin(panel: Panel, extent: Extent) -> Rows:
    """Return the ends of the margin's bar; where one lies beyond the frame the bar is cut there, without an end."""
    middle = _middle(panel)
    if panel.margin is None or middle is None:
        return []
    low, high = middle - panel.margin, middle + panel.margin
    bottom, top = (end if extent.low <= end <= extent.high else None for end in (low, high))
    cut = rounded([max(low, extent.low), min(high, extent.high)], extent.span)
    return [{"low": cut[0], "high": cut[1], "bottom": bottom, "top": top}]


def _finals(panel: Panel) -> Chart:
    """Draw final values where there is no course: one mark per replica, the margin to scale."""
    extent = _extent(panel)
    rows: Rows = [
        {
            "replica": trace.replica,
            "history": trace.history,
            "apart": trace.apart,
            "y": rounded(trace.values[-1:], extent.span)[0],
        }
        for trace in panel.traces
        if extent.holds(trace.values[-1:])[0]
    ]
    names = [spread.history for spread in panel.spreads]
    x = x_of("y:Q", None, domain=[extent.low, extent.high], nice=False, zero=False)
    y = alt.Y("history:N", title=None, axis=alt.Axis(domain=False, ticks=False))
    marks = alt.Chart(source("finals")).mark_tick(thickness=1.6, height=22)
    ticks = marks.encode(
        x=x,
        y=y,
        color=alt.Color("history:N", scale=series(names), legend=None),
        opacity=alt.when("datum.apart").then(alt.value(1)).otherwise(alt.value(0.55)),
        tooltip=tips("replica:N", ("y:Q", "value")),
    )
    bar = alt.Chart(source("margin")).mark_rule(strokeWidth=3).encode(x="low:Q", x2="high:Q", y=alt.datum("margin"))
    height = 44 * (len(names) + 1)
    caption = "Each mark is a replica's final value (point at one for its name)."
    if panel.margin is not None:
        caption += f" The bar below is the margin to scale, {number(panel.margin, 2)} up and down."
    title, data = f"{panel.observable}: final values", {"finals": rows, "margin": _margin(panel, extent)}
    spec = finished(alt.layer(ticks, bar), height)
    return Chart("trajectories", title, caption, _words(panel), spec, data, height, panel.margin is None)
