"""A sweep on a terminal: the phase diagram, then every point with its order parameters."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from thermo_cli.reports.numerals import number
from thermo_cli.reports.points import PointView, SweepView, last, means, reasons, shown, tally
from thermo_cli.reports.terminal import COLOURS, gate_line
from thermo_cli.reports.terminal_baseline import COMPARED, render_points

MOST_REASONS = 8


def render_sweep(view: SweepView) -> Group:
    """Draw a sweep: the phase diagram where two fields are swept, then every point with its order parameters.

    Args:
        view: What to show.
    """
    counted = tally(view.points)
    text = Text()
    for place, (name, count) in enumerate(counted):
        text.append(f"{', ' if place else ''}{count} ")
        text.append(name.upper(), style=f"bold {COLOURS.get(name, '')}")
    text.append(f"   of {len(view.points)} points")
    if view.status != "complete":
        text.append(f"   run is {view.status}", style="yellow")
    compared = [point.baseline for point in view.points if point.baseline is not None]
    if compared:
        outcomes = {name: sum(one.outcome == name for one in compared) for name in COMPARED}
        words = ", ".join(f"{count} {name}" for name, count in outcomes.items() if count)
        text.append(f"\n\nAgainst {compared[0].title}: {words}.")
    text.append(f"\n\nScope: {view.scope}.", style="dim")
    if view.gate is not None:
        text.append(*gate_line(view.gate))
    parts: list[RenderableType] = [Panel(text, title=Text(view.title), title_align="left")]
    fields = list(view.points[0].values)
    if len(fields) == 2:
        parts += [Text(f"Phase diagram: {fields[0]} down, {fields[1]} across"), _diagram(view.points, *fields)]
    parts.append(_order_parameters(view.points, fields))
    parts += [Padding(Text(f"Not judged: {reason}"), (1, 0, 0, 0)) for reason in reasons(view.points)[:MOST_REASONS]]
    if compared:
        parts.append(render_points(view.points, fields))
    return Group(*parts)


def _diagram(points: Sequence[PointView], down: str, across: str) -> Table:
    """A verdict for each combination of two fields."""
    columns = list(dict.fromkeys(shown(point.values[across]) for point in points))
    table = Table(box=None, padding=(0, 2, 0, 2))
    table.add_column(last(down), no_wrap=True)
    for column in columns:
        table.add_column(column, no_wrap=True)
    rows: dict[str, list[Text]] = {}
    for point in points:
        cell = Text(point.verdict, style=COLOURS.get(point.verdict, ""))
        rows.setdefault(shown(point.values[down]), []).append(cell)
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table


def _order_parameters(points: Sequence[PointView], fields: Sequence[str]) -> Table:
    head, cells = means(points)
    table = Table(title="Order parameters", title_justify="left", box=None, padding=(0, 1, 0, 0))
    for field in fields:
        table.add_column(last(field), no_wrap=True)
    for name in ("verdict", "phase", head, "sd/margin", "Q*", "self", "energy"):
        table.add_column(name, no_wrap=True)
    for point, mean in zip(points, cells, strict=True):
        table.add_row(
            *(shown(value) for value in point.values.values()),
            Text(point.verdict, style=COLOURS.get(point.verdict, "")),
            point.phase,
            mean,
            number(point.spread, 2),
            number(point.overlap, 2),
            number(point.wandering, 2),
            number(point.energy),
        )
    return table
