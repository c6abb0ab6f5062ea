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
from dataclasses import dataclass
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
        observable: Which.
        history: Of which history.
        gates: Whether the comparison as a whole depends on it.
        outcome: The answer.
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
        explanation: One sentence.
        replicas_needed: Replicas per history, in both runs, that would decide it, if that would.
    """

    observable: str
    history: str
    gates: bool
    outcome: Comparison
    not_worse: bool
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


def interval_of(run: Array, baseline: Array, alpha: float, paired: bool) -> Interval:
    """Bound mean(run) - mean(baseline): paired t over independent replicas, or Welch's where they share no streams.

    Args:
        run: Final values, (replica,).
        baseline: Final values, (replica,); paired, those of the same replicas.
        alpha: Error rate of each bound.
        paired: Whether replica k of both has the same streams and all values are finite.

    Returns:
        NaN with fewer than two finite values on a side. Source: Schuirmann 1987 (two one-sided tests), Welch 1947.
    """
    return mean_interval(run - baseline, alpha) if paired else welch_interval(run, baseline, alpha)


def difference(
    observable: str,
    history: str,
    run: Array,
    baseline: Array,
    margin: float,
    confidence: float,
    *,
    paired: bool,
    higher: bool | None,
    family: int = 1,
    gates: bool = True,
) -> Difference:
    """Hold one difference of final means against its margin.

    `equivalent` and "not worse" must hold in every row, so each bound has confidence 1 - alpha (an intersection-union test).
    `better` and `worse` raise an alarm from any of the rows: their bounds have confidence 1 - alpha / family, so that all rows
    together give a false `worse` with probability alpha at most. Where the good direction is not known, a difference beyond
    the margin counts as `worse`, and only equivalence is "not worse".

    Args:
        observable: Which.
        history: Of which history.
        run: Final values, (replica,); what is not finite is left out (it is counted elsewhere).
        baseline: Final values, (replica,).
        margin: delta > 0.
        confidence: 1 - alpha.
        paired: Whether replica k of both has the same streams.
        higher: Whether higher is better; None where that is not known.
        family: Number of rows that are looked at together.
        gates: Whether the comparison depends on this row.
    """
    paired = paired and len(run) == len(baseline) and bool(np.isfinite(run - baseline).all())
    counts = int(np.isfinite(run).sum()), int(np.isfinite(baseline).sum())
    found = interval_of(run, baseline, 1 - confidence, paired)
    wide = interval_of(run, baseline, (1 - confidence) / family, paired)
    inside, beyond = margin * (1 - ROUNDING), margin * (1 + ROUNDING)
    common = {
        "observable": observable,
        "history": history,
        "gates": gates,
        "margin": margin,
        "mean": _mean(run),
        "baseline_mean": _mean(baseline),
        "replicas": counts,
        "paired": paired,
        "higher_is_better": higher,
        "confidence": confidence,
    }
    if min(counts) < FEWEST or not np.isfinite([found.estimate, found.lower, found.upper]).all():
        reason = (
            f"{counts[0]} replicas with finite values against {counts[1]}: at least {FEWEST} on each side are needed"
        )
        return Difference(**common, outcome="undecided", not_worse=False, explanation=reason)  # type: ignore[arg-type]
    above, below = found.lower > -inside, found.upper < inside
    outcome: Comparison = "undecided"
    if above and below:
        outcome = "equivalent"
    elif wide.lower > beyond or wide.upper < -beyond:
        outcome = "better" if higher is not None and (wide.lower > beyond) == higher else "worse"
    not_worse = (above and below) if higher is None else above if higher else below
    certain = found.lower > beyond or found.upper < -beyond
    return Difference(
        **common,  # type: ignore[arg-type]
        outcome=outcome,
        not_worse=not_worse,
        estimate=found.estimate,
        interval=(found.lower, found.upper),
        explanation=_words(outcome, not_worse, certain, found.estimate > 0, margin, higher, confidence, family),
        replicas_needed=_needed(found, wide, margin, min(counts)) if outcome == "undecided" else None,
    )


def overall(rows: Sequence[Difference]) -> Comparison:
    """Say how the run as a whole compares: worse if any gating row is, undecided if any is, better if any is, else equivalent.

    Args:
        rows: All rows.
    """
    outcomes = {row.outcome for row in rows if row.gates}
    order: tuple[Comparison, ...] = ("worse", "undecided", "better", "equivalent")
    return next((outcome for outcome in order if outcome in outcomes), "undecided")


def not_worse(rows: Sequence[Difference]) -> bool:
    """Say whether every gating row is shown to be worse by less than its margin, and there is one.

    Args:
        rows: All rows.
    """
    return any(row.gates for row in rows) and all(row.not_worse for row in rows if row.gates)


def gate(rows: Sequence[Difference], required: Sequence[str]) -> int:
    """Return the exit code of a gate against a baseline: 0 met, 1 not met, 4 undecided; the kindest of several words counts.

    Args:
        rows: All rows.
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


def _needed(found: Interval, wide: Interval, margin: float, replicas: int) -> int | None:
    """Return how many replicas would bring the interval wholly inside the margin, or wholly beyond it."""
    inside = abs(found.estimate) < margin
    bounds = found if inside else wide
    room, half = abs(margin - abs(found.estimate)), bounds.upper - bounds.estimate
    if not (room > ROUNDING * margin and math.isfinite(half)):
        return None
    needed = math.ceil(replicas * min(half / room, 1e6) ** 2) + 1
    return max(needed, replicas + 1) if needed <= MAX_REPLICAS else None


def _words(
    outcome: Comparison,
    not_worse: bool,
    certain: bool,
    rises: bool,
    margin: float,
    higher: bool | None,
    confidence: float,
    family: int,
) -> str:
    if outcome == "equivalent":
        return f"the final means differ by less than {margin:.3g}"
    way = "higher" if rises else "lower"
    if outcome in ("better", "worse"):
        words = f"the final mean is {way} by more than {margin:.3g}"
        good = "which way is good is not known, so a difference counts as worse" if higher is None else ""
        return f"{words}; {good or ('higher' if higher else 'lower') + ' is better'}"
    if certain:
        level = f"{1 - (1 - confidence) / family:.4g}"
        return f"{way} by more than {margin:.3g}, but not at the confidence {level} that {family} comparisons ask for"
    return f"the difference may or may not exceed {margin:.3g}" + (", but not to the bad side" if not_worse else "")
