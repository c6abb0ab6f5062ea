"""Small ensembles for the court, made of arrays."""

from collections.abc import Mapping, Sequence

import numpy as np

from thermo_cli.contracts import Array, Overlaps, Row, Trajectories
from thermo_cli.equilibrium.ensemble import Ensemble, Question, Settings


def ensemble(
    values: Mapping[str, Array],
    steps: Array,
    settings: Settings,
    question: Question | None = None,
    histories: Sequence[str] = (),
    budgets: Mapping[str, Array] | None = None,
) -> Ensemble:
    """Wrap arrays (replica, time), of one history unless others are named replica by replica."""
    count = len(next(iter(values.values())))
    labels = tuple(histories) or ("cold",) * count
    names = tuple(f"{label}/{i}" for i, label in enumerate(labels))
    crashed = np.zeros(count, dtype=bool)
    trajectories = Trajectories(np.asarray(steps), dict(values), names, labels, crashed, budgets or {})
    question = question or Question(int(steps[-1]), tuple(dict.fromkeys(labels)), {}, "constant", "")
    return Ensemble(trajectories, question, settings)


def paired(overlaps: Overlaps | None, settings: Settings | None = None, schedule: str = "constant") -> Ensemble:
    """An ensemble of which nothing but its overlaps is looked at."""
    crashed = np.zeros(1, dtype=bool)
    trajectories = Trajectories(np.array([1000]), {"x": np.zeros((1, 1))}, ("cold/0",), ("cold",), crashed)
    question = Question(1000, ("cold",), {}, schedule, "")
    return Ensemble(trajectories, question, settings or Settings(), overlaps)


def only(rows: list[Row]) -> Row:
    """The one row of a criterion that has one."""
    (row,) = rows
    return row
