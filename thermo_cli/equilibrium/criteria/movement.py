"""Movement: has anything happened yet? A system that has not begun to move looks as still as one that has arrived.

No criterion of its own, but a doubt about S: where it holds, no history was forgotten, and no gating mean has left its margin
since the first record, S is undecided.
"""

from typing import Final

import numpy as np

from thermo_cli.contracts import Row
from thermo_cli.equilibrium.criteria.criterion import EVERYWHERE, refused
from thermo_cli.equilibrium.ensemble import Ensemble

MOVEMENT: Final = "movement since the first record"
STILL: Final = "nothing has moved by more than its margin since the first record: still, or not yet begun?"


def nothing_has_happened(ensemble: Ensemble) -> list[Row]:
    """Return a row that leaves stationarity open when no mean has moved by more than its margin, else none.

    Margins that were derived from the movement itself say nothing here.
    """
    deltas = {name: margin.delta for name, margin in ensemble.margins.items() if not margin.derived}
    moves = {name: largest_move(ensemble, name) for name in deltas}
    if not moves or any(not move <= deltas[name] for name, move in moves.items()):
        return []
    name = max(moves, key=lambda name: moves[name] / deltas[name])
    row = Row("stationarity", MOVEMENT, name, EVERYWHERE, True, estimate=moves[name], margin=deltas[name])
    return [refused(row, STILL, "undecided")]


def largest_move(ensemble: Ensemble, observable: str) -> float:
    """Return the largest |mean in the window - mean at the first record| over the histories; NaN where there is none."""
    moves = []
    for members in ensemble.members.values():
        values = ensemble.values[observable][members]
        values = values[np.isfinite(values).all(axis=1)]
        if len(values):
            first = ensemble.question.initial.get(observable, float(values[:, 0].mean()))
            moves.append(abs(float(values[:, ensemble.window].mean()) - first))
    return max(moves, default=float("nan"))
