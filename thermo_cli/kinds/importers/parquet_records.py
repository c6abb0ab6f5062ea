"""A Parquet file, where pyarrow is installed."""

from pathlib import Path

from thermo_cli.data.table import Table, Wanted, read_parquet


def read(file: Path, data: bytes, wanted: Wanted) -> Table:
    """Read a Parquet file.

    Args:
        file: For messages.
        data: Its bytes.
        wanted: Chooses the columns.

    Raises:
        DataError: pyarrow is missing, or the file is none of its kind.
    """
    return read_parquet(file, data, wanted, lambda column, where: column.to_pylist())
