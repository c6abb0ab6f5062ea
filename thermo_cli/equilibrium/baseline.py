"""Against a baseline: do two ensembles end alike, and if not, which is better? Equivalence is shown, not assumed.

Of an observable and a history, d = trimmed mean(run) - trimmed mean(baseline) at the end of training, with Yuen's interval at
the row's level, is held against the margin delta:

    equivalent   both bounds lie inside (-delta, delta), and no replica has collapsed
    better       the interval lies beyond delta on the good side
    worse        the interval lies beyond delta on the bad side
    differs      the interval lies beyond delta, and which side is good is not known
    undecided    anything else

A replica of the run has collapsed if it lies more than delta beyond the baseline's worst: trimmed means do not see a few that
do. A difference that is certain but smaller than the margin is `equivalent`: it does not matter to the user, who chose delta.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal

import numpy as np
from scipy import stats

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.collapse import chance_of_none, collapsed
from thermo_cli.equilibrium.statistics.forecast import replicas_for_open
from thermo_cli.equilibrium.statistics.interval import ROUNDING, Interval
from thermo_cli.equilibrium.statistics.trimmed import FEW, FEWEST, difference_interval, difference_moments, moments

Comparison = Literal["equivalent", "better", "worse", "differs", "undecided"]
WHOLE: Final[tuple[Comparison, ...]] = ("worse", "differs", "undecided", "better", "equivalent")


@dataclass(frozen=True)
class Difference:
    """One observable of one history against the baseline.

    Attributes:
        gates: Whether the comparison as a whole depends on it.
        not_worse: Whether it is shown to be worse by less than the margin, and no replica has collapsed.
        estimate: d; None where it is not known.
        interval: Its lower and upper bound, each of that confidence; None where there is none.
        margin: delta.
        mean: Trimmed mean of the run's replicas.
        baseline_mean: That of the baseline's.
        replicas: Replicas with finite values in the run and in the baseline.
        higher_is_better: None where the good direction is not known.
        confidence: Of each bound, once all that is compared together has been counted.
        replicas_needed: Replicas per history, in both runs, that would decide it, if that would.
        chance: That a replica of the run is better than one of the baseline, ties counting half; decides nothing.
        collapsed: How many replicas of the run lie more than delta beyond the baseline's worst.
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
    higher_is_better: bool | None = None
    confidence: float | None = None
    explanation: str = ""
    replicas_needed: int | None = None
    chance: float | None = None
    collapsed: int = 0


@dataclass(frozen=True)
class Terms:
    """By what a difference is judged.

    Attributes:
        margin: delta > 0.
        confidence: Of each bound.
        higher: Whether higher is better; None where that is not known.
        gates: Whether the comparison depends on the row.
        trim: Share of the replicas that the means leave out on each side.
        least: Least variance of a value: what its rounding makes.
    """

    margin: float
    confidence: float
    higher: bool | None
    gates: bool = True
    trim: float = 0.15
    least: float = 0.0


def p_value(run: Array, baseline: Array, terms: Terms) -> float:
    """Return the level from which on a row has an outcome: P(t > | |d| - delta | / se), twice that with fewer than 20 values.

    It is the smallest of the one-sided p-values against -delta and +delta: of better, of worse and of equivalent, which takes
    both. Source: Yuen 1974, Schuirmann 1987.

    Args:
        run: Final values, (replica,).
        baseline: Final values, (replica,).
    """
    if min(int(np.isfinite(side).sum()) for side in (run, baseline)) < FEWEST:
        return 1.0
    known, square, freedom, count = (float(part) for part in difference_moments(run, baseline, terms.trim, terms.least))
    room = abs(abs(known) - terms.margin) - ROUNDING * terms.margin
    if not (math.isfinite(square) and room > 0):
        return 1.0
    tail = float(stats.t.sf(room / math.sqrt(square), freedom)) if square > 0 else 0.0
    return tail * (2 if count < FEW else 1)


