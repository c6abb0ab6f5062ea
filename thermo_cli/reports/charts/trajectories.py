"""Trajectories: every replica as a thin line, each history's mean and band, the margin to scale, the window enlarged."""

import math
from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import numpy as np

from thermo_cli.contracts import Array
from thermo_cli.reports.charts.chart import (
    LEVELS,
    Chart,
    Rows,
    finished,
    finite_range,
    identifier,
    listed,
    rounded,
    source,
)
from thermo_cli.reports.charts.lines import Frame, colours_of, drawn
from thermo_cli.reports.numerals import number
from thermo_cli.reports.panels import Panel, Trace
from thermo_cli.reports.view import RunView

HEIGHT: Final = 250
FAR: Final = 3.0  # ranges of the other replicas: what stands apart further than that leaves the frame
WIDE: Final = 2.5  # ranges of the replicas: a wider margin is cut at the frame
CLOSE: Final = 0.07  # of the frame: names closer than that would cover each other
NAMED: Final = 6  # places at which names are written beside the lines


def trajectories(view: RunView) -> dict[str, Chart]:
    """Draw the observables in time; those that gate also within the window, enlarged.

    Args:
        view: A run.
    """
    found: dict[str, Chart] = {}
    window = view.verdict.diagnostics.get("window") or {}
    begin = int(window.get("from_step", 0))
    for panel in view.panels:
        if finite_range(*(trace.values for trace in panel.traces)) is None:
            continue
        minor = panel.margin is None
        name = identifier(f"trajectory-{panel.observable}", list(found))
        if len(panel.steps) < 2:
            found[name] = _finals(panel, minor)
            continue
        found[name] = _course(panel, begin, view.content, minor)
        if not minor and (panel.steps >= begin).sum() > 2 and begin > panel.steps[0]:
            found[identifier(f"window-{panel.observable}", list(found))] = _course(
                panel, begin, view.content, minor, True
            )
    return found


def _course(panel: Panel, begin: int, content: float, minor: bool, window: bool = False) -> Chart:
    inside = panel.steps >= begin if window else np.ones(len(panel.steps), dtype=bool)
    frame = _frame(panel, inside)
    unit, origin, places = _levels(frame)
    height = HEIGHT if not minor else 200
    left = [trace for trace in panel.traces if _leaves(trace.values[inside], frame)]
    lines: Rows = [
        {
            "replica": trace.replica,
            "history": trace.history,
            "apart": trace.apart,
            "v": _coded(trace.values[inside], frame, unit, origin),
        }
        for trace in panel.traces
    ]
    bands: Rows = [
        {
            "history": spread.history,
            "m": _coded(spread.mean[inside], frame, unit, origin),
            "l": _coded(spread.low[inside], frame, unit, origin),
            "u": _coded(spread.high[inside], frame, unit, origin),
        }
        for spread in panel.spreads
    ]
    ends: Rows = _ends(panel, [trace for trace in panel.traces if trace.apart], inside, frame)
    data = {"lines": lines, "bands": bands, "ends": ends, "margin": _margin(panel, inside, frame)}
    spec = drawn(
        Frame(panel.steps[inside], frame, unit, origin, places, begin, window),
        [s.history for s in panel.spreads],
        height,
    )
    where = "the window, enlarged" if window else "the whole training"
    title = f"{panel.observable}: {where}"
    return Chart(
        "trajectories",
        title,
        _caption(panel, content, left, data["margin"], window),
        _words(panel, inside),
        spec,
        data,
        height,
        minor,
    )


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


def _words(panel: Panel, inside: Any) -> str:
    parts = []
    for spread in panel.spreads:
        mean, low, high = spread.mean[inside], spread.low[inside], spread.high[inside]
        parts.append(
            f"{spread.history}: mean from {number(float(mean[0]))} at step {int(panel.steps[inside][0]):,} to "
            f"{number(float(mean[-1]), 4)} at step {int(panel.steps[-1]):,} (middle band {number(float(low[-1]))} to "
            f"{number(float(high[-1]))})"
        )
    apart = [trace.replica for trace in panel.traces if trace.apart]
    parts.append(f"standing apart: {listed(apart)}" if apart else "no replica stands apart")
    return "; ".join(parts) + "."


def _frame(panel: Panel, inside: Any) -> tuple[float, float]:
    """Return the vertical range: of the replicas that do not stand apart, wider for others and a margin that are not far."""
    usual = [trace.values[inside] for trace in panel.traces if not trace.apart]
    odd = [trace.values[inside] for trace in panel.traces if trace.apart]
    low, high = finite_range(*usual) or finite_range(*odd) or (0.0, 1.0)
    span = max(high - low, 1e-6 * abs(high), 1e-100)
    nearest = (low - FAR * span, high + FAR * span)
    for values in odd:
        reach = finite_range(values)
        if reach is not None and nearest[0] <= reach[0] and reach[1] <= nearest[1]:
            low, high = min(low, reach[0]), max(high, reach[1])
    middle = _middle(panel, inside)
    if panel.margin is not None and middle is not None and 2 * panel.margin <= WIDE * span:
        low, high = min(low, middle - panel.margin), max(high, middle + panel.margin)
    pad = 0.04 * max(high - low, span)
    return low - pad, high + pad


