"""What a criterion is, and how the rows that it answers with are made.

A criterion is a file here: its formula in the docstring, the state it needs, a function from an ensemble to rows, and a record
`Criterion` at the end, which `CRITERIA` lists. Lists of criteria, gates and the words of reports follow from the record.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from thermo_cli.contracts import CriterionName, Outcome, Row
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.statistics.interval import Interval

EVERYWHERE: Final = "all histories"
SHARED: Final = "in a crossed design replicas share their randomness: they are no independent units"


@dataclass(frozen=True)
class Criterion:
    """One criterion of the verdict.

    Attributes:
        question: What it answers, for people.
        holds: What it means that it holds.
        fails: What it means that it fails.
        macroscopic: Whether it is about what replicas do: a gate takes its failure for one. What replicas are is no failure.
        judge: Answers with one or more rows.
    """

    name: CriterionName
    question: str
    holds: str
    fails: str
    macroscopic: bool
    judge: Callable[[Ensemble], list[Row]]


def refused(row: Row, reason: str, outcome: Outcome = "untested") -> Row:
    """Return a row without numbers.

    Args:
        row: What would have been judged.
        reason: Why there is no number.
        outcome: `untested`, or `inapplicable` where the concept does not exist.
    """
    return dataclasses.replace(row, outcome=outcome, explanation=reason)


def answered(row: Row, interval: Interval, outcome: Outcome, explanation: str, confidence: float, **more: Any) -> Row:
    """Return a row with its numbers.

    Args:
        explanation: A sentence a person understands.
        more: Another margin, or the replicas or steps that would decide.
    """
    return dataclasses.replace(
        row,
        outcome=outcome,
        estimate=interval.estimate,
        interval=(interval.lower, interval.upper),
        confidence=confidence,
        explanation=explanation,
        **more,
    )
