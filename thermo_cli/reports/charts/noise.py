"""Where the spread comes from: the sources of randomness, and the finite test set."""

from typing import Final

import altair as alt

from thermo_cli.reports.charts.chart import Chart, Rows
from thermo_cli.reports.charts.looks import (
    ACCENT,
    INK,
    MUTED,
    Layer,
    finished,
    inline,
    rows_of,
    series,
    source,
    tips,
    x_of,
)
from thermo_cli.reports.numerals import number
from thermo_cli.reports.view import RunView

BUDGET: Final = (
    "Where the spread comes from",
    "How far each source of randomness alone moves the final value, with its interval; the broken line is the margin. To "
    "the right, its share of the variance.",
)
TEST_SET: Final = (
    "What the test set adds",
    "Two equally good models score differently on a finite test set. What an infinite one would leave is the difference "
    "between models that a user would meet.",
)
STEP: Final = 26  # pixels of a bar with its gap


def noise(view: RunView) -> dict[str, Chart]:
    """Draw the noise budget and the share of the test set."""
    return _budget(view) | _test_set(view)


def _budget(view: RunView) -> dict[str, Chart]:
    margins = {panel.observable: panel.margin for panel in view.panels}
    rows: Rows = []
    parts = []
    for share in view.noise_budget:
        margin = margins.get(share.observable)
        if share.sd is None or not margin:
            continue
        low, high = share.interval
        percent = "" if share.share is None else f"{share.share:.0%}"
        rows.append(
            {
                "row": f"{share.observable} · {share.source}",
                "source": share.source,
                "sd": round(share.sd / margin, 4),
                **{end: value and round(value / margin, 4) for end, value in (("low", low), ("high", high))},
                "share": percent,
                "value": number(share.sd),
            }
        )
        parts.append(
            f"{share.observable}, {share.source}: {percent} of the variance, sd {number(share.sd, 2)} "
            f"({number(low, 2)} to {number(high, 2)})"
        )
    if not rows:
        return {}
    height, words = STEP * len(rows), "; ".join(parts) + "."
    return {"noise-budget": Chart("noise", *BUDGET, words, finished(_bars(rows), height), {"rows": rows}, height)}


def _bars(rows: Rows) -> Layer:
    """Draw a bar with its interval for each source, and the margin across them."""
    names = list(dict.fromkeys(row["source"] for row in rows))
    top = max(1.0, *(row[key] or 0.0 for row in rows for key in ("sd", "high")))
    y = rows_of("row:N", None, labelLimit=190, labelPadding=8)
    base = alt.Chart(source("rows"))
    shown = tips(("row:N", "source"), ("value:N", "sd"), ("share:N", "of the variance"))
    axis = {"format": ".4~g", "tickCount": 5}
    x = x_of("sd:Q", "standard deviation over margin", axis, domain=[0, 1.18 * top], nice=False)
    bars = base.mark_bar(opacity=0.55, height=14).encode(
        x=x, y=y, color=alt.Color("source:N", scale=series(names), legend=None), tooltip=shown
    )
    whiskers = base.mark_rule(strokeWidth=1.6, color=INK).encode(x="low:Q", x2="high:Q", y=y)
    text = base.mark_text(align="right").encode(x=alt.value("width"), y=y, text="share:N")
    limit = alt.Chart(inline({"sd": 1})).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(x="sd:Q")
    return alt.layer(limit, bars, whiskers, text)


def _test_set(view: RunView) -> dict[str, Chart]:
    noise = view.noise_share
    if noise is None:
        return {}
    rows: Rows = [{"row": "as measured", "sd": float(number(noise.sd, 4)), "kind": "measured"}]
    if noise.distribution_wise is not None:
        rows.append({"row": "on an infinite test set", "sd": float(number(noise.distribution_wise, 4)), "kind": "rest"})
    y = rows_of("row:N", None, labelLimit=190, labelPadding=8)
    x = x_of("sd:Q", "standard deviation of the test error", {"format": ".4~g", "tickCount": 5})
    opacity = alt.when("datum.kind == 'rest'").then(alt.value(1)).otherwise(alt.value(0.4))
    marks = alt.Chart(source("rows")).mark_bar(color=ACCENT, height=14)
    bars = marks.encode(x=x, y=y, opacity=opacity, tooltip=tips(("row:N", "spread"), ("sd:Q", "sd")))
    left = "what would be left on an infinite test set is lost in its noise"
    if noise.distribution_wise is not None:
        left = f"of which {number(noise.distribution_wise, 2)} would be left on an infinite test set"
    words = (
        f"The test error spreads by {number(noise.sd, 2)} over replicas, {left}: the finite set makes {noise.share:.0%} of the "
        "variance."
    )
    title, caption = TEST_SET
    if noise.share > 1:
        caption += (
            " The estimate is above 100 %: no difference between the models is left that could be told from this noise."
        )
    height = STEP * len(rows)
    return {"test-set-noise": Chart("noise", title, caption, words, finished(bars, height), {"rows": rows}, height)}
