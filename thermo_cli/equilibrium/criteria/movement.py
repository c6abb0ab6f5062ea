"""Movement: has anything happened yet? A system that has not begun to move looks as still as one that has arrived.

No criterion of its own, but a doubt about S: where it holds, no history was forgotten, and no gating mean has left its margin
since the first record, S is undecided.
"""

import math
from typing import Final

from thermo_cli.contracts import Row
from thermo_cli.equilibrium.criteria.criterion import EVERYWHERE, refused
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.statistics.interval import Interval
from thermo_cli.equilibrium.statistics.trimmed import mean_interval

MOVEMENT: Final = "movement since the first record"
UNKNOWN: Final = "nothing was recorded before the end, so it may not have moved at all: state where it began (initial)"
STILL: Final = "nothing has moved by more than its margin since the first record: still, or not yet begun?"


def nothing_has_happened(ensemble: Ensemble) -> list[Row]:
    """Return a row that leaves stationarity open unless a mean has certainly moved by more than its margin, else none.

    The lower bound of |movement| is at the level alpha / gating means. Margins that were derived from the movement itself say
    nothing here.
    """
    deltas = {name: margin.delta for name, margin in ensemble.margins.items() if not margin.derived}
    alpha = ensemble.settings.alpha / max(len(deltas) * len(ensemble.members), 1)
    moves = {name: largest_move(ensemble, name, alpha) for name in deltas}
    if not moves or any(moves[name].below(delta) == "fails" for name, delta in deltas.items()):
        return []
    name = max(moves, key=lambda name: moves[name].lower / deltas[name])
    row = Row("stationarity", MOVEMENT, name, EVERYWHERE, True, estimate=moves[name].estimate, margin=deltas[name])
    return [refused(row, STILL if len(ensemble.trajectories.steps) > 1 else UNKNOWN, "undecided")]


def largest_move(ensemble: Ensemble, observable: str, alpha: float) -> Interval:
    """Bound |trimmed mean in the window - the same at the first record| from below, of the history that has moved most.

    Args:
        alpha: Error rate of the bound; it is 0 where the mean may not have moved.
    """
    moves = [Interval(0.0, 0.0, math.inf)]
    for members in ensemble.members.values():
        values = ensemble.values[observable][members][:, ensemble.measured[observable]]
        first = ensemble.question.initial.get(observable, values[:, 0] if values.shape[1] else math.nan)
        weight = 1 / max(int(ensemble.within(observable).sum()), 1) + (observable not in ensemble.question.initial)
        least = weight * ensemble.least_variance(observable)
        drift = mean_interval(ensemble.means[observable][members] - first, alpha, ensemble.settings.trim, least)
        if math.isfinite(drift.upper):
            moves.append(Interval(abs(drift.estimate), max(drift.lower, -drift.upper, 0.0), math.inf))
    return max(moves, key=lambda move: (move.lower, move.estimate))
