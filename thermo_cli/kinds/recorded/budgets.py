"""The same replicas with smaller total budgets, each with its whole schedule: what tells whether more training would help."""

from collections.abc import Mapping, Sequence

import numpy as np

from thermo_cli.contracts import Array
from thermo_cli.kinds.importers.logged import LoggedRun
from thermo_cli.kinds.recorded.reading import Reading

Smaller = Mapping[tuple[str, str, int], LoggedRun]  # history, replica and budget to a training with it


def split_by_budget(runs: Sequence[LoggedRun]) -> tuple[list[LoggedRun], Smaller]:
    """Return the runs with the largest budget, and the others by what they are of.

    Args:
        runs: With the budget of each; 0 where none is said.
    """
    largest = max((run.budget for run in runs), default=0)
    whole = [run for run in runs if run.budget == largest]
    return whole, {(run.history, run.name, run.budget): run for run in runs if run.budget != largest}


def finals_of(
    runs: Sequence[LoggedRun], smaller: Smaller, values: Mapping[str, Array], reading: Reading
) -> dict[str, Array]:
    """Return observable to final values with total budgets T/4, T/2 and T, (replica, 3); nothing where some have none.

    Args:
        runs: With the budget T.
        smaller: Those with other ones.
        values: Observable to A_r(t) of `runs`, (replica, time).
        reading: Takes a note.
    """
    if not smaller:
        return {}
    total = runs[0].budget
    wanted = [total // 4, total // 2] if total % 4 == 0 else []
    finals = {}
    for name in values:
        rows = [
            [_last(smaller.get((run.history, run.name, budget)), name) for budget in wanted] + [_last(run, name)]
            for run in runs
        ]
        if wanted and not np.isnan(rows).any():
            finals[name] = np.array(rows)
    known = ", ".join(map(str, sorted({budget for _, _, budget in smaller})))
    words = f"budgets {known} and {total}"
    if finals:
        reading.note(f"{words}: stationarity is told by the final values of T/4, T/2 and T = {total}")
    else:
        reading.note(f"{words}: the smaller are left out, for not all replicas have T/4 and T/2 of T = {total}")
    return finals


def _last(run: LoggedRun | None, name: str) -> float:
    """Return the last value of a run; NaN where it has none."""
    if run is None or name not in run.series or not len(run.series[name][1]):
        return float("nan")
    return float(run.series[name][1][-1])
