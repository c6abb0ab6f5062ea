"""Agreement: would a fresh replica, with another seed, subsample and history, show the same macroscopic behaviour?

A: a tolerance interval that holds at least `content` of fresh replicas with confidence 1 - alpha has width <= 2 delta; judged
on the final values (the models one would deploy), and reported on the window means. In a pool a small history, or a part of
one, hides behind the others: so also, in each of several histories, at least `content` of fresh replicas lie within 1.5 delta
of the trimmed mean of all.
"""

import math
from typing import Final

import numpy as np

from thermo_cli.contracts import Array, Row
from thermo_cli.equilibrium.criteria.criterion import EVERYWHERE, Criterion, answered, refused
from thermo_cli.equilibrium.ensemble import Ensemble, Settings
from thermo_cli.equilibrium.statistics.interval import ROUNDING, Interval
from thermo_cli.equilibrium.statistics.normal import normal_half_width, replicas_for_normal
from thermo_cli.equilibrium.statistics.share import replicas_for_share, size_quantile
from thermo_cli.equilibrium.statistics.tolerance import count_to_agree, half_width, most_inside
from thermo_cli.equilibrium.statistics.trimmed import FEWEST, mean_interval

FINALS: Final = "A tolerance interval, final values"
MEANS: Final = "A* tolerance interval, window means"
EACH: Final = "A2 each history near the mean of all"
REACH: Final = 1.5  # margins from the mean of all
CROSSED: Final = "in a crossed design replicas share their randomness: agreement at the margin would hold falsely"
NO_TEST: Final = "no observable of the test set has a margin: observe accuracy or r2, or state a margin"


def agreement(ensemble: Ensemble) -> list[Row]:
    """Answer A over all histories for every gating observable."""
    nothing = Row("agreement", "A", None, EVERYWHERE, True)
    if not ensemble.question.independent:
        return [refused(nothing, CROSSED)]
    each = ensemble.histories if len(ensemble.histories) > 1 and ensemble.settings.tolerance != "normal" else ()
    gating = max((1 + len(each)) * sum(margin.full for margin in ensemble.margins.values()), 1)
    rows = []
    for observable, margin in ensemble.margins.items():
        final = Row("agreement", FINALS, observable, EVERYWHERE, margin.full, margin=margin.delta)
        mean = Row("agreement", MEANS, observable, EVERYWHERE, False, margin=margin.delta)
        rows.append(_statement(final, ensemble.finals[observable], ensemble, gating))
        rows.append(_statement(mean, ensemble.means[observable], ensemble, gating))
        rows += [_within(ensemble, observable, name, gating) for name in each if margin.full]
    return rows if any(row.gates for row in rows) else [*rows, refused(nothing, NO_TEST)]


def _statement(row: Row, values: Array, ensemble: Ensemble, gating: int) -> Row:
    """Judge one row; `values` are of all histories, not finite for a replica that diverged."""
    settings, n, delta = ensemble.settings, len(values), ensemble.margins[str(row.observable)].delta
    if settings.tolerance == "normal":
        finite = np.isfinite(values)
        if not finite.all():
            lost = int((~finite).sum())
            return refused(row, f"{lost} of {n} replicas have no finite value: their distribution is not normal")
        if n < 2:
            return refused(row, "one replica has no spread")
        interval = normal_half_width(values, settings.content, settings.alpha, gating)
        words = _normal_words(interval, settings)
    else:
        interval = half_width(values, settings.content, settings.alpha, gating)
        words = _words(values, delta, interval, settings)
    outcome, needed = interval.below(delta), None
    if outcome == "undecided":
        total = _needed(values, delta, interval, settings, gating)
        needed = None if total is None else max(math.ceil(max(total, n + 1) / len(ensemble.histories)), 2)
    return answered(row, interval, outcome, words, 1 - settings.alpha, replicas_needed=needed)


def _within(ensemble: Ensemble, observable: str, name: str, gating: int) -> Row:
    """Judge one history by how many of it lie near the trimmed mean of all; a replica that diverged lies beyond every bound."""
    settings, finals, reach = ensemble.settings, ensemble.finals[observable], REACH * ensemble.margins[observable].delta
    row = Row("agreement", EACH, observable, name, True, margin=reach)
    centre = mean_interval(finals, settings.alpha, settings.trim).estimate
    if math.isnan(centre):
        return refused(row, f"only {int(np.isfinite(finals).sum())} replicas have finite values; {FEWEST} are needed")
    away = np.abs(finals[ensemble.members[name]] - centre)
    away[~np.isfinite(away)] = np.inf
    interval = size_quantile(away, settings.content, settings.alpha, gating)
    outcome, needed, n = interval.below(reach), None, len(away)
    inside = int((away <= reach * (1 + ROUNDING)).sum())
    words = (
        f"{inside} of {n} replicas of {name} lie within {reach:.3g} of the trimmed mean of all histories, {centre:.4g}"
    )
    if outcome == "undecided":
        needed = replicas_for_share(inside, n, settings.content, settings.alpha, rows=gating)
    return answered(row, interval, outcome, words, 1 - settings.alpha, replicas_needed=needed)


def _words(values: Array, delta: float, interval: Interval, settings: Settings) -> str:
    n = len(values)
    words = (
        f"{most_inside(values, 2 * delta)} of {n} replicas lie within some interval of width 2 x {delta:.3g}; "
        f"at least {settings.content:.0%} of fresh ones must"
    )
    unbounded = not np.isfinite(interval.upper) and np.isfinite(values).all()
    few = f"; {n} replicas are too few to bound the spread of fresh ones, however close they lie"
    return words + few if unbounded else words


def _normal_words(interval: Interval, settings: Settings) -> str:
    return (
        f"if replicas are normally distributed, {settings.content:.0%} of fresh ones lie within +- {interval.upper:.3g}; "
        "a rare replica that is stuck elsewhere would not be noticed"
    )


def _needed(values: Array, delta: float, interval: Interval, settings: Settings, rows: int) -> int | None:
    """Return how many replicas of all histories would decide, if any number would."""
    if settings.tolerance == "normal":
        return replicas_for_normal(interval.estimate / delta, settings.content, settings.alpha)
    inside = most_inside(values, 2 * delta)
    return replicas_for_share(inside, len(values), settings.content, settings.alpha, count_to_agree, rows)


AGREEMENT: Final = Criterion(
    "agreement",
    "Do other seeds and data agree?",
    "yes, within the margin",
    "no, they decide the result",
    True,
    agreement,
)
