"""Against a baseline: do two ensembles end alike, and if not, which is better? Equivalence is shown, not assumed.

Of every gating observable and every history, d = mean(run) - mean(baseline) at the end of training, with the bounds of
confidence 1 - alpha each, is held against the margin delta:

    equivalent   both bounds lie inside (-delta, delta)
    better       the interval lies beyond delta on the good side
    worse        the interval lies beyond delta on the bad side
    undecided    anything else: the interval straddles a margin

A difference that is certain but smaller than the margin is `equivalent`: it does not matter to the user, who chose delta.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.forecast import MAX_REPLICAS
from thermo_cli.equilibrium.statistics.interval import ROUNDING, Interval
from thermo_cli.equilibrium.statistics.mean import mean_interval
from thermo_cli.equilibrium.statistics.welch import welch_interval

Comparison = Literal["equivalent", "better", "worse", "undecided"]
FEWEST: Final = 2  # replicas on a side


@dataclass(frozen=True)
class Difference:
    """One observable of one history against the baseline.

    Attributes:
        gates: Whether the comparison as a whole depends on it.
        not_worse: Whether it is shown to be worse by less than the margin: every `equivalent` and `better` is, and an
            `undecided` may be.
        estimate: mean(run) - mean(baseline) at the end of training; None where it is not known.
        interval: Its lower and upper bound, each of that confidence; None where there is none.
        margin: delta.
        mean: Mean of the run's replicas.
        baseline_mean: Mean of the baseline's.
        replicas: Replicas with finite values in the run and in the baseline.
        paired: Whether the difference was taken replica by replica.
        higher_is_better: None where the good direction is not known.
        confidence: 1 - alpha.
        replicas_needed: Replicas per history, in both runs, that would decide it, if that would.
    """

    observable: str
    history: str
    gates: bool
    outcome: Comparison = "undecided"
    not_worse: bool = False
    estimate: float | None = None
    interval: tuple[float | None, float | None] = (None, None)
    margin: float | None = None
    mean: float | None = None
    baseline_mean: float | None = None
    replicas: tuple[int, int] = (0, 0)
    paired: bool = False
    higher_is_better: bool | None = None
    confidence: float | None = None
    explanation: str = ""
    replicas_needed: int | None = None


@dataclass(frozen=True)
class Terms:
    """By what a difference is judged.

    Attributes:
        margin: delta > 0.
        confidence: 1 - alpha.
        higher: Whether higher is better; None where that is not known.
        paired: Whether replica k of both has the same streams.
        family: Number of rows that are looked at together.
        gates: Whether the comparison depends on the row.
    """

    margin: float
    confidence: float
    higher: bool | None
    paired: bool = False
    family: int = 1
    gates: bool = True


def difference(observable: str, history: str, run: Array, baseline: Array, terms: Terms) -> Difference:
    """Hold one difference of final means against its margin.

    `equivalent` and "not worse" must hold in every row, so each bound has confidence 1 - alpha (an intersection-union test).
    `better` and `worse` raise an alarm from any of the rows: their bounds have confidence 1 - alpha / family, so that all rows
    together give a false `worse` with probability alpha at most. Where the good direction is not known, a difference beyond
    the margin counts as `worse`, and only equivalence is "not worse". Paired t over independent replicas, or Welch's where they
    share no streams. Source: Schuirmann 1987 (two one-sided tests), Welch 1947.

    Args:
        run: Final values, (replica,); what is not finite is left out (it is counted elsewhere).
        baseline: Final values, (replica,).
        terms: By what it is judged.
    """
    counts = int(np.isfinite(run).sum()), int(np.isfinite(baseline).sum())
    paired = terms.paired and len(run) == len(baseline) and bool(np.isfinite(run - baseline).all())
    row = Difference(
        observable,
        history,
        terms.gates,
        margin=terms.margin,
        mean=_mean(run),
        baseline_mean=_mean(baseline),
        replicas=counts,
        paired=paired,
        higher_is_better=terms.higher,
        confidence=terms.confidence,
    )
    alpha = 1 - terms.confidence
    alone, alarm = (
        mean_interval(run - baseline, level) if paired else welch_interval(run, baseline, level)
        for level in (alpha, alpha / terms.family)
    )
    if min(counts) < FEWEST or not np.isfinite([alone.estimate, alone.lower, alone.upper]).all():
        few = f"{counts[0]} replicas with finite values against {counts[1]}: at least {FEWEST} on each side are needed"
        return replace(row, explanation=few)
    outcome, kept = _answer(alone, alarm, terms)
    return replace(
        row,
        outcome=outcome,
        not_worse=kept,
        estimate=alone.estimate,
        interval=(alone.lower, alone.upper),
        explanation=_words(outcome, kept, alone, terms),
        replicas_needed=_needed(alone, alarm, terms.margin, min(counts)) if outcome == "undecided" else None,
    )


def _answer(alone: Interval, alarm: Interval, terms: Terms) -> tuple[Comparison, bool]:
    """Return the outcome, and whether the run is shown to be worse by less than the margin."""
    inside, beyond, higher = terms.margin * (1 - ROUNDING), terms.margin * (1 + ROUNDING), terms.higher
    above, below = alone.lower > -inside, alone.upper < inside
    kept = (above and below) if higher is None else above if higher else below
    if above and below:
        return "equivalent", kept
    if alarm.lower > beyond or alarm.upper < -beyond:
        return "better" if higher is not None and (alarm.lower > beyond) == higher else "worse", kept
    return "undecided", kept


def overall(rows: Sequence[Difference]) -> Comparison:
    """Say how the run as a whole compares, by the gating rows: worse before undecided before better before equivalent."""
    outcomes = {row.outcome for row in rows if row.gates}
    order: tuple[Comparison, ...] = ("worse", "undecided", "better", "equivalent")
    return next((outcome for outcome in order if outcome in outcomes), "undecided")


def not_worse(rows: Sequence[Difference]) -> bool:
    """Say whether every gating row is shown to be worse by less than its margin, and there is one."""
    return any(row.gates for row in rows) and all(row.not_worse for row in rows if row.gates)


def gate(rows: Sequence[Difference], required: Sequence[str]) -> int:
    """Return the exit code of a gate against a baseline: 0 met, 1 not met, 4 undecided; the kindest of several words counts.

    Args:
        required: Of `equivalent` and `not-worse`.
    """
    outcomes = {row.outcome for row in rows if row.gates}
    codes = set()
    if "equivalent" in required:
        codes.add(0 if outcomes == {"equivalent"} else 1 if outcomes & {"better", "worse"} else 4)
    if "not-worse" in required:
        codes.add(0 if not_worse(rows) else 1 if "worse" in outcomes else 4)
    return next((code for code in (0, 4, 1) if code in codes), 0)


def _mean(values: Array) -> float | None:
    finite = values[np.isfinite(values)]
    mean = float(finite.mean()) if len(finite) else math.nan
    return mean if math.isfinite(mean) else None


def _needed(alone: Interval, alarm: Interval, margin: float, replicas: int) -> int | None:
    """Return how many replicas would bring the interval wholly inside the margin, or wholly beyond it."""
    bounds = alone if abs(alone.estimate) < margin else alarm
    room, half = abs(margin - abs(alone.estimate)), bounds.upper - bounds.estimate
    if not (room > ROUNDING * margin and math.isfinite(half)):
        return None
    needed = math.ceil(replicas * min(half / room, 1e6) ** 2) + 1
    return max(needed, replicas + 1) if needed <= MAX_REPLICAS else None


def _words(outcome: Comparison, kept: bool, alone: Interval, terms: Terms) -> str:
    margin, beyond = f"{terms.margin:.3g}", terms.margin * (1 + ROUNDING)
    way = f"{'higher' if alone.estimate > 0 else 'lower'} by more than {margin}"
    if outcome == "equivalent":
        return f"the final means differ by less than {margin}"
    if outcome in ("better", "worse"):
        good = f"{'higher' if terms.higher else 'lower'} is better"
        unknown = "which way is good is not known, so a difference counts as worse"
        return f"the final mean is {way}; {unknown if terms.higher is None else good}"
    if alone.lower > beyond or alone.upper < -beyond:
        level = f"{1 - (1 - terms.confidence) / terms.family:.4g}"
        return f"{way}, but not at the confidence {level} that {terms.family} comparisons ask for"
    return f"the difference may or may not exceed {margin}" + (", but not to the bad side" if kept else "")
