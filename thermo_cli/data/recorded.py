"""Runs that somebody has already made: a long table of records, and parameters as safetensors; read without training.

One record says what one observable of one replica was at one step. Replicas are measured at the same steps; only the end of a
replica may be missing, because a training that stopped early is counted as lost and not dropped.
"""

import csv
import hashlib
import importlib
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from thermo_cli.contracts import Array, Integers
from thermo_cli.errors import DataError
from thermo_cli.registry import nearest

_REQUIRED: Final = ("replica", "step", "observable", "value")
_COLUMNS: Final = (*_REQUIRED, "history")
_NOTHING: Final = ("", "null", "na")  # how tables written by other programs leave a cell empty
_NUMERIC: Final = re.compile(r"-?\d{1,300}(\.\d{1,300})?")
_WHOLE: Final = re.compile(r"-?\d{1,300}")
_FIELD: Final = re.compile(r"\{(history|replica|step)\}")
_EXPECTED: Final = {
    "replica": "a replica needs a name",
    "history": "a history needs a name",
    "observable": "an observable needs a name",
    "step": "a step is a whole number, 0 or more",
    "value": "expected a number",
}
_REMEDIES: Final = {
    "history": "name it in every record, or leave the column out",
    "step": "count the updates of training from 0",
    "value": "leave it empty where there is no number",
}
T = TypeVar("T")


@dataclass(frozen=True)
class Recorded:
    """An ensemble that was trained elsewhere.

    Attributes:
        steps: Measured steps, increasing, (time,).
        values: Observable to (replica, time), in order of appearance; NaN also where a replica has ended early.
        replicas: Names, `<history>/<replica>`, grouped by history, (replica,).
        histories: History of each replica, (replica,).
        lost: Replicas whose records end before the last step, (replica,) of bool.
        fingerprint: SHA-256 of the bytes of the file.
    """

    steps: Integers
    values: Mapping[str, Array]
    replicas: tuple[str, ...]
    histories: tuple[str, ...]
    lost: NDArray[np.bool_]
    fingerprint: str


@dataclass(frozen=True)
class _Table:
    """The columns of a file as they were written, and the number of the line or row of each record."""

    file: Path
    columns: Mapping[str, list[Any]]
    numbers: Sequence[int]
    unit: str = ""

    def where(self, index: int, column: str = "") -> str:
        place = f"{self.file}:{self.unit}{self.numbers[index]}"
        return f"{place}: {column}" if column else place


