"""The report of a run: what is read first, then criteria, trajectories, replicas, microstates, noise, reproduction."""

from collections.abc import Iterator
from typing import Final

from thermo_cli.contracts import Row, Verdict
from thermo_cli.equilibrium.criteria import CRITERIA
from thermo_cli.judging.record import Baseline, Gate
from thermo_cli.reports import wording
from thermo_cli.reports.document import (
    Blocks,
    Bullets,
    ColumnHead,
    Details,
    Document,
    Figures,
    Head,
    Listing,
    Section,
    Sentence,
    ShortAnswer,
    TableLine,
    TextTable,
    absent,
    tone,
    tone_of,
)
from thermo_cli.reports.numerals import interval, number
from thermo_cli.reports.view import Curve, Reproduction, RunView

MOST_REPLICAS: Final = 512
MOST_OUTLIERS: Final = 50  # where there is only text
NEXT: Final = "What to do next"
PLANE: Final = "Macroscopic against microscopic"


def run_document(view: RunView) -> Document:
    """Say all there is to say of a run.

    Args:
        view: What is known of it.
    """
    verdict = view.verdict
    courses = Figures("trajectories", absent=absent("trajectories", "no observable that gates has a finite value"))
    steps = wording.next_steps(verdict, view.trained)
    sections = [
        Section("next", NEXT, (Bullets(steps) if steps else Sentence(wording.nothing_to_do(verdict)),), first=True),
        *(
            [Section("warnings", "Warnings", (Bullets(verdict.warnings, alarm=True),), first=True)]
            if verdict.warnings
            else []
        ),
        *([_ranking(view)] if len(view.partners) > 1 else []),
        *(against(partner, place) for place, partner in enumerate(view.partners)),
        _plane(view),
        _criteria(verdict),
        Section("trajectories", "Trajectories", (courses,)),
        Section("macroscopic", "Macroscopic, at the end", (_macroscopic(view),)),
        _replicas(view),
        _microscopic(view),
        _courses(view),
        _noise(view),
        _diagnostics(verdict),
        reproduction(view.reproduction),
    ]
    return Document(_head(view), tuple(sections))


def _head(view: RunView) -> Head:
    verdict = view.verdict
    counts = verdict.replicas
    lost = [(str(counts[word]), word, True) for word in ("diverged", "crashed") if counts[word]]
    controls = [(str(counts["controls"]), "controls", False)] if counts.get("controls") else []
    words = "; ".join(partner.words for partner in view.partners)
    return Head(
        view.title,
        verdict.verdict,
        verdict.verdict,
        f"phase {verdict.phase}",
        (
            (f"{counts['finished']} of {counts['planned']}", "replicas finished", False),
            *lost,
            *controls,
            (view.status, "run", view.status != "complete"),
        ),
        verdict.summary,
        words and f"{words[0].upper()}{words[1:]}.",
        verdict.scope,
        view.description,
        gate_answer(view.gate),
        tuple(questions(verdict)),
    )


def gate_answer(gate: Gate | None) -> tuple[str, str] | None:
    """Say what a gate answers, and in which tone; nothing where nothing was asked."""
    if gate is None:
        return None
    return wording.answer(gate), {0: "good", 4: "open"}.get(gate.code, "bad")


def questions(verdict: Verdict) -> Iterator[ShortAnswer]:
    """Answer the questions of the criteria in a few words each."""
    gating = {row.criterion for row in verdict.criteria if row.gates}
    for criterion in CRITERIA:
        name = criterion.name
        outcome, gates = verdict.outcomes[name], name in gating
        answer, aside = wording.gloss(criterion, outcome), "" if gates else "does not gate"
        yield ShortAnswer(name.capitalize(), criterion.question, answer, tone_of(name, outcome, gates), aside)


