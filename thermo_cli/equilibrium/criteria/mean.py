"""The mean: how well is it known? An answer that few replicas can give, and that decides nothing of the verdict.

M: the half-width of Yuen's interval of the final trimmed mean over all histories is at most delta. It speaks of the middle
replicas: what a fresh one does is for agreement to say.
"""

import math
from typing import Final

import numpy as np
from scipy import stats

from thermo_cli.contracts import Row
from thermo_cli.equilibrium.criteria.criterion import EVERYWHERE, SHARED, Criterion, answered, refused
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.statistics.forecast import CHANCE, fewest
from thermo_cli.equilibrium.statistics.interval import Interval
from thermo_cli.equilibrium.statistics.trimmed import FEWEST, mean_interval

M: Final = "M final trimmed mean"


def mean(ensemble: Ensemble) -> list[Row]:
    """Say of every observable with a margin how well its final mean is known."""
    nothing = Row("mean", M, None, EVERYWHERE, False)
    names = [name for name, margin in ensemble.margins.items() if margin.full]
    if not ensemble.question.independent:
        return [refused(nothing, SHARED)]
    return [_row(ensemble, name) for name in names] or [refused(nothing, "no observable has a margin")]


def _row(ensemble: Ensemble, observable: str) -> Row:
    settings, finals, delta = ensemble.settings, ensemble.finals[observable], ensemble.margins[observable].delta
    row = Row("mean", M, observable, EVERYWHERE, False, margin=delta)
    known = mean_interval(finals, settings.alpha, settings.trim, ensemble.least_variance(observable))
    if not np.isfinite(known.upper):
        finite = int(np.isfinite(finals).sum())
        return refused(row, f"only {finite} replicas have finite values; at least {FEWEST} are needed")
    half = known.upper - known.estimate
    outcome = Interval(half, 0.0, half).below(delta)
    needed = _needed(half / delta, len(finals)) if outcome == "undecided" else None
    per_history = None if needed is None else math.ceil(needed / len(ensemble.histories))
    words = f"the mean is {known.estimate:.4g} +- {half:.2g}"
    return answered(row, known, outcome, words, 1 - settings.alpha, replicas_needed=per_history)


def _needed(ratio: float, replicas: int) -> int | None:
    """Return how many replicas would bring the half-width below the margin: only their spread is not known.

    N such that half-width / delta sqrt(n / N) sqrt(chi2_.8(N - 1) / (N - 1)) <= 1, the spread being what was seen.

    Args:
        ratio: Half-width / delta.
        replicas: n, over all histories.
    """

    def decides(n: int) -> bool:
        return ratio**2 * replicas / n * float(stats.chi2.ppf(CHANCE, n - 1)) / (n - 1) <= 1

    return fewest(decides, 1.0, replicas + 1)


MEAN: Final = Criterion("mean", "How well is the mean known?", "within the margin", "beyond the margin", False, mean)