def read_recorded(path: Path) -> Recorded:
    """Read runs from a long table with the columns replica, step, observable, value and optionally history.

    Inside a history, replicas keep their order of appearance, or that of their numbers when all their names are numbers.

    Args:
        path: A .csv file with a header, a .jsonl or .ndjson file of one object a line, or a .parquet file.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    readers = {".csv": _read_csv, ".jsonl": _read_json_lines, ".ndjson": _read_json_lines, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            "recorded runs are not read from files of this kind",
            received=path.suffix or "a name without a suffix",
            remedy="save them as " + ", ".join(readers),
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
    return _recorded(reader(path, data), hashlib.sha256(data).hexdigest())


def read_parameters(pattern: str, base: Path, recorded: Recorded, step: int) -> Array:
    """Read the parameters of all replicas at one step; every tensor of a file is flattened, in the order of their names.

    Args:
        pattern: Path with the fields {history}, {replica} (as written in the records) and {step}, relative to `base`.
        base: Folder of the spec.
        recorded: The replicas.
        step: The step at which they were saved.

    Returns:
        Parameters, (replica, parameters); a row of NaN for a lost replica that has no file.

    Raises:
        DataError: A file is missing or unreadable, replicas differ in their tensors, or a name leads to another folder.
    """
    files: dict[Path, str] = {}
    for name, history in zip(recorded.replicas, recorded.histories, strict=True):
        file = base / _filled(pattern, {"history": history, "replica": name[len(history) + 1 :], "step": str(step)})
        if file in files:
            raise DataError(
                "two replicas have the same file of parameters",
                received=f"{files[file]} and {name}: {file}",
                remedy="use {history} and {replica} in the pattern",
            )
        files[file] = name
    names, first = list(files.values()), ""
    shapes: dict[str, tuple[int, ...]] = {}
    parameters = np.full((len(names), 0), math.nan)
    for row, file in enumerate(files):
        tensors = _tensors(file)
        if tensors is None and recorded.lost[row]:
            continue
        if tensors is None:
            raise DataError(
                "there is no such file of parameters",
                received=str(file),
                remedy=f"save the parameters of {names[row]} at step {step}, or correct the pattern {pattern!r}",
            )
        own = {name: tensor.shape for name, tensor in tensors.items()}
        if not shapes:
            shapes, first = own, names[row]
            parameters = np.full((len(names), sum(tensor.size for tensor in tensors.values())), math.nan)
        if own != shapes:
            raise _other_tensors(file, names[row], own, first, shapes)
        parameters[row] = np.concatenate([tensor.ravel() for tensor in tensors.values()])
    return parameters


def _read_csv(file: Path, data: bytes) -> _Table:
    reader = csv.reader(io.StringIO(_text(file, data), newline=""), strict=True)
    columns: dict[str, list[Any]] = {}
    numbers = []
    try:
        header = [name.strip() for name in next((row for row in reader if row), [])]
        if header:
            columns = {column: [] for column in _wanted(header, f"{file}:{reader.line_num}")}
        places = [(header.index(column), cells.append) for column, cells in columns.items()]
        for row in reader:
            if len(row) == len(header):
                numbers.append(reader.line_num)
                for place, append in places:
                    append(row[place])
            elif row:
                raise DataError(
                    f"this line does not have {len(header)} cells",
                    received=f"{len(row)} cells",
                    remedy="one cell for each column of the header",
                    where=f"{file}:{reader.line_num}",
                )
    except csv.Error as error:
        raise DataError(
            "the file cannot be read as CSV",
            received=str(error),
            remedy="close every quote, and save it as CSV",
            where=f"{file}:{reader.line_num}",
        ) from None
    if not numbers:
        raise _no_records(file)
    return _Table(file, columns, numbers)


def _read_json_lines(file: Path, data: bytes) -> _Table:
    columns: dict[str, list[Any]] = {column: [] for column in _COLUMNS}
    numbers = []
    for number, line in enumerate(_text(file, data).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                "this line is not JSON",
                received=str(error),
                remedy="one complete object a line",
                where=f"{file}:{number}",
            ) from None
        if not isinstance(record, dict):
            raise DataError(
                "expected an object",
                received=line[:80],
                remedy='{"replica": 0, "step": 0, "observable": "loss", "value": 1.5}',
                where=f"{file}:{number}",
            )
        if not all(column in record for column in _REQUIRED):
            _wanted(list(record), f"{file}:{number}")
        for column in _COLUMNS:
            columns[column].append(record.get(column))
        numbers.append(number)
    if not numbers:
        raise _no_records(file)
    return _Table(file, columns, numbers)


def _read_parquet(file: Path, data: bytes) -> _Table:
    try:
        pyarrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise DataError(
            "Parquet files are read with pyarrow, which is not installed",
            received=str(file),
            remedy='pip install "thermo-cli[parquet]", or save the runs as CSV',
        ) from None
    try:
        source = parquet.ParquetFile(pyarrow.BufferReader(data))
        wanted = _wanted(source.schema_arrow.names, str(file))
        table = source.read(columns=wanted)
        columns = {column: table.column(column).to_pylist() for column in wanted}
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(
            "the file cannot be read as Parquet", received=str(error), remedy="write it again", where=str(file)
        ) from None
    if not table.num_rows:
        raise _no_records(file)
    return _Table(file, columns, range(1, table.num_rows + 1), "row ")


def _text(file: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            "the file is not text in UTF-8", received=str(error), remedy="save it as UTF-8", where=str(file)
        ) from None


def _no_records(file: Path) -> DataError:
    return DataError(
        "the file has no records",
        received="nothing",
        remedy="write replica, step, observable and value of each measurement",
        where=str(file),
    )


def _wanted(names: Sequence[str], where: str) -> list[str]:
    """Return which columns are read, after a check that each is there once."""
    for column in _COLUMNS:
        if column in _REQUIRED and column not in names:
            guess = nearest(column, [name for name in names if name not in _COLUMNS])
            raise DataError(
                f"there is no column {column!r}",
                received="columns: " + ", ".join(names[:20]),
                remedy=f"rename {guess!r} to {column!r}" if guess else f"the columns are {', '.join(_REQUIRED)}",
                where=where,
            )
        if names.count(column) > 1:
            raise DataError("two columns have the same name", received=column, remedy="rename one", where=where)
    return [column for column in _COLUMNS if column in names]


def _recorded(table: _Table, fingerprint: str) -> Recorded:
    """Turn records into arrays, after a check that they fill the grid of observables, replicas and steps."""
    for column, cells in table.columns.items():
        _check_kinds(table, column, cells)
    pairs = list(zip(_histories(table), _converted(table, "replica", _name), strict=True))
    named = _converted(table, "observable", _name)
    members, observables = _in_order(dict.fromkeys(pairs)), tuple(dict.fromkeys(named))
    replicas = tuple(f"{history}/{name}" for history, name in members)
    if len(set(replicas)) < len(replicas):
        twice = next(name for name in replicas if replicas.count(name) > 1)
        raise DataError(
            "two replicas have the same name",
            received=f"{twice}, as <history>/<replica>",
            remedy="use no / in the names of histories",
            where=str(table.file),
        )
    number = np.array(_converted(table, "step", _step), dtype=np.int64)
    value = np.array(_converted(table, "value", _number), dtype=np.float64)
    steps, time = np.unique(number, return_inverse=True)
    grid = _Grid(table, observables, replicas, steps, _codes(named, observables), _codes(pairs, members), time)
    lengths = grid.lengths()
    values = np.full((len(observables), len(replicas), len(steps)), math.nan)
    values[grid.observable, grid.replica, grid.time] = value
    histories = tuple(history for history, _ in members)
    return Recorded(
        steps, dict(zip(observables, values, strict=True)), replicas, histories, lengths < len(steps), fingerprint
    )


def _check_kinds(table: _Table, column: str, cells: list[Any]) -> None:
    """Refuse whatever is neither text nor a real number nor nothing, such as true or a list."""
    for kind in dict.fromkeys(map(type, cells)):
        if not issubclass(kind, str | Real | Decimal | None) or issubclass(kind, bool):
            index = next(position for position, cell in enumerate(cells) if type(cell) is kind)
            raise DataError(
                "expected text or a number",
                received=repr(cells[index])[:80],
                remedy=f"one plain {column} in each record",
                where=table.where(index, column),
            )


def _histories(table: _Table) -> list[str]:
    cells = table.columns.get("history", [None])
    if all(_is_nothing(cell) for cell in dict.fromkeys(cells)):
        return ["recorded"] * len(table.numbers)
    return _converted(table, "history", _name)


def _converted(table: _Table, column: str, convert: Callable[[Any], T]) -> list[T]:
    """Convert each distinct cell of a column once, naming the first one that cannot be."""
    cells = table.columns[column]
    known: dict[Any, T] = {}
    for cell in dict.fromkeys(cells):
        try:
            known[cell] = convert(cell)
        except (ValueError, ArithmeticError):
            raise DataError(
                _EXPECTED[column],
                received="nothing" if _is_nothing(cell) else repr(cell)[:80],
                remedy=_REMEDIES.get(column, "give it a printable name, the same in each of its records"),
                where=table.where(cells.index(cell), column),
            ) from None
    return [known[cell] for cell in cells]


def _is_nothing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _name(cell: Any) -> str:
    """Return a name; 7.0, which a table makes of a column of whole numbers with a gap, is 7."""
    if isinstance(cell, float):
        cell = int(cell) if cell == int(cell) else cell
    name = "" if cell is None else str(cell).strip()
    if not name or not name.isprintable():
        raise ValueError(name)
    return name


def _step(cell: Any) -> int:
    if isinstance(cell, str) and _WHOLE.fullmatch(cell.strip()):
        cell = int(cell)
    number = _number(cell)
    if math.isnan(number) or number != int(number) or not 0 <= number < 2**63:
        raise ValueError(cell)
    return int(cell) if isinstance(cell, int) else int(number)


def _number(cell: Any) -> float:
    if isinstance(cell, str):
        cell = cell.strip()
        if cell.lower() in _NOTHING:
            return math.nan
        if "_" in cell:  # Python reads 1_0 as ten; a table does not mean that
            raise ValueError(cell)
    return math.nan if cell is None else float(cell)


def _in_order(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Group (history, replica) by history; sort the replicas of a history by number if all of them are numbers."""
    groups: dict[str, list[str]] = {}
    for history, name in pairs:
        groups.setdefault(history, []).append(name)
    for names in groups.values():
        if all(_NUMERIC.fullmatch(name) for name in names):
            names.sort(key=lambda name: float(name) if "." in name else int(name))
    return [(history, name) for history, names in groups.items() for name in names]


