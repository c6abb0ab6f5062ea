"""The report of a run: what is read first, then criteria, trajectories, replicas, microstates, noise, reproduction."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from thermo_cli.judging.record import Baseline
from thermo_cli.reports import wording
from thermo_cli.reports.document import Bullets, Document, Figures, Head, Section, Sentence, absent, document
from thermo_cli.reports.numerals import bounds, number
from thermo_cli.reports.scores import brief, shown
from thermo_cli.reports.shared_sections import (
    criteria_table,
    difference_cells,
    gate_answer,
    reproduction,
    steps_of,
)
from thermo_cli.reports.text_table import OUTCOME, ColumnHead, TableLine, TextTable, names, numbers, outcome_of
from thermo_cli.reports.tones import tone
from thermo_cli.reports.verdict_document import head_of
from thermo_cli.reports.view import Curve, RunView

MOST_REPLICAS: Final = 512
MOST_OUTLIERS: Final = 50  # where there is only text


def run_document(view: RunView) -> Document:
    """Say all there is to say of a run.

    Args:
        view: What is known of it.
    """
    verdict = view.verdict
    courses = Figures("trajectories", absent=absent("trajectories", "no observable that gates has a finite value"))
    steps = wording.next_steps(verdict, view.pace, view.typed) or (wording.Step(wording.nothing_to_do(verdict)),)
    return document(
        _head(view),
        Section("scores", "Scores", tuple(shown(verdict)), first=True, brief=brief(verdict, view.asked)),
        Section("next", "What to do next", steps_of(steps), first=True),
        Section("warnings", "Warnings", (Bullets((*view.before, *verdict.warnings), alarm=True),), first=True),
        *([_ranking(view)] if len(view.partners) > 1 else []),
        *(_against(partner, place) for place, partner in enumerate(view.partners)),
        _plane(view),
        _criteria(view),
        _looks(view),
        Section("trajectories", "Trajectories", (courses,)),
        _macroscopic(view),
        _replicas(view),
        _microscopic(view),
        _courses(view),
        _noise(view),
        _diagnostics(view),
        reproduction(view.reproduction),
    )


def _head(view: RunView) -> Head:
    compared = "; ".join(partner.words for partner in view.partners)
    return replace(
        head_of(view.verdict, view.title, ((view.status, "run", view.status != "complete"),)),
        compared=compared and f"{compared[0].upper()}{compared[1:]}.",
        description=view.description,
        gate=gate_answer(view.gate),
    )


def _ranking(view: RunView) -> Section:
    """Put all that were compared in the order of their means, the best first."""
    lines = []
    for rank in view.record["comparison"]["ranking"]:
        order = ", ".join(f"{run['run']} {number(run['mean'], 4)}" for run in rank["order"])
        lines.append(TableLine((rank["observable"], rank["history"], order)))
    caption = "All that were compared, the best first; where the good direction is not known, the largest. It decides nothing."
    columns = (*names("observable", "history"), ColumnHead("order of the means"))
    return Section("ranking", "In order", (TextTable(caption, columns, tuple(lines)),), first=True)


def _against(partner: Baseline, place: int) -> Section:
    """Compare a run with another: a line per observable and history, then what differs."""
    columns = (
        *names("observable", "history"),
        OUTCOME,
        *numbers("this run", "baseline", wide=True),
        *numbers("difference [interval]", "margin"),
    )
    lines = []
    for row in partner.rows:
        means = (number(row.mean, 4), number(row.baseline_mean, 4))
        cells = (row.observable, row.history, outcome_of(row.outcome, row.gates), *means, *difference_cells(row))
        lines.append(TableLine(cells, tone(row.outcome), not row.gates, wording.reason(row)))
    caption = "Difference of final means, with its interval, beside the margin. Rows in brackets do not gate."
    figures = (Figures("comparison", absent=absent("chart", "no difference has a number")),) if place == 0 else ()
    blocks = (*figures, TextTable(caption, columns, tuple(lines)), Bullets(wording.remarks([partner])))
    key = f"baseline-{place}" if place else "baseline"
    return Section(key, f"Against {partner.title}: {partner.outcome}", blocks, wording.method(partner.rows), first=True)


def _plane(view: RunView) -> Section:
    why = absent("plane", _no_overlaps(view) or "spread or divergence has no number")
    blocks = (Figures("plane", absent=why), Bullets(wording.comparison(view.verdict.diagnostics)))
    return Section("plane", "Macroscopic against microscopic", blocks)


def _criteria(view: RunView) -> Section:
    intro = "; ".join(f"{letter} {meaning}" for letter, meaning in wording.legend(view.verdict.criteria).items())
    figures = Figures("criteria", absent=absent("chart", "no row has an estimate"))
    return Section("criteria", "Criteria", (figures, criteria_table(view.verdict)), f"{intro}.")


def _looks(view: RunView) -> Section:
    """List what each look had, what it left open, and what it cost; nothing where the ensemble does not grow."""
    columns = (*names("look"), *numbers("replicas", "steps"), *names("verdict", "open"), *numbers("seconds"))
    looks = view.verdict.looks if len(view.verdict.looks) > 1 else ()
    lines = [
        TableLine(
            (
                str(place + 1),
                f"{look.replicas} (+{look.replicas - looks[place - 1].replicas})" if place else str(look.replicas),
                f"{look.steps} (+{look.steps - looks[place - 1].steps})" if place else str(look.steps),
                look.verdict,
                ", ".join(look.open),
                number(seconds),
            )
        )
        for place, (look, seconds) in enumerate(zip(looks, view.seconds or (None,) * len(looks), strict=False))
    ]
    caption = (
        "Replicas per history and steps of each look, and what was added. Look k is judged "
        "at the level alpha / 2^k on its own rows alone, so that all looks together err at most as often as one at alpha."
    )
    return Section("looks", "Looks", (TextTable(caption, columns, tuple(lines)),))


def _macroscopic(view: RunView) -> Section:
    """List final values of every observable over all replicas, then by history, with the course of the mean."""
    columns = (
        *names("observable", "history"),
        *numbers("mean", "sd", "fresh replicas"),
        *numbers("mean over the window", "margin", wide=True),
        ColumnHead("against log t", "curve"),
    )
    lines = []
    for panel in view.panels:
        state = view.verdict.macroscopic.get(panel.observable)
        if state is None:
            continue
        margin = number(panel.margin, 2) if panel.margin else ""
        rest = (bounds(*state["tolerance_interval"]), number(state["window_mean"], 4), margin)
        curves = [curve for curve in view.curves if curve.observable == panel.observable]
        parts = [(state["histories"][curve.history], curve) for curve in curves if curve.history in state["histories"]]
        if len(parts) > 1:
            parts.insert(0, (state, Curve(panel.observable, "all", ())))
        for part, curve in parts:
            cells = (panel.observable, curve.history, number(part["mean"], 4), number(part["sd"], 2), *rest, curve)
            lines.append(TableLine(cells, idle=panel.margin is None))
            rest = ("", "", "")
    caption = "Final values over replicas. Fresh replicas: an interval that holds the stated share with the stated confidence."
    return Section("macroscopic", "Macroscopic, at the end", (TextTable(caption, columns, tuple(lines)),))


def _replicas(view: RunView) -> Section:
    """List the replicas, those first that stand apart."""
    odd, every, unfinished = view.outliers, view.replicas, view.verdict.unfinished
    apart = {replica.name for replica in odd}
    listed = sorted(every, key=lambda replica: replica.name not in apart)[:MOST_REPLICAS]
    intro = f"None of {len(every) - unfinished} that have been trained stands apart."
    if odd:
        intro = f"{len(odd)} of {len(every)} stand apart, have diverged or crashed; they come first."
    if unfinished:
        intro += f" {unfinished} are still to be trained."
    if len(listed) < len(every):
        intro += f" {len(listed)} of {len(every)} are listed; all are in thermo-report --export parquet."
    columns = (
        *names("replica"),
        ColumnHead("state"),
        *numbers(*view.columns, own=True, wide=True),
        ColumnHead("stands apart"),
    )
    lines = []
    for one in listed:
        cells = (one.name, one.state, *(number(value, 4) for value in one.finals), "; ".join(one.apart))
        lines.append(TableLine(cells, {"finished": "open" if one.apart else ""}.get(one.state, "bad")))
    caption = (
        "Final values of each replica; apart is what lies more than 3.5 robust standard deviations from the median."
    )
    table = TextTable(caption, columns, tuple(lines), min(len(odd), MOST_OUTLIERS))
    return Section("replicas", "Replicas", (table,), intro)


def _no_overlaps(view: RunView) -> str:
    """Say why nothing is known of overlaps; nothing where something is."""
    return _no_microstates(view, "no microscopic distance with a null was observed") if view.apart is None else ""


def _no_microstates(view: RunView, otherwise: str) -> str:
    rows = view.verdict.criteria
    return next((row.explanation for row in rows if row.criterion == "diversity" and row.explanation), otherwise)


def _microscopic(view: RunView) -> Section:
    lines = tuple(_quantity(words, state) for words, state in wording.quantities(view.verdict.microscopic))
    if not lines:
        why = absent("microscopic quantities", _no_microstates(view, "nothing microscopic was observed"))
        return Section("microscopic", "Microscopic", (Sentence(why),))
    caption = (
        "Between replicas, symmetries removed; beside each its null (nothing in common) and a replica's value with itself, "
        "half the training time earlier."
    )
    why = _no_overlaps(view)
    lacking = (absent("overlap matrix", why),) if why else ()
    columns = (ColumnHead("quantity"), *numbers("estimate [interval]", "null", "with itself"))
    blocks = (
        Figures("microscopic", lacking=lacking, instead=_overlaps(view)),
        Figures("pairs", "Does microscopic divergence carry a macroscopic difference?"),
        TextTable(caption, columns, lines),
    )
    return Section("microscopic", "Microscopic", blocks)


def _quantity(words: str, state: wording.State) -> TableLine:
    low, high = state["interval"]
    between = "" if low is None and high is None else f" [{number(low)}, {number(high)}]"
    own = state["self"] if words in ("overlap Q*", "disagreement") else None
    null = "" if state["null"] is None else number(state["null"], 2)
    return TableLine((words, number(state["estimate"]) + between, null, "" if own is None else number(own)))


def _overlaps(view: RunView) -> TextTable | None:
    """Draw P(q) in lines of text."""
    law = view.distribution
    if law is None:
        return None
    kinds = {"between replicas": law.between, "null": law.null, "with itself, T/2 earlier": law.own}
    curves = [Curve("P(q)", name, tuple(shares.tolist())) for name, shares in kinds.items() if shares is not None]
    columns = (ColumnHead("P(q)"), ColumnHead(f"from {law.edges[0]:g} to {law.edges[-1]:g}", "curve"))
    lines = tuple(TableLine((curve.history, curve)) for curve in curves)
    return TextTable("How alike two replicas are: shares of pairs.", columns, lines)


def _courses(view: RunView) -> Section:
    why = _no_overlaps(view) or "microstates were kept at the last step only"
    lacking = () if view.courses else (absent("overlaps in time", why),)
    nothing = absent("course in time", "neither an energy nor microstates were recorded at more than one step")
    return Section("courses", "Energy and dispersion in time", (Figures("courses", "", nothing, lacking),))


def _noise(view: RunView) -> Section:
    def missing() -> Iterator[str]:
        if not view.noise_budget:
            why = "a crossed design (ensemble.design) tells which source of randomness moves the result"
            yield absent("noise budget", why)
        if view.noise_share is None:
            yield absent("share of the test set", "no errors of single test examples were kept")

    lines = []
    for part in view.noise_budget:
        share = "-" if part.share is None else f"{part.share:.0%}"
        lines.append(
            TableLine((part.observable, part.source, share, number(part.sd, 2), bounds(*part.interval, digits=2)))
        )
    columns = (*names("observable"), ColumnHead("source"), *numbers("share of variance", "sd", "interval"))
    table = TextTable("How far each source of randomness alone moves the final value.", columns, tuple(lines))
    figures = Figures("noise", lacking=tuple(missing()), instead=table if lines else None)
    return Section("noise", "Noise", (figures,))


def _diagnostics(view: RunView) -> Section:
    lines = tuple(wording.diagnostics(view.verdict.diagnostics))
    block = Bullets(lines) if lines else Sentence(absent("diagnostics", "nothing was measured beside the criteria"))
    return Section("diagnostics", "Diagnostics", (block,), "What else was found; the verdict does not rest on it.")
