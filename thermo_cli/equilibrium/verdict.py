"""From the criteria's outcomes to one word, one phase, an exit code, and the content of verdict.json."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from thermo_cli.contracts import CriterionName, Outcome, Row, Verdict, VerdictName
from thermo_cli.equilibrium.criteria import CRITERIA

SCHEMA_VERSION: Final = 1
GOOD: Final = ("holds", "inapplicable")
SETTLED: Final[tuple[VerdictName, ...]] = ("settled", "thermalized", "crystallized")


def combine(rows: Sequence[Row]) -> Outcome:
    """Combine the rows of a criterion: fails if any fails, holds if all hold or are inapplicable, else open.

    Args:
        rows: Those that gate decide; where none does, as of ergodicity that was not asked for, all.
    """
    outcomes = [row.outcome for row in rows if row.gates] or [row.outcome for row in rows]
    if not outcomes:
        return "untested"
    if "fails" in outcomes:
        return "fails"
    if all(outcome in GOOD for outcome in outcomes):
        return "holds" if "holds" in outcomes else "inapplicable"
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
    s, a, h = (outcomes[name] for name in ("stationarity", "agreement", "history"))
    d, e = outcomes["diversity"], outcomes["ergodicity"]
    alike = s in GOOD and a in GOOD
    forgotten = alike and h in GOOD
    table: tuple[tuple[VerdictName, bool], ...] = (
        ("diverged", too_many_diverged),
        ("relaxing", s == "fails"),
        ("glassy", s in GOOD and "fails" in (a, h)),
        ("crystallized", forgotten and d == "fails"),
        ("thermalized", forgotten and d == "holds" and (e in GOOD or not require_ergodic)),
        ("settled", alike and h != "fails"),
        ("undecided", True),
    )
    return next(verdict for verdict, applies in table if applies)


def phase_of(outcomes: Mapping[CriterionName, Outcome], schedule: str = "constant") -> str:
    """Return `crystal`, `fluid`, `amorphous`, `frozen by schedule` or `undecided`.

    Args:
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
        required: Verdicts that are admitted.
    """
    admitted = {*required, *(SETTLED if "settled" in required else ())}
    if verdict in admitted:
        return 0
    failing = any(outcomes[criterion.name] == "fails" for criterion in CRITERIA if criterion.macroscopic)
    asked_more = verdict == "settled" and bool(admitted & set(SETTLED))
    return 4 if asked_more or (verdict == "undecided" and not failing) else 1


def as_dict(verdict: Verdict, name: str, run_id: str, status: str) -> dict[str, Any]:
    """Return verdict.json: plain values, with null for every number that does not exist.

    Args:
        status: `complete`, `partial` or `failed`.
    """
    criteria = [{**vars(row), "interval": row.interval or (None, None)} for row in verdict.criteria]
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


def _plain(value: Any) -> Any:
    """Turn nested records into JSON values; a number that is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
