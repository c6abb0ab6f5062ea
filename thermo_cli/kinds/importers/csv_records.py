"""Comma-separated values with a header."""

from pathlib import Path

from thermo_cli.data.csv_table import read_csv
from thermo_cli.data.table import Table, Wanted


def read(file: Path, data: bytes, wanted: Wanted) -> Table:
    """Read a CSV file.

    Args:
        file: For messages.
        data: Its bytes.
        wanted: Chooses the columns.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    return read_csv(file, data, wanted, strict=True)
