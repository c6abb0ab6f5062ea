"""From the criteria's outcomes to one word, one phase and one sentence a person can act on."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from thermo_cli.contracts import CriterionName, Outcome, Row, Verdict, VerdictName
from thermo_cli.equilibrium.ensemble import Question
from thermo_cli.equilibrium.margins import Margin

SCHEMA_VERSION: Final = 1
GOOD: Final = ("holds", "inapplicable")


def combine(rows: Sequence[Row]) -> Outcome:
    """Combine the gating rows of a criterion: fails if any fails, holds if all hold or are inapplicable, else open.

    Args:
        rows: The gating rows of the criterion (of ergodicity, which gates only on request, all rows).
    """
    outcomes = [row.outcome for row in rows]
    if not outcomes:
        return "untested"
    if "fails" in outcomes:
        return "fails"
    if all(outcome == "inapplicable" for outcome in outcomes):
        return "inapplicable"
    if all(outcome in GOOD for outcome in outcomes):
        return "holds"
    return "undecided" if "undecided" in outcomes else "untested"


def decide(
    outcomes: Mapping[CriterionName, Outcome], too_many_diverged: bool, require_ergodic: bool = False
) -> VerdictName:
    """Return the first verdict of the table that applies.

    Args:
        outcomes: One per criterion; diversity holds when replicas are distinct and fails when they are identical.
        too_many_diverged: More replicas diverged or crashed than tolerated.
        require_ergodic: Whether thermalized also needs ergodicity to hold.
    """
    s, a, h, d = (outcomes[name] for name in ("stationarity", "agreement", "history", "diversity"))
    everything = s in GOOD and a in GOOD and h in GOOD
    if too_many_diverged:
        return "diverged"
    if s == "fails":
        return "relaxing"
    if s in GOOD and "fails" in (a, h):
        return "glassy"
    if everything and d == "fails":
        return "crystallized"
    if everything and d == "holds" and (outcomes["ergodicity"] in GOOD or not require_ergodic):
        return "thermalized"
    if s in GOOD and a in GOOD and h != "fails":
        return "settled"
    return "undecided"


def phase_of(outcomes: Mapping[CriterionName, Outcome], schedule: str = "constant") -> str:
    """Return `crystal`, `fluid`, `amorphous`, `frozen by schedule` or `undecided`.

    Args:
        outcomes: One per criterion.
        schedule: Name of the learning-rate schedule.
    """
    if outcomes["diversity"] == "fails":
        return "crystal"
    if outcomes["diversity"] == "holds" and schedule != "constant":
        return "frozen by schedule"
    return {"holds": "fluid", "fails": "amorphous"}.get(outcomes["ergodicity"], "undecided")


def gate(verdict: VerdictName, outcomes: Mapping[CriterionName, Outcome], required: Sequence[str]) -> int:
    """Return the exit code of a gate: 0 met, 1 not met, 4 undecided.

    `settled` admits thermalized and crystallized. Open is: undecided with no criterion failing, or settled when more was asked.

    Args:
        verdict: What was decided.
        outcomes: One per criterion.
        required: Verdicts that are admitted.
    """
    admitted = set(required) | ({"thermalized", "crystallized"} if "settled" in required else set())
    if verdict in admitted:
        return 0
    failing = "fails" in [
        outcomes[name] for name in ("stationarity", "agreement", "history")
    ]  # identical is no failure
    asked_more = bool({"thermalized", "crystallized"} & admitted)
    return 4 if (verdict == "undecided" and not failing) or (verdict == "settled" and asked_more) else 1


def summarize(
    verdict: VerdictName,
    rows: Sequence[Row],
    outcomes: Mapping[CriterionName, Outcome],
    counts: Mapping[str, int],
    macroscopic: Mapping[str, Mapping[str, Any]],
    margins: Mapping[str, Margin],
    question: Question,
    first_diverged: str,
) -> str:
    """Say in one sentence what was found and what to do next.

    Args:
        verdict: What was decided.
        rows: All rows.
        outcomes: One per criterion.
        counts: Replicas planned, finished, diverged, crashed.
        macroscopic: Final means and spreads.
        margins: delta of each gating observable.
        question: Facts of the experiment.
        first_diverged: Which replica left first, and when.
    """
    if verdict == "diverged":
        return _diverged(counts, question, first_diverged)
    if verdict == "relaxing":
        row = _worst(rows, "stationarity", "fails")
        what = f"{row.observable} of {row.scope} fails {row.statistic}"
        return f"Still changing: {what} ({row.explanation}); train for {2 * question.steps} steps."
    if verdict == "glassy":
        row = _worst(rows, "agreement" if outcomes["agreement"] == "fails" else "history", "fails")
        return f"At rest, but not alike: {row.observable} ({row.explanation}); seed, data or history still decide the result."
    known = next((name for name in ("test_accuracy", "test_r2", *margins) if name in margins), None)
    if verdict in ("settled", "thermalized", "crystallized") and known is not None:
        state = macroscopic[known]
        spread = "" if state["sd"] is None else f" +- {state['sd']:.2g}"
        ending = {
            "settled": f"whether {_missing(outcomes)} is still open.",
            "thermalized": f"{'history is forgotten, and ' if question.evolves else ''}the models are different ones.",
            "crystallized": "on one bath all replicas are one model.",
        }[verdict]
        longer = ", and training four times as long would move it by less than that" if question.evolves else ""
        within = f"whatever the seed and subsample (within {margins[known].delta:.2g})"
        return f"{known} is {state['mean']:.4g}{spread} {within}{longer}; {ending}"
    return _open(rows, question)


def as_dict(verdict: Verdict, name: str, run_id: str, status: str) -> dict[str, Any]:
    """Return verdict.json: plain values, with null for every number that does not exist.

    Args:
        verdict: What was decided.
        name: The run's name.
        run_id: Its eight digits.
        status: `complete`, `partial` or `failed`.
    """
    criteria = [
        {
            "criterion": row.criterion,
            "statistic": row.statistic,
            "observable": row.observable,
            "scope": row.scope,
            "gates": row.gates,
            "outcome": row.outcome,
            "estimate": row.estimate,
            "interval": list(row.interval) if row.interval is not None else [None, None],
            "margin": row.margin,
            "confidence": row.confidence,
            "explanation": row.explanation,
            "replicas_needed": row.replicas_needed,
            "steps_needed": row.steps_needed,
        }
        for row in verdict.criteria
    ]
    content: dict[str, Any] = _plain(
        {
            "schema_version": SCHEMA_VERSION,
            "run": {"name": name, "id": run_id, "status": status, "replicas": dict(verdict.replicas)},
            "scope": verdict.scope,
            "verdict": verdict.verdict,
            "phase": verdict.phase,
            "summary": verdict.summary,
            "outcomes": dict(verdict.outcomes),
            "criteria": criteria,
            "macroscopic": verdict.macroscopic,
            "microscopic": verdict.microscopic,
            "diagnostics": {**verdict.diagnostics, "warnings": list(verdict.warnings)},
            "points": [],
        }
    )
    return content


def _diverged(counts: Mapping[str, int], question: Question, first: str) -> str:
    words = []
    rate = question.learning_rate
    remedy = "make the training stable" if rate is None else f"lower dynamics.with.lr (received {rate:g})"
    if counts["diverged"]:
        words.append(f"{counts['diverged']} of {counts['planned']} replicas diverged (first {first}); {remedy}")
    if counts["crashed"]:
        words.append(
            f"{counts['crashed']} of {counts['planned']} replicas "
            + (
                "ended before the last step"
                if rate is None
                else "crashed: see shards/*.error.txt, then give the same command again"
            )
        )
    return "; ".join(words) + "."


def _missing(outcomes: Mapping[CriterionName, Outcome]) -> str:
    words = []
    if outcomes["history"] not in GOOD:
        words.append("history is forgotten")
    if outcomes["diversity"] not in ("holds", "fails"):
        words.append("these are different models")
    if not words and outcomes["ergodicity"] != "holds":
        words.append("replicas wander as far as they differ (E, which the spec requires)")
    return " and ".join(words) or "more"


def _worst(rows: Sequence[Row], criterion: CriterionName, outcome: Outcome) -> Row:
    """Return the gating row of an outcome that is furthest from its margin."""
    candidates = [row for row in rows if row.criterion == criterion and row.gates and row.outcome == outcome]

    def excess(row: Row) -> float:
        return abs(row.estimate) / row.margin if row.estimate is not None and row.margin else 0.0

    return max(candidates, key=excess)


def _open(rows: Sequence[Row], question: Question) -> str:
    failing = [row for row in rows if row.gates and row.outcome == "fails"]
    open_rows = [row for row in rows if row.gates and row.outcome == "undecided"] or [
        row for row in rows if row.gates and row.outcome == "untested"
    ]
    first = open_rows[0]
    needs = [row.replicas_needed for row in open_rows if row.replicas_needed and row.criterion != "diversity"]
    advice = []
    if needs:
        advice.append(f"about {max(needs)} replicas per history")
    if any(row.steps_needed for row in open_rows):
        advice.append(f"{'or ' if needs else ''}{2 * question.steps} steps")
    would = f"; {' '.join(advice)} would help to decide" if advice else ""
    already = f" Already failing: {failing[0].criterion} ({failing[0].explanation})." if failing else ""
    what = f"{first.criterion} of {first.observable} ({first.scope})" if first.observable else first.criterion
    return f"Open: {what} is {first.outcome}: {first.explanation}{would}.{already}"


def _plain(value: Any) -> Any:
    """Turn nested records into JSON values; a number that is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
