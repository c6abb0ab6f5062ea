"""Records as comma-separated values with a header."""

from pathlib import Path

from thermo_cli.data.csv_table import read_csv
from thermo_cli.data.table import Table
from thermo_cli.kinds.recorded.header import wanted


def read(file: Path, data: bytes) -> Table:
    """Read a CSV file.

    Args:
        file: For messages.
        data: Its bytes.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    return read_csv(file, data, wanted, strict=True)
