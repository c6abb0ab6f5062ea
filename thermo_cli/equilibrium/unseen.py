"""What an ensemble cannot exclude: so many fresh replicas may do what none, or few, of these did."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.criteria.stationarity import MIN_MEASUREMENTS
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.statistics.interval import ROUNDING
from thermo_cli.equilibrium.statistics.share import share_bounds
from thermo_cli.equilibrium.statistics.tolerance import inside_best

ALL: Final = 0.995  # is written as 100 %


def unseen(ensemble: Ensemble) -> str:
    """Say how many replicas moved or lay elsewhere, and up to how many fresh ones may; nothing where that is not bounded.

    A replica moved if a gating observable changed by more than its margin between the halves of the window (or from budget
    T/2 to T); it lay elsewhere if its final value is outside of the interval of two margins that holds most. The bound is
    Clopper & Pearson's.
    """
    margins, count = ensemble.margins, len(ensemble.trajectories.replicas)
    if not (margins and count and ensemble.question.independent):
        return ""
    moves = {name: move for name in margins if (move := _moves(ensemble, name)) is not None}
    outside = np.zeros(count, dtype=bool)
    for name, move in moves.items():
        outside |= ~(np.abs(move) <= margins[name].delta * (1 + ROUNDING))
    for name, margin in margins.items():
        if margin.full:
            outside |= ~inside_best(ensemble.finals[name], 2 * margin.delta)
    many = int(outside.sum())
    upper = 1 - share_bounds(count - many, count, ensemble.settings.alpha)[0]
    percent = f"{100 * upper:.2g}" if upper < ALL else "100"
    return f"of {count} replicas {many or 'none'} {'moved or ' if moves else ''}lay elsewhere: up to {percent} % may"


def _moves(ensemble: Ensemble, observable: str) -> Array | None:
    """Return how far each replica moved lately, (replica,); None where its trajectory does not tell."""
    question, budgets = ensemble.question, ensemble.trajectories.budgets.get(observable)
    if budgets is not None:
        return np.asarray(budgets[:, 2] - budgets[:, 1])
    if (
        not question.evolves
        or question.once
        or question.schedule != "constant"
        or len(ensemble.times) < MIN_MEASUREMENTS
    ):
        return None
    late: NDArray[np.bool_] = ensemble.times > (ensemble.times[0] + ensemble.times[-1]) / 2
    values = ensemble.values[observable][:, ensemble.window]
    return _mean(values[:, late]) - _mean(values[:, ~late])


def _mean(values: Array) -> Array:
    """Return the mean of what was measured, (replica,); NaN where nothing was."""
    measured = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(measured, values, 0.0).sum(axis=1) / measured.sum(axis=1))
