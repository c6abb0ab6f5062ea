"""The ground of charts that are drawn over a margin: the band inside it, its edges, and nothing at all."""

from typing import Final

import altair as alt

from thermo_cli.reports.charts.looks import GOOD, LINE, MUTED, Layer, inline

NEAREST: Final = 1.5  # margins: the edge of an axis lies no nearer, so that the band is seen to end
LINE_HEIGHT: Final = 36  # pixels: a name, and below it the interval, so that a phone has the whole width for both


def band() -> list[Layer]:
    """Shade from -1 to 1, with both edges and zero."""
    return [
        alt.Chart(inline({})).mark_rect(fill=GOOD, opacity=0.1).encode(x=alt.datum(-1), x2=alt.datum(1)),
        alt.Chart(inline({"at": 0})).mark_rule(color=LINE).encode(x="at:Q"),
        alt.Chart(inline({"at": -1}, {"at": 1})).mark_rule(color=MUTED, strokeDash=[4, 4]).encode(x="at:Q"),
    ]
