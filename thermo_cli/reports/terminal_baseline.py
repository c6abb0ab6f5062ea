"""A comparison with a baseline on a terminal: a table of differences, and what to know of them."""

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from thermo_cli.judging.record import Baseline
from thermo_cli.reports.baseline_words import difference, method, remarks, shared, telling
from thermo_cli.reports.numerals import number
from thermo_cli.reports.points import PointView, last, shown

COMPARED: Final = {"equivalent": "green", "better": "cyan", "worse": "red", "undecided": "yellow"}


def render_baseline(baseline: Baseline) -> Padding:
    """Draw the comparison of a run: a row per observable and history, then what is not equivalent, and what differs.

    Args:
        baseline: What to show.
    """
    title = Text(f"Against {baseline.title}: ", style="bold")
    title.append(baseline.outcome, style=COMPARED[baseline.outcome])
    table = Table(box=None, padding=(0, 2, 0, 0), title=title, title_justify="left")
    rows = [
        (
            row.observable,
            row.history,
            row.outcome if row.gates else f"({row.outcome})",
            difference(row),
            number(row.margin, 2),
        )
        for row in baseline.rows
    ]
    _columns(table, ("observable", "history", "outcome", "difference [interval]", "margin"), rows)
    for row, (observable, history, outcome, interval, margin) in zip(baseline.rows, rows, strict=True):
        style = COMPARED[row.outcome] if row.gates else "dim"
        table.add_row(observable, history, Text(outcome, style), interval, margin, style="" if row.gates else "dim")
    parts: list[RenderableType] = [table, Text(method(baseline.rows), style="dim")]
    parts += [Padding(Text(line), (0, 0, 0, 2)) for line in remarks(baseline)]
    return Padding(Group(*parts), (0, 0, 1, 0))


def render_points(points: Sequence[PointView], fields: Sequence[str]) -> Padding:
    """Draw the comparison of a sweep: a row per point with its difference that is largest beside its margin.

    Args:
        points: All points, at least one of them compared.
        fields: Those that are swept.
    """
    known = [point for point in points if point.baseline is not None]
    title = next(point.baseline.title for point in known if point.baseline is not None)
    table = Table(box=None, padding=(0, 1, 0, 0), title=Text(f"Against {title}", style="bold"), title_justify="left")
    for field in fields:
        table.add_column(last(field), no_wrap=True)
    rows = []
    for point in known:
        row = telling(point.baseline) if point.baseline is not None else None
        outcome = point.baseline.outcome if point.baseline is not None else ""
        said = (
            ("-", "-", "-", "-")
            if row is None
            else (row.observable, row.history, difference(row), number(row.margin, 2))
        )
        rows.append((outcome, *said))
    _columns(table, ("outcome", "largest in", "history", "difference [interval]", "margin"), rows)
    for point, (outcome, *cells) in zip(known, rows, strict=True):
        table.add_row(*(shown(value) for value in point.values.values()), Text(outcome, COMPARED[outcome]), *cells)
    lines = shared(point.baseline for point in known if point.baseline is not None)
    return Padding(Group(table, *(Padding(Text(line), (0, 0, 0, 2)) for line in lines)), (1, 0, 0, 0))


def _columns(table: Table, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Add columns as wide as their cells; names, which a user chooses, are folded where the line is too long."""
    for place, head in enumerate(heads):
        names = head in ("observable", "history", "largest in")
        width = None if names else max(len(cell) for cell in (head, *(row[place] for row in rows)))
        table.add_column(head, no_wrap=not names, min_width=width, overflow="fold")
