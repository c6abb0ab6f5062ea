"""The report as a fragment of HTML for notebooks: no script, no sheet of styles, no colour that only one theme can show.

Text and lines take the notebook's own colour. Everything a user can name is escaped, and math in it is not typeset.
"""

import html
from typing import Any, Final

import numpy as np

from thermo_cli.characters import visible
from thermo_cli.contracts import Verdict
from thermo_cli.reports.composition import document_of
from thermo_cli.reports.document import Bullets, Document, Head, Listing
from thermo_cli.reports.numerals import number
from thermo_cli.reports.sweep_view import SweepView
from thermo_cli.reports.text_table import TextTable
from thermo_cli.reports.tones import tone
from thermo_cli.reports.verdict_document import verdict_document
from thermo_cli.reports.view import Curve, RunView

SECTIONS: Final = ("scores", "next", "warnings", "criteria", "macroscopic", "points")
EDGES: Final = {  # beside the verdict's name, which says the same: three to one against white and against black
    "good": "#2a8f4f",
    "cold": "#1b87a8",
    "odd": "#a653b8",
    "bad": "#d64545",
}
OPEN: Final = "#a87a13"
LEFT: Final = "text-align:left;padding:.15em .8em .15em 0;vertical-align:top"
WIDTH, HEIGHT, EDGE = 120, 24, 2
MOST: Final = 64  # lines of a table


def fragment(view: RunView | SweepView) -> str:
    """Draw a run or a sweep: what comes first, and its main tables."""
    return _drawn(document_of(view))


def verdict_fragment(verdict: Verdict) -> str:
    """Draw a verdict alone: what was decided, an answer a line, what to do next."""
    document = verdict_document(verdict)
    return _drawn(document, _questions(document.head))


def _questions(head: Head) -> str:
    rows = [(one.name, one.asked, one.answer + (f" ({one.aside})" if one.aside else "")) for one in head.questions]
    lines = "".join(f"<tr>{''.join(f'<td style={LEFT!r}>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table style="border-collapse:collapse;margin-bottom:.6em"><tbody>{lines}</tbody></table>'


def _drawn(document: Document, short: str = "") -> str:
    parts = [_head(document.head), short]
    for section in document.sections:
        if section.key in SECTIONS:
            for block in section.blocks:
                if isinstance(block, TextTable):
                    parts.append(_table(block))
                elif isinstance(block, Bullets):
                    parts += [f"<div>{_text(section.title)}: {_text(line)}</div>" for line in block.lines]
                elif isinstance(block, Listing):
                    parts.append(f"<div><code>{_text(block.text)}</code></div>")
    style = "font-family:system-ui,sans-serif;line-height:1.4;max-width:70em;overflow-x:auto"
    return f'<div class="tex2jax_ignore mathjax_ignore" style="{style}">{"".join(parts)}</div>'


def _head(head: Head) -> str:
    facts = [head.beside, *(f"{value} {name}" for value, name, _ in head.facts)]
    line = " · ".join(
        [f"<strong>{_text(head.word.upper())}</strong>", *map(_text, facts), f"<code>{_text(head.title)}</code>"]
    )
    colour = EDGES.get(tone(head.verdict), OPEN)
    return (
        f'<div style="border-left:4px solid {colour};padding:.2em .8em;margin-bottom:.6em"><div>{line}</div>'
        f'<div>{_text(head.lead)}</div><div style="font-size:90%">Scope: {_text(head.scope)}.</div></div>'
    )


def _table(table: TextTable) -> str:
    heads = "".join(f'<th scope="col" style="{LEFT}">{_text(table.columns[place].text)}</th>' for place in table.narrow)
    lines = "".join(
        f"<tr>{''.join(f'<td style={LEFT!r}>{_cell(line.cells[place])}</td>' for place in table.narrow)}</tr>"
        for line in table.lines[:MOST]
    )
    rest = f" The first {MOST} of {len(table.lines)}." if len(table.lines) > MOST else ""
    return (
        '<table style="border-collapse:collapse;font-size:90%;margin-bottom:.6em">'
        f'<caption style="text-align:left;color:inherit">{_text(table.caption + rest)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"
    )


def _cell(cell: str | Curve) -> str:
    return sparkline(cell) if isinstance(cell, Curve) else _text(cell)


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


def _text(value: Any) -> str:
    return html.escape(visible(str(value)))
