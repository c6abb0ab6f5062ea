"""A verdict in one sentence that a person can act on: what was seen, and what to do next."""

from collections.abc import Mapping, Sequence
from typing import Final

from thermo_cli.contracts import CriterionName, Outcome, Row, Verdict
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.verdict import GOOD, SETTLED

UNFINISHED: Final = (
    "Not finished: {missing} of {planned} replicas are still to be trained; the same thermo-run command goes on. The rows are "
    "those of the rest."
)


def sentence(verdict: Verdict, ensemble: Ensemble) -> str:
    """Say what was decided of an ensemble.

    Args:
        verdict: All of it but the sentence.
    """
    steps = ensemble.question.steps
    if verdict.verdict == "diverged":
        return _diverged(verdict, ensemble)
    if verdict.unfinished:
        return UNFINISHED.format(missing=verdict.unfinished, planned=verdict.replicas["planned"])
    if verdict.verdict == "relaxing":
        row = _worst(verdict.criteria, "stationarity")
        what = f"{row.observable} of {row.scope} fails {row.statistic}"
        return f"Still changing: {what} ({row.explanation}); train for {2 * steps} steps."
    if verdict.verdict == "glassy":
        row = _worst(verdict.criteria, "agreement" if verdict.outcomes["agreement"] == "fails" else "history")
        return f"At rest, but not alike: {row.observable} ({row.explanation}); seed, data or history still decide the result."
    if verdict.verdict in SETTLED and ensemble.margins:
        return _settled(verdict, ensemble)
    return _open(verdict.criteria, steps)


def _diverged(verdict: Verdict, ensemble: Ensemble) -> str:
    rate, planned = ensemble.question.learning_rate, verdict.replicas["planned"]
    diverged, crashed = verdict.replicas["diverged"], verdict.replicas["crashed"]
    sentences = []
    if diverged:
        remedy = "make the training stable" if rate is None else f"lower dynamics.with.lr (received {rate:g})"
        first = ensemble.first_to_diverge
        sentences.append(f"{diverged} of {planned} replicas diverged (first {first}); {remedy}")
    if crashed:
        ended = "ended before the last step"
        remedy = "crashed: see shards/*.error.txt, then give the same command again"
        sentences.append(f"{crashed} of {planned} replicas {ended if rate is None else remedy}")
    return "; ".join(sentences) + "."


def _settled(verdict: Verdict, ensemble: Ensemble) -> str:
    """Tell the value of an observable that is at rest, and what is known of its models."""
    margins, evolves = ensemble.margins, ensemble.question.evolves
    name = next(name for name in (*ensemble.question.margins, *margins) if name in margins)
    state = verdict.macroscopic[name]
    spread = "" if state["sd"] is None else f" +- {state['sd']:.2g}"
    ending = {
        "settled": f"whether {_missing(verdict.outcomes)} is still open.",
        "thermalized": f"{'history is forgotten, and ' if evolves else ''}the models are different ones.",
        "crystallized": "on one bath all replicas are one model.",
    }[verdict.verdict]
    longer = ", and training four times as long would move it by less than that" if evolves else ""
    within = f"whatever the seed and subsample (within {margins[name].delta:.2g})"
    return f"{name} is {state['mean']:.4g}{spread} {within}{longer}; {ending}"


def _missing(outcomes: Mapping[CriterionName, Outcome]) -> str:
    words = []
    if outcomes["history"] not in GOOD:
        words.append("history is forgotten")
    if outcomes["diversity"] not in ("holds", "fails"):
        words.append("these are different models")
    if not words and outcomes["ergodicity"] != "holds":
        words.append("replicas wander as far as they differ (E, which the spec requires)")
    return " and ".join(words) or "more"


def _worst(rows: Sequence[Row], criterion: CriterionName) -> Row:
    """Return the gating row of a failing criterion that is furthest beyond its margin."""

    def excess(row: Row) -> float:
        return abs(row.estimate) / row.margin if row.estimate is not None and row.margin else 0.0

    return max((row for row in rows if row.criterion == criterion and row.gates and row.outcome == "fails"), key=excess)


def _open(rows: Sequence[Row], steps: int) -> str:
    """Tell what is open first of all, what would help to decide, and what fails already."""
    gating = [row for row in rows if row.gates]
    failing, undecided, untested = (
        [row for row in gating if row.outcome == outcome] for outcome in ("fails", "undecided", "untested")
    )
    still_open = undecided or untested
    first = still_open[0]
    needs = [row.replicas_needed for row in still_open if row.replicas_needed and row.criterion != "diversity"]
    advice = [f"about {max(needs)} replicas per history"] if needs else []
    if any(row.steps_needed for row in still_open):
        advice.append(f"{'or ' if needs else ''}{2 * steps} steps")
    would = f"; {' '.join(advice)} would help to decide" if advice else ""
    already = f" Already failing: {failing[0].criterion} ({failing[0].explanation})." if failing else ""
    what = f"{first.criterion} of {first.observable} ({first.scope})" if first.observable else first.criterion
    return f"Open: {what} is {first.outcome}: {first.explanation}{would}.{already}"
