"""A long table: a record for each value, which says whose it is, of what, and when."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Integers
from thermo_cli.data.table import Table
from thermo_cli.kinds.importers import cells
from thermo_cli.kinds.importers.logged import LoggedRun, Series
from thermo_cli.kinds.recorded.grid import Grid
from thermo_cli.kinds.recorded.reading import Reading, sorted_by_step, title_of

MANY: Final = 100  # observables; of more the likeliest scores are read


def runs_in(table: Table, reading: Reading) -> list[LoggedRun]:
    """Return the runs of a long table, in the order in which they appear.

    Args:
        table: With the columns of `header`, whatever they are called.
        reading: Says what they are called, and takes notes.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    table = _renamed(table, reading)
    for column, column_cells in table.columns.items():
        cells.check_kinds(table, column, column_cells)
    owners = list(
        zip(
            cells.groups(table, "point"),
            cells.groups(table, "history"),
            cells.converted(table, "replica", cells.as_name),
            cells.budgets(table, "budget"),
            strict=True,
        )
    )
    names = cells.converted(table, "observable", cells.as_name)
    members, observables = list(dict.fromkeys(owners)), list(dict.fromkeys(names))
    steps, values = cells.steps(table, "step"), cells.numbers(table, "value")
    grid = Grid(
        table,
        tuple(observables),
        tuple(map(_title, members)),
        steps,
        _codes(names, observables),
        _codes(owners, members),
        ~np.isnan(values),
    )
    grid.check()
    kept = set(observables if len(observables) <= MANY else reading.choose(observables, str(table.file)))
    series: list[dict[str, Series]] = [{} for _ in members]
    for rows in grid.series():
        name, member = observables[grid.observable[rows[0]]], grid.replica[rows[0]]
        if name in kept:
            title = title_of(name, _title(members[member]), table.file)
            series[member][name] = reading.series(title, steps[rows], values[rows])
    if "seconds" in table.columns and "seconds" in reading.named:  # else no evidence: copies differ in it
        seconds = cells.numbers(table, "seconds")
        observables = list(dict.fromkeys((*observables, "seconds")))
        for own, rows in zip(series, _rows_of(grid.replica, len(members)), strict=True):
            last = sorted_by_step(steps[rows])  # each step has several records, one for each observable
            rows = rows if last is None else rows[last]
            own["seconds"] = (reading.same(steps[rows]), seconds[rows])
    ordered = [{name: own[name] for name in observables if name in own} for own in series]
    return [
        LoggedRun(name, str(table.file), own, history, point, budget)
        for (point, history, name, budget), own in zip(members, ordered, strict=True)
    ]


def _renamed(table: Table, reading: Reading) -> Table:
    known = {name: what for what, name in reading.columns.items()}
    return replace(table, columns={known.get(name, name): column for name, column in table.columns.items()})


def _rows_of(codes: Integers, count: int) -> list[Integers]:
    """Return the records of each of some groups, in the order of the file."""
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.searchsorted(codes[order], np.arange(1, count)))


def _title(owner: tuple[str, str, str, int]) -> str:
    point, history, name, budget = owner
    return "/".join([*([point] if point else []), history or "recorded", name, *([str(budget)] if budget else [])])


def _codes(column: Sequence[Any], order: Sequence[Any]) -> Integers:
    position = {cell: index for index, cell in enumerate(order)}
    return np.fromiter((position[cell] for cell in column), dtype=np.int64, count=len(column))