def _codes(cells: Sequence[Any], known: Sequence[Any]) -> Integers:
    position = {cell: index for index, cell in enumerate(known)}
    return np.fromiter((position[cell] for cell in cells), dtype=np.int64, count=len(cells))


@dataclass(frozen=True)
class _Grid:
    """Where each record belongs: positions of its observable, replica and step, each (record,)."""

    table: _Table
    observables: tuple[str, ...]
    replicas: tuple[str, ...]
    steps: Integers
    observable: Integers
    replica: Integers
    time: Integers

    def lengths(self) -> Integers:
        """Return how many steps each replica was measured at, (replica,), after all checks.

        One stable sort groups the records into series, one for each observable of each replica, in the order of the file. The
        grid is whole when record k of every series is at step k.
        """
        series = self.observable * len(self.replicas) + self.replica
        order = np.argsort(series, kind="stable")
        series, time = series[order], self.time[order]
        self._check_increasing(series, time, order)
        present, starts, counts = np.unique(series, return_index=True, return_counts=True)
        self._check_complete(present)
        self._check_holes(time, np.arange(len(order)) - np.repeat(starts, counts), order)
        lengths = counts.reshape(len(self.observables), len(self.replicas)).astype(np.int64)
        self._check_ends(lengths)
        return np.array(lengths[0])

    def _check_increasing(self, series: Integers, time: Integers, order: Integers) -> None:
        wrong = order[1:][(series[1:] == series[:-1]) & (time[1:] <= time[:-1])]
        if not len(wrong):
            return
        index = int(wrong.min())
        same = (self.observable[:index] == self.observable[index]) & (self.replica[:index] == self.replica[index])
        before = np.flatnonzero(same)
        again = before[self.time[before] == self.time[index]]
        if len(again):
            raise DataError(
                "this record is there twice",
                received=f"{self._series(index)} at step {self._step(index)}, also at {self.table.where(int(again[0]))}",
                remedy="keep one of them; replicas of several histories need the column 'history'",
                where=self.table.where(index),
            )
        raise DataError(
            "steps must increase",
            received=f"{self._series(index)} at step {self._step(index)} after {self._step(int(before[-1]))}",
            remedy="sort the records of each replica by step",
            where=self.table.where(index, "step"),
        )

    def _check_complete(self, present: Integers) -> None:
        wanted = len(self.observables) * len(self.replicas)
        if len(present) < wanted:
            gaps = np.flatnonzero(present != np.arange(len(present)))
            observable, replica = divmod(int(gaps[0]) if len(gaps) else len(present), len(self.replicas))
            raise DataError(
                "an observable is missing for some replicas",
                received=f"no {self.observables[observable]!r} of {self.replicas[replica]}",
                remedy="record it for every replica, or for none",
                where=str(self.table.file),
            )

    def _check_holes(self, time: Integers, position: Integers, order: Integers) -> None:
        late = time > position
        if not late.any():
            return
        first = position[late].min()
        without, measured = order[late & (position == first)], order[time == first]
        odd, others = (measured, without) if len(measured) < len(without) else (without, measured)
        says, say = ("has a record", "has none") if odd is measured else ("has no record", "has one")
        raise DataError(
            "not everything is measured at the same steps",
            received=f"{self._series(int(odd[0]))} {says} at step {self.steps[first]}, {self._series(int(others[0]))} {say}",
            remedy="measure everything at the same steps; only the end of a replica may be missing",
            where=self.table.where(int(odd[0])),
        )

    def _check_ends(self, lengths: Integers) -> None:
        uneven = np.flatnonzero((lengths != lengths[0]).any(axis=0))
        if len(uneven):
            replica = int(uneven[0])
            short, long = int(lengths[:, replica].argmin()), int(lengths[:, replica].argmax())
            ends = [self.steps[lengths[observable, replica] - 1] for observable in (short, long)]
            raise DataError(
                "the observables of a replica end at different steps",
                received=f"{self.replicas[replica]}: {self.observables[short]!r} at {ends[0]}, "
                f"{self.observables[long]!r} at {ends[1]}",
                remedy="record all observables at the same steps; remove what follows the first end",
                where=str(self.table.file),
            )

    def _series(self, index: int) -> str:
        return f"{self.observables[self.observable[index]]!r} of {self.replicas[self.replica[index]]}"

    def _step(self, index: int) -> int:
        return int(self.steps[self.time[index]])


