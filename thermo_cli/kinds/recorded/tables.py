"""Files of records, as columns of cells as they were written: CSV, JSON lines and Parquet."""

import csv
import importlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from thermo_cli.errors import DataError
from thermo_cli.registry import nearest

REQUIRED: Final = ("replica", "step", "observable", "value")
COLUMNS: Final = (*REQUIRED, "history")


@dataclass(frozen=True)
class Table:
    """The columns of a file as they were written, and the number of the line or row of each record."""

    file: Path
    columns: Mapping[str, list[Any]]
    numbers: Sequence[int]
    unit: str = ""

    def where(self, index: int, column: str = "") -> str:
        """Return where a record stands, for a message.

        Args:
            index: Which record.
            column: Of the cell that is meant.
        """
        place = f"{self.file}:{self.unit}{self.numbers[index]}"
        return f"{place}: {column}" if column else place


def read_csv(file: Path, data: bytes) -> Table:
    """Read comma-separated values with a header.

    Args:
        file: For messages.
        data: Its bytes.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
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
    return Table(file, columns, numbers)


def read_json_lines(file: Path, data: bytes) -> Table:
    """Read one JSON object a line.

    Args:
        file: For messages.
        data: Its bytes.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    columns: dict[str, list[Any]] = {column: [] for column in COLUMNS}
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
        if not all(column in record for column in REQUIRED):
            _wanted(list(record), f"{file}:{number}")
        for column in COLUMNS:
            columns[column].append(record.get(column))
        numbers.append(number)
    if not numbers:
        raise _no_records(file)
    return Table(file, columns, numbers)


def read_parquet(file: Path, data: bytes) -> Table:
    """Read a Parquet file, where pyarrow is installed.

    Args:
        file: For messages.
        data: Its bytes.

    Raises:
        DataError: pyarrow is missing, or the file is none of its kind.
    """
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
    return Table(file, columns, range(1, table.num_rows + 1), "row ")


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
    for column in COLUMNS:
        if column in REQUIRED and column not in names:
            guess = nearest(column, [name for name in names if name not in COLUMNS])
            raise DataError(
                f"there is no column {column!r}",
                received="columns: " + ", ".join(names[:20]),
                remedy=f"rename {guess!r} to {column!r}" if guess else f"the columns are {', '.join(REQUIRED)}",
                where=where,
            )
        if names.count(column) > 1:
            raise DataError("two columns have the same name", received=column, remedy="rename one", where=where)
    return [column for column in COLUMNS if column in names]