def _ranking(view: RunView) -> Section:
    """Put all that were compared in the order of their means, the best first."""
    columns = (ColumnHead("observable", "name"), ColumnHead("history", "name"), ColumnHead("order of the means"))
    lines = []
    for rank in view.record["comparison"]["ranking"]:
        order = ", ".join(f"{run['run']} {number(run['mean'], 4)}" for run in rank["order"])
        lines.append(TableLine((rank["observable"], rank["history"], order)))
    caption = "All that were compared, the best first; where the good direction is not known, the largest. It decides nothing."
    return Section("ranking", "In order", (TextTable(caption, columns, tuple(lines)),), first=True)


def against(baseline: Baseline, place: int = 0) -> Section:
    """Compare a run with another: a line per observable and history, then what differs.

    Args:
        baseline: The comparison.
        place: Among several.
    """
    columns = (
        ColumnHead("observable", "name"),
        ColumnHead("history", "name"),
        ColumnHead("outcome", "outcome"),
        ColumnHead("this run", "number", wide=True),
        ColumnHead("baseline", "number", wide=True),
        ColumnHead("difference [interval]", "number"),
        ColumnHead("margin", "number"),
    )
    lines = tuple(
        TableLine(
            (
                row.observable,
                row.history,
                row.outcome if row.gates else f"({row.outcome})",
                number(row.mean, 4),
                number(row.baseline_mean, 4),
                wording.difference(row),
                number(row.margin, 2),
            ),
            tone(row.outcome),
            not row.gates,
            wording.reason(row),
        )
        for row in baseline.rows
    )
    caption = "Difference of final means, with its interval, beside the margin. Rows in brackets do not gate."
    blocks = (TextTable(caption, columns, lines), Bullets(wording.remarks([baseline])))
    title = f"Against {baseline.title}: {baseline.outcome}"
    return Section(
        f"baseline-{place}" if place else "baseline", title, blocks, wording.method(baseline.rows), first=True
    )


def _plane(view: RunView) -> Section:
    why = _no_overlaps(view) or "spread or divergence has no number"
    figures = Figures("plane", absent=absent("plane", why))
    return Section("plane", PLANE, (figures, Bullets(wording.comparison(view.verdict.diagnostics))))


def _criteria(verdict: Verdict) -> Section:
    intro = "; ".join(f"{letter} {meaning}" for letter, meaning in wording.legend(verdict.criteria).items())
    figures = Figures("criteria", absent=absent("chart", "no row has an estimate"))
    return Section("criteria", "Criteria", (figures, criteria_table(verdict)), f"{intro}.")


def criteria_table(verdict: Verdict) -> TextTable:
    """List the rows of the court, those of a criterion together.

    Args:
        verdict: What was decided.
    """
    columns = (
        ColumnHead("statistic", brief=wording.short, narrow=""),
        ColumnHead("observable", "name"),
        ColumnHead("replicas", brief=wording.short_scope),
        ColumnHead("outcome", "outcome"),
        ColumnHead("estimate [interval]", "number"),
        ColumnHead("margin", "number"),
    )
    lines = []
    for criterion, answer in zip(CRITERIA, questions(verdict), strict=True):
        group: ShortAnswer | None = answer
        for row in (row for row in verdict.criteria if row.criterion == criterion.name):
            lines.append(_criterion(row, group))
            group = None
    asked = {criterion.name for criterion in CRITERIA}
    lines += [_criterion(row, None) for row in verdict.criteria if row.criterion not in asked]
    caption = "Each estimate with its interval, in the observable's unit. Rows in brackets do not gate."
    return TextTable(caption, columns, tuple(lines))


def _criterion(row: Row, group: ShortAnswer | None) -> TableLine:
    cells = (
        row.statistic,
        row.observable or "",
        row.scope,
        row.outcome if row.gates else f"({row.outcome})",
        interval(row),
        number(row.margin, 2) if row.margin else "",
    )
    return TableLine(cells, tone_of(row.criterion, row.outcome, row.gates), not row.gates, row.explanation, group)


