"""The report on a terminal: rich renderables that read well at 80 columns and without colour."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from thermo_cli.judging.record import Gate
from thermo_cli.reports.numerals import interval, number, sparkline
from thermo_cli.reports.points import Unjudged, View
from thermo_cli.reports.terminal_baseline import COMPARED, render_baseline
from thermo_cli.reports.view import RunView
from thermo_cli.reports.wording import legend, short

COLOURS: Final = {
    "thermalized": "green",
    "crystallized": "cyan",
    "settled": "green",
    "relaxing": "yellow",
    "glassy": "magenta",
    "diverged": "red",
    "undecided": "yellow",
    "holds": "green",
    "fails": "red",
    "untested": "bright_black",
    "inapplicable": "bright_black",
}
MOST_OUTLIERS: Final = 8


def text(views: Sequence[View]) -> str:
    """Draw runs and sweeps for this terminal.

    Args:
        views: Runs and sweeps.
    """
    from thermo_cli.reports.terminal_sweep import render_sweep

    def whole(view: View) -> RenderableType:
        if isinstance(view, Unjudged):
            return Panel(
                Text(f"NOT JUDGED\n\n{view.reason}"), title=Text(view.title), title_align="left", border_style="red"
            )
        return render(view) if isinstance(view, RunView) else render_sweep(view)

    return "\n".join(drawn(whole(view)) for view in views)


def drawn(renderable: RenderableType) -> str:
    """Draw a rich renderable as text for this terminal; no markup is read from text.

    Args:
        renderable: What to draw.
    """
    console = Console(markup=False, highlight=False, emoji=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def render(view: RunView) -> Group:
    """Draw a run.

    Args:
        view: What to show.
    """
    parts: list[RenderableType] = [_head(view), _criteria(view), _legend(view)]
    if view.baseline is not None:
        parts.append(render_baseline(view.baseline))
    parts.append(_macrostate(view))
    if view.outliers:
        parts.append(_outliers(view))
    if view.microscopic:
        parts.append(_microstate(view))
    parts.append(_notes(view))
    return Group(*parts)


def _head(view: RunView) -> Panel:
    verdict = view.verdict
    counts = verdict.replicas
    text = Text()
    text.append(verdict.verdict.upper(), style=f"bold {COLOURS[verdict.verdict]}")
    text.append(f"   phase {verdict.phase}   {counts['finished']} of {counts['planned']} replicas finished")
    for word in ("diverged", "crashed"):
        if counts[word]:
            text.append(f", {counts[word]} {word}", style="red")
    if view.status != "complete":
        text.append(f"   run is {view.status}", style="yellow")
    text.append(f"\n\n{verdict.summary}\n\n")
    if view.baseline is not None:
        words = view.baseline.words
        text.append(words[0].upper() + words[1:] + ".\n\n", style=COMPARED[view.baseline.outcome])
    text.append(f"Scope: {verdict.scope}.", style="dim")
    if view.gate is not None:
        text.append(*gate_line(view.gate))
    return Panel(text, title=Text(view.title), title_align="left", border_style=COLOURS[verdict.verdict])


def gate_line(gate: Gate) -> tuple[str, str]:
    """Say what the gate answers, as a paragraph and its style.

    Args:
        gate: What was asked, and the answer.
    """
    met = gate.code == 0
    words = f"gate met: required {', '.join(gate.required)}" if met else gate.words
    return f"\n\n{words[0].upper()}{words[1:]}.", "green" if met else "red"


def _criteria(view: RunView) -> Table:
    title = "Criteria"
    table = Table(box=None, padding=(0, 2, 0, 0), title=title, title_justify="left", title_style="bold")
    heads = ("", "observable", "replicas", "outcome", "estimate [interval]", "margin")
    rows = [
        (
            short(row.statistic),
            row.observable or "",
            row.scope.replace("all histories", "all").replace("same-bath ", ""),
            row.outcome if row.gates else f"({row.outcome})",
            interval(row),
            number(row.margin, 2) if row.margin else "",
        )
        for row in view.verdict.criteria
    ]
    for head, cells in zip(heads, zip(*rows, strict=True), strict=True):
        table.add_column(
            head, no_wrap=True, min_width=0 if head == "observable" else max(len(cell) for cell in (head, *cells))
        )
    for row, cells in zip(view.verdict.criteria, rows, strict=True):
        letter, observable, scope, outcome, estimate, margin = cells
        colour = COLOURS[row.outcome] if row.gates else "dim"
        table.add_row(
            letter, observable, scope, Text(outcome, colour), estimate, margin, style="" if row.gates else "dim"
        )
    return table


def _legend(view: RunView) -> Padding:
    words = "; ".join(f"{letter} {meaning}" for letter, meaning in legend(view.verdict.criteria).items())
    more = "; H history, D diversity, E ergodicity. Rows in brackets do not gate."
    return Padding(Text(words + more, style="dim"), (0, 0, 1, 0))


def _macrostate(view: RunView) -> Table:
    table = Table(
        box=None, padding=(0, 2, 0, 0), title="Macroscopic, at the end", title_justify="left", title_style="bold"
    )
    for name in ("observable", "mean", "sd", "fresh replicas", "history", "against log t"):
        table.add_column(name, no_wrap=True)
    for name in dict.fromkeys(curve.observable for curve in view.curves):
        state = view.verdict.macroscopic[name]
        low, high = state["tolerance_interval"]
        for position, curve in enumerate(curve for curve in view.curves if curve.observable == name):
            first = (name, number(state["mean"], 4), number(state["sd"], 2), f"{number(low)} .. {number(high)}")
            cells = first if position == 0 else ("", "", "", "")
            table.add_row(*cells, curve.history, sparkline(curve.means))
    return table


def _outliers(view: RunView) -> Padding:
    """Name the replicas that have diverged, crashed or stand apart; the first ones, where they are many."""
    title = f"Replicas that stand apart ({len(view.outliers)} of {len(view.replicas)})"
    table = Table(
        box=None, padding=(0, 2, 0, 0), title=title, title_justify="left", title_style="bold", show_header=False
    )
    table.add_column(no_wrap=True)
    table.add_column()
    for line in view.outliers[:MOST_OUTLIERS]:
        table.add_row(line.name, line.state if line.state != "finished" else "; ".join(line.apart))
    if len(view.outliers) > MOST_OUTLIERS:
        table.add_row("...", f"{len(view.outliers) - MOST_OUTLIERS} more: thermo-report --format html")
    return Padding(table, (1, 0, 0, 0))


def _microstate(view: RunView) -> Padding:
    table = Table(box=None, padding=(0, 2, 0, 0), title="Microscopic", title_justify="left", title_style="bold")
    for name in ("between replicas", "estimate [interval]", "null", "self, T/2"):
        table.add_column(name, no_wrap=True)
    for line in view.microscopic:
        low, high = line.interval
        bounds = "" if low is None else f" [{number(low)}, {number(high)}]"
        table.add_row(
            line.words,
            number(line.estimate) + bounds,
            number(line.null, 2) if line.null is not None else "",
            number(line.own) if line.own is not None else "",
        )
    law = view.distribution
    if law is not None:
        laws = [("P(q) of replicas", law.between), ("  of the null", law.null), ("  with themselves, T/2", law.own)]
        for position, (words, shares) in enumerate(laws):
            bins = f"{law.edges[0]:g} to {law.edges[-1]:g}" if position == 0 else ""
            if shares is not None:
                table.add_row(words, sparkline(shares.tolist()), bins, "")
    return Padding(table, (1, 0, 0, 0))


def _notes(view: RunView) -> Group:
    parts: list[RenderableType] = []
    for title, lines in (
        ("Macroscopic against microscopic", view.comparison),
        ("Diagnostics (decide nothing)", view.diagnostics),
        ("What to do next", view.next_steps),
        ("Warnings", view.verdict.warnings),
    ):
        if lines:
            parts.append(Padding(Text(title, style="bold"), (1, 0, 0, 0)))
            parts += [Padding(Text(line), (0, 0, 0, 2)) for line in lines]
    return Group(*parts, Text())
