"""What a script has left in its output folder: which files are logs, which column is the time, and what was measured when.

    metrics.jsonl                             the one file, where there is it
    lightning_logs/version_0/metrics.csv      else every `metrics` below; of versions the latest
    train.csv, val.csv                        else every table with a column of steps

A row says what was measured at one step; an empty cell, null or a name that is not there says that it was not. So rows of
training and of validation may share a step, or a file. The last of a repeated step counts.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from thermo_cli.data.table import Table
from thermo_cli.errors import DataError
from thermo_cli.kinds.importers import IMPORTERS, cells
from thermo_cli.kinds.importers.names import CLOCKS, TIMES
from thermo_cli.registry import load

FILE: Final = "metrics.jsonl"
MOST_BYTES: Final = 2**26
EXAMPLE: Final = '{"step": 100, "test_accuracy": 0.93, "train_loss": 0.21}'
_VERSION: Final = re.compile(r"version_(\d+)")


@dataclass
class Log:
    """What one script has measured.

    Attributes:
        time: Name of the column that counts steps; empty where nothing is logged.
        files: Where it was read, relative to the output folder.
        steps: All at which anything is logged, ascending.
        series: Observable to its value at each step where it was measured; NaN where that is said to be missing.
        left_out: Columns that measure nothing: clocks, and epochs beside steps.
    """

    time: str = ""
    files: list[str] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    series: dict[str, dict[int, float]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def log_files(folder: Path) -> list[Path]:
    """Return the files in an output folder that may be logs.

    Args:
        folder: The script's output folder.
    """
    if (folder / FILE).is_file():
        return [folder / FILE]
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in IMPORTERS and path.is_file()]
    files = [path for path in files if not _older(path, files)]
    return [path for path in files if path.stem == "metrics"] or files


def read_log(folder: Path, named: Iterable[str] = (), whole: bool = True) -> Log:
    """Read all that is logged.

    Args:
        folder: The script's output folder.
        named: Observables that the spec speaks of, whatever they are called.
        whole: Whether the script has ended; else a last line without an end is still to come.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    log, size, files = Log(), 0, log_files(folder)
    for path in files:
        data = _bytes(path)
        size += len(data)
        if size > MOST_BYTES:
            raise DataError(
                f"{path.name} is too large", received=f"more than {MOST_BYTES:,} bytes", remedy="report fewer steps"
            )
        if not whole and path.suffix.lower() != ".parquet":
            data = data[: data.rfind(b"\n") + 1]
        label = path.relative_to(folder)
        table = load(IMPORTERS[path.suffix.lower()])(label, data, lambda names, where: names)
        times = [name for known in TIMES for name in table.columns if name.strip().lower() == known]
        if not times and table.columns and (path.stem == "metrics" or len(files) == 1):
            raise _no_step(table)
        if times:
            _add(log, table, times, set(named))
    log.steps = sorted({step for step in log.steps})
    return log


def _add(log: Log, table: Table, times: Sequence[str], named: set[str]) -> None:
    """Add the rows of a table to what has been read."""
    time, *others = times
    if log.files and log.time != time.strip().lower():
        raise DataError(
            "two logs count time differently",
            received=f"{log.time} in {log.files[-1]}, {time} in {table.file}",
            remedy=f"log steps in both, or name the one that counts {FILE}",
        )
    log.time = time.strip().lower()
    left_out = {name for name in table.columns if name not in named and (name in others or CLOCKS.fullmatch(name))}
    steps = _steps(table, time)
    for name, column in table.columns.items():
        if name == time or name in left_out:
            continue
        _check_name(table, name)
        if name in log.series:
            raise DataError(
                f"{name} is logged in two files",
                received=f"{', '.join(log.files)} and {table.file}",
                remedy=f"name the one that counts {FILE}, or give the observables other names",
            )
        cells.check_kinds(table, name, column)
        values = cells.converted(table, name, cells.as_number)
        log.series[name] = _measured(table, name, steps, values)
    log.files.append(str(table.file))
    log.steps += steps
    log.left_out += [name for name in table.columns if name in left_out]


def _steps(table: Table, time: str) -> list[int]:
    """Return the step of each row."""
    cells.check_kinds(table, time, table.columns[time])
    for index, cell in enumerate(table.columns[time]):
        try:
            cells.as_step(cell)
        except (ValueError, ArithmeticError):
            raise DataError(
                f"{time} is no whole number, 0 or more",
                received="nothing" if cell in (None, "") else repr(cell)[:80],
                remedy=f"one row for each time, such as {EXAMPLE}",
                where=table.where(index),
            ) from None
    return [cells.as_step(cell) for cell in table.columns[time]]


def _measured(table: Table, name: str, steps: Sequence[int], values: Sequence[float]) -> dict[int, float]:
    """Return the value at each step where there is one; of a repeated step the last."""
    series: dict[int, float] = {}
    last = -1
    for index, (step, value) in enumerate(zip(steps, values, strict=True)):
        if value != value:  # not measured in this row, but perhaps in another of the same step
            continue
        if step < last:
            raise DataError(
                f"steps of {name} go back: {step} after {last}",
                received=str(table.columns[name][index]),
                remedy="one log for one training, its steps in order",
                where=table.where(index),
            )
        series[step] = value
        last = step
    return series


def _check_name(table: Table, name: str) -> None:
    if not name.isprintable() or not 0 < len(name) <= 100:
        raise DataError(
            "an observable has no usable name",
            received=repr(name)[:80],
            remedy="at most 100 printable characters",
            where=table.where(0) if table.numbers else str(table.file),
        )


def _no_step(table: Table) -> DataError:
    return DataError(
        "there is no column of steps",
        received="columns: " + ", ".join(list(table.columns)[:20]),
        remedy=f"name it {TIMES[0]} (or {', '.join(TIMES[1:3])}, {TIMES[-1]}), such as {EXAMPLE}",
        where=table.where(0) if table.numbers else str(table.file),
    )


def _older(path: Path, files: Sequence[Path]) -> bool:
    """Say whether a file lies in a version (`version_0`) of which there is a later one beside it with logs."""
    return any(
        (own := _VERSION.fullmatch(folder.name))
        and (theirs := _VERSION.fullmatch(other.name))
        and int(theirs[1]) > int(own[1])
        for folder in path.parents
        for file in files
        for other in file.parents
        if other.parent == folder.parent
    )


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            return handle.read(MOST_BYTES + 1)
    except OSError as error:
        raise DataError(
            f"{path.name} cannot be read", received=error.strerror, remedy="make it a plain, readable file"
        ) from None


def found_instead(folder: Path) -> str:
    """Say what lies in an output folder that has no log.

    Args:
        folder: The script's output folder.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = [f"{path.relative_to(folder)}{'' if path.stat().st_size else ' (empty)'}" for path in paths]
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "") if names else "nothing in its output folder"


def values_of(log: Log) -> Mapping[str, list[float]]:
    """Return every observable at all steps of a log, NaN where it was not measured.

    Args:
        log: What was read.
    """
    return {name: [series.get(step, float("nan")) for step in log.steps] for name, series in log.series.items()}