def _leaves(values: Array, frame: tuple[float, float]) -> bool:
    finite = values[np.isfinite(values)]
    return bool(len(finite) and (finite.min() < frame[0] or finite.max() > frame[1]))


def _levels(frame: tuple[float, float]) -> tuple[float, float, int]:
    """Return unit and origin of whole numbers that stand for values, and how many digits behind the point they have.

    The unit is a power of ten, so that what is shown is the value itself, rounded.
    """
    power = math.floor(math.log10((frame[1] - frame[0]) / LEVELS))
    unit = 10.0**power
    return unit, math.floor(frame[0] / unit) * unit, max(-power, 0)


def _coded(values: Array, frame: tuple[float, float], unit: float, origin: float) -> list[int | None]:
    shown = np.isfinite(values) & (values >= frame[0]) & (values <= frame[1])
    levels = np.where(shown, np.round((np.where(shown, values, origin) - origin) / unit), -1).astype(np.int64)
    return [level if level >= 0 else None for level in levels.tolist()]


def _ends(panel: Panel, apart: Sequence[Trace], inside: Any, frame: tuple[float, float]) -> Rows:
    """Return where the names of the replicas that stand apart are written: at their last value within the frame.

    Names that would cover each other share a place.
    """
    found: Rows = []
    for trace in apart:
        values = trace.values[inside]
        shown = np.flatnonzero(np.isfinite(values) & (values >= frame[0]) & (values <= frame[1]))
        if not len(shown):
            continue
        step, y = int(panel.steps[inside][shown[-1]]), float(values[shown[-1]])
        beside = next(
            (end for end in found if end["step"] == step and abs(end["y"] - y) < CLOSE * (frame[1] - frame[0])), None
        )
        if beside is None:
            found.append({"names": [trace.replica], "step": step, "y": y})
        else:
            beside["names"].append(trace.replica)
    return [{"text": listed(end["names"], 2), "step": end["step"], "y": end["y"]} for end in found[:NAMED]]


def _middle(panel: Panel, inside: Any) -> float | None:
    """Return where the margin's bar stands: at the median of the last values of the replicas that do not stand apart."""
    usual = [trace.values[inside][-1] for trace in panel.traces if not trace.apart]
    finite = [value for value in usual if np.isfinite(value)]
    return float(np.median(finite)) if finite else None


def _margin(panel: Panel, inside: Any, frame: tuple[float, float]) -> Rows:
    """Return the ends of the margin's bar; where one lies beyond the frame the bar is cut there, without an end."""
    middle = _middle(panel, inside)
    if panel.margin is None or middle is None:
        return []
    low, high = middle - panel.margin, middle + panel.margin
    ends = [end if frame[0] <= end <= frame[1] else None for end in (low, high)]
    cut = rounded([max(low, frame[0]), min(high, frame[1])], frame[1] - frame[0])
    return [{"low": cut[0], "high": cut[1], "bottom": ends[0], "top": ends[1]}]


def _finals(panel: Panel, minor: bool) -> Chart:
    """Draw final values where there is no course: one mark per replica, the margin to scale."""
    inside = np.ones(1, dtype=bool)
    frame = _frame(panel, inside)
    span = frame[1] - frame[0]
    rows: Rows = [
        {
            "replica": trace.replica,
            "history": trace.history,
            "apart": trace.apart,
            "y": rounded(trace.values[-1:], span)[0],
        }
        for trace in panel.traces
        if frame[0] <= trace.values[-1] <= frame[1]
    ]
    names = [spread.history for spread in panel.spreads]
    x = alt.X(
        "y:Q",
        title=None,
        scale=alt.Scale(domain=list(frame), nice=False, zero=False),
        axis=alt.Axis(grid=False, format="~g"),
    )
    y = alt.Y("history:N", title=None, axis=alt.Axis(domain=False, ticks=False))
    ticks = (
        alt.Chart(source("finals"))
        .mark_tick(thickness=1.6, height=22)
        .encode(
            x=x,
            y=y,
            color=alt.Color("history:N", scale=colours_of(names), legend=None),
            opacity=alt.when("datum.apart").then(alt.value(1)).otherwise(alt.value(0.55)),
            tooltip=[alt.Tooltip("replica:N"), alt.Tooltip("y:Q", title="value")],
        )
    )
    bar = alt.Chart(source("margin")).mark_rule(strokeWidth=3).encode(x="low:Q", x2="high:Q", y=alt.datum("margin"))
    height = 44 * (len(names) + 1)
    caption = "Each mark is a replica's final value (point at one for its name)."
    if panel.margin is not None:
        caption += f" The bar below is the margin to scale, {number(panel.margin, 2)} up and down."
    data = {"finals": rows, "margin": _margin(panel, inside, frame)}
    return Chart(
        "trajectories",
        f"{panel.observable}: final values",
        caption,
        _words(panel, inside),
        finished(alt.layer(ticks, bar), height),
        data,
        height,
        minor,
    )
