"""The same replicas with smaller total budgets, each with its whole schedule: what tells whether more training would help."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from thermo_cli.contracts import Array
from thermo_cli.errors import DataError
from thermo_cli.kinds.importers.logged import LoggedRun
from thermo_cli.kinds.recorded.reading import Reading
from thermo_cli.magnitudes import countable

Smaller = Mapping[tuple[str, str, int], LoggedRun]  # history, replica and budget to a training with it


def split_by_budget(runs: Sequence[LoggedRun], where: str) -> tuple[list[LoggedRun], Smaller]:
    """Return the runs with the largest budget, and the others by what they are of.

    Args:
        runs: With the budget of each; 0 where none is said.
        where: They lie, for messages.

    Raises:
        DataError: Some say none, or a replica was never trained with the largest: it is not dropped in silence.
    """
    largest = max(runs, key=lambda run: run.budget)
    silent = [run for run in runs if not run.budget]
    if silent and largest.budget:
        raise DataError(
            "some runs say their total budget and some do not",
            received=f"{largest.budget} of {largest.where}, none of {silent[0].history}/{silent[0].name} in {silent[0].where}",
            remedy="say it in all of them, or in none",
            where=where,
        )
    whole = [run for run in runs if run.budget == largest.budget]
    known = {(run.history, run.name) for run in whole}
    for run in runs:
        if (run.history, run.name) not in known:
            raise DataError(
                "a replica was not trained with the largest total budget",
                received=f"{run.budget} of {run.history}/{run.name}, {largest.budget} of {largest.history}/{largest.name}",
                remedy="give all replicas the same largest budget; if recipes differ in it, they are points: "
                "columns: {point: budget}",
                where=run.where,
            )
    return whole, {(run.history, run.name, run.budget): run for run in runs if run.budget != largest.budget}


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
    total, others = runs[0].budget, sorted({budget for _, _, budget in smaller})
    wanted = [budget for budget in others if 4 * budget == total or 2 * budget == total]
    finals = {}
    if len(wanted) == 2:
        own = [[smaller.get((run.history, run.name, budget)) for run in runs] for budget in wanted]
        columns = {name: [_ends(members, name) for members in (*own, runs)] for name in values}
        finals = {name: np.transpose(ends) for name, ends in columns.items() if not np.isnan(ends).any()}
    reading.note(_words(total, others, wanted, list(finals), list(values)))
    return finals


def _ends(runs: Sequence[LoggedRun | None], name: str) -> list[float]:
    """Return the final values of runs of one budget, (replica,); NaN where there is none, or the run ended before others.

    One that is not finite is final whenever it was measured.
    """
    series = [run.series.get(name) if run is not None else None for run in runs]
    last = max((own[0][-1] for own in series if own is not None and len(own[0])), default=0)
    return [
        float(countable(own[1][-1:])[0])
        if own is not None and len(own[0]) and (own[0][-1] == last or not math.isfinite(own[1][-1]))
        else math.nan
        for own in series
    ]


def _words(total: int, others: Sequence[int], wanted: Sequence[int], told: Sequence[str], names: Sequence[str]) -> str:
    """Say what the smaller budgets tell, and what is left out of them and why."""
    words = f"budgets {_listed(others)} and {total}"
    if len(wanted) < 2:
        return f"{words}: the smaller are left out, for T/4 and T/2 of T = {total} are {total / 4:g} and {total / 2:g}"
    if not told:
        return (
            f"{words}: the smaller are left out, for not all replicas came to their end with T/4, T/2 and T = {total}"
        )
    beside, silent = [budget for budget in others if budget not in wanted], [name for name in names if name not in told]
    return (
        f"{words}: stationarity is told by the final values of T/4, T/2 and T = {total}"
        + (f"; left out: {_listed(beside)}" if beside else "")
        + (f"; not of {_listed(silent)}, which not all replicas have at the end of each" if silent else "")
    )


def _listed(things: Sequence[object]) -> str:
    return ", ".join(map(str, things))
