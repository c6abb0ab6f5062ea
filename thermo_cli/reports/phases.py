"""The phase diagram of a sweep: what is said of each point, and how a terminal shows it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from thermo_cli.contracts import Verdict
from thermo_cli.reports.terminal import COLOURS, number

FULL: Final = ("test_accuracy", "test_r2")  # order parameters that are shown where there are several


@dataclass(frozen=True)
class PointView:
    """One point as a reader meets it: its order parameters.

    Attributes:
        values: Swept field to its value.
        verdict: What was decided; `not judged` where that cannot be.
        phase: Its phase.
        observable: Which macroscopic observable is shown.
        mean: Its mean over replicas.
        spread: Its standard deviation over replicas, in margins.
        overlap: Q* between replicas on one bath.
        wandering: Q* of replicas with themselves, half the training time earlier.
        energy: Mean energy.
        summary: One sentence.
    """

    values: Mapping[str, Any]
    verdict: str
    phase: str
    observable: str
    mean: float | None
    spread: float | None
    overlap: float | None
    wandering: float | None
    energy: float | None
    summary: str


@dataclass(frozen=True)
class SweepView:
    """A sweep as a reader meets it.

    Attributes:
        title: The run's name with its hash.
        status: Of the run folder.
        scope: Which randomness was varied.
        points: In order, the last field varying fastest.
    """

    title: str
    status: str
    scope: str
    points: tuple[PointView, ...]


def point_view(values: Mapping[str, Any], verdict: Verdict | None, reason: str) -> PointView:
    """Choose what is shown of a point.

    Args:
        values: Swept field to its value.
        verdict: What was decided; None where that cannot be.
        reason: Why not.
    """
    if verdict is None:
        return PointView(values, "not judged", "", "", None, None, None, None, None, reason)
    margins = {row.observable: row.margin for row in verdict.criteria if row.observable and row.margin}
    known = [name for name in (*FULL, *margins) if name in verdict.macroscopic]
    name = known[0] if known else next(iter(verdict.macroscopic), "")
    state, overlap = verdict.macroscopic.get(name, {}), verdict.microscopic.get("overlap") or {}
    margin, sd = margins.get(name), state.get("sd")
    return PointView(
        values, verdict.verdict, verdict.phase, name, state.get("mean"), sd / margin if sd is not None and margin else None,
        (overlap.get("same_bath") or overlap).get("estimate"), overlap.get("self"),
        verdict.macroscopic.get("energy", {}).get("mean"), verdict.summary,
    )  # fmt: skip


def render_sweep(view: SweepView) -> Group:
    """Draw a sweep: the phase diagram where two fields are swept, then every point with its order parameters.

    Args:
        view: What to show.
    """
    counted: dict[str, int] = {}
    for point in view.points:
        counted[point.verdict] = counted.get(point.verdict, 0) + 1
    text = Text()
    for place, (name, count) in enumerate(counted.items()):
        text.append(f"{', ' if place else ''}{count} ")
        text.append(name.upper(), style=f"bold {COLOURS.get(name, '')}")
    text.append(f"   of {len(view.points)} points")
    if view.status != "complete":
        text.append(f"   run is {view.status}", style="yellow")
    text.append(f"\n\nScope: {view.scope}.", style="dim")
    parts: list[RenderableType] = [Panel(text, title=Text(view.title), title_align="left")]
    fields = list(view.points[0].values)
    if len(fields) == 2:
        parts += [Text(f"Phase diagram: {fields[0]} down, {fields[1]} across"), _diagram(view.points, *fields)]
    parts.append(_order_parameters(view.points, fields))
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
    observable = points[0].observable
    table = Table(title="Order parameters", title_justify="left", box=None, padding=(0, 1, 0, 0))
    for field in fields:
        table.add_column(last(field), no_wrap=True)
    for name in ("verdict", "phase", observable, "sd/margin", "Q*", "self", "energy"):
        table.add_column(name, no_wrap=True)
    for point in points:
        table.add_row(
            *(shown(value) for value in point.values.values()), Text(point.verdict, style=COLOURS.get(point.verdict, "")),
            point.phase, number(point.mean, 4), number(point.spread, 2), number(point.overlap, 2), number(point.wandering, 2),
            number(point.energy),
        )  # fmt: skip
    return table


def shown(value: Any) -> str:
    """Write a swept value.

    Args:
        value: Of a spec.
    """
    return value if isinstance(value, str) else json.dumps(value)


def last(field: str) -> str:
    """Return the last key of a field, which names a column.

    Args:
        field: Dotted keys.
    """
    return field.rpartition(".")[2]
