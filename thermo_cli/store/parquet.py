"""Tables as Parquet files, where pyarrow is installed: whole or absent, written chunk by chunk."""

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from thermo_cli.characters import visible
from thermo_cli.errors import UsageError
from thermo_cli.store.columns import Column, Columns
from thermo_cli.store.files import replacing


def check_pyarrow() -> None:
    """Make sure that tables can be written.

    Raises:
        UsageError: pyarrow is missing.
    """
    try:
        importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise UsageError(
            "Parquet files are written with pyarrow, which is not installed",
            received="--export parquet",
            remedy='pip install "thermo-cli[parquet]", or --format csv for the criteria',
        ) from None


def write_parquet(path: Path, chunks: Iterable[Columns]) -> int | None:
    """Write a table, a row group for each chunk.

    Args:
        path: The target.
        chunks: Of the same columns.

    Returns:
        The number of lines; None without a chunk: nothing is known, and an older file that knew something is removed.

    Raises:
        StoreError: The disk is full or the folder cannot be written; the target is what it was.
    """
    arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    remaining = iter(chunks)
    first = next(remaining, None)
    if first is None:
        path.unlink(missing_ok=True)
        return None
    batch, lines = _batch(arrow, first), 0
    with replacing(path) as handle, parquet.ParquetWriter(handle, batch.schema, compression="zstd") as writer:
        while batch is not None:
            writer.write_batch(batch)
            lines += batch.num_rows
            following = next(remaining, None)
            batch = _batch(arrow, following) if following is not None else None
    return lines


def _batch(arrow: Any, columns: Columns) -> Any:
    return arrow.record_batch({visible(name): _array(arrow, column) for name, column in columns.items()})


def _array(arrow: Any, column: Column) -> Any:
    values = arrow.array(column.values, mask=column.missing)
    if column.words is None:
        return values
    return arrow.DictionaryArray.from_arrays(values, arrow.array(column.words, type=arrow.string()))
