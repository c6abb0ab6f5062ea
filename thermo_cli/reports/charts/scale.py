"""The ground of charts that are drawn over a margin: the band inside it, its edges, and nothing at all."""

import altair as alt

from thermo_cli.reports.charts.looks import GOOD, LINE, MUTED, Layer, inline


def band() -> list[Layer]:
    """Shade from -1 to 1, with both edges and zero."""
    return [
        alt.Chart(inline({})).mark_rect(fill=GOOD, opacity=0.1).encode(x=alt.datum(-1), x2=alt.datum(1)),
        alt.Chart(inline({"at": 0})).mark_rule(color=LINE).encode(x="at:Q"),
        alt.Chart(inline({"at": -1}, {"at": 1})).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(x="at:Q"),
    ]
