"""D: are these different models, or one model found many times? Decided on pairs that share their bath.

Q* = 1 - <d^2> / <d^2_null> over the independent pairs; distinct (holds) when its upper bound is below 0.9 and the distances are
far above what rounding makes, identical (fails) when its lower bound is 0.9 or more.
"""

import math
from typing import Final

import numpy as np
from scipy import stats

from thermo_cli.contracts import Array, Outcome, Overlaps, Row
from thermo_cli.equilibrium.ensemble import Settings

IDENTICAL: Final = 0.9
PAIRS: Final = 8
DIMENSIONS: Final = 10
FLOORS: Final = 10.0  # a distance says something when it is so many times the floor
NULL_COSINE: Final = 0.5
STATISTIC: Final = "D overlap on one bath"
SCOPE: Final = "same-bath pairs"
NO_MICROSTATES: Final = "no microstates were given whose symmetries are known"


def diversity(overlaps: Overlaps | None, settings: Settings) -> Row:
    """Decide whether replicas on the same bath are distinct.

    Args:
        overlaps: Distances and their null; None where there are no microstates.
        settings: For the confidence.
    """
    if overlaps is not None and overlaps.unique:
        return _row(
            "fails",
            "one model by construction: nothing random sets replicas on one bath apart, and the optimum is unique",
        )
    reason = untested(overlaps, settings.diverged)
    if overlaps is None or reason:
        return _row("untested", reason)
    estimate, low, high = overlap(overlaps.distances, overlaps.null, settings.alpha)
    distance, pairs = math.sqrt(float(finite(overlaps.distances).mean())), len(finite(overlaps.distances))
    clear = distance > FLOORS * overlaps.floor
    times = f"{distance / overlaps.floor:.2g}" if overlaps.floor > 0 else "infinitely many"
    where = f"replicas on one bath overlap by Q* = {estimate:.2g} (0: nothing in common, 1: one model)"
    outcome: Outcome = "undecided"
    needed = None
    if low >= IDENTICAL:
        outcome, words = "fails", f"one model: {where}"
    elif high < IDENTICAL and clear:
        outcome, words = "holds", f"different models: {where}, {times} times the rounding floor apart"
    elif clear and estimate != IDENTICAL:
        needed = math.ceil(pairs * ((high - low) / 2 / (estimate - IDENTICAL)) ** 2)
        words = f"{where}; about {needed} same-bath pairs would tell on which side of {IDENTICAL} it is"
    else:
        words = f"{where}; they are no more than {times} times the rounding floor apart"
    return Row(
        "diversity",
        STATISTIC,
        None,
        SCOPE,
        True,
        outcome,
        estimate,
        (low, high),
        IDENTICAL,
        settings.confidence,
        words,
        replicas_needed=needed,
    )


def untested(overlaps: Overlaps | None, tolerated: int) -> str:
    """Say why nothing can be decided from overlaps, or nothing.

    Args:
        overlaps: Distances and their null.
        tolerated: Pairs that may have lost a member.
    """
    if overlaps is None:
        return NO_MICROSTATES
    if overlaps.untested:
        return overlaps.untested
    pairs, null = finite(overlaps.distances), finite(overlaps.null)
    if overlaps.dimensions < DIMENSIONS:
        return f"a microstate of {overlaps.dimensions} numbers is too small: independent ones are called distinct too often"
    lost = len(overlaps.distances) - len(pairs)
    if lost > tolerated:
        return f"{lost} of {len(overlaps.distances)} same-bath pairs have lost a member that diverged or crashed"
    if len(pairs) < PAIRS:
        return f"{len(pairs)} same-bath pairs, {PAIRS} are needed (ensemble.controls.same_bath)"
    if len(null) < PAIRS:
        return f"{len(null)} pairs of states without anything in common, {PAIRS} are needed"
    if not null.any() or math.sqrt(float(null.mean())) <= FLOORS * overlaps.floor:
        return "states without anything in common are no further apart than rounding makes them"
    if overlaps.null_cosine > NULL_COSINE:
        return (
            f"matching alone makes unrelated states alike (cosine {overlaps.null_cosine:.2f}): too few units or inputs"
        )
    return ""


def overlap(distances: Array, null: Array, alpha: float) -> tuple[float, float, float]:
    """Return Q* = 1 - m with bounds of confidence 1 - alpha each, m being the mean squared distance over that of the null.

    Squared distances are skewed, so the bounds are the widest of three: t on m, t on log m, and those of a chi-square variable
    of n 2 m^2 / s^2 degrees of freedom (t alone calls 7.9 % identical at Q* = 0.9 in ten dimensions, these 4 to 5 %). The
    error of the null's mean is added to that of the pairs (delta method); t with one degree of freedom less than pairs.

    Args:
        distances: Squared, (pair,).
        null: Squared, (null pair,).
        alpha: One minus the confidence.
    """
    pairs, unrelated = finite(distances), finite(null)
    scale, count = float(unrelated.mean()), len(pairs)
    share = pairs / scale
    mean = float(share.mean())
    error = math.sqrt(share.var(ddof=1) / count + (mean / scale) ** 2 * unrelated.var(ddof=1) / len(unrelated))
    half = float(stats.t.ppf(1 - alpha, count - 1)) * error
    lower, upper = [mean - half], [mean + half]
    if mean > 0 and error > 0:
        freedom = 2 * (mean / error) ** 2
        lower += [mean * math.exp(-half / mean), mean * freedom / float(stats.chi2.ppf(1 - alpha, freedom))]
        upper += [mean * math.exp(half / mean), mean * freedom / float(stats.chi2.ppf(alpha, freedom))]
    return 1 - mean, 1 - max(upper), 1 - min(lower)


def finite(values: Array) -> Array:
    """Return the values that are numbers.

    Args:
        values: (pair,).
    """
    return values[np.isfinite(values)]


def _row(outcome: Outcome, reason: str) -> Row:
    return Row("diversity", STATISTIC, None, SCOPE, True, outcome, explanation=reason)