def shares(ratios: Sequence[float], sides: int = 1) -> list[float]:
    """Return the share of alpha at which each of several rows is judged at last: 1 / (m - k) after k decided ones.

    The rows are taken in the order of their p-values; the first that is not decided stops, and all that follow share its level.
    Source: Holm 1979.

    Args:
        ratios: p / alpha of each row.
        sides: How often each of the m comparisons is among them: 2 where it is seen from both sides.
    """
    order, levels = np.argsort(ratios, kind="stable"), np.ones(len(ratios))
    for rank, place in enumerate(order):
        levels[order[rank:]] = sides / (len(ratios) - rank // sides * sides)
        if ratios[place] > levels[place]:
            break
    return [float(level) for level in levels]


def difference(
    observable: str, history: str, run: Array, baseline: Array, terms: Terms, partner: str = "the baseline"
) -> Difference:
    """Hold one difference of final trimmed means against its margin, at the confidence that the terms state.

    Args:
        run: Final values, (replica,); what is not finite is left out (it is counted elsewhere).
        baseline: Final values, (replica,).
        terms: By what it is judged.
        partner: What the explanation calls the baseline.
    """
    run, baseline = run[np.isfinite(run)], baseline[np.isfinite(baseline)]
    counts = len(run), len(baseline)
    row = Difference(
        observable,
        history,
        terms.gates,
        margin=terms.margin,
        mean=_mean(run, terms.trim),
        baseline_mean=_mean(baseline, terms.trim),
        replicas=counts,
        higher_is_better=terms.higher,
        confidence=terms.confidence,
        chance=_chance(run, baseline, terms.higher),
        collapsed=collapsed(run, baseline, terms.margin, terms.higher),
    )
    if min(counts) < FEWEST:
        few = f"{counts[0]} replicas with finite values against {counts[1]}: at least {FEWEST} on each side are needed"
        return replace(row, explanation=few)
    known = difference_interval(run, baseline, 1 - terms.confidence, terms.trim, terms.least)
    if not np.isfinite([known.estimate, known.lower, known.upper]).all():
        return replace(row, explanation="the values are too large for a mean and its interval")
    outcome, kept = _answer(known, terms, row.collapsed)
    return replace(
        row,
        outcome=outcome,
        not_worse=kept,
        estimate=known.estimate,
        interval=(known.lower, known.upper),
        explanation=_words(outcome, kept, known.estimate, row, partner),
        replicas_needed=_needed(known, row, run, baseline, terms) if outcome == "undecided" else None,
    )


def _answer(known: Interval, terms: Terms, collapsed: int) -> tuple[Comparison, bool]:
    """Return the outcome, and whether the run is shown to be worse by less than the margin."""
    inside, beyond, higher = terms.margin * (1 - ROUNDING), terms.margin * (1 + ROUNDING), terms.higher
    above, below = known.lower > -inside, known.upper < inside
    kept = not collapsed and ((above and below) if higher is None else above if higher else below)
    if known.lower > beyond or known.upper < -beyond:
        return "differs" if higher is None else "better" if (known.lower > beyond) == higher else "worse", kept
    return "equivalent" if above and below and not collapsed else "undecided", kept


def overall(rows: Sequence[Difference]) -> Comparison:
    """Say how the run as a whole compares, by the gating rows: the first of `WHOLE` that one of them has."""
    outcomes = {row.outcome for row in rows if row.gates}
    return next((outcome for outcome in WHOLE if outcome in outcomes), "undecided")


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
        codes.add(0 if outcomes == {"equivalent"} else 1 if outcomes & {"better", "worse", "differs"} else 4)
    if "not-worse" in required:
        codes.add(0 if not_worse(rows) else 1 if "worse" in outcomes else 4)
    return next((code for code in (0, 4, 1) if code in codes), 0)


def _mean(values: Array, trim: float) -> float | None:
    """Return the trimmed mean; of fewer than five values the plain one."""
    mean = float(moments(values, trim)[0] if len(values) >= FEWEST else np.mean(values)) if len(values) else math.nan
    return mean if math.isfinite(mean) else None


def _chance(run: Array, baseline: Array, higher: bool | None) -> float | None:
    """Return P(X > Y) + P(X = Y) / 2 in the good direction, over all pairs. Source: Mann & Whitney 1947."""
    if higher is None or not (len(run) and len(baseline)):
        return None
    signs = np.sign(run[:, None] - baseline) * (1 if higher else -1)
    return float((1 + signs.mean()) / 2)


def _needed(known: Interval, row: Difference, run: Array, baseline: Array, terms: Terms) -> int | None:
    """Return how many replicas would decide it: the interval wholly inside the margin and none collapsed, or beyond it."""
    if row.collapsed and abs(known.estimate) < terms.margin:
        return None
    calm = partial(chance_of_none, run, baseline, terms.margin, terms.higher)
    freedom, alpha = float(difference_moments(run, baseline, terms.trim, terms.least)[2]), 1 - terms.confidence
    return replicas_for_open(known, terms.margin, min(row.replicas), alpha, freedom=freedom, calm=calm)


def _words(outcome: Comparison, kept: bool, estimate: float, row: Difference, partner: str) -> str:
    margin = f"{row.margin:.3g}"
    collapsed = f"{row.collapsed} of {row.replicas[0]} replicas lie more than {margin} beyond {partner}'s worst"
    if outcome == "equivalent":
        return f"the final means differ by less than {margin}"
    if outcome == "undecided":
        open_ = f"the difference may or may not exceed {margin}" + (", but not to the bad side" if kept else "")
        return collapsed if row.collapsed else open_
    good = {None: "which way is good is not known", True: "higher is better", False: "lower is better"}
    way = f"the final mean is {'higher' if estimate > 0 else 'lower'} by more than {margin}"
    return f"{way}; {good[row.higher_is_better]}" + (f"; {collapsed}" if row.collapsed else "")
