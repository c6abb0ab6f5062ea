"""Values with a header, separated by commas, or in a .tsv file by tabs."""

from pathlib import Path

from thermo_cli.data.csv_table import read_csv
from thermo_cli.data.table import Table, Wanted


def read(file: Path, data: bytes, wanted: Wanted) -> Table:
    """Read a CSV or TSV file.

    Args:
        file: For messages.
        data: Its bytes.
        wanted: Chooses the columns.

    Raises:
        DataError: With the line of whatever cannot be used.
    """
    return read_csv(file, data, wanted, strict=True, separator="\t" if file.suffix.lower() == ".tsv" else ",")
