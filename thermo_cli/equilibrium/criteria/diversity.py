"""D: are these different models, or one model found many times? Decided on pairs that share their bath.

Q* = 1 - <d^2> / <d^2_null> over the independent pairs; distinct (holds) when its upper bound is below 0.9 and the distances are
far above what rounding makes, identical (fails) when at least `content` of fresh pairs have d^2 <= 0.1 <d^2_null>: a mean over
a few pairs cannot know what a fifth of them do.
"""

import math
from typing import Final

import numpy as np
from scipy import special, stats

from thermo_cli.contracts import Array, Outcome, Overlaps, Row
from thermo_cli.equilibrium.criteria.criterion import Criterion, answered, refused
from thermo_cli.equilibrium.ensemble import Ensemble, Settings
from thermo_cli.equilibrium.statistics.forecast import replicas_for_mean
from thermo_cli.equilibrium.statistics.interval import ROUNDING, Interval
from thermo_cli.equilibrium.statistics.share import count_to_hold, least_replicas, replicas_for_share

IDENTICAL: Final = 0.9
PAIRS: Final = 8
DIMENSIONS: Final = 10
FLOORS: Final = 10.0  # a distance says something when it is so many times the floor
NULL_COSINE: Final = 0.5
SCOPE: Final = "same-bath pairs"
NO_MICROSTATES: Final = "no microstates were given whose symmetries are known"
ONE_MODEL: Final = (
    "one model by construction: nothing random sets replicas on one bath apart, and the optimum is unique"
)


def diversity(ensemble: Ensemble) -> list[Row]:
    """Decide whether replicas on the same bath are distinct."""
    overlaps, settings = ensemble.overlaps, ensemble.settings
    row = Row("diversity", "D overlap on one bath", None, SCOPE, True)
    if overlaps is not None and overlaps.unique:
        return [refused(row, ONE_MODEL, "fails")]
    reason = untested(overlaps, settings.diverged)
    if overlaps is None or reason:
        return [refused(row, reason)]
    interval = overlap(overlaps.distances, overlaps.null, settings.alpha)
    pairs = finite(overlaps.distances)
    inside, count = int((pairs <= (1 - IDENTICAL) * finite(overlaps.null).mean() * (1 + ROUNDING)).sum()), len(pairs)
    enough = count_to_hold(count, settings.content, settings.alpha)
    distance = math.sqrt(float(pairs.mean()))
    clear = distance > FLOORS * overlaps.floor
    times = f"{distance / overlaps.floor:.2g}" if overlaps.floor > 0 else "infinitely many"
    words = f"replicas on one bath overlap by Q* = {interval.estimate:.2g} (0: nothing in common, 1: one model)"
    alike = f"{inside} of {count} pairs are one model (each Q* >= {IDENTICAL})"
    outcome: Outcome = "undecided"
    needed = None
    if enough is not None and inside >= enough:
        outcome, words = "fails", f"one model: {words}; {alike}"
    elif interval.upper < IDENTICAL and clear:
        outcome, words = "holds", f"different models: {words}, {times} times the rounding floor apart"
    else:
        needed = _pairs_needed(interval, inside, count, settings)
        more = f"{needed - count} more pairs would decide" if needed else "no number of pairs within reach would decide"
        near = "" if clear else f"; they are no more than {times} times the rounding floor apart"
        words += f"; {alike}{near}; {more}"
    numbers = {"margin": IDENTICAL, "replicas_needed": needed}
    return [answered(row, interval, outcome, words, 1 - settings.alpha, **numbers)]


def _pairs_needed(interval: Interval, inside: int, pairs: int, settings: Settings) -> int | None:
    """Return how many pairs would decide: that all are alike, or with a chance of four in five what was seen."""
    if inside == pairs:
        return least_replicas(settings.content, settings.alpha)
    if interval.estimate < IDENTICAL:
        return replicas_for_mean(interval, IDENTICAL, pairs, settings.alpha, one_sided=True, rests=False)
    return replicas_for_share(inside, pairs, settings.content, settings.alpha)


def untested(overlaps: Overlaps | None, tolerated: int) -> str:
    """Say why nothing can be decided from overlaps, or nothing.

    Args:
        overlaps: None where there are no microstates.
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


def overlap(distances: Array, null: Array, alpha: float) -> Interval:
    """Return Q* = 1 - m with bounds of confidence 1 - alpha each, m being the mean squared distance over that of the null.

    Squared distances are skewed, so the bounds are the widest of three: t on m, t on log m, and those of a chi-square variable
    of n 2 m^2 / s^2 degrees of freedom (t alone calls 7.9 % identical at Q* = 0.9 in ten dimensions, these 4 to 5 %). The
    error of the null's mean is added to that of the pairs (delta method); t with one degree of freedom less than pairs.

    Args:
        distances: Squared, (pair,).
        null: Squared, (null pair,).
        alpha: One minus the confidence.
    """
    mean, error, count = ratio(distances, null)
    half = float(special.stdtrit(count - 1, 1 - alpha)) * error
    lower, upper = [mean - half], [mean + half]
    if mean > 0 and error > 0:
        freedom = 2 * (mean / error) ** 2
        lower += [mean * math.exp(-half / mean), mean * freedom / float(stats.chi2.ppf(1 - alpha, freedom))]
        upper += [mean * math.exp(half / mean), mean * freedom / float(stats.chi2.ppf(alpha, freedom))]
    return Interval(1 - mean, 1 - max(upper), 1 - min(lower))


def ratio(values: Array, null: Array) -> tuple[float, float, int]:
    """Return the mean of the pairs' values over that of the null, its standard error (delta method), and the number of pairs.

    Args:
        values: (pair,).
        null: (null pair,).
    """
    pairs, unrelated = finite(values), finite(null)
    scale, count = float(unrelated.mean()), len(pairs)
    share = pairs / scale
    mean = float(share.mean())
    error = math.sqrt(share.var(ddof=1) / count + (mean / scale) ** 2 * unrelated.var(ddof=1) / len(unrelated))
    return mean, error, count


def finite(values: Array) -> Array:
    """Return the values that are numbers."""
    return values[np.isfinite(values)]


DIVERSITY: Final = Criterion(
    "diversity", "Are these different models?", "yes, different ones", "no, one model", False, diversity
)
