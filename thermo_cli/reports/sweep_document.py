"""The report of a sweep: the phase diagram, every point with its order parameters, then each point's criteria."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from thermo_cli.judging.record import Baseline
from thermo_cli.reports import wording
from thermo_cli.reports.comparison_document import compared
from thermo_cli.reports.document import (
    Blocks,
    Bullets,
    Details,
    Document,
    Figures,
    Head,
    Section,
    Sentence,
    absent,
    document,
)
from thermo_cli.reports.numerals import number
from thermo_cli.reports.scores import Score, scores
from thermo_cli.reports.scores import shown as shown_scores
from thermo_cli.reports.shared_sections import criteria_table, difference_cells, gate_answer, reproduction, steps_of
from thermo_cli.reports.sweep_view import PointView, SweepView, last, means, reasons, shown
from thermo_cli.reports.text_table import OUTCOME, ColumnHead, ShortAnswer, TableLine, TextTable, names, numbers
from thermo_cli.reports.tones import tone
from thermo_cli.reports.typed import Typed

MOST_POINTS: Final = 1024
MOST_DETAILS: Final = 64
MOST_REASONS: Final = 16
ALL: Final = "all are in thermo-report --format json."


def sweep_document(view: SweepView) -> Document:
    """Say all there is to say of a sweep.

    Args:
        view: What is known of it.
    """
    partners = [partner for point in view.points for partner in point.partners]
    plane = Figures("plane", absent=absent("plane", "no point has both a spread and a divergence"))
    return document(
        _head(view, partners),
        _phases(view),
        Section("plane", "Macroscopic against microscopic", (plane,)),
        _points(view),
        _response(view),
        _looks(view),
        *_comparison(view, partners),
        _details(view),
        reproduction(view.reproduction),
    )


def _head(view: SweepView, partners: list[Baseline]) -> Head:
    total = len(view.points)
    return Head(
        title=view.title,
        word=f"{total} points",
        verdict=view.tally[0][0],
        beside=", ".join(view.fields),
        facts=((view.status, "run", view.status != "complete"),),
        lead=", ".join(f"{count} {name}" for name, count in view.tally) + ".",
        compared=_compared(view, partners),
        scope=view.scope,
        description=view.description,
        gate=gate_answer(view.gate),
        questions=tuple(ShortAnswer(f"{count} of {total} points", "", name, tone(name)) for name, count in view.tally),
    )


def _phases(view: SweepView) -> Section:
    fields = view.fields
    why = absent("phase diagram", f"{len(fields)} fields are swept: the table has every point")
    figures = Figures("phases", absent=why, instead=_diagram(view, *fields) if len(fields) == 2 else None)
    return Section("phases", "Order parameters" if len(fields) == 1 else "Phase diagram", (figures,), first=True)


def _diagram(view: SweepView, down: str, across: str) -> TextTable:
    """Draw a verdict for each combination of two fields."""
    columns = dict.fromkeys(shown(point.values[across]) for point in view.points)
    rows: dict[str, list[str]] = {}
    for point in view.points:
        rows.setdefault(shown(point.values[down]), []).append(point.verdict)
    heads = (*names(last(down), own=True), *(ColumnHead(name, "outcome", own=True) for name in columns))
    lines = tuple(TableLine((name, *cells)) for name, cells in rows.items())
    return TextTable(f"The verdict at each point, {down} down, {across} across.", heads, lines)


def _fields(view: SweepView) -> tuple[ColumnHead, ...]:
    return names(*map(last, view.fields), own=True)


def _values(point: PointView) -> tuple[str, ...]:
    return tuple(map(shown, point.values.values()))


def _points(view: SweepView) -> Section:
    points = view.points[:MOST_POINTS]
    head, cells = means(points)
    columns = (
        *numbers("point", wide=True),
        *_fields(view),
        ColumnHead("verdict", "outcome"),
        ColumnHead("phase"),
        *numbers(head, own=True),
        *numbers("sd/margin", "Q*", "self", "energy"),
    )
    lines = []
    for place, (point, mean) in enumerate(zip(points, cells, strict=True), 1):
        parameters = (number(value, 2) for value in (point.spread, point.overlap, point.wandering))
        words = (str(place), *_values(point), point.verdict, point.phase)
        lines.append(TableLine((*words, mean, *parameters, number(point.energy))))
    beside = [f"{name}: {words}" for name, words in _beside(points).items()]
    silent = reasons(view.points)
    lost = [f"not judged: {reason}" for reason in silent[:MOST_REASONS]]
    if len(silent) > MOST_REASONS:
        lost.append(f"{len(silent) - MOST_REASONS} more points are not judged")
    caption = "Every point with its order parameters; self is a replica's overlap with itself, T/2 earlier."
    if len(view.points) > len(points):
        caption += f" The first {len(points)} of {len(view.points)}; {ALL}"
    remarks = Bullets(tuple(beside + lost))
    blocks = (TextTable(caption, columns, tuple(lines)), remarks)
    return Section("points", "Points", blocks, first=True, brief=(_short(view, points, head, cells), remarks))


def _short(view: SweepView, points: Sequence[PointView], head: str, cells: Sequence[str]) -> TextTable:
    """List the points with what needs no explanation: values, verdict, mean and spread."""
    columns = (*_fields(view), ColumnHead("verdict", "outcome"), *numbers(head, own=True), *numbers("spread"))
    lines = tuple(
        TableLine((*_values(point), point.verdict, mean, number(point.spread, 2)))
        for point, mean in zip(points, cells, strict=True)
    )
    return TextTable("Every point; the spread is the standard deviation over replicas, in margins.", columns, lines)


def _beside(points: Sequence[PointView]) -> dict[str, str]:
    """Say of what is shown of the points what the constant answer scores, and the test set's own error."""
    words: dict[str, str] = {}
    for name in dict.fromkeys(point.observable for point in points if point.decided is not None):
        every = [
            one
            for point in points
            if point.decided is not None
            for one in scores(point.decided)
            if one.observable == name
        ]
        constants, errors = (sorted({v for v in found if v is not None}) for found in _known(every))
        parts = [f"the constant answer scores {_range(constants)}"] if constants else []
        parts += (
            [f"the test set's own error is {_range(errors)}, which no number of replicas reduces"] if errors else []
        )
        words |= {name: "; ".join(parts)} if parts else {}
    return words


