"""How lines in time are drawn: a time axis like a logarithm that begins at 0, thin replicas, thick means, shaded bands."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import altair as alt

from thermo_cli.contracts import Integers
from thermo_cli.reports.charts.chart import INK, SERIES, finished, source, ticks_of

POINTS: Final = 48  # times at which a replica can be pointed at


@dataclass(frozen=True)
class Frame:
    """What part of a course is drawn, and how values are written as whole numbers: value = origin + unit * number.

    Attributes:
        steps: The times, (time,).
        range: Lowest and highest value.
        unit: A power of ten.
        origin: A multiple of it.
        places: Digits behind the point.
        begin: Where the window begins.
        window: Whether the window alone is drawn.
    """

    steps: Integers
    range: tuple[float, float]
    unit: float
    origin: float
    places: int
    begin: int
    window: bool

    @property
    def beyond(self) -> float:
        """Where the time axis ends: a little after the last step, to leave room for the margin's bar."""
        first, last = float(self.steps[0]), float(self.steps[-1])
        return last + 0.025 * (last - first) if self.window else math.expm1(1.025 * math.log1p(last))

    def value(self, name: str) -> str:
        """Return the expression that turns a whole number into its value.

        Args:
            name: Field of the number.
        """
        return f"isValid(datum.{name}) ? {self.origin!r} + {self.unit!r} * datum.{name} : null"


def time_axis(last: float, title: str | None = "step", end: float | None = None) -> alt.X:
    """Return a time axis that begins at 0 and grows like a logarithm.

    Args:
        last: The last step.
        title: Of the axis.
        end: Where it ends, if that is not the last step.
    """
    scale = alt.Scale(type="symlog", constant=1, domain=[0, end or last], nice=False)
    return alt.X("step:Q", title=title, scale=scale, axis=alt.Axis(grid=False, format=",d", values=ticks_of(last)))


def colours_of(names: Sequence[str]) -> alt.Scale:
    """Give each history a colour.

    Args:
        names: Histories, in order.
    """
    return alt.Scale(domain=list(names), range=[SERIES[place % len(SERIES)] for place in range(len(names))])


def drawn(frame: Frame, histories: Sequence[str], height: int) -> dict[str, Any]:
    """Draw the data sets `lines`, `bands`, `ends` and `margin`.

    Args:
        frame: What part.
        histories: In order.
        height: Of the plot, pixels.
    """
    x = _time(frame)
    axis = alt.Axis(tickCount=6, format="~g", domain=False, ticks=False)
    y = alt.Y("y:Q", title=None, axis=axis, scale=alt.Scale(domain=list(frame.range), nice=False, zero=False))
    legend: Any = alt.Legend(title=None, symbolType="stroke", symbolStrokeWidth=3) if len(histories) > 1 else None
    colour = alt.Color("history:N", scale=colours_of(histories), legend=legend)
    times = [
        alt.param(name="steps", value=[int(step) for step in frame.steps]),
        alt.param(name="targets", value=_targets(frame)),
    ]
    layers = [
        *_ground(frame), *_bands(frame, x, y, colour), *_replicas(frame, x, y, colour),
        *_means(frame, x, y, colour), *_bar(frame, y), _names(x, y), _points(frame, x, y, colour),
    ]  # fmt: skip
    return finished(alt.layer(*layers).add_params(*times), height)


def _time(frame: Frame) -> alt.X:
    if not frame.window:
        return time_axis(float(frame.steps[-1]), end=frame.beyond)
    scale = alt.Scale(domain=[int(frame.steps[0]), frame.beyond], nice=False, zero=False)
    return alt.X("step:Q", title="step", scale=scale, axis=alt.Axis(grid=False, format=",d", tickCount=5))


def _targets(frame: Frame) -> list[int]:
    """Choose times far enough apart to be pointed at, the last one among them."""
    places = [float(step) if frame.window else math.log1p(float(step)) for step in frame.steps]
    apart = (places[-1] - places[0]) / POINTS
    chosen, next_place = [], math.inf
    for place, step in zip(reversed(places), reversed(frame.steps.tolist()), strict=True):
        if place <= next_place:
            chosen.append(int(step))
            next_place = place - apart
    return chosen[::-1]


