"""A verdict in one sentence that a person can act on: what was seen, and what to do next."""

from collections.abc import Mapping, Sequence
from typing import Final

from thermo_cli.contracts import Advice, CriterionName, Outcome, Row, Verdict
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.past_best import past_best
from thermo_cli.equilibrium.statistics.share import least_replicas, spanned_share
from thermo_cli.equilibrium.statistics.tolerance import count_to_agree, most_inside
from thermo_cli.equilibrium.statistics.trimmed import FEWEST
from thermo_cli.equilibrium.verdict import GOOD, SETTLED

UNFINISHED: Final = (
    "Not finished: {missing} of {planned} replicas are still to be trained; the same thermo-run command goes on. The rows are "
    "those of the rest."
)
WHETHER: Final = {
    "stationarity": "it has stopped changing",
    "agreement": "seeds and data agree",
    "history": "it has forgotten how it began",
    "diversity": "these are different models",
    "ergodicity": "replicas wander as far as they differ",
}
ALREADY: Final = {"agreement": "seeds and data disagree", "history": "it remembers how it began"}


def sentence(verdict: Verdict, ensemble: Ensemble) -> str:
    """Say what was decided of an ensemble; first of all that replicas are copies, or no better than one answer for everything.

    Args:
        verdict: All of it but the sentence.
    """
    lead = [words for words in (copied(ensemble), unskilled(verdict)) if words]
    return ". ".join([*(f"{words[0].upper()}{words[1:]}" for words in lead), _decided(verdict, ensemble)])


def unskilled(verdict: Verdict) -> str:
    """Say that a verdict is of an ensemble no better than the constant predictor; nothing where it is not so."""
    said = verdict.unskilled if verdict.verdict != "diverged" and not verdict.unfinished else ""
    return said and f"{verdict.verdict}, {'but' if verdict.verdict in SETTLED else 'and'} {said}"


def copied(ensemble: Ensemble) -> str:
    """Say how many replicas are copies, and of how many runs; nothing where none is, or where a crossed design makes some."""
    groups = ensemble.recorded.trained.copies if ensemble.question.independent else ()
    return f"{sum(map(len, groups))} replicas are copies of {len(groups)}, to the last bit" if groups else ""


def _decided(verdict: Verdict, ensemble: Ensemble) -> str:
    if verdict.verdict == "diverged":
        return _diverged(verdict, ensemble)
    if verdict.unfinished:
        return UNFINISHED.format(missing=verdict.unfinished, planned=verdict.replicas["planned"])
    past = past_best(ensemble)
    if past is not None and verdict.verdict not in SETTLED and ensemble.question.independent:
        return f"Past its best: {past.remedy}."
    if verdict.verdict == "relaxing":
        row, words = _worst(verdict.criteria, "stationarity"), verdict.advice[0].words
        return f"Still changing: {_place(row)}: {_seen(row).removesuffix(': caught relaxing')}. {words[0].upper()}{words[1:]}."
    if verdict.verdict == "glassy":
        return _glassy(verdict)
    if verdict.verdict in SETTLED and ensemble.margins:
        return _settled(verdict, ensemble)
    budget = verdict.diagnostics.get("noise_budget")
    if not ensemble.question.independent and budget:
        return _sources(budget)
    return _few(verdict, ensemble) or _open(verdict)


def _diverged(verdict: Verdict, ensemble: Ensemble) -> str:
    planned, first = verdict.replicas["planned"], ensemble.first_to_diverge
    words = {"diverged": f"diverged (first {first})", "crashed": "crashed"}
    counts = [
        f"{verdict.replicas[word]} of {planned} replicas {how}" for word, how in words.items() if verdict.replicas[word]
    ]
    return f"{', '.join(counts)}; {verdict.advice[0].words}."


def _glassy(verdict: Verdict) -> str:
    if verdict.outcomes["agreement"] == "fails":
        row = _worst(verdict.criteria, "agreement")
        sd = verdict.macroscopic.get(row.observable or "", {}).get("sd")
        spread = "" if sd is None else f" (sd {sd:.2g})"
        words = f"the score depends on seed and data{spread}: report its spread, or steady the recipe"
    else:
        row = _worst(verdict.criteria, "history")
        words = "choose one path and keep to it, or train until it is forgotten"
    return f"At rest, but not alike: in {row.observable}, {_seen(row)}; {words}."


