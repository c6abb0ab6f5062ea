"""From runs to an ensemble: one array per observable, over replicas and all steps; each rule that is applied is noted.

Exact steps per observable: what a replica has not measured is NaN. A replica whose record ends before that of others has
`ended`. What some runs lack is left out, unless it is all that there is, or is named.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from thermo_cli.contracts import Array, Integers, Trajectories
from thermo_cli.errors import DataError
from thermo_cli.kinds.importers.logged import LoggedRun
from thermo_cli.kinds.recorded.budgets import finals_of, split_by_budget
from thermo_cli.kinds.recorded.reading import Reading
from thermo_cli.magnitudes import countable
from thermo_cli.metric import whole

_NUMERIC: Final = re.compile(r"-?\d{1,300}(\.\d{1,300})?")
NEAR: Final = 1.2  # how far beyond the others in per cent a run may lie that is a share
LEAST_PER_CENT: Final = 10.0  # where a hundred times a share lies among other runs by chance alone, below that
SHOWN: Final = 5  # runs that a message names


def ensemble_of(runs: Sequence[LoggedRun], reading: Reading, where: str) -> Trajectories:
    """Return runs as arrays over observables, replicas and all steps at which anything was measured.

    Args:
        runs: In the order in which they were read.
        reading: Takes notes.
        where: They lie, for messages.

    Returns:
        The runs, named `<history>/<replica>` by history, `ended` where a replica's records end before the last step, NaN
        where nothing was measured, infinite where what was is not finite.

    Raises:
        DataError: They do not fit each other.
    """
    runs = _with_something(_in_order(_with_histories(runs, where)), reading, where)
    _check_unique(runs, where)
    runs, smaller = split_by_budget(runs, where)
    names = tuple(map(_title, runs))
    observables = _common(runs, names, reading)
    steps = _steps(runs, observables)
    values = {name: np.full((len(runs), len(steps)), math.nan) for name in observables}
    for row, run in enumerate(runs):
        for name in observables:
            own, measured = run.series[name]
            values[name][row, np.searchsorted(steps, own)] = countable(np.asarray(measured, dtype=np.float64))
    _check_shares(values, runs, names, reading)
    there = [~np.isnan(array) for array in values.values()]
    measured = np.logical_or.reduce(there)
    ended = len(steps) - 1 - measured[:, ::-1].argmax(axis=1) < np.flatnonzero(measured.any(axis=0))[-1]
    nobody = np.zeros(len(runs), dtype=bool)
    histories, budgets = tuple(run.history for run in runs), finals_of(runs, smaller, values, reading)
    return Trajectories(steps, values, names, histories, nobody, budgets, sparse=True, ended=ended)


def _with_histories(runs: Sequence[LoggedRun], where: str) -> list[LoggedRun]:
    """Give runs that name no history one, and those without a name of their own a number."""
    named = [run for run in runs if run.history]
    if named and len(named) < len(runs):
        other = next(run for run in runs if not run.history)
        raise DataError(
            "some runs name a history and some do not",
            received=f"{named[0].history} of {named[0].where}, none of {other.where}",
            remedy="name it in all of them, or in none",
            where=where,
        )
    return [
        replace(run, name=run.name or str(number), history=run.history or "recorded") for number, run in enumerate(runs)
    ]


def _in_order(runs: Sequence[LoggedRun]) -> list[LoggedRun]:
    """Group runs by history; sort the replicas of a history by number if all of them are numbers."""
    groups: dict[str, list[LoggedRun]] = {}
    for run in runs:
        groups.setdefault(run.history, []).append(run)
    for own in groups.values():
        if all(_NUMERIC.fullmatch(run.name) for run in own):
            own.sort(key=lambda run: float(run.name) if "." in run.name else int(run.name))
    return [run for own in groups.values() for run in own]


def _title(run: LoggedRun) -> str:
    return f"{run.history}/{run.name}"


def _check_unique(runs: Sequence[LoggedRun], where: str) -> None:
    """Refuse two runs of one name and one total budget."""
    names = [(_title(run), run.budget) for run in runs]
    if len(set(names)) == len(names):
        return
    twice = next(name for name, count in Counter(names).items() if count > 1)
    one, other, *_ = (run for run, name in zip(runs, names, strict=True) if name == twice)
    raise DataError(
        "two replicas have the same name",
        received=f"{twice[0]}, as <history>/<replica>"
        + (f": {one.where} and {other.where}" if one.where != other.where else ""),
        remedy="name each run by its place, in a pattern with {history} and {replica}; use no / in the names of histories",
        where=where,
    )


def _with_something(runs: list[LoggedRun], reading: Reading, where: str) -> list[LoggedRun]:
    """Leave out files that know nothing of what is read, and name them; a run that has merely no value of it stays."""
    empty = [run for run in runs if not run.series]
    if len(empty) == len(runs):
        raise DataError(
            "nothing was measured in these runs",
            received=_shown([run.where for run in runs]),
            remedy="name what is to be judged by its margin: --margin NAME=VALUE, or equilibrium.margins in the spec",
            where=where,
        )
    if empty and len({run.where for run in runs}) > 1:
        reading.note(
            f"left out: {len(empty)} of {len(runs)} logs, which know nothing of this: {_shown([run.name for run in empty])}"
        )
        return [run for run in runs if run.series]
    return runs


def _common(runs: Sequence[LoggedRun], names: Sequence[str], reading: Reading) -> tuple[str, ...]:
    """Return the observables that all runs have; those that some lack are left out, if nothing asks for them."""
    everything = dict.fromkeys(name for run in runs for name in run.series)
    lacking = {name: [place for place, run in enumerate(runs) if not _measured(run, name)] for name in everything}
    files = len({run.where for run in runs})
    common = [name for name, without in lacking.items() if not without]
    for name, without in lacking.items():
        if without and (name in reading.named or not common or files == 1):
            raise DataError(
                "an observable is missing for some replicas",
                received=f"no {name!r} of {_shown([names[place] for place in without])}",
                remedy="record it for every replica, or for none",
                where=runs[without[0]].where,
            )
        if without:
            reading.note(f"{name} is left out: {len(without)} of {len(runs)} runs have none, {names[without[0]]} first")
    return tuple(common)


def _measured(run: LoggedRun, name: str) -> bool:
    return name in run.series and not bool(np.isnan(run.series[name][1]).all())


def _steps(runs: Sequence[LoggedRun], observables: Sequence[str]) -> Integers:
    distinct = {id(own): own for run in runs for name in observables for own in (run.series[name][0],)}
    return np.unique(np.concatenate(list(distinct.values())))


def _check_shares(values: dict[str, Array], runs: Sequence[LoggedRun], names: Sequence[str], reading: Reading) -> None:
    """Tell per cent from shares, and refuse both in one observable: shares that a hundred times over lie among the others.

    A run in per cent that has collapsed stays below 1 too; a hundred times over it does not lie among the others.
    """
    for name, array in values.items():
        percent = np.array([whole(name, {name: own}) > 1 for own in array])
        if percent.any():
            largest = np.where(np.isfinite(array), array, -np.inf).max(axis=1)
            top, usual = int(largest.argmax()), largest[percent]
            shares = np.flatnonzero(
                ~percent & (largest >= usual.min() / NEAR / 100) & (largest <= usual.max() / 100 * NEAR)
            )
            if len(shares) and usual.min() > LEAST_PER_CENT:
                raise DataError(
                    f"{name} is in per cent in some runs, and a share in others",
                    received=f"{largest[top]:g} in {names[top]}, {largest[shares[0]]:g} in {names[shares[0]]}",
                    remedy="log it alike in all of them",
                    where=runs[int(shares[0])].where,
                )
            reading.note(f"{name} is in per cent, up to {largest[top]:.4g}: a margin of 2 is two points of a hundred")


def _shown(words: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(words))
    return ", ".join(distinct[:SHOWN]) + (f" and {len(distinct) - SHOWN} more" if len(distinct) > SHOWN else "")
