"""The report as a fragment of HTML for notebooks: no script, no sheet of styles, no colour that only one theme can show.

Text and lines take the notebook's own colour. Everything a user can name is escaped, and math in it is not typeset.
"""

import html
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np

from thermo_cli.characters import visible
from thermo_cli.reports.numerals import interval, number
from thermo_cli.reports.points import SweepView, last, shown
from thermo_cli.reports.view import Curve, RunView

EDGES: Final = {  # beside the verdict's name, which says the same: three to one against white and against black
    "thermalized": "#2a8f4f",
    "settled": "#2a8f4f",
    "crystallized": "#1b87a8",
    "glassy": "#a653b8",
    "diverged": "#d64545",
}
OPEN: Final = "#a87a13"
LEFT: Final = "text-align:left;padding:.15em .8em .15em 0;vertical-align:top"
WIDTH, HEIGHT, EDGE = 120, 24, 2
MOST: Final = 64  # lines of a table


def fragment(view: RunView | SweepView) -> str:
    """Draw a run or a sweep.

    Args:
        view: What to show.
    """
    inside = _run(view) if isinstance(view, RunView) else _sweep(view)
    style = "font-family:system-ui,sans-serif;line-height:1.4;max-width:70em;overflow-x:auto"
    return f'<div class="tex2jax_ignore mathjax_ignore" style="{style}">{inside}</div>'


def _run(view: RunView) -> str:
    verdict = view.verdict
    counts = verdict.replicas
    facts = [f"phase {verdict.phase}", f"{counts['finished']} of {counts['planned']} replicas finished"]
    facts += [f"{counts[word]} {word}" for word in ("diverged", "crashed") if counts[word]]
    facts += [f"run is {view.status}"] if view.status != "complete" else []
    rows = [
        (
            row.statistic,
            row.observable or "",
            row.scope,
            row.outcome if row.gates else f"({row.outcome})",
            interval(row),
            "" if row.margin is None else number(row.margin, 2),
        )
        for row in verdict.criteria
    ]
    heads = ("statistic", "observable", "replicas", "outcome", "estimate [interval]", "margin")
    parts = [
        _head(
            view.title, verdict.verdict.upper(), EDGES.get(verdict.verdict, OPEN), facts, verdict.summary, verdict.scope
        ),
        _table("Criteria; those in brackets do not gate", heads, [[_text(cell) for cell in row] for row in rows]),
        _macrostate(view),
    ]
    return "".join(parts)


def _sweep(view: SweepView) -> str:
    rows = []
    for point in view.points:
        reason = f": {point.summary}" if point.decided is None else ""
        mean = f"{point.observable} {number(point.mean, 4)}" if point.observable else ""
        spread = "" if point.spread is None else number(point.spread, 2)
        q = "" if point.overlap is None else number(point.overlap, 2)
        values = [shown(value) for value in point.values.values()]
        rows.append([_text(cell) for cell in (*values, point.verdict + reason, point.phase, mean, spread, q)])
    heads = (*map(last, view.points[0].values), "verdict", "phase", "mean at the end", "sd/margin", "Q*")
    reached = Counter(point.verdict for point in view.points).most_common()
    facts = [f"of {len(view.points)} points"] + ([f"run is {view.status}"] if view.status != "complete" else [])
    words = ", ".join(f"{count} {word}" for word, count in reached).upper()
    return _head(view.title, words, OPEN, facts, "", view.scope) + _table("Points", heads, rows)


def _head(title: str, word: str, colour: str, facts: Iterable[str], summary: str, scope: str) -> str:
    line = " · ".join([f"<strong>{_text(word)}</strong>", *map(_text, facts), f"<code>{_text(title)}</code>"])
    more = f"<div>{_text(summary)}</div>" if summary else ""
    return (
        f'<div style="border-left:4px solid {colour};padding:.2em .8em;margin-bottom:.6em"><div>{line}</div>{more}'
        f'<div style="font-size:90%">Scope: {_text(scope)}.</div></div>'
    )


def _macrostate(view: RunView) -> str:
    rows = []
    for name, curves in groupby(view.curves, lambda curve: curve.observable):
        state = view.verdict.macroscopic[name]
        for position, curve in enumerate(curves):
            said = f"{number(state['mean'], 4)} ± {number(state['sd'], 2)}" if position == 0 else ""
            rows.append([_text(name if position == 0 else ""), _text(said), _text(curve.history), sparkline(curve)])
    heads = ("observable", "mean ± sd at the end", "history", "mean against log t")
    return _table("Macroscopic", heads, rows)


def sparkline(curve: Curve) -> str:
    """Draw a curve as a small picture whose title says where it begins and ends.

    Args:
        curve: The means of an observable over one history.
    """
    values = np.asarray(curve.means, dtype=np.float64)
    if len(values) < 2 or not np.isfinite(values).all():
        return _text("-")
    low, high = float(values.min()), float(values.max())
    heights = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    across = np.linspace(EDGE, WIDTH - EDGE, len(values))
    down = HEIGHT - EDGE - heights * (HEIGHT - 2 * EDGE)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    title = _text(f"{curve.observable} of {curve.history}: from {number(values[0])} to {number(values[-1])}")
    return (
        f'<svg role="img" aria-label="{title}" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<title>{title}</title><polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    )


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Draw a table of cells that are HTML already."""
    if not rows:
        return ""
    cells = "".join(f'<th scope="col" style="{LEFT}">{_text(head)}</th>' for head in heads)
    lines = "".join(f"<tr>{''.join(f'<td style={LEFT!r}>{cell}</td>' for cell in row)}</tr>" for row in rows[:MOST])
    rest = f"; the first {MOST} of {len(rows)}" if len(rows) > MOST else ""
    return (
        '<table style="border-collapse:collapse;font-size:90%;margin-bottom:.6em">'
        f'<caption style="text-align:left;font-weight:bold;color:inherit">{_text(caption + rest)}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"
    )


def _text(value: Any) -> str:
    return html.escape(visible(str(value)))
