"""How each replica of a run ended, controls among them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from thermo_cli.contracts import Trajectories
from thermo_cli.judging.record import Judged


@dataclass(frozen=True)
class End:
    """The end of one replica.

    Attributes:
        state: `finished`, `ended`, `diverged`, `crashed` or `unfinished`.
        finals: Observable to its last value.
    """

    state: str
    finals: Mapping[str, float]


def final_states(judged: Judged) -> dict[str, End]:
    """Say how each replica ended, by name: the main ones as they were judged, the others by what they recorded."""
    observables, folder = judged.observables, judged.folder
    ends: dict[str, End] = {}
    for shard, members in folder.shards.items():
        others = [row for row in members if row.role != "main"]
        if not others:
            continue
        record, slots = folder.records.get(shard), [row.slot for row in others]
        values = {
            name: np.stack(record.values[name], axis=1)[slots]
            if record is not None and name in record.values
            else np.full((len(others), 1), np.nan)
            for name in observables.values
        }
        nobody, lost = np.zeros(len(others), dtype=bool), record is None and folder.given_up(shard)
        crashed = nobody | lost
        if record is not None and "crashed" in record.final:
            crashed = record.final["crashed"][slots].astype(bool)
        names, histories = (tuple(getattr(row, word) for row in others) for word in ("name", "history"))
        waiting = nobody | (record is None and not lost)
        rows = Trajectories(observables.steps, values, names, histories, crashed, unfinished=waiting)
        ends |= _ends(dataclasses.replace(rows, sparse=observables.sparse))
    return ends | _ends(observables)


def _ends(trajectories: Trajectories) -> dict[str, End]:
    finals = trajectories.finals
    return {
        name: End(state, {observable: float(values[row]) for observable, values in finals.items()})
        for row, (name, state) in enumerate(zip(trajectories.replicas, trajectories.states, strict=True))
    }
