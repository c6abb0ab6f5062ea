"""Tables as files hold them, CSV or Parquet: named columns of cells, and the line or row of each."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from thermo_cli.data.files import check_regular
from thermo_cli.data.plain_text import decoded
from thermo_cli.data.series import Series
from thermo_cli.errors import DataError
from thermo_cli.memory import check_memory

PATH: Final = "data.with.path"  # the field that names a file
Wanted = Callable[[list[str], str], list[str]]  # names of the columns and their place -> those that are read


@dataclass(frozen=True)
class Table:
    """The columns of a file.

    Attributes:
        columns: Name to cells, in the order of the file.
        numbers: Line or row of each record.
        unit: What is counted, before the number; nothing for lines.
        problems: What is wrong with lines that are not among the records.
    """

    file: Path
    columns: Mapping[str, Any]
    numbers: Sequence[int]
    unit: str = ""
    problems: tuple[DataError, ...] = ()

    def series(self, column: str) -> Series:
        """Return a column with its place.

        Args:
            column: Its name.
        """
        return Series(self.columns[column], str(self.file), column, self.numbers, self.unit)

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
        if data is None:
            check_regular(file, PATH)
        with parquet.ParquetFile(file if data is None else pyarrow.BufferReader(data)) as source:
            names = wanted(source.schema_arrow.names, str(file))
            rows = source.metadata.num_rows
            check_memory(8.0 * rows * len(names), f"{file}, {rows:,} rows", PATH)
            table = source.read(columns=names)
        columns = {name: cells(table.column(name), f"{file}: {name}") for name in table.column_names}
    except FileNotFoundError:
        raise DataError(
            "there is no such file", received=str(file), remedy="give the path relative to the spec", where=PATH
        ) from None
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise DataError(
            "the file cannot be read as Parquet", received=str(error), remedy="write it again", where=str(file)
        ) from None
    return Table(file, columns, range(1, table.num_rows + 1), "row ")


def refuse_twice(names: Sequence[str], where: str) -> None:
    """Refuse columns of one name.

    Args:
        names: Of the columns.
        where: Their place, for messages.

    Raises:
        DataError: There are such.
    """
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        received = ", ".join(name or "no name, twice" for name in twice)
        raise DataError("two columns have the same name", received=received, remedy="rename one", where=where)


def text_of(file: Path, data: bytes, remedy: str = "save it as UTF-8") -> str:
    """Decode a file's bytes.

    Args:
        file: For messages.
        data: UTF-8, with a byte order mark or without.
        remedy: What to do where they are none.

    Raises:
        DataError: They are none; with the encoding that they seem to have.
    """
    text = decoded(data)
    if text.encoding == "utf-8":
        return text.text
    received = f"what reads as {text.encoding}" + (f": {text.sign}" if text.sign else "")
    where = f"{file}:{text.line}" if text.line else str(file)
    raise DataError("the file is not text in UTF-8", received=received, remedy=remedy, where=where)
