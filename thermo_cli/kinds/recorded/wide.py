"""A wide table: a column for each observable, and a row for each time, of one run or of several.

An empty cell says that nothing was measured, so rows of training and of validation may share a step, or a file. Where nothing
counts time, each row is the final score of its replica.
"""

from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Array, Integers
from thermo_cli.data.table import Table
from thermo_cli.errors import DataError
from thermo_cli.kinds.importers import cells
from thermo_cli.kinds.importers.logged import LoggedRun
from thermo_cli.kinds.recorded.header import GROUPS
from thermo_cli.kinds.recorded.reading import Reading, title_of
from thermo_cli.kinds.recorded.shapes import RANGES, RUN_METRIC, replica_in

END: Final = 1  # the step of final scores: when they were measured is not said
FINAL: Final = "nothing counts time: each row is the final score of its replica, which says nothing of stationarity"
Owner = tuple[str, str, str, int]  # point, history, replica, total budget


def runs_in(table: Table, reading: Reading) -> list[LoggedRun]:
    """Return the runs of a wide table.

    Args:
        table: Of a run, or with a column that names the replica of each row.
        reading: Says which columns are read, and takes notes.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    time, replica, groups = _beside(table, reading)
    chosen = reading.choose(measured(table, reading), str(table.file))
    values = {name: cells.numbers(table, name) for name in chosen}
    steps = _steps(table, time, values, reading) if time else np.full(len(table.numbers), END, dtype=np.int64)
    owners = _owners(table, replica, groups)
    _check_twice(table, steps, values, owners)
    if not time:
        _check_finals(table, owners)
        reading.note(FINAL, table.file)
    return [
        LoggedRun(
            name,
            str(table.file),
            {
                key: reading.series(title_of(key, name, table.file), steps[rows], column[rows])
                for key, column in values.items()
            },
            history,
            point,
            budget,
        )
        for (point, history, name, budget), rows in owners.items()
    ]


def measured(table: Table, reading: Reading) -> list[str]:
    """Return the columns of a wide table that hold what was measured: numbers, and nothing that says when or of whom.

    Args:
        table: Of a run, or of several.
        reading: Takes a note of columns of words.
    """
    time, replica, groups = _beside(table, reading)
    return _numeric(table, [name for name in table.columns if name not in {time, replica, *groups}], reading)


def _beside(table: Table, reading: Reading) -> tuple[str, str, list[str]]:
    """Return the columns that say when and of whom: time, replica, and those of histories, points and total budgets."""
    groups = [reading.columns.get(what, what) for what in (*GROUPS, "budget")]
    return reading.time_in(table), replica_in(list(table.columns), reading.columns), groups


def exported_in(table: Table, reading: Reading) -> list[LoggedRun]:
    """Return the runs of a table that W&B has exported, a column for each run and metric; ranges are left out.

    Args:
        table: With columns that are called `<run> - <metric>`.
        reading: Says which metrics are read, and takes notes.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    time = reading.time_in(table)
    chosen = reading.choose(metrics_in(table), str(table.file))
    columns = [name for name in _exported(table) if name.rpartition(RUN_METRIC)[2] in chosen]
    values = {name: cells.numbers(table, name) for name in columns}
    steps = _steps(table, time, values, reading)
    runs: dict[str, dict[str, Any]] = {}
    for name, column in values.items():
        run, _, metric = name.rpartition(RUN_METRIC)
        runs.setdefault(run.strip(), {})[metric] = reading.series(title_of(metric, run, table.file), steps, column)
    return [LoggedRun(run, str(table.file), series) for run, series in runs.items()]


def metrics_in(table: Table) -> list[str]:
    """Return what was measured, of a table that W&B has exported.

    Args:
        table: With columns that are called `<run> - <metric>`.
    """
    return list(dict.fromkeys(name.rpartition(RUN_METRIC)[2] for name in _exported(table)))


def _exported(table: Table) -> list[str]:
    return [name for name in table.columns if RUN_METRIC in name and not name.endswith(RANGES)]


def _numeric(table: Table, names: list[str], reading: Reading) -> list[str]:
    """Return the columns that hold numbers; those of words are left out, and named."""
    words = [name for name in names if name not in reading.named and _words(table.columns[name])]
    if words:
        more = " and more" if len(words) > 8 else ""
        reading.note(f"no numbers, left out: {', '.join(words[:8])}{more}", table.file)
    return [name for name in names if name not in words]


