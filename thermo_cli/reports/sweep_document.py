"""The report of a sweep: the phase diagram, every point with its order parameters, then each point's criteria."""

from typing import Final

from thermo_cli.judging.record import Baseline
from thermo_cli.reports import wording
from thermo_cli.reports.document import (
    Bullets,
    ColumnHead,
    Details,
    Document,
    Figures,
    Head,
    Section,
    Sentence,
    ShortAnswer,
    TableLine,
    TextTable,
    absent,
    tone,
)
from thermo_cli.reports.numerals import number
from thermo_cli.reports.run_document import PLANE, criteria_table, gate_answer, reproduction
from thermo_cli.reports.sweep_view import PointView, SweepView, last, means, reasons, shown

MOST_POINTS: Final = 1024
MOST_DETAILS: Final = 64
MOST_REASONS: Final = 16


def sweep_document(view: SweepView) -> Document:
    """Say all there is to say of a sweep.

    Args:
        view: What is known of it.
    """
    compared = [partner for point in view.points for partner in point.partners]
    plane = Figures("plane", absent=absent("plane", "no point has both a spread and a divergence"))
    sections = [
        _phases(view),
        Section("plane", PLANE, (plane,)),
        _points(view),
        *([_against(view, compared)] if compared else []),
        _details(view),
        reproduction(view.reproduction),
    ]
    return Document(_head(view, compared), tuple(sections))


def _head(view: SweepView, compared: list[Baseline]) -> Head:
    total = len(view.points)
    outcomes = [one.outcome for one in compared]
    counts = ", ".join(f"{outcomes.count(name)} {name}" for name in dict.fromkeys(outcomes))
    return Head(
        view.title,
        f"{total} points",
        view.tally[0][0],
        ", ".join(view.fields),
        ((view.status, "run", view.status != "complete"),),
        ", ".join(f"{count} {name}" for name, count in view.tally) + ".",
        f"{_partners(view)}: {counts}." if compared else "",
        view.scope,
        view.description,
        gate_answer(view.gate),
        tuple(ShortAnswer(f"{count} of {total} points", "", name, tone(name)) for name, count in view.tally),
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
    heads = (ColumnHead(last(down), "name", own=True), *(ColumnHead(name, "outcome", own=True) for name in columns))
    lines = tuple(TableLine((name, *cells)) for name, cells in rows.items())
    return TextTable(f"The verdict at each point, {down} down, {across} across.", heads, lines)


def _fields(view: SweepView) -> tuple[ColumnHead, ...]:
    return tuple(ColumnHead(last(field), "name", own=True) for field in view.fields)


def _values(point: PointView) -> tuple[str, ...]:
    return tuple(shown(value) for value in point.values.values())


def _points(view: SweepView) -> Section:
    points = view.points[:MOST_POINTS]
    head, cells = means(points)
    columns = (
        ColumnHead("point", "number", wide=True),
        *_fields(view),
        ColumnHead("verdict", "outcome"),
        ColumnHead("phase"),
        ColumnHead(head, "number", own=True),
        *(ColumnHead(name, "number") for name in ("sd/margin", "Q*", "self", "energy")),
    )
    lines = tuple(
        TableLine(
            (
                str(place),
                *_values(point),
                point.verdict,
                point.phase,
                mean,
                number(point.spread, 2),
                number(point.overlap, 2),
                number(point.wandering, 2),
                number(point.energy),
            )
        )
        for place, (point, mean) in enumerate(zip(points, cells, strict=True), 1)
    )
    silent = reasons(view.points)
    lost = [f"not judged: {reason}" for reason in silent[:MOST_REASONS]]
    if len(silent) > MOST_REASONS:
        lost.append(f"{len(silent) - MOST_REASONS} more points are not judged")
    caption = "Every point with its order parameters; self is a replica's overlap with itself, T/2 earlier."
    if len(view.points) > len(points):
        caption += f" The first {len(points)} of {len(view.points)}; all are in thermo-report --format json."
    return Section("points", "Points", (TextTable(caption, columns, lines), Bullets(tuple(lost))), first=True)


def _partners(view: SweepView) -> str:
    """Say what points were compared with: the same points of another sweep, or each other."""
    names = dict.fromkeys(partner.title for point in view.points for partner in point.partners)
    return f"Against {next(iter(names))}" if len(names) == 1 else "Each point against the others"


def _against(view: SweepView, compared: list[Baseline]) -> Section:
    """Compare point by point: each with its difference that is largest beside its margin."""
    several = len(dict.fromkeys(partner.title for partner in compared)) > 1
    heads = (
        *_fields(view),
        *([ColumnHead("against", "name")] if several else []),
        ColumnHead("outcome", "outcome"),
        ColumnHead("largest in", "name"),
        ColumnHead("history", "name"),
        ColumnHead("difference [interval]", "number"),
        ColumnHead("margin", "number"),
    )
    lines = []
    for point in view.points:
        for partner in point.partners or (None,):
            row, cells = wording.telling(partner) if partner is not None else None, ("-",) * 4
            if row is not None:
                cells = (row.observable, row.history, wording.difference(row), number(row.margin, 2))
            other = [partner.title.removeprefix(f"{view.title} ") if partner is not None else "-"] if several else []
            outcome = partner.outcome if partner is not None else "not compared"
            lines.append(TableLine((*_values(point), *other, outcome, *cells)))
    caption = "Of each point the difference of final means that is largest beside its margin."
    blocks = (TextTable(caption, heads, tuple(lines[:MOST_POINTS])), Bullets(wording.remarks(compared)))
    return Section("baseline", _partners(view), blocks, first=True)


def _details(view: SweepView) -> Section:
    points, total = view.points[:MOST_DETAILS], len(view.points)
    intro = (
        f"The first {len(points)} of {total}; all are in thermo-report --format json." if total > len(points) else ""
    )
    return Section("details", "Every point", tuple(_point(*one) for one in enumerate(points, 1)), intro)


def _point(place: int, point: PointView) -> Details:
    verdict = point.decided
    blocks = [] if verdict is None else [Bullets(wording.next_steps(verdict)), Bullets(verdict.warnings, alarm=True)]
    tables = [] if verdict is None else [criteria_table(verdict)]
    return Details(
        f"{place} · {point.verdict}", point.label, (Sentence(point.summary), *blocks, *tables), point.verdict
    )
