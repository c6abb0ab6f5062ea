"""How lines in time are drawn: a time axis like a logarithm that begins at 0, thin replicas, thick means, shaded bands.

What differs from panel to panel is a parameter of the spec, so that one spec is built for all panels of a kind.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import altair as alt

from thermo_cli.contracts import Integers
from thermo_cli.reports.charts.chart import INK, SERIES, Layer, finished, inline, source, ticks_of

POINTS: Final = 48  # times at which a replica can be pointed at
VALUE: Final = "isValid(datum.{}) ? origin + grain * datum.{} : null"  # values are written as whole numbers


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
    def end(self) -> float:
        """Where the time axis ends: a little after the last step, to leave room for the margin's bar."""
        first, last = float(self.steps[0]), float(self.steps[-1])
        return last + 0.025 * (last - first) if self.window else math.expm1(1.025 * math.log1p(last))

    @property
    def params(self) -> list[dict[str, Any]]:
        """All that differs between panels, as parameters of a spec."""
        first, last = int(self.steps[0]), int(self.steps[-1])
        values = {
            "steps": self.steps.tolist(),
            "targets": self._targets(),
            "origin": self.origin,
            "grain": self.unit,
            "digits": f",.{min(self.places, 12)}f",
            "low": self.range[0],
            "high": self.range[1],
            "first": first if self.window else 0,
            "last": last,
            "end": self.end,
            "begin": max(self.begin, first),
            "marks": ticks_of(last),
        }
        return [{"name": name, "value": value} for name, value in values.items()]

    def _targets(self) -> list[int]:
        """Choose times far enough apart to be pointed at, the last one among them."""
        places = [float(step) if self.window else math.log1p(float(step)) for step in self.steps]
        apart = (places[-1] - places[0]) / POINTS
        chosen, next_place = [], math.inf
        for place, step in zip(reversed(places), reversed(self.steps.tolist()), strict=True):
            if place <= next_place:
                chosen.append(int(step))
                next_place = place - apart
        return chosen[::-1]


def time_axis(last: float) -> alt.X:
    """Return a time axis that begins at 0 and grows like a logarithm.

    Args:
        last: The last step.
    """
    scale = alt.Scale(type="symlog", constant=1, domain=[0, last], nice=False)
    return alt.X("step:Q", title="step", scale=scale, axis=alt.Axis(grid=False, format=",d", values=ticks_of(last)))


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
    spec = _template(tuple(histories), frame.window, height)
    return {**spec, "params": [*spec["params"], *frame.params]}


@functools.lru_cache(maxsize=32)
def _template(histories: tuple[str, ...], window: bool, height: int) -> dict[str, Any]:
    x = _time(window)
    axis = alt.Axis(tickCount=6, format="~g", domain=False, ticks=False)
    limits = alt.Scale(domain=[alt.ExprRef("low"), alt.ExprRef("high")], nice=False, zero=False)
    y = alt.Y("y:Q", title=None, axis=axis, scale=limits)
    legend: Any = alt.Legend(title=None, symbolType="stroke", symbolStrokeWidth=3) if len(histories) > 1 else None
    colour = alt.Color("history:N", scale=colours_of(histories), legend=legend)
    layers = [
        *([] if window else [_ground(x)]),
        _bands(x, y, colour),
        _replicas(x, y, colour),
        _means(x, y, colour),
        *_bar(x, y),
        _names(x, y),
        _points(x, y, colour),
    ]
    return finished(alt.layer(*layers), height)


def _time(window: bool) -> alt.X:
    limits = [alt.ExprRef("first"), alt.ExprRef("end")]
    if window:
        scale, axis = alt.Scale(domain=limits, nice=False, zero=False), alt.Axis(grid=False, format=",d", tickCount=5)
    else:
        scale = alt.Scale(type="symlog", constant=1, domain=limits, nice=False)
        axis = alt.Axis(grid=False, format=",d", values=alt.ExprRef("marks"))
    return alt.X("step:Q", title="step", scale=scale, axis=axis)


def _ground(x: alt.X) -> Layer:
    """Shade the window that is judged."""
    rows = alt.Chart(inline({})).transform_calculate(step="begin", to="last")
    return rows.mark_rect(fill=INK, opacity=0.07).encode(x=x, x2="to:Q")


def _bands(x: alt.X, y: alt.Y, colour: alt.Color) -> Layer:
    flat = _flat("bands", ["l", "u"]).transform_calculate(y=VALUE.format("l", "l"), y2=VALUE.format("u", "u"))
    return flat.mark_area(opacity=0.16).encode(x=x, y=y, y2="y2:Q", color=colour)


def _replicas(x: alt.X, y: alt.Y, colour: alt.Color) -> Layer:
    flat = _flat("lines", ["v"]).transform_calculate(y=VALUE.format("v", "v"))
    opacity = (
        alt.when(_pointed()).then(alt.value(1)).when("datum.apart").then(alt.value(0.95)).otherwise(alt.value(0.3))
    )
    width = alt.when(_pointed()).then(alt.value(2.5)).when("datum.apart").then(alt.value(1.6)).otherwise(alt.value(0.7))
    return flat.mark_line().encode(x=x, y=y, detail="replica:N", color=colour, strokeOpacity=opacity, size=width)


def _means(x: alt.X, y: alt.Y, colour: alt.Color) -> Layer:
    flat = _flat("bands", ["m"]).transform_calculate(y=VALUE.format("m", "m"))
    return flat.mark_line(strokeWidth=2.4).encode(x=x, y=y, color=colour)


def _bar(x: alt.X, y: alt.Y) -> list[Layer]:
    """Draw the margin to scale, right of the last step."""
    base = alt.Chart(source("margin")).transform_calculate(step="end", y="datum.low")
    bar = base.mark_rule(strokeWidth=3, color=INK).encode(x=x, y=y, y2="high:Q")
    ends = [
        base.transform_calculate(y=f"datum.{end}")
        .mark_tick(thickness=2, width=9, orient="horizontal", color=INK)
        .encode(x=x, y=y)
        for end in ("bottom", "top")
    ]
    return [bar, *ends]


def _names(x: alt.X, y: alt.Y) -> Layer:
    text = alt.Chart(source("ends")).mark_text(
        align="right", baseline="bottom", dx=-3, dy=-2, fontWeight="bold", limit=160
    )
    return text.encode(x=x, y=y, text="text:N")


def _points(x: alt.X, y: alt.Y, colour: alt.Color) -> Layer:
    """Lay points over the lines that show on hover, with the replica's name and value."""
    flat = _flat("lines", ["v"]).transform_calculate(y=VALUE.format("v", "v"))
    tips = [alt.Tooltip("replica:N"), alt.Tooltip("step:Q", format=",d"), alt.Tooltip("shown:N", title="value")]
    return (
        flat.transform_filter("indexof(targets, datum.step) >= 0 && isValid(datum.y)")
        .transform_calculate(shown="format(datum.y, digits)")
        .mark_point(filled=True, size=64)
        .encode(
            x=x,
            y=y,
            color=colour,
            opacity=alt.when(_pointed()).then(alt.value(1)).otherwise(alt.value(0)),
            tooltip=tips,
        )
        .add_params(_pointed())
    )


def _pointed() -> alt.Parameter:
    return alt.selection_point(name="pointed", fields=["replica"], on="pointerover", clear="pointerout", empty=False)


def _flat(name: str, fields: Sequence[str]) -> Layer:
    """One object per time, from one object per line."""
    return alt.Chart(source(name)).transform_calculate(step="steps").transform_flatten(["step", *fields])
