"""The report of a comparison of each with every other: who ranks where, every pair with its difference, what differs."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from thermo_cli.judging.ranking import Ranking
from thermo_cli.reports import wording
from thermo_cli.reports.document import Bullets, Document, Figures, Head, Listing, Section, absent, document
from thermo_cli.reports.lineup import Contestants, Lineup, ranked
from thermo_cli.reports.numerals import number
from thermo_cli.reports.shared_sections import difference_cells, gate_answer
from thermo_cli.reports.sweep_view import ComparisonView, SweepView
from thermo_cli.reports.text_table import OUTCOME, ColumnHead, TableLine, TextTable, names, numbers, outcome_of
from thermo_cli.reports.tones import tone
from thermo_cli.reports.view import RunView

MOST_LINES: Final = 1024
MOST_PAIRS: Final = 48  # lines of pairs where there is only text
ORDER: Final = (
    "The best first. A rank is the range of places that the pairs leave open, so what is equivalent or was not told apart "
    "shares it; the other columns are of all that gates, by number."
)
MEANS: Final = (
    "Trimmed means at the end, the best first; where the good direction is not known, the largest, without a rank. "
    "Lines that decide nothing are dim."
)
PAIRS: Final = "Of each pair the difference that decides it, or would: the first minus the second, with its interval."
DIFFERENCES: Final = "Of each pair every difference: the first minus the second. Outcomes in brackets do not gate."


def comparison_document(view: ComparisonView) -> Document:
    """Say all there is to say of a comparison.

    Args:
        view: What is known of it.
    """
    commands = "\n".join(f"thermo-report {one.title}" for one in view.views)
    return document(
        _head(view),
        *compared(view.lineups),
        _changes(view.lineups),
        Section("runs", "Each by itself", (Listing("Commands", commands, "sh"),)),
    )


def compared(lineups: Sequence[Lineup], notes: Sequence[str] = ()) -> Iterator[Section]:
    """Rank some ensembles and list their pairs.

    Args:
        lineups: One, or one for each point of sweeps that are compared point by point.
        notes: What to say besides.
    """
    known = tuple(dict.fromkeys(chain(notes, *(one.standings.notes for one in lineups))))
    yield Section("ranking", "Ranking", (_order(lineups), Bullets(known)), first=True)
    yield Section("means", "By observable", (_means(lineups),))
    contests = [contest for lineup in lineups for contest in lineup.contests]
    figures = Figures("comparison", absent=absent("chart", "no difference has a number"))
    method = wording.method([contest.row for contest in contests], ("the first of a pair", "the second"))
    deciding = [contest for lineup in lineups for contest in lineup.deciding]
    yield Section("pairs", "Every pair", (figures, _pairs(PAIRS, deciding, len(lineups) > 1)), method, first=True)
    yield Section("differences", "Every difference", (_pairs(DIFFERENCES, contests, len(lineups) > 1),))


def _head(view: ComparisonView) -> Head:
    lineups = view.lineups
    outcomes = [lineup.outcome for lineup in lineups]
    word = outcomes[0] if len({*outcomes}) == 1 else "differs from point to point"
    count, scopes = len(view.views), dict.fromkeys(_scope(one) for one in view.views)
    open_ = sum(pair.found.outcome == "undecided" for lineup in lineups for pair in lineup.standings.pairs)
    pairs = sum(len(lineup.standings.pairs) for lineup in lineups)
    facts = [
        (str(count), "sweeps" if lineups[0].where else "runs", False),
        (str(pairs), "pairs" if pairs > 1 else "pair", False),
    ]
    facts += [(str(open_), "undecided", True)] if open_ else []
    sentences = [f"at {one.where}: {one.sentence}" if one.where else one.sentence for one in lineups]
    lead = "; ".join(sentences)
    return Head(
        title=view.title,
        word=word,
        verdict=word,
        facts=tuple(facts),
        lead=f"{lead[0].upper()}{lead[1:]}.",
        scope=" / ".join(scopes),
        gate=gate_answer(view.gate),
    )


def _scope(view: RunView | SweepView) -> str:
    return view.scope if isinstance(view, SweepView) else view.verdict.scope


def _order(lineups: Sequence[Lineup]) -> TextTable:
    """Rank all by what gates together."""
    places = names(*["point"] * (len(lineups) > 1))
    columns = (
        *places,
        *numbers("no.", "rank"),
        *names("run"),
        ColumnHead("verdict", "outcome"),
        ColumnHead("better than", "number", narrow="beats"),
        ColumnHead("equivalent to", "number", narrow="equals"),
        ColumnHead("in no order with", "number", narrow="other"),
    )
    lines = []
    for lineup in lineups:
        for place in lineup.standings.rankings[0].order:
            member = place.member
            where = (lineup.where,) if places else ()
            beside = map(lineup.numbers, (place.better_than, place.equivalent_to, place.open))
            words = (str(lineup.number(member)), ranked(place.rank), lineup.names[member], lineup.verdicts[member])
            lines.append(TableLine((*where, *words, *beside), tone(lineup.verdicts[member])))
    return TextTable(ORDER, columns, tuple(lines[:MOST_LINES]))


def _means(lineups: Sequence[Lineup]) -> TextTable:
    """List means and ranks by each observable and history."""
    places = names(*["point"] * (len(lineups) > 1))
    columns = (*places, *names("observable", "history"), *numbers("rank", "no."), *names("run"), *numbers("mean"))
    lines = []
    for lineup in lineups:
        for ranking in lineup.standings.rankings[1:]:
            where = ((lineup.where,) if places else ()) + (ranking.observable, ranking.history)
            for cells in _ranked(ranking, lineup):
                lines.append(TableLine((*where, *cells), idle=not ranking.gates))
                where = ("",) * len(where)
    return TextTable(MEANS, columns, tuple(lines[:MOST_LINES]))


def _ranked(ranking: Ranking, lineup: Lineup) -> Iterator[tuple[str, ...]]:
    for place in ranking.order:
        member = place.member
        yield ranked(place.rank), str(lineup.number(member)), lineup.names[member], number(place.mean, 4)


def _pairs(caption: str, contests: Sequence[Contestants], several: bool) -> TextTable:
    """List differences of pairs, beside their margins."""
    columns = (
        *names(*["point"] * several),
        ColumnHead("pair"),
        *names("observable", "history"),
        OUTCOME,
        *numbers("difference [interval]", "margin"),
    )
    lines = []
    for one in contests[:MOST_LINES]:
        row, where = one.row, (one.where,) if several else ()
        outcome, pair = outcome_of(row.outcome, row.gates), f"{one.first} - {one.second}"
        cells = (*where, pair, row.observable, row.history, outcome, *difference_cells(row))
        reason = wording.reason(row, one.names)
        lines.append(TableLine(cells, tone(row.outcome), not row.gates, reason))
    more = f" The first {MOST_LINES} of {len(contests)}; all are in thermo-report --format json."
    told = caption + (more if len(contests) > MOST_LINES else "")
    return TextTable(told, columns, tuple(lines), MOST_PAIRS if len(lines) > MOST_PAIRS else None)


def _changes(lineups: Sequence[Lineup]) -> Section:
    """Say what differs between the first and each of the others by intent."""
    first, lines = lineups[0], []
    for pair in first.standings.pairs:
        if first.number(pair.first) == 1:
            other = first.number(pair.second)
            changes = [change.replace(" (baseline: ", f" ({other}: ") for change in pair.found.changes]
            lines += [f"1 differs from {other} in {change}" for change in changes]
    return Section("changes", "What differs", (Bullets(tuple(lines)),), first=True)
