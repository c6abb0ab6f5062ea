"""What the reports of runs and of sweeps have in common: criteria, comparisons, the gate's answer, how to get it again."""

from collections.abc import Iterator, Sequence

from thermo_cli.contracts import Row, Verdict
from thermo_cli.equilibrium.baseline import Difference
from thermo_cli.equilibrium.criteria import asked_of
from thermo_cli.judging.record import Gate
from thermo_cli.reports import wording
from thermo_cli.reports.document import Bullets, Details, Listing, Section
from thermo_cli.reports.numerals import interval, number
from thermo_cli.reports.text_table import (
    OUTCOME,
    ColumnHead,
    ShortAnswer,
    TableLine,
    TextTable,
    names,
    numbers,
    outcome_of,
)
from thermo_cli.reports.tones import tone_of
from thermo_cli.reports.view import Reproduction


def gate_answer(gate: Gate | None) -> tuple[str, str] | None:
    """Say what a gate answers, and in which tone; nothing where nothing was asked."""
    return None if gate is None else (wording.answer(gate), {0: "good", 4: "open"}.get(gate.code, "bad"))


def questions(verdict: Verdict) -> Iterator[ShortAnswer]:
    """Answer the questions of the criteria in a few words each."""
    gating = {row.criterion for row in verdict.criteria if row.gates}
    for criterion in asked_of("target" in verdict.outcomes):
        name = criterion.name
        outcome, gates = verdict.outcomes[name], name in gating
        idle = "only if asked for" if name == "target" else "not needed"
        answer, aside = wording.gloss(criterion, outcome), "" if gates else idle
        yield ShortAnswer(name.capitalize(), criterion.question, answer, tone_of(name, outcome, gates), aside)


def steps_of(steps: Sequence[wording.Step]) -> tuple[Bullets | Listing, ...]:
    """Say what to do next, each with what to type."""
    blocks: list[Bullets | Listing] = []
    for step in steps:
        blocks.append(Bullets((step.words,)))
        blocks += [Listing("Command", step.command, "sh")] if step.command else []
    return tuple(blocks)


def criteria_table(verdict: Verdict) -> TextTable:
    """List the rows of the court, those of a criterion together, those that no criterion has last."""
    columns = (
        ColumnHead("statistic", brief=wording.short, narrow=""),
        *names("observable"),
        ColumnHead("replicas", brief=wording.short_scope),
        OUTCOME,
        *numbers("estimate [interval]", "margin"),
    )
    groups = {answer.name.lower(): answer for answer in questions(verdict)}
    order = [*groups, *(row.criterion for row in verdict.criteria if row.criterion not in groups)]
    rows = sorted(verdict.criteria, key=lambda row: order.index(row.criterion))
    lines = tuple(_criterion(row, groups.pop(row.criterion, None)) for row in rows)
    return TextTable(
        "Each estimate with its interval, in the observable's unit. Rows in brackets decide nothing.", columns, lines
    )


def _criterion(row: Row, group: ShortAnswer | None) -> TableLine:
    margin = number(row.margin, 2) if row.margin else ""
    outcome = outcome_of(row.outcome, row.gates)
    cells = (row.statistic, row.observable or "", row.scope, outcome, interval(row), margin)
    return TableLine(cells, tone_of(row.criterion, row.outcome, row.gates), not row.gates, row.explanation, group)


def difference_cells(row: Difference | None) -> tuple[str, ...]:
    """Write a difference with its interval, and its margin."""
    return ("-", "-") if row is None else (wording.difference(row), number(row.margin, 2))


def reproduction(recipe: Reproduction) -> Section:
    """Say how to get a run again."""
    facts = tuple(TableLine((name, value)) for name, value in recipe.facts.items())
    table = TextTable("What it was made with.", (ColumnHead("what"), *names("which")), facts)
    spec = Details("The resolved spec", "every default filled in", (Listing("Resolved spec", recipe.spec, "yaml"),))
    blocks: list[TextTable | Details] = [*([table] if facts else []), *([spec] if recipe.spec else [])]
    commands = Listing("Commands", "\n".join(recipe.commands), "sh")
    parts = (Bullets(recipe.cautions, alarm=True), commands, *blocks)
    return Section("reproduction", "How to reproduce it", parts, recipe.promise)
