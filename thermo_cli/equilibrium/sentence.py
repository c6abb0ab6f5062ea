"""A verdict in one sentence that a person can act on: what was seen, and what to do next."""

from collections.abc import Mapping, Sequence
from typing import Final

from scipy import stats

from thermo_cli.contracts import Advice, CriterionName, Outcome, Row, Verdict
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.past_best import past_best
from thermo_cli.equilibrium.statistics.share import least_replicas
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
    "history": "the path is forgotten",
    "diversity": "these are different models",
    "ergodicity": "replicas wander as far as they differ",
}
ALREADY: Final = {"agreement": "seeds and data disagree", "history": "the path is remembered"}


def sentence(verdict: Verdict, ensemble: Ensemble) -> str:
    """Say what was decided of an ensemble.

    Args:
        verdict: All of it but the sentence.
    """
    if verdict.verdict == "diverged":
        return _diverged(verdict, ensemble)
    if verdict.unfinished:
        return UNFINISHED.format(missing=verdict.unfinished, planned=verdict.replicas["planned"])
    past = past_best(ensemble)
    if past is not None and verdict.verdict not in SETTLED and ensemble.question.independent:
        return f"Past its best: {past.remedy}."
    if verdict.verdict == "relaxing":
        row = _worst(verdict.criteria, "stationarity")
        return f"Still changing: {_place(row)}, {_seen(row)}; {verdict.advice[0].words}."
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
    words = {"diverged": f"diverged (first {first})", "crashed": "crashed or ended before the last step"}
    counts = [
        f"{verdict.replicas[word]} of {planned} replicas {how}" for word, how in words.items() if verdict.replicas[word]
    ]
    return f"{', '.join(counts)}; {verdict.advice[0].words}."


def _glassy(verdict: Verdict) -> str:
    if verdict.outcomes["agreement"] == "fails":
        row = _worst(verdict.criteria, "agreement")
        return f"At rest, but not alike: in {row.observable}, {_seen(row)}; seed and data decide, more runs change nothing."
    row = _worst(verdict.criteria, "history")
    return f"At rest, but not alike: in {row.observable}, {row.explanation}; a larger run would say the same."


def _settled(verdict: Verdict, ensemble: Ensemble) -> str:
    """Tell the value of an observable that is at rest, and what is known of its models."""
    name, evolves = _headline(ensemble), ensemble.question.evolves
    state = verdict.macroscopic[name]
    spread = "" if state["sd"] is None else f" +- {state['sd']:.2g}"
    ending = {
        "settled": f"whether {_missing(verdict.outcomes)} is still open.",
        "thermalized": f"{'history is forgotten, and ' if evolves else ''}the models are different ones.",
        "crystallized": "on one bath all replicas are one model.",
    }[verdict.verdict]
    longer = ", and training four times as long would move it by less than that" if evolves else ""
    within = f"whatever the seed and subsample (within {ensemble.margins[name].delta:.2g})"
    return f"{name} is {state['mean']:.4g}{spread} {within}{longer}; {ending}"


def _sources(budget: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> str:
    """Say which source of randomness moves a score most: what a crossed design is for."""
    for name, parts in budget.items():
        shares = {source: part["share"] for source, part in parts.items() if part["share"] is not None}
        order = sorted(shares, key=lambda source: -(shares[source] or 0.0))
        if order:
            words = [
                f"{source} makes {shares[source]:.0%} of its variance (sd {parts[source]['sd']:.2g})"
                for source in order
            ]
            return f"What moves {name}: {', '.join(words)}. Whether it has settled is for independent replicas to say."
    return "No source of randomness could be told apart: a value is missing."


def _few(verdict: Verdict, ensemble: Ensemble) -> str:
    """Say what 5 to 29 replicas can say; nothing of more, or where too much is spread to say it.

    With all inside, P(U_(n) - U_(1) < c) = alpha gives the share c = Beta^-1(alpha; n - 1, 2) of fresh ones; s that are outside
    may be chosen in s + 1 ways: c = Beta^-1(alpha / (s + 1); n - 1 - s, s + 2) (Wilks 1941, Bonferroni).
    """
    settings, count = ensemble.settings, len(ensemble.trajectories.replicas)
    least = least_replicas(settings.content, settings.alpha, count_to_agree)
    open_ = verdict.outcomes["stationarity"] != "untested" and verdict.outcomes["agreement"] == "undecided"
    if not (FEWEST <= count < least and open_):
        return ""
    name = _headline(ensemble)
    inside = most_inside(ensemble.finals[name], 2 * ensemble.margins[name].delta)
    out = count - inside
    share = float(stats.beta.ppf(settings.alpha / (out + 1), max(inside - 1, 1), out + 2))
    row = next((row for row in verdict.criteria if row.criterion == "mean" and row.observable == name), None)
    mean = f"; {row.explanation}" if row is not None and row.outcome in ("holds", "undecided") else ""
    ends = "all" if not out else str(inside)
    wanted = _larger(verdict.advice)
    return (
        f"With {count} runs: at least {share:.0%} of fresh ones end within the margin of {name} ({ends} of these do){mean}; "
        f"at least {least} are needed for {settings.content:.0%}{wanted and f', and {wanted}'}."
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
    words = {"replicas": "replicas per history", "steps": "steps", "pairs": "pairs on one bath"}
    ways = [f"{one.to} {words[one.kind]}" for one in advice if one.kind in words and one.to is not None]
    return f"{' or '.join(ways)} would probably tell" if ways else ""


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