def _known(every: Sequence[Score]) -> tuple[list[float | None], list[float | None]]:
    return [one.constant for one in every], [one.own_error for one in every]


def _range(values: Sequence[float]) -> str:
    low, high = number(values[0], 4), number(values[-1], 4)
    return low if low == high else f"{low} to {high}"


def _response(view: SweepView) -> Section:
    """Say how far each step along a swept number moves what gates, beside what another seed would; nothing of other sweeps."""
    lines = []
    for point in view.points[:MOST_POINTS]:
        known: dict[str, Any] = point.decided.diagnostics.get("field_response", {}) if point.decided is not None else {}
        for name, one in known.get("observables", {}).items():
            low, high = (number(end, 2) for end in one["interval"])
            step = f"{shown(known['since'])} to {', '.join(_values(point))}"
            change = f"{number(one['change'], 3)} [{low}, {high}]"
            lines.append(TableLine((step, name, change, number(one["per_unit"], 2), number(one["in_sd"], 2))))
    columns = (
        *names(*map(last, view.fields[:1]), own=True),
        *names("observable"),
        *numbers("change", "per unit", "in sd"),
    )
    caption = "What each step along the field changes: final trimmed means, per unit of it, and in sd over replicas."
    return Section("response", "Response", (TextTable(caption, columns, tuple(lines)),))


def _looks(view: SweepView) -> Section:
    """List what the looks at each point had; nothing where no point has grown."""
    grown = [(point, point.decided.looks) for point in view.points if point.decided is not None]
    columns = (*_fields(view), *numbers("replicas", "steps"), ColumnHead("verdicts"))
    lines = []
    for point, looks in [pair for pair in grown if len(pair[1]) > 1][:MOST_POINTS]:
        replicas = ", ".join(str(count) for count in dict.fromkeys(look.replicas for look in looks))
        steps = ", ".join(str(count) for count in dict.fromkeys(look.steps for look in looks))
        lines.append(TableLine((*_values(point), replicas, steps, ", ".join(look.verdict for look in looks))))
    caption = "Points that grew until they were decided: replicas per history, steps and verdicts of their looks."
    return Section("looks", "Looks", (TextTable(caption, columns, tuple(lines)),))


def _comparison(view: SweepView, partners: list[Baseline]) -> Iterator[Section]:
    """Compare the points with each other, or each with the same point of another sweep; nothing where they were not."""
    if view.lineup is not None:
        lost = [f"not compared: {point.label}: {point.summary}" for point in view.points if not point.partners]
        yield from compared([view.lineup], lost[:MOST_REASONS])
    elif partners:
        yield _against(view, partners)


def _compared(view: SweepView, partners: list[Baseline]) -> str:
    """Say in a sentence how the points compare; nothing where they were not compared."""
    if view.lineup is not None:
        words = view.lineup.sentence
        return f"{words[0].upper()}{words[1:]}."
    outcomes = [one.outcome for one in partners]
    counts = ", ".join(f"{outcomes.count(name)} {name}" for name in dict.fromkeys(outcomes))
    return f"Against {partners[0].title}: {counts}." if partners else ""


def _against(view: SweepView, partners: list[Baseline]) -> Section:
    """Compare point by point: each with its difference that is largest beside its margin."""
    heads = (*_fields(view), OUTCOME, *names("largest in", "history"), *numbers("difference [interval]", "margin"))
    lines = []
    for point in view.points:
        for partner in point.partners or (None,):
            row = wording.telling(partner) if partner is not None else None
            where = (row.observable, row.history) if row is not None else ("-", "-")
            outcome = partner.outcome if partner is not None else "not compared"
            lines.append(TableLine((*_values(point), outcome, *where, *difference_cells(row))))
    caption = "Of each point the difference of final means that is largest beside its margin."
    figures = Figures("comparison", absent=absent("chart", "no difference has a number"))
    blocks = (figures, TextTable(caption, heads, tuple(lines[:MOST_POINTS])), Bullets(wording.remarks(partners)))
    return Section("baseline", f"Against {partners[0].title}", blocks, first=True)


def _details(view: SweepView) -> Section:
    points, total = view.points[:MOST_DETAILS], len(view.points)
    intro = f"The first {len(points)} of {total}; {ALL}" if total > len(points) else ""
    return Section("details", "Every point", tuple(_point(*one, view.typed) for one in enumerate(points, 1)), intro)


def _point(place: int, point: PointView, typed: Typed) -> Details:
    verdict = point.decided
    blocks: Blocks = (Sentence(point.summary),)
    if verdict is not None:
        steps = steps_of(wording.next_steps(verdict, typed=typed))
        warnings = Bullets(verdict.warnings, alarm=True)
        blocks = (*blocks, *shown_scores(verdict), *steps, warnings, criteria_table(verdict))
    return Details(f"{place} · {point.verdict}", point.label, blocks, point.verdict)
