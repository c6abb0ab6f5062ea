"""Records as a Parquet file, where pyarrow is installed."""

from pathlib import Path

from thermo_cli.data.table import Table, read_parquet
from thermo_cli.kinds.recorded.header import wanted


def read(file: Path, data: bytes) -> Table:
    """Read a Parquet file.

    Args:
        file: For messages.
        data: Its bytes.

    Raises:
        DataError: pyarrow is missing, or the file is none of its kind.
    """
    return read_parquet(file, data, wanted, lambda column, where: column.to_pylist())
