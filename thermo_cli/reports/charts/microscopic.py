"""What the replicas have in common: P(q) with its null, the overlap matrix, and whether what is apart behaves apart."""

from typing import Any, Final

import altair as alt
import numpy as np

from thermo_cli.reports.charts.chart import Chart, Rows, identifier, rounded
from thermo_cli.reports.charts.looks import ACCENT, INK, MUTED, NUMBERS, finished, source, tips, x_of, y_of
from thermo_cli.reports.evidence import Distribution, OverlapMatrix, PairCloud
from thermo_cli.reports.numerals import number
from thermo_cli.reports.view import RunView

PAIR: Final = (("first:N", "replica"), ("second:N", "and"))  # what a pair is called on hover
COLOURS: Final = {"between replicas": ACCENT, "null": "var(--none)", "with itself, T/2 earlier": "var(--series-1)"}
DISTRIBUTION: Final = (
    "P(q): how alike two replicas are",
    "0 is nothing in common (the null: pairs that share nothing, compared in the same way), 1 is one model. Where pairs of "
    "replicas lie apart from the null they share something; where they lie apart from 1 they are different models. The "
    "outermost bars hold what lies beyond them.",
)
MATRIX: Final = (
    "Overlap matrix, ordered by similarity",
    "Each cell is a pair, alike replicas side by side: blocks are families, one colour throughout is one cloud. Point at a "
    "cell for both names.",
)
MOST_CELLS: Final = 64  # replicas along a side of the matrix
HEIGHT: Final = 260
SIDE: Final = 360


def microscopic(view: RunView) -> dict[str, Chart]:
    """Draw what is known of the microstates."""
    drawn: dict[str, Chart] = {}
    if view.distribution is not None:
        drawn["overlap-distribution"] = _distribution(view.distribution)
    if view.overlaps is not None and len(view.overlaps.replicas) > 1:
        drawn["overlap-matrix"] = _matrix(view.overlaps)
    for cloud in view.pairs:
        if len(cloud.divergence):
            drawn[identifier(f"pairs-{cloud.observable}", list(drawn))] = _pairs(cloud)
    return drawn


def _distribution(law: Distribution) -> Chart:
    rows: Rows = []
    parts = []
    edges = law.edges.tolist()
    middle = (law.edges[:-1] + law.edges[1:]) / 2
    for kind, shares in zip(COLOURS, (law.between, law.null, law.own), strict=True):
        if shares is None or not shares.sum():
            continue
        full = np.flatnonzero(shares)
        bins = [(round(edges[i], 4), round(edges[i + 1], 4), round(float(shares[i]), 4)) for i in full]
        rows += [{"kind": kind, "from": low, "to": high, "share": share} for low, high, share in bins]
        parts.append(
            f"{kind}: from {law.edges[full[0]]:.2f} to {law.edges[full[-1] + 1]:.2f}, centred on "
            f"{float((middle * shares).sum() / shares.sum()):.2f}"
        )
    low = min(0.0, *(row["from"] for row in rows))
    names = list(dict.fromkeys(row["kind"] for row in rows))
    scale = alt.Scale(domain=names, range=[COLOURS[name] for name in names])
    bars = (
        alt.Chart(source("bins"))
        .mark_bar(opacity=0.75, binSpacing=1, orient="vertical")
        .encode(
            x=x_of("from:Q", "overlap q of two replicas", domain=[low, 1.0], nice=False),
            x2="to:Q",
            y2=alt.datum(0),
            y=alt.Y("share:Q", title="share of pairs", stack=None, axis=alt.Axis(format="%", tickCount=5)),
            color=alt.Color("kind:N", scale=scale, legend=alt.Legend(title=None, columns=2)),
            tooltip=tips("kind:N", "from:Q", "to:Q", ("share:Q", None, ".2%")),
        )
    )
    words = "; ".join(parts) + "."
    return Chart("microscopic", *DISTRIBUTION, words, finished(bars, HEIGHT), {"bins": rows}, HEIGHT)