def _settled(verdict: Verdict, ensemble: Ensemble) -> str:
    """Tell the value of an observable that is at rest, and what is known of its models."""
    name, evolves = _headline(ensemble), ensemble.question.evolves
    state = verdict.macroscopic[name]
    spread = "" if state["sd"] is None else f" +- {state['sd']:.2g}"
    ending = {
        "settled": f"whether {_missing(verdict.outcomes)} is still open.",
        "thermalized": f"{'it has forgotten how it began, and ' if evolves else ''}the models are different ones.",
        "crystallized": "on the same data all replicas are one model.",
    }[verdict.verdict]
    longer = ", and training four times as long would move it by less than that" if evolves else ""
    fresh = "subsample" if "init" in ensemble.question.idle else "seed and subsample"
    within = f"whatever the {fresh} (within {ensemble.margins[name].delta:.2g})"
    return f"{name} is {state['mean']:.4g}{spread} {within}{longer}; {ending}"


def _sources(budget: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> str:
    """Say which source of randomness moves a score most: what a crossed design is for."""
    for name, parts in budget.items():
        shares = {source: part["share"] for source, part in parts.items() if part["share"] is not None}
        order = sorted(shares, key=lambda source: -(shares[source] or 0.0))
        if order:
            words = [f"{source} {shares[source]:.0%} (sd {parts[source]['sd']:.2g})" for source in order]
            return (
                f"What moves {name}: of its variance {', '.join(words)}. Whether it has settled, independent ones tell."
            )
    return "No source of randomness could be told apart: a value is missing."


def _few(verdict: Verdict, ensemble: Ensemble) -> str:
    """Say what 5 to 29 replicas can say; nothing where there are more, or where they disagree already."""
    settings, count = ensemble.settings, len(ensemble.trajectories.replicas)
    least = least_replicas(settings.content, settings.alpha, count_to_agree)
    if not (FEWEST <= count < least and verdict.outcomes["agreement"] == "undecided"):
        return ""
    name, wanted = _headline(ensemble), _larger(verdict.advice)
    inside = most_inside(ensemble.finals[name], 2 * ensemble.margins[name].delta)
    share = spanned_share(inside, count, settings.alpha)
    rows = [row for row in verdict.criteria if row.criterion == "mean" and row.observable == name]
    mean = f"; {rows[0].explanation}" if rows and rows[0].estimate is not None else ""
    return (
        f"With {count} runs: at least {share:.0%} of fresh ones end within the margin of {name} "
        f"({'all' if inside == count else inside} of these do){mean}; at least {least} are needed for {settings.content:.0%}"
        f"{wanted and f', and {wanted}'}."
    )


def _open(verdict: Verdict) -> str:
    """Tell what is open first of all, what would help to decide, and what fails already."""
    gating = [row for row in verdict.criteria if row.gates]
    rows = [row for row in gating if row.outcome == "undecided"] or [row for row in gating if row.outcome == "untested"]
    failing = [ALREADY[row.criterion] for row in gating if row.outcome == "fails" and row.criterion in ALREADY]
    row = rows[0]
    where = f" ({_place(row)})" if row.observable else ""
    wanted = _larger(verdict.advice)
    already = f" Clear already: {failing[0]}." if failing else ""
    return f"Open: whether {WHETHER.get(row.criterion, row.criterion)}{where}: {_seen(row)}{wanted and f'; {wanted}'}.{already}"


def _larger(advice: Sequence[Advice]) -> str:
    """Say what would decide, in a few words."""
    words = {"replicas": "replicas per history", "steps": "steps", "pairs": "pairs on the same data"}
    ways = [one for one in advice if one.kind in words and one.to is not None]
    if not ways:
        return "no sensible number of replicas would tell" if any(one.kind == "replicas" for one in advice) else ""
    parts = [f"{' and ' if one.together else ' or '}{one.to} {words[one.kind]}" for one in ways]
    return f"{''.join(parts).removeprefix(' or ')} would probably tell"


def _headline(ensemble: Ensemble) -> str:
    return next(name for name in (*ensemble.question.margins, *ensemble.margins) if name in ensemble.margins)


def _place(row: Row) -> str:
    return f"{row.observable} of {row.scope}" if row.scope not in ("", "all histories") else str(row.observable)


def _seen(row: Row) -> str:
    """Return what was seen of a row: its explanation up to what is asked of it."""
    return row.explanation.partition(";")[0]


def _missing(outcomes: Mapping[CriterionName, Outcome]) -> str:
    words = []
    if outcomes["history"] not in GOOD:
        words.append("it has forgotten how it began")
    if outcomes["diversity"] not in ("holds", "fails"):
        words.append("these are different models")
    if not words and outcomes["ergodicity"] != "holds":
        words.append("replicas wander as far as they differ, which the spec requires")
    return " and ".join(words) or "more"


def _worst(rows: Sequence[Row], criterion: CriterionName) -> Row:
    """Return the gating row of a failing criterion that is furthest beyond its margin."""

    def excess(row: Row) -> float:
        return abs(row.estimate) / row.margin if row.estimate is not None and row.margin else 0.0

    return max((row for row in rows if row.criterion == criterion and row.gates and row.outcome == "fails"), key=excess)