def _words(column: list[Any]) -> bool:
    """Say whether no cell of a column is a number, and some say something."""
    said = False
    for cell in column:
        try:
            if isinstance(cell, bool | list | dict):
                said = True
            elif not np.isnan(cells.as_number(cell)):
                return False
        except (ValueError, TypeError):
            said = True
    return said


def _steps(table: Table, time: str, values: dict[str, Array], reading: Reading) -> Integers:
    """Return the step of each row; one without may hold no value."""
    column = table.columns[time]
    empty = set()
    if "" in column or None in column:
        empty = {index for index, cell in enumerate(column) if cell in ("", None)}
    for index in sorted(empty):
        if any(not np.isnan(numbers[index]) for numbers in values.values()):
            raise table.error(
                "a row with values has no step", "nothing", f"fill {time}, or leave the row out", index, time
            )
    cells.check_kinds(table, time, column)
    filled = [END if index in empty else cell for index, cell in enumerate(column)] if empty else column
    known = reading.times.get(len(filled))  # most replicas are measured at the same steps
    if known is not None and known[0] == filled:
        return known[1]
    steps = cells.steps(Table(table.file, {time: filled}, table.numbers, table.unit), time)
    reading.times[len(filled)] = filled, steps
    return steps


def _owners(table: Table, replica: str, groups: list[str]) -> dict[Owner, Integers]:
    """Return the rows of each run, in the order in which they appear."""
    if not replica and not any(name in table.columns for name in groups):
        return {("", "", "", 0): np.arange(len(table.numbers))}
    for name in (replica, *groups):
        if name in table.columns:
            cells.check_kinds(table, name, table.columns[name])
    history, point = (cells.groups(table, name) for name in groups[:2])
    names = cells.converted(table, replica, cells.as_name) if replica else [""] * len(table.numbers)
    budgets = cells.budgets(table, groups[2])
    rows: dict[Owner, list[int]] = {}
    for index, owner in enumerate(zip(point, history, names, budgets, strict=True)):
        rows.setdefault(owner, []).append(index)
    return {owner: np.array(own, dtype=np.int64) for owner, own in rows.items()}


def _check_twice(table: Table, steps: Integers, values: dict[str, Array], owners: dict[Owner, Integers]) -> None:
    """Refuse a replica of which most steps are there twice with other values: these are two runs."""
    for (_, _, name, _), rows in owners.items():
        for column in values.values():
            own = rows[~np.isnan(column[rows])]
            own = own[np.argsort(steps[own], kind="stable")]
            again = (steps[own][1:] == steps[own][:-1]) & (column[own][1:] != column[own][:-1])
            if len(np.unique(steps[own])) > 1 and 2 * again.sum() >= len(own):
                others = [title for title, cell in table.columns.items() if len({str(cell[row]) for row in own}) > 1]
                told = f"{name or table.file.name}, {again.sum()} of {len(own)} rows"
                raise table.error(
                    "most steps of a replica are there twice, with other values",
                    f"{told}; columns that differ: {', '.join(others[:20])}",
                    "say which column names the replica: columns: {replica: NAME}",
                    int(own[1:][again][0]),
                )


def _check_finals(table: Table, owners: dict[Owner, Integers]) -> None:
    """Refuse several rows of one replica where nothing says in which order they were measured."""
    for (_, _, name, _), rows in owners.items():
        if len(rows) > 1:
            raise table.error(
                "nothing counts time, and a replica has several rows",
                f"{len(rows)} rows of {name or table.file.name}, columns: {', '.join(list(table.columns)[:20])}",
                "say what its columns are: columns: {step: NAME}, or columns: {replica: NAME} where each row is a run",
                int(rows[1]),
            )


def joined(runs: list[LoggedRun], where: str) -> list[LoggedRun]:
    """Join what several tables of one folder say of a run.

    Args:
        runs: Of each table.
        where: The folder.

    Raises:
        DataError: Two of them have the same observable.
    """
    together: dict[Owner, dict[str, Any]] = {}
    files: dict[tuple[Owner, str], str] = {}
    for run in runs:
        owner = (run.point, run.history, run.name, run.budget)
        own = together.setdefault(owner, {})
        for name, series in run.series.items():
            if name in own:
                raise DataError(
                    f"{name} is logged in two files of one folder",
                    received=f"{files[owner, name]} and {run.where}",
                    remedy="give a pattern that names one of them, such as DIR/{replica}/metrics.csv",
                    where=where,
                )
            own[name], files[owner, name] = series, run.where
    return [
        LoggedRun(name, where, series, history, point, budget)
        for (point, history, name, budget), series in together.items()
    ]