def _macroscopic(view: RunView) -> TextTable:
    columns = (
        ColumnHead("observable", "name"),
        ColumnHead("history", "name"),
        ColumnHead("mean", "number"),
        ColumnHead("sd", "number"),
        ColumnHead("fresh replicas", "number"),
        ColumnHead("mean over the window", "number", wide=True),
        ColumnHead("margin", "number", wide=True),
        ColumnHead("against log t", "curve"),
    )
    lines = []
    for panel in view.panels:
        state = view.verdict.macroscopic.get(panel.observable)
        if state is None:
            continue
        low, high = state["tolerance_interval"]
        window, margin = number(state["window_mean"], 4), number(panel.margin, 2) if panel.margin else ""
        fresh = "-" if low is None and high is None else f"{number(low)} .. {number(high)}"
        pooled = (fresh, window, margin)
        curves = [curve for curve in view.curves if curve.observable == panel.observable]
        states = [(curve.history, state["histories"][curve.history], curve) for curve in curves]
        if len(states) > 1:
            states.insert(0, ("all", state, Curve(panel.observable, "all", ())))
        for place, (history, part, curve) in enumerate(states):
            rest = pooled if place == 0 else ("", "", "")
            cells = (panel.observable, history, number(part["mean"], 4), number(part["sd"], 2), *rest, curve)
            lines.append(TableLine(cells, idle=panel.margin is None))
    caption = "Final values over replicas. Fresh replicas: an interval that holds the stated share with the stated confidence."
    return TextTable(caption, columns, tuple(lines))


def _replicas(view: RunView) -> Section:
    odd, every, unfinished = view.outliers, view.replicas, view.verdict.unfinished
    names = {replica.name for replica in odd}
    listed = (*odd, *(replica for replica in every if replica.name not in names))[:MOST_REPLICAS]
    intro = f"None of {len(every) - unfinished} that have been trained stands apart."
    if odd:
        intro = f"{len(odd)} of {len(every)} stand apart, have diverged or crashed; they come first."
    if unfinished:
        intro += f" {unfinished} are still to be trained."
    if len(listed) < len(every):
        intro += f" {len(listed)} of {len(every)} are listed; all are in thermo-report --export parquet."
    columns = (
        ColumnHead("replica", "name"),
        ColumnHead("state"),
        *(ColumnHead(name, "number", own=True, wide=True) for name in view.columns),
        ColumnHead("stands apart"),
    )
    lines = tuple(
        TableLine(
            (one.name, one.state, *(number(value, 4) for value in one.finals), "; ".join(one.apart)),
            {"finished": "open" if one.apart else ""}.get(one.state, "bad"),
        )
        for one in listed
    )
    caption = (
        "Final values of each replica; apart is what lies more than 3.5 robust standard deviations from the median."
    )
    table = TextTable(caption, columns, lines, min(len(odd), MOST_OUTLIERS))
    return Section("replicas", "Replicas", (table,), intro)


def _no_overlaps(view: RunView) -> str:
    """Say why nothing is known of overlaps; nothing where something is."""
    return _no_microstates(view, "no microscopic distance with a null was observed") if view.apart is None else ""


def _no_microstates(view: RunView, otherwise: str) -> str:
    rows = view.verdict.criteria
    return next((row.explanation for row in rows if row.criterion == "diversity" and row.explanation), otherwise)