def _ground(frame: Frame) -> list[alt.Chart]:
    """Shade the window that is judged."""
    if frame.window or frame.begin <= frame.steps[0]:
        return []
    rows = alt.Data(values=[{"from": frame.begin, "to": int(frame.steps[-1])}])
    return [alt.Chart(rows).mark_rect(fill=INK, opacity=0.07).encode(x="from:Q", x2="to:Q")]


def _bands(frame: Frame, x: alt.X, y: alt.Y, colour: alt.Color) -> list[alt.Chart]:
    flat = _flat("bands", ["l", "u"]).transform_calculate(y=frame.value("l"), y2=frame.value("u"))
    return [flat.mark_area(opacity=0.16).encode(x=x, y=y, y2="y2:Q", color=colour)]


def _replicas(frame: Frame, x: alt.X, y: alt.Y, colour: alt.Color) -> list[alt.Chart]:
    flat = _flat("lines", ["v"]).transform_calculate(y=frame.value("v"))
    opacity = alt.when(_pointed()).then(alt.value(1)).when("datum.apart").then(alt.value(0.95)).otherwise(alt.value(0.3))
    width = alt.when(_pointed()).then(alt.value(2.5)).when("datum.apart").then(alt.value(1.6)).otherwise(alt.value(0.7))
    return [flat.mark_line().encode(x=x, y=y, detail="replica:N", color=colour, opacity=opacity, size=width)]


def _means(frame: Frame, x: alt.X, y: alt.Y, colour: alt.Color) -> list[alt.Chart]:
    flat = _flat("bands", ["m"]).transform_calculate(y=frame.value("m"))
    return [flat.mark_line(strokeWidth=2.4).encode(x=x, y=y, color=colour)]


def _bar(frame: Frame, y: alt.Y) -> list[alt.Chart]:
    """Draw the margin to scale, right of the last step."""
    base = alt.Chart(source("margin")).transform_calculate(step=repr(frame.beyond))
    bar = base.mark_rule(strokeWidth=3, color=INK).encode(x="step:Q", y="low:Q", y2="high:Q")
    ends = [base.mark_tick(thickness=2, width=9, orient="horizontal", color=INK).encode(x="step:Q", y=f"{end}:Q") for end in ("bottom", "top")]
    return [bar, *ends]


def _names(x: alt.X, y: alt.Y) -> alt.Chart:
    text = alt.Chart(source("ends")).mark_text(align="right", baseline="bottom", dx=-3, dy=-2, fontWeight="bold", limit=160)
    return text.encode(x=x, y=y, text="replica:N")


def _points(frame: Frame, x: alt.X, y: alt.Y, colour: alt.Color) -> alt.Chart:
    """Lay points over the lines that show on hover, with the replica's name and value."""
    flat = _flat("lines", ["v"]).transform_calculate(y=frame.value("v"))
    tips = [
        alt.Tooltip("replica:N"), alt.Tooltip("step:Q", format=",d"),
        alt.Tooltip("y:Q", title="value", format=f",.{min(frame.places, 12)}f"),
    ]  # fmt: skip
    return (
        flat.transform_filter("indexof(targets, datum.step) >= 0 && isValid(datum.y)")
        .mark_point(filled=True, size=40)
        .encode(x=x, y=y, color=colour, opacity=alt.when(_pointed()).then(alt.value(1)).otherwise(alt.value(0)), tooltip=tips)
        .add_params(_pointed())
    )


def _pointed() -> alt.Parameter:
    return alt.selection_point(
        name="pointed", fields=["replica"], on="pointerover", clear="pointerout", nearest=True, empty=False
    )


def _flat(name: str, fields: Sequence[str]) -> alt.Chart:
    """One object per time, from one object per line."""
    return alt.Chart(source(name)).transform_calculate(step="steps").transform_flatten(["step", *fields])
