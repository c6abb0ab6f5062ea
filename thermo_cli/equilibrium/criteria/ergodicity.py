"""E: does a replica wander as far from itself as from others?

Q*_self is the overlap of a replica with itself T/2 earlier; the difference to the overlap between replicas is 0 for a fluid and
large where each replica stays in its own basin.
"""

import dataclasses
from typing import Final

import numpy as np

from thermo_cli.contracts import Outcome, Overlaps, Row
from thermo_cli.equilibrium.criteria.diversity import PAIRS, SCOPE, untested
from thermo_cli.equilibrium.ensemble import Question, Settings
from thermo_cli.equilibrium.statistics.intervals import mean_interval

LARGEST: Final = 0.1
STATISTIC: Final = "E overlap with itself, less that between"


def ergodicity(overlaps: Overlaps | None, question: Question, settings: Settings) -> Row:
    """Decide whether replicas wander as far as they differ; t-interval over the pairs' main replicas.

    Args:
        overlaps: Distances and their null; None where there are no microstates.
        question: For the schedule.
        settings: For the confidence, and whether it gates.
    """
    blank = Row("ergodicity", STATISTIC, None, SCOPE, settings.require_ergodic, "untested", margin=LARGEST)

    def row(outcome: Outcome, reason: str) -> Row:
        return dataclasses.replace(blank, outcome=outcome, explanation=reason)

    if overlaps is not None and overlaps.unique:
        return row("inapplicable", "there is one microstate for each bath")
    if question.schedule != "constant":
        return row("untested", "frozen by schedule: a rate that falls to zero ends all wandering")
    reason = untested(overlaps, settings.diverged)
    if overlaps is None or reason:
        return row("untested", reason)
    kept = np.isfinite(overlaps.own) & np.isfinite(overlaps.distances) if len(overlaps.own) else np.zeros(0, dtype=bool)
    if kept.sum() < PAIRS:
        return row("untested", "there are no microstates of the final protocol half of the training time earlier")
    change = (overlaps.distances[kept] - overlaps.own[kept]) / float(overlaps.null[np.isfinite(overlaps.null)].mean())
    found = mean_interval(change, settings.alpha)
    outcome: Outcome = "holds" if found.upper < LARGEST else "fails" if found.lower > LARGEST else "undecided"
    words = {
        "holds": "replicas wander as far from themselves as from each other",
        "fails": "each replica stays near itself: frozen in a basin of its own",
        "undecided": "more same-bath pairs or longer training would decide",
    }[outcome]
    return dataclasses.replace(
        row(outcome, words),
        estimate=found.estimate,
        interval=(found.lower, found.upper),
        confidence=settings.confidence,
    )
