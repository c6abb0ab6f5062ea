"""Operating curves: how often the court says settled, against one thing that is varied at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tests.exam.cell import STEPS, Cell, Z, grid, ordinary, time
from tests.exam.laws import escapes, own_lines
from tests.exam.tally import FALSE, Array, Tally

SIZES: Final = (32, 64, 128)


@dataclass(frozen=True)
class Curve:
    """One curve per number of replicas.

    Attributes:
        name: In tables.
        label: Of the axis.
        axis: What is varied.
        draw: Generator, replicas, x -> observable (replica, time).
        steps: x -> measured steps.
    """

    name: str
    label: str
    axis: tuple[float, ...]
    draw: Callable[[np.random.Generator, int, float], Array]
    steps: Callable[[float], NDArray[np.int64]] = lambda x: STEPS

    @property
    def cells(self) -> list[Cell]:
        """Return one cell for each point; nothing is promised of them."""
        return [
            Cell(
                ("settled",),
                lambda g, n, x=x: {"A": self.draw(g, n, x)},  # type: ignore[misc]
                steps=self.steps(x),
                name=f"curve {self.name}, {x:g}",
                truth="off",
                sizes=SIZES,
                promised=(),
            )
            for x in self.axis
        ]


def parting(g: np.random.Generator, n: int, total: float, frozen: float) -> Array:
    """Draw replicas that begin `frozen` apart and drift along lines of their own, to a half-width `total` at 4T."""
    sd = np.sqrt(max((total / Z) ** 2 - frozen**2, 0.0)) / 4
    return ordinary(g, n, spread=frozen, noise=0.02) + sd * g.standard_normal((n, 1)) * time()


def hidden(g: np.random.Generator, n: int, growth: float) -> Array:
    """Draw replicas that drift apart behind offsets of 0.3, so that the half-width grows by so much until 4T."""
    return ordinary(g, n, spread=0.3, noise=0.02) + own_lines(0.3, growth) * g.standard_normal((n, 1)) * time()


SHARES: Final = tuple(round(0.1 * k, 1) for k in range(9))
UNITS: Final = tuple(0.25 * k for k in range(9))
CURVES: Final = (
    Curve("spread", "spread over replicas, sd (noise 0.2)", SHARES, lambda g, n, x: ordinary(g, n, spread=x)),
    Curve("noise", "noise of each replica, sd (spread 0.2)", SHARES, lambda g, n, x: ordinary(g, n, noise=x)),
    Curve("drift", "linear drift from T to 4T", UNITS, lambda g, n, x: ordinary(g, n) + x / 3 * time()),
    Curve("parting", "drifting apart: half-width at 4T", UNITS, lambda g, n, x: parting(g, n, x, 0.0)),
    Curve("hidden", "offsets, sd, of what drifts apart to 1 at 4T", SHARES[:7], lambda g, n, x: parting(g, n, 1.0, x)),
    Curve("hidden growth", "growth of the half-width behind offsets of 0.3", UNITS[1:6], hidden),
    Curve(
        "events",
        "hazard per T of jumps that move the mean by 1 until 4T",
        (0.02, 0.05, 0.1, 0.2, 0.5),
        lambda g, n, x: escapes(x).draw(g, n)["A"],
    ),
    Curve(
        "correlation",
        "autocorrelation of the noise (sd 0.1, spread 0.2)",
        (0.0, 0.5, 0.8, 0.9, 0.95),
        lambda g, n, x: ordinary(g, n, noise=0.1, phi=x),
    ),
    Curve(
        "measurements",
        "measurements in the window (noise 0.3, spread 0.1)",
        (8, 16, 32, 64, 128),
        lambda g, n, x: ordinary(g, n, spread=0.1, noise=0.3, steps=grid(int(x))),
        lambda x: grid(int(x)),
    ),
)


def settled(curve: Curve, tallies: Sequence[Tally]) -> Mapping[int, list[float]]:
    """Return the share of settled along a curve, by number of replicas.

    Args:
        curve: Which.
        tallies: Of the cells of all curves.
    """
    counts = {
        (one.cell, one.replicas): sum(one.verdicts.get(word, 0) for word in FALSE) / one.trials for one in tallies
    }
    return {size: [counts[cell.name, size] for cell in curve.cells] for size in SIZES}


def table(tallies: Sequence[Tally]) -> str:
    """Write all curves as Markdown.

    Args:
        tallies: Of the cells of all curves.
    """
    parts = []
    for curve in CURVES:
        head = f"| {curve.label} | {' | '.join(f'{x:g}' for x in curve.axis)} |"
        rows = [
            f"| R = {size} | {' | '.join(f'{share:.0%}' for share in shares)} |"
            for size, shares in settled(curve, tallies).items()
        ]
        parts.append("\n".join([head, f"| --- |{' ---: |' * len(curve.axis)}", *rows]))
    return "\n\n".join(parts)


def draw(tallies: Sequence[Tally], path: Path, columns: int = 3) -> None:
    """Draw all curves as one SVG file.

    Args:
        tallies: Of the cells of all curves.
        path: Where.
        columns: Charts in a row.
    """
    import altair as alt
    import vl_convert

    charts: list[Any] = [_chart(alt, curve, settled(curve, tallies)) for curve in CURVES]
    grid_of = (
        alt.concat(*charts, columns=columns)
        .configure_view(stroke="#ccc")
        .configure_axis(labelFontSize=10, titleFontSize=10)
    )
    path.write_text(vl_convert.vegalite_to_svg(grid_of.to_json()))


def _chart(alt: Any, curve: Curve, shares: Mapping[int, list[float]]) -> Any:
    rows = [
        {"x": x, "settled": share, "R": size}
        for size, row in shares.items()
        for x, share in zip(curve.axis, row, strict=True)
    ]
    line = (
        alt.Chart(alt.Data(values=rows), width=230, height=130)
        .mark_line(point=alt.OverlayMarkDef(size=18))
        .encode(
            x=alt.X("x:Q", title=curve.label),
            y=alt.Y("settled:Q", title="share called settled", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("R:O", scale=alt.Scale(range=["#9ecae1", "#4292c6", "#08306b"]), title="replicas"),
        )
    )
    allowed = alt.Chart(alt.Data(values=[{"y": 0.05}])).mark_rule(strokeDash=[3, 3], color="#d62728").encode(y="y:Q")
    return line + allowed
