"""E: does a replica wander as far from itself as from others?

Q*_self is the overlap of a replica with itself T/2 earlier; the difference to the overlap between replicas is 0 for a fluid and
large where each replica stays in its own basin. Holds when its upper bound is below 0.1, fails when its lower bound is above.
"""

from typing import Final

import numpy as np
from scipy import special

from thermo_cli.contracts import Row
from thermo_cli.equilibrium.criteria.criterion import Criterion, answered, refused
from thermo_cli.equilibrium.criteria.diversity import PAIRS, SCOPE, ratio, untested
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.statistics.interval import Interval

LARGEST: Final = 0.1
STATISTIC: Final = "E overlap with itself, less that between"
FALLING: Final = "frozen by schedule: a rate that falls to zero ends all wandering"


def ergodicity(ensemble: Ensemble) -> list[Row]:
    """Decide whether replicas wander as far as they differ: t-interval over the pairs, the null's error included."""
    overlaps, settings = ensemble.overlaps, ensemble.settings
    row = Row("ergodicity", STATISTIC, None, SCOPE, settings.require_ergodic, margin=LARGEST)
    if overlaps is not None and overlaps.unique:
        return [refused(row, "there is one microstate for each bath", "inapplicable")]
    if ensemble.question.schedule != "constant":
        return [refused(row, FALLING)]
    reason = untested(overlaps, settings.diverged)
    if overlaps is None or reason:
        return [refused(row, reason)]
    kept = np.isfinite(overlaps.own) & np.isfinite(overlaps.distances) if len(overlaps.own) else np.zeros(0, dtype=bool)
    if kept.sum() < PAIRS:
        return [refused(row, "there are no microstates of the final protocol half of the training time earlier")]
    change, error, count = ratio(overlaps.distances[kept] - overlaps.own[kept], overlaps.null)
    half = float(special.stdtrit(count - 1, 1 - settings.alpha)) * error
    interval = Interval(change, change - half, change + half)
    outcome = interval.below(LARGEST)
    words = {
        "holds": "replicas wander as far from themselves as from each other",
        "fails": "each replica stays near itself: frozen in a basin of its own",
        "undecided": "more same-bath pairs or longer training would decide",
    }[outcome]
    return [answered(row, interval, outcome, words, 1 - settings.alpha)]


ERGODICITY: Final = Criterion(
    "ergodicity",
    "Do parameters wander?",
    "yes, from model to model",
    "no, each stays put",
    False,
    ergodicity,
)