def _filled(pattern: str, fields: Mapping[str, str]) -> str:
    """Fill the fields of a pattern, refusing a name that would lead to another folder than the pattern says."""
    parts = []
    for part in pattern.split("/"):
        filled = _FIELD.sub(lambda match: fields[match[1]], part)
        if filled != part and ("\\" in filled or any(piece in ("", ".", "..") for piece in filled.split("/"))):
            raise DataError(
                "a name in the records leads to another folder",
                received=f"{fields['history']}/{fields['replica']} in {pattern}",
                remedy="rename the history or the replica: no .. and no / at its ends",
            )
        parts.append(filled)
    return "/".join(parts)


def _tensors(file: Path) -> dict[str, Array] | None:
    """Read the tensors of a file in the order of their names; None if there is no such file."""
    try:
        with safe_open(file, framework="np") as handle:
            names = sorted(handle.keys())
            kinds = {handle.get_slice(name).get_dtype() for name in names}
        if not names or kinds & {"C64", "C128"}:
            raise ValueError(f"tensors of {', '.join(sorted(kinds))}" if names else "no tensors")
        with safe_open(file, framework="pt" if "BF16" in kinds else "np") as handle:  # NumPy has no bfloat16
            tensors = {name: handle.get_tensor(name) for name in names}
        if "BF16" in kinds:
            tensors = {name: tensor.double().numpy() for name, tensor in tensors.items()}
        return {name: np.asarray(tensor, dtype=np.float64) for name, tensor in tensors.items()}
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError, ValueError, TypeError) as error:
        raise DataError(
            "the parameters cannot be read",
            received=str(error),
            remedy="save them with safetensors, as real numbers",
            where=str(file),
        ) from None


def _other_tensors(
    file: Path, name: str, own: Mapping[str, tuple[int, ...]], first: str, shapes: Mapping[str, tuple[int, ...]]
) -> DataError:
    tensor = min(key for key in own.keys() | shapes.keys() if own.get(key) != shapes.get(key))
    return DataError(
        "replicas have different tensors",
        received=f"{tensor!r} is {own.get(tensor, 'missing')} in {name} and {shapes.get(tensor, 'missing')} in {first}",
        remedy="save the same tensors, of the same shapes, for every replica",
        where=str(file),
    )
