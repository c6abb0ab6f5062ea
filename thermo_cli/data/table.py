"""Tables as files hold them, CSV or Parquet: named columns of cells, and the line or row of each."""

import csv
import importlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thermo_cli.errors import DataError

Wanted = Callable[[list[str], str], list[str]]  # names of the columns and their place -> those that are read


@dataclass(frozen=True)
class Table:
    """The columns of a file.

    Attributes:
        columns: Name to cells, in the order of the file.
        numbers: Line or row of each record.
        unit: What is counted, before the number; nothing for lines.
    """

    file: Path
    columns: Mapping[str, Any]
    numbers: Sequence[int]
    unit: str = ""

    def where(self, index: int, column: str = "") -> str:
        """Return where a record stands, or a cell of it, for a message.

        Args:
            index: Which record, from 0.
            column: Of the cell that is meant.
        """
        place = f"{self.file}:{self.unit}{self.numbers[index]}"
        return f"{place}: {column}" if column else place

    def error(self, what: str, received: str, remedy: str, index: int | None = None, column: str = "") -> DataError:
        """Return what is wrong with the table, or with one record or cell of it.

        Args:
            what: Is wrong.
            received: What there is instead.
            remedy: What to do.
            index: Which record, from 0; None for the table as a whole.
            column: Of the cell that is meant.
        """
        where = str(self.file) if index is None else self.where(index, column)
        return DataError(what, received=received, remedy=remedy, where=where)


def read_csv(file: Path, data: bytes, wanted: Wanted, strict: bool) -> Table:
    """Read comma-separated values with a header; lines without a cell are passed over.

    Args:
        file: For messages.
        data: Its bytes.
        wanted: Chooses the columns.
        strict: Whether a quote that is never closed, or amid a cell, is refused.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    reader = csv.reader(io.StringIO(text_of(file, data), newline=""), strict=strict)
    columns: dict[str, list[str]] = {}
    numbers = []
    try:
        header = [name.strip() for name in next((row for row in reader if row), [])]
        if header:
            columns = {column: [] for column in wanted(header, f"{file}:{reader.line_num}")}
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
    return Table(file, columns, numbers)


def read_parquet(file: Path, data: bytes | None, wanted: Wanted, cells: Callable[[Any, str], Any]) -> Table:
    """Read a Parquet file, where pyarrow is installed.

    Args:
        file: Its path.
        data: Its bytes; None to read no more of it than is wanted.
        wanted: Chooses the columns.
        cells: Makes the cells of a column of pyarrow, whose place in the file it is told.

    Raises:
        DataError: pyarrow is missing, or the file is none of its kind.
    """
    try:
        pyarrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise DataError(
            "Parquet files are read with pyarrow, which is not installed",
            received=str(file),
            remedy='pip install "thermo-cli[parquet]", or save it as CSV',
        ) from None
    try:
        with parquet.ParquetFile(file if data is None else pyarrow.BufferReader(data)) as source:
            table = source.read(columns=wanted(source.schema_arrow.names, str(file)))
        columns = {name: cells(table.column(name), f"{file}: {name}") for name in table.column_names}
    except FileNotFoundError:
        raise DataError(
            "there is no such file", received=str(file), remedy="give the path relative to the spec"
        ) from None
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(
            "the file cannot be read as Parquet", received=str(error), remedy="write it again", where=str(file)
        ) from None
    return Table(file, columns, range(1, table.num_rows + 1), "row ")


def refuse_twice(names: Sequence[str], where: str) -> None:
    """Refuse two columns of one name.

    Args:
        names: Of the columns.
        where: Their place, for messages.

    Raises:
        DataError: There are two.
    """
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError("two columns have the same name", received=twice, remedy="rename one", where=where)


def text_of(file: Path, data: bytes) -> str:
    """Decode a file's bytes.

    Args:
        file: For messages.
        data: UTF-8, with a byte order mark or without.

    Raises:
        DataError: They are none.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            "the file is not text in UTF-8", received=str(error), remedy="save it as UTF-8", where=str(file)
        ) from None
