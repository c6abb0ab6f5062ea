"""How lines in time are drawn: a time axis like a logarithm that begins at 0, thin replicas, thick means, shaded bands.

What differs from panel to panel is a parameter of the spec, so that one spec is built for all panels of a kind.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import altair as alt
import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Integers
from thermo_cli.reports.charts.chart import LEVELS, ticks_of
from thermo_cli.reports.charts.looks import BARE, INK, Layer, finished, inline, series, source, tips, x_of, y_of

POINTS: Final = 48  # times at which a replica can be pointed at
VALUE: Final = "isValid(datum.{}) ? origin + grain * datum.{} : null"  # values are written as whole numbers


@dataclass(frozen=True)
class Extent:
    """Lowest and highest value that are drawn; those between are written as whole numbers: value = origin + unit * number.

    The unit is a power of ten, so that what is shown is the value itself, rounded.
    """

    low: float
    high: float

    @property
    def span(self) -> float:
        """How far apart they are."""
        return self.high - self.low

    @property
    def power(self) -> int:
        """Which power of ten the unit is."""
        return math.floor(math.log10(self.span / LEVELS))

    @property
    def origin(self) -> float:
        """The largest multiple of the unit that is not above the lowest value."""
        return math.floor(self.low / 10.0**self.power) * 10.0**self.power

    def holds(self, values: Array) -> NDArray[np.bool_]:
        """Say which values are drawn."""
        return np.isfinite(values) & (values >= self.low) & (values <= self.high)

    def coded(self, values: Array) -> list[int | None]:
        """Write values as whole numbers; None for those that are not drawn."""
        inside = self.holds(values)
        numbers = np.round((np.where(inside, values, self.origin) - self.origin) / 10.0**self.power).astype(np.int64)
        return [number if drawn else None for number, drawn in zip(numbers.tolist(), inside.tolist(), strict=True)]


def _params(steps: Integers, extent: Extent, begin: int, window: bool) -> list[dict[str, Any]]:
    """Return all that differs between panels, as parameters of a spec; a little room is left for the margin's bar."""
    first, last = int(steps[0]), int(steps[-1])
    end = last + 0.025 * (last - first) if window else math.expm1(1.025 * math.log1p(last))
    values = {
        "steps": steps.tolist(),
        "targets": _targets(steps, window),
        "origin": extent.origin,
        "grain": 10.0**extent.power,
        "digits": f",.{min(max(-extent.power, 0), 12)}f",
        "low": extent.low,
        "high": extent.high,
        "first": first if window else 0,
        "last": last,
        "end": end,
        "begin": max(begin, first),
        "marks": ticks_of(last),
    }
    return [{"name": name, "value": value} for name, value in values.items()]


def _targets(steps: Integers, window: bool) -> list[int]:
    """Choose times far enough apart to be pointed at, the last one among them."""
    places = [float(step) if window else math.log1p(float(step)) for step in steps]
    apart = (places[-1] - places[0]) / POINTS
    chosen, next_place = [], math.inf
    for place, step in zip(reversed(places), reversed(steps.tolist()), strict=True):
        if place <= next_place:
            chosen.append(int(step))
            next_place = place - apart
    return chosen[::-1]


def time_axis(last: float) -> alt.X:
    """Return a time axis that begins at 0 and grows like a logarithm."""
    axis = {"grid": False, "format": ",d", "values": ticks_of(last)}
    return x_of("step:Q", "step", axis, type="symlog", constant=1, domain=[0, last], nice=False)


def drawn(
    steps: Integers, extent: Extent, begin: int, window: bool, histories: Sequence[str], height: int
) -> dict[str, Any]:
    """Draw the data sets `lines`, `bands`, `ends` and `margin`.

    Args:
        begin: Step at which the window begins.
        window: Whether the window alone is drawn.
        height: Of the plot, pixels.
    """
    spec = _template(tuple(histories), window, height)
    return {**spec, "params": [*spec["params"], *_params(steps, extent, begin, window)]}


@functools.lru_cache(maxsize=32)
def _template(histories: tuple[str, ...], window: bool, height: int) -> dict[str, Any]:
    x = _time(window)
    limits = [alt.ExprRef("low"), alt.ExprRef("high")]
    y = y_of("y:Q", None, {**BARE, "tickCount": 6}, domain=limits, nice=False, zero=False)
    legend: Any = alt.Legend(title=None, symbolType="stroke", symbolStrokeWidth=3) if len(histories) > 1 else None
    colour = alt.Color("history:N", scale=series(histories), legend=legend)
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
    axis: dict[str, Any] = {"grid": False, "format": ",d"}
    if window:
        return x_of("step:Q", "step", {**axis, "tickCount": 5}, domain=limits, nice=False, zero=False)
    marks = {**axis, "values": alt.ExprRef("marks")}
    return x_of("step:Q", "step", marks, type="symlog", constant=1, domain=limits, nice=False)


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
    shown = tips("replica:N", ("step:Q", None, ",d"), ("shown:N", "value"))
    return (
        flat.transform_filter("indexof(targets, datum.step) >= 0 && isValid(datum.y)")
        .transform_calculate(shown="format(datum.y, digits)")
        .mark_point(filled=True, size=64)
        .encode(
            x=x,
            y=y,
            color=colour,
            opacity=alt.when(_pointed()).then(alt.value(1)).otherwise(alt.value(0)),
            tooltip=shown,
        )
        .add_params(_pointed())
    )


def _pointed() -> alt.Parameter:
    return alt.selection_point(name="pointed", fields=["replica"], on="pointerover", clear="pointerout", empty=False)


def _flat(name: str, fields: Sequence[str]) -> Layer:
    """One object per time, from one object per line."""
    return alt.Chart(source(name)).transform_calculate(step="steps").transform_flatten(["step", *fields])