def _matrix(overlaps: OverlapMatrix) -> Chart:
    total = len(overlaps.replicas)
    chosen = np.unique(np.linspace(0, total - 1, min(total, MOST_CELLS)).round().astype(np.int64))
    values, names = overlaps.values[np.ix_(chosen, chosen)], [overlaps.replicas[i] for i in chosen]
    rows: Rows = [
        {"first": name, "i": place, "q": rounded(np.maximum(values[place, : place + 1], -9.0), 10.0)}
        for place, name in enumerate(names)
    ]
    between = values[np.tril_indices(len(names), -1)]
    finite = between[np.isfinite(between)]
    closest = np.unravel_index(
        np.nanargmax(np.where(np.eye(len(names), dtype=bool) | ~np.isfinite(values), -np.inf, values)), values.shape
    )
    words = (
        f"Q* between {len(names)} replicas, from {number(float(finite.min()), 2)} to {number(float(finite.max()), 2)}; most "
        f"alike are {names[int(closest[0])]} and {names[int(closest[1])]}."
        if len(finite)
        else "no finite overlap."
    )
    title, caption = MATRIX
    if len(names) < total:
        caption += f" {len(names)} of {total:,} replicas are drawn."
    spec = _cells(names, finite)
    return Chart("microscopic", title, caption, words, spec, {"rows": rows}, SIDE)


def _cells(names: list[str], finite: Any) -> dict[str, Any]:
    sides = list(range(len(names)))
    axis: Any = None
    scale = alt.Scale(domain=sides, paddingInner=0, paddingOuter=0)
    low = min(0.0, float(finite.min())) if len(finite) else 0.0
    colour = alt.Color(
        "value:Q",
        scale=alt.Scale(scheme="viridis", domain=[low, 1.0], nice=False),
        legend=alt.Legend(title="Q*", gradientLength=180, gradientThickness=10, format=".4~g", titleOrient="left"),
    )
    flat = (
        alt.Chart(source("rows"))
        .transform_flatten(["q"], as_=["value"])
        .transform_window(number="row_number()", groupby=["i"])
        .transform_calculate(j="datum.number - 1", second="names[datum.number - 1]")
    )
    halves = [
        flat.mark_rect().encode(
            x=alt.X(f"{across}:O", axis=axis, scale=scale),
            y=alt.Y(f"{down}:O", axis=axis, scale=scale),
            color=colour,
            tooltip=tips(*PAIR, ("value:Q", "Q*")),
        )
        for across, down in (("i", "j"), ("j", "i"))
    ]
    return finished(alt.layer(*halves).add_params(alt.param(name="names", value=names)), SIDE)


def _pairs(cloud: PairCloud) -> Chart:
    order = {name: place for place, name in enumerate(dict.fromkeys((*cloud.first, *cloud.second)))}
    columns = {
        "r": [order[name] for name in cloud.first],
        "s": [order[name] for name in cloud.second],
        "x": rounded(cloud.divergence),
        "y": rounded(cloud.difference),
    }
    x = x_of("x:Q", "microscopic divergence of a pair, 1 - Q*", {**NUMBERS, "tickCount": 5}, zero=False)
    y = y_of("y:Q", "difference of a pair", {"tickCount": 5, "format": ".4~g"})
    dots = (
        alt.Chart(source("pairs"))
        .transform_flatten(list(columns))
        .transform_calculate(first="names[datum.r]", second="names[datum.s]")
        .mark_circle(size=18, opacity=1, fillOpacity=0.4, color=ACCENT)
        .encode(x=x, y=y, tooltip=tips(*PAIR, ("x:Q", "1 - Q*"), ("y:Q", "difference")))
    )
    limit = alt.Chart(source("limit"))
    line = limit.mark_rule(color=INK, strokeDash=[5, 3], strokeWidth=1.4).encode(y="y:Q")
    name = limit.mark_text(align="right", baseline="bottom", dx=-4, dy=-3, color=MUTED).encode(
        y="y:Q", x=alt.value("width"), text="name:N"
    )
    inside = int((cloud.difference <= cloud.margin).sum())
    low, high = cloud.interval
    related = "Mantel's r is not known" if cloud.correlation is None else f"Mantel's r is {cloud.correlation:.2f}"
    if cloud.correlation is not None and low is not None:
        related += f", and {number(low, 2)} to {number(high, 2)} with the names shuffled"
    margin = number(cloud.margin, 2)
    words = f"{inside:,} of {len(cloud.difference):,} pairs differ by no more than the margin {margin}; {related}."
    caption = (
        "Each dot is a pair of replicas. If what is further apart inside also behaved more differently, the cloud would rise: "
        f"{related}."
    )
    if len(cloud.difference) < cloud.total:
        caption += f" {len(cloud.difference):,} of {cloud.total:,} pairs are drawn."
    data: dict[str, Rows] = {"pairs": [columns], "limit": [{"y": cloud.margin, "name": f"margin {margin}"}]}
    spec = finished(alt.layer(dots, line, name).add_params(alt.param(name="names", value=list(order))), HEIGHT)
    return Chart("pairs", f"{cloud.observable}: does being different matter?", caption, words, spec, data, HEIGHT)
