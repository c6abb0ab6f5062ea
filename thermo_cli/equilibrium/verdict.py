"""From the criteria's outcomes to one word, one phase and an exit code."""

from collections.abc import Mapping, Sequence
from typing import Final

from thermo_cli.contracts import CriterionName, Outcome, Row, VerdictName
from thermo_cli.equilibrium.criteria import CRITERIA

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