def _microscopic(view: RunView) -> Section:
    states = wording.quantities(view.verdict.microscopic)
    if not states:
        why = absent("microscopic quantities", _no_microstates(view, "nothing microscopic was observed"))
        return Section("microscopic", "Microscopic", (Sentence(why),))
    lines = []
    for words, state in states:
        low, high = state["interval"]
        bounds = "" if low is None and high is None else f" [{number(low)}, {number(high)}]"
        own = state["self"] if words in ("overlap Q*", "disagreement") else None
        parts = (number(value, digits) if value is not None else "" for value, digits in ((state["null"], 2), (own, 3)))
        lines.append(TableLine((words, number(state["estimate"]) + bounds, *parts)))
    columns = (
        ColumnHead("quantity"),
        *(ColumnHead(head, "number") for head in ("estimate [interval]", "null", "with itself")),
    )
    caption = (
        "Between replicas, symmetries removed; beside each its null (nothing in common) and a replica's value with itself, "
        "half the training time earlier."
    )
    why = _no_overlaps(view)
    lacking = (absent("overlap matrix", why),) if why else ()
    question = "Does microscopic divergence carry a macroscopic difference?"
    blocks = (
        Figures("microscopic", lacking=lacking, instead=_overlaps(view)),
        Figures("pairs", question),
        TextTable(caption, columns, tuple(lines)),
    )
    return Section("microscopic", "Microscopic", blocks)


def _overlaps(view: RunView) -> TextTable | None:
    """Draw P(q) in lines of text."""
    law = view.distribution
    if law is None:
        return None
    kinds = {"between replicas": law.between, "null": law.null, "with itself, T/2 earlier": law.own}
    lines = tuple(
        TableLine((name, Curve("P(q)", name, tuple(shares.tolist()))))
        for name, shares in kinds.items()
        if shares is not None
    )
    columns = (ColumnHead("P(q)"), ColumnHead(f"from {law.edges[0]:g} to {law.edges[-1]:g}", "curve"))
    return TextTable("How alike two replicas are: shares of pairs.", columns, lines)


def _courses(view: RunView) -> Section:
    why = _no_overlaps(view) or "microstates were kept at the last step only"
    lacking = () if view.courses else (absent("overlaps in time", why),)
    nothing = absent("course in time", "neither an energy nor microstates were recorded at more than one step")
    return Section("courses", "Energy and dispersion in time", (Figures("courses", "", nothing, lacking),))


def _noise(view: RunView) -> Section:
    budget, lacking = view.noise_budget, []
    if not budget:
        why = "a crossed design (ensemble.design) tells which source of randomness moves the result"
        lacking.append(absent("noise budget", why))
    if view.noise_share is None:
        lacking.append(absent("share of the test set", "no errors of single test examples were kept"))
    columns = (
        ColumnHead("observable", "name"),
        ColumnHead("source"),
        *(ColumnHead(head, "number") for head in ("share of variance", "sd", "interval")),
    )
    lines = tuple(
        TableLine(
            (
                part.observable,
                part.source,
                "-" if part.share is None else f"{part.share:.0%}",
                number(part.sd, 2),
                f"{number(part.interval[0], 2)} .. {number(part.interval[1], 2)}",
            )
        )
        for part in budget
    )
    table = TextTable("How far each source of randomness alone moves the final value.", columns, lines)
    return Section("noise", "Noise", (Figures("noise", "", "", tuple(lacking), table if lines else None),))


def _diagnostics(verdict: Verdict) -> Section:
    lines = tuple(wording.diagnostics(verdict.diagnostics))
    block = Bullets(lines) if lines else Sentence(absent("diagnostics", "nothing was measured beside the criteria"))
    return Section("diagnostics", "Diagnostics", (block,), "What else was found; the verdict does not rest on it.")


def reproduction(made: Reproduction) -> Section:
    """Say how to get a run again."""
    facts = tuple(TableLine((name, value)) for name, value in made.facts.items())
    columns = (ColumnHead("what"), ColumnHead("which", "name"))
    blocks: Blocks = (
        *([Bullets(made.cautions, alarm=True)] if made.cautions else []),
        Listing("Commands", "\n".join(made.commands), "sh"),
        *([TextTable("What it was made with.", columns, facts)] if facts else []),
        *([_spec(made.spec)] if made.spec else []),
    )
    return Section("reproduction", "How to reproduce it", blocks, made.promise)


def _spec(text: str) -> Details:
    return Details("The resolved spec", "every default filled in", (Listing("Resolved spec", text, "yaml"),))
