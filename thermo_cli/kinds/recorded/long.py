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
from thermo_cli.kinds.recorded.reading import Reading, sorted_by_step

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
    )
    kept = set(observables if len(observables) <= MANY else reading.choose(observables, str(table.file)))
    series: list[dict[str, Series]] = [{} for _ in members]
    for rows in grid.series():
        name = observables[grid.observable[rows[0]]]
        if name in kept:
            last = sorted_by_step(steps[rows])
            rows = rows if last is None else rows[last]
            series[grid.replica[rows[0]]][name] = (reading.same(steps[rows]), values[rows])
    reading.note(grid.repeated())
    ordered = [{name: own[name] for name in observables if name in own} for own in series]
    return [
        LoggedRun(name, str(table.file), own, history, point)
        for (point, history, name), own in zip(members, ordered, strict=True)
    ]


def _renamed(table: Table, reading: Reading) -> Table:
    known = {name: what for what, name in reading.columns.items()}
    return replace(table, columns={known.get(name, name): column for name, column in table.columns.items()})


def _title(owner: tuple[str, str, str]) -> str:
    point, history, name = owner
    return "/".join([*([point] if point else []), history or "recorded", name])


def _codes(column: Sequence[Any], order: Sequence[Any]) -> Integers:
    position = {cell: index for index, cell in enumerate(order)}
    return np.fromiter((position[cell] for cell in column), dtype=np.int64, count=len(column))
