"""Target: does the ensemble reach what the user asks for? A question of its own, which decides nothing of the verdict.

T: Yuen's bound of the final trimmed mean over all histories lies on the good side of the target; or, of a share of replicas,
the Clopper-Pearson lower bound on the share that reaches it is at least that share. A replica without a value reaches nothing.
"""

import math
from dataclasses import replace
from typing import Final

import numpy as np

from thermo_cli.contracts import Outcome, Row
from thermo_cli.equilibrium.criteria.criterion import EVERYWHERE, SHARED, Criterion, answered, refused
from thermo_cli.equilibrium.ensemble import Ensemble, Goal
from thermo_cli.equilibrium.statistics.forecast import replicas_for_open
from thermo_cli.equilibrium.statistics.interval import ROUNDING, Interval
from thermo_cli.equilibrium.statistics.share import replicas_for_share, share_bounds
from thermo_cli.equilibrium.statistics.trimmed import FEWEST, mean_interval

MEAN: Final = "T final trimmed mean"
SHARE: Final = "T share of replicas"


def target(ensemble: Ensemble) -> list[Row]:
    """Answer for every target."""
    return [_row(ensemble, name, goal) for name, goal in ensemble.settings.targets.items()]


def _row(ensemble: Ensemble, observable: str, goal: Goal) -> Row:
    row = Row("target", MEAN if goal.share is None else SHARE, observable, EVERYWHERE, False)
    lost = sum(state != "finished" for state in ensemble.trajectories.states)
    if observable not in ensemble.values:
        return refused(row, f"{goal.words}: {observable} was not observed")
    if not ensemble.question.independent:
        return refused(row, f"{goal.words}: {SHARED}")
    if goal.share is not None:
        return _share(row, ensemble, goal, goal.share)
    if lost > ensemble.settings.diverged:
        return refused(row, f"{goal.words}: {lost} replicas diverged or crashed, and the mean leaves them out")
    return _mean(row, ensemble, goal)


def _mean(row: Row, ensemble: Ensemble, goal: Goal) -> Row:
    """Hold the trimmed mean against the target: holds at alpha, fails at alpha / rows."""
    settings, finals, name = ensemble.settings, ensemble.finals[str(row.observable)], str(row.observable)
    known, failing = (
        mean_interval(finals, settings.alpha / rows, settings.trim, ensemble.least_variance(name))
        for rows in (1, len(settings.targets))
    )
    if not np.isfinite(known.upper):
        finite = int(np.isfinite(finals).sum())
        return refused(row, f"{goal.words}: only {finite} replicas have finite values; at least {FEWEST} are needed")
    excess, room = goal.sign * (known.estimate - goal.bound), ROUNDING * abs(goal.bound)
    half = (known if excess >= 0 else failing).upper - known.estimate
    outcome: Outcome = "undecided"
    if excess - (known.upper - known.estimate) >= -room:
        outcome = "holds"
    elif excess + (failing.upper - failing.estimate) < -room:
        outcome = "fails"
    reach = Interval(-abs(excess), -abs(excess) - half, half - abs(excess))
    needed = (
        replicas_for_open(reach, 0.0, len(finals), settings.alpha, one_sided=True) if outcome == "undecided" else None
    )
    words = f"{goal.words}: it is {known.estimate:.4g} +- {half:.2g}"
    return _told(row, known, outcome, words, ensemble, needed)


def _share(row: Row, ensemble: Ensemble, goal: Goal, share: float) -> Row:
    """Hold the share of replicas that reach the target against the share that is asked for."""
    settings, finals = ensemble.settings, ensemble.finals[str(row.observable)]
    inside, count = int(goal.reached(finals).sum()), len(finals)
    if not count:
        return refused(row, f"{goal.words}: there are no replicas")
    lower, upper = share_bounds(inside, count, settings.alpha)
    surely = share_bounds(inside, count, settings.alpha / len(settings.targets))[1]
    outcome: Outcome = "holds" if lower >= share else "fails" if surely < share else "undecided"
    needed = (
        replicas_for_share(inside, count, share, settings.alpha, rows=len(settings.targets))
        if outcome == "undecided"
        else None
    )
    known = Interval(inside / count, lower, upper)
    return replace(
        _told(row, known, outcome, f"{goal.words}: {inside} of {count} reach it", ensemble, needed), margin=share
    )


def _told(row: Row, known: Interval, outcome: Outcome, words: str, ensemble: Ensemble, needed: int | None) -> Row:
    per_history = None if needed is None else math.ceil(needed / len(ensemble.histories))
    return answered(row, known, outcome, words, 1 - ensemble.settings.alpha, replicas_needed=per_history)


TARGET: Final = Criterion("target", "Is the target reached?", "yes, reached", "no, missed", False, target)
