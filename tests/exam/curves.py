"""Operating curves: how often the court says settled, against one thing that is varied at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from joblib import Parallel, delayed

import thermo_cli
from tests.exam.cells import STEPS, Array, Z, grid, ordinary, time
from tests.exam.tally import FALSE

SIZES: Final = (32, 64, 128)
Ensemble = tuple[Array, Any]


@dataclass(frozen=True)
class Curve:
    """One curve per number of replicas.

    Attributes:
        name: In the JSON file.
        label: Of the axis.
        axis: What is varied.
        draw: Generator, replicas, x -> observable (replica, time) and steps.
    """

    name: str
    label: str
    axis: tuple[float, ...]
    draw: Callable[[np.random.Generator, int, float], Ensemble]


def parting(g: np.random.Generator, n: int, total: float, frozen: float) -> Ensemble:
    """Draw replicas that begin `frozen` apart and drift along lines of their own, to a half-width `total` at 4T."""
    sd = np.sqrt(max((total / Z) ** 2 - frozen**2, 0.0)) / 4
    return ordinary(g, n, spread=frozen, noise=0.02) + sd * g.standard_normal((n, 1)) * time(), STEPS


def measured(g: np.random.Generator, n: int, measurements: int) -> Ensemble:
    """Draw replicas at rest, measured so often in the window."""
    steps = grid(measurements)
    return ordinary(g, n, spread=0.1, noise=0.3, steps=steps), steps


SHARES: Final = tuple(round(0.1 * k, 1) for k in range(9))
UNITS: Final = tuple(0.25 * k for k in range(9))
CURVES: Final = (
    Curve("spread", "spread over replicas, sd (noise 0.2)", SHARES, lambda g, n, x: (ordinary(g, n, spread=x), STEPS)),
    Curve("noise", "noise of each replica, sd (spread 0.2)", SHARES, lambda g, n, x: (ordinary(g, n, noise=x), STEPS)),
    Curve("drift", "linear drift from T to 4T", UNITS, lambda g, n, x: (ordinary(g, n) + x / 3 * time(), STEPS)),
    Curve("parting", "drifting apart: half-width at 4T", UNITS, lambda g, n, x: parting(g, n, x, 0.0)),
    Curve(
        "hidden",
        "frozen offsets, sd, of replicas drifting apart to 1 at 4T",
        SHARES[:7],
        lambda g, n, x: parting(g, n, 1.0, x),
    ),
    Curve(
        "correlation",
        "autocorrelation of the noise (sd 0.1, spread 0.2)",
        (0.0, 0.5, 0.8, 0.9, 0.95),
        lambda g, n, x: (ordinary(g, n, noise=0.1, phi=x), STEPS),
    ),
    Curve(
        "measurements",
        "measurements in the window (noise 0.3, spread 0.1)",
        (8, 16, 32, 64, 128),
        lambda g, n, x: measured(g, n, int(x)),
    ),
)


def rate(place: int, x: float, replicas: int, trials: int) -> float:
    """Return the share of trials that are called settled at one point of a curve.

    Args:
        place: Which curve.
        x: On its axis.
        replicas: R.
        trials: How many.
    """
    found = 0
    for number in range(trials):
        generator = np.random.Generator(np.random.PCG64([place, round(1000 * x), replicas, number]))
        values, steps = CURVES[place].draw(generator, replicas, x)
        found += thermo_cli.judge({"A": values}, steps=steps, margins={"A": 1.0}).verdict in FALSE
    return found / trials


def operating_curves(trials: int, workers: int) -> dict[str, Any]:
    """Compute all curves: name to label, x and, for each number of replicas, the share of settled.

    Args:
        trials: Per point.
        workers: Processes.
    """
    points = [(place, x, n) for place, curve in enumerate(CURVES) for n in SIZES for x in curve.axis]
    rates = Parallel(workers)(delayed(rate)(place, x, n, trials) for place, x, n in points)
    known = dict(zip(points, rates, strict=True))
    return {
        curve.name: {
            "label": curve.label,
            "x": list(curve.axis),
            "trials": trials,
            "settled": {str(n): [known[place, x, n] for x in curve.axis] for n in SIZES},
        }
        for place, curve in enumerate(CURVES)
    }


def draw(curves: dict[str, Any], path: Path, columns: int = 4) -> None:
    """Draw all curves as one SVG file.

    Args:
        curves: What `operating_curves` returned.
        path: Where.
        columns: Charts in a row.
    """
    import altair as alt
    import vl_convert

    charts: list[Any] = [_chart(alt, curve) for curve in curves.values()]
    grid_of = (
        alt.concat(*charts, columns=columns)
        .configure_view(stroke="#ccc")
        .configure_axis(labelFontSize=10, titleFontSize=10)
    )
    path.write_text(vl_convert.vegalite_to_svg(grid_of.to_json()))


def _chart(alt: Any, curve: dict[str, Any]) -> Any:
    rows: Sequence[dict[str, Any]] = [
        {"x": x, "settled": share, "R": int(size)}
        for size, shares in curve["settled"].items()
        for x, share in zip(curve["x"], shares, strict=True)
    ]
    line = (
        alt.Chart(alt.Data(values=rows), width=190, height=130)
        .mark_line(point=alt.OverlayMarkDef(size=18))
        .encode(
            x=alt.X("x:Q", title=curve["label"]),
            y=alt.Y("settled:Q", title="share called settled", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("R:O", scale=alt.Scale(range=["#9ecae1", "#4292c6", "#08306b"]), title="replicas"),
        )
    )
    allowed = alt.Chart(alt.Data(values=[{"y": 0.05}])).mark_rule(strokeDash=[3, 3], color="#d62728").encode(y="y:Q")
    return line + allowed
