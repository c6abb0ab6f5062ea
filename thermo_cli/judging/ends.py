"""How each replica of a run ended, controls among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array
from thermo_cli.judging.run import Run


@dataclass(frozen=True)
class End:
    """The end of one replica.

    Attributes:
        state: `finished`, `diverged`, `crashed` or `unfinished`.
        finals: Observable to its last value.
    """

    state: str
    finals: Mapping[str, float]


def final_states(run: Run) -> dict[str, End]:
    """Say how each replica ended, by name: the main ones as they were judged, the others by what they recorded.

    Args:
        run: A judged run.
    """
    found, folder = run.observables, run.folder
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
            for name in found.values
        }
        nobody = np.zeros(len(others), dtype=bool)
        if record is not None:
            crashed = record.final["crashed"][slots].astype(bool) if "crashed" in record.final else nobody
            ends |= _ends([row.name for row in others], values, crashed, nobody)
        else:
            lost = folder.given_up(shard)
            ends |= _ends([row.name for row in others], values, nobody | lost, nobody | (not lost))
    waiting = found.unfinished if found.unfinished is not None else np.zeros(len(found.replicas), dtype=bool)
    return ends | _ends(found.replicas, found.values, found.crashed, waiting)


def _ends(
    names: Sequence[str], values: Mapping[str, Array], crashed: NDArray[np.bool_], unfinished: NDArray[np.bool_]
) -> dict[str, End]:
    diverged = np.zeros(len(names), dtype=bool)
    for array in values.values():
        diverged |= ~np.isfinite(array).all(axis=1)
    return {
        name: End(
            "unfinished"
            if unfinished[row]
            else "crashed"
            if crashed[row]
            else "diverged"
            if diverged[row]
            else "finished",
            {observable: float(array[row, -1]) for observable, array in values.items()},
        )
        for row, name in enumerate(names)
    }
