"""Records as an ensemble: from a file to one array per observable."""

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Array, Integers, Trajectories
from thermo_cli.data.table import Table
from thermo_cli.errors import DataError
from thermo_cli.kinds.importers import IMPORTERS, cells
from thermo_cli.kinds.recorded.grid import Grid
from thermo_cli.kinds.recorded.header import wanted
from thermo_cli.registry import load

_NUMERIC: Final = re.compile(r"-?\d{1,300}(\.\d{1,300})?")


def read_records(path: Path) -> tuple[Trajectories, str]:
    """Read runs from a long table with the columns replica, step, observable, value and optionally history.

    Inside a history, replicas keep their order of appearance, or that of their numbers when all their names are numbers.

    Args:
        path: A file of one of `IMPORTERS`.

    Returns:
        The runs, named `<history>/<replica>` by history, `ended` where a replica's records end before the last step, NaN
        where nothing was measured, infinite where what was is not finite; and the SHA-256 of the file.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    suffix = path.suffix.lower()
    if suffix not in IMPORTERS:
        raise DataError(
            "recorded runs are not read from files of this kind",
            received=path.suffix or "a name without a suffix",
            remedy="save them as " + ", ".join(IMPORTERS),
            where=str(path),
        )
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(
            "there is no such file", received=str(path), remedy="give the path relative to the spec"
        ) from None
    except OSError as error:
        raise DataError(
            "the file cannot be read", received=error.strerror, remedy="make it a readable file", where=str(path)
        ) from None
    return _runs(load(IMPORTERS[suffix])(path, data, wanted)), hashlib.sha256(data).hexdigest()


def _runs(table: Table) -> Trajectories:
    """Turn records into arrays over observables, replicas and all steps at which anything was measured."""
    if not table.numbers:
        remedy = "write replica, step, observable and value of each measurement"
        raise table.error("the file has no records", "nothing", remedy)
    for column, column_cells in table.columns.items():
        cells.check_kinds(table, column, column_cells)
    pairs = list(zip(cells.histories(table), cells.converted(table, "replica", cells.as_name), strict=True))
    names = cells.converted(table, "observable", cells.as_name)
    members, observables = _in_order(dict.fromkeys(pairs)), tuple(dict.fromkeys(names))
    replicas = _unique(tuple(f"{history}/{name}" for history, name in members), table)
    number = np.array(cells.converted(table, "step", cells.as_step), dtype=np.int64)
    value = np.array(cells.converted(table, "value", cells.as_number), dtype=np.float64)
    steps, time = np.unique(number, return_inverse=True)
    grid = Grid(table, observables, replicas, steps, _codes(names, observables), _codes(pairs, members), time)
    grid.check()
    values = np.full((len(observables), len(replicas), len(steps)), math.nan)
    values[grid.observable, grid.replica, grid.time] = value
    _check_measured(values, replicas, observables, table)
    measured = ~np.isnan(values).all(axis=0)
    ended = len(steps) - 1 - measured[:, ::-1].argmax(axis=1) < np.flatnonzero(measured.any(axis=0))[-1]
    histories, nobody = tuple(history for history, _ in members), np.zeros(len(members), dtype=bool)
    named = dict(zip(observables, values, strict=True))
    return Trajectories(steps, named, replicas, histories, nobody, sparse=True, ended=ended)


def _check_measured(values: Array, replicas: Sequence[str], observables: Sequence[str], table: Table) -> None:
    """Refuse an observable of which a replica has no value at all."""
    nothing = np.argwhere(np.isnan(values).all(axis=2))
    if len(nothing):
        observable, replica = nothing[0]
        raise DataError(
            "an observable is missing for some replicas",
            received=f"no {observables[observable]!r} of {replicas[replica]}",
            remedy="record it for every replica, or for none",
            where=str(table.file),
        )


def _unique(replicas: tuple[str, ...], table: Table) -> tuple[str, ...]:
    if len(set(replicas)) < len(replicas):
        twice = next(name for name in replicas if replicas.count(name) > 1)
        raise DataError(
            "two replicas have the same name",
            received=f"{twice}, as <history>/<replica>",
            remedy="use no / in the names of histories",
            where=str(table.file),
        )
    return replicas


def _in_order(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Group (history, replica) by history; sort the replicas of a history by number if all of them are numbers."""
    groups: dict[str, list[str]] = {}
    for history, name in pairs:
        groups.setdefault(history, []).append(name)
    for names in groups.values():
        if all(_NUMERIC.fullmatch(name) for name in names):
            names.sort(key=lambda name: float(name) if "." in name else int(name))
    return [(history, name) for history, names in groups.items() for name in names]


def _codes(cells: Sequence[Any], order: Sequence[Any]) -> Integers:
    position = {cell: index for index, cell in enumerate(order)}
    return np.fromiter((position[cell] for cell in cells), dtype=np.int64, count=len(cells))
