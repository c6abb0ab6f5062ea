"""Tables of a judged run or sweep as pandas frames, where pandas is installed."""

import importlib
from typing import TYPE_CHECKING, Any

from thermo_cli.errors import UsageError
from thermo_cli.judging.record import JudgedRun
from thermo_cli.registry import nearest
from thermo_cli.runs.tidy import TABLES, chunks
from thermo_cli.store.columns import Column, joined

if TYPE_CHECKING:
    import pandas


def frame(run: JudgedRun, table: str) -> "pandas.DataFrame":
    """Return a table as a pandas frame; text is categorical, whole numbers that may be missing are `Int64`.

    Args:
        run: Which, with all its points.
        table: One of `TABLES`.

    Raises:
        UsageError: There is no such table, nothing is known of it, or pandas is missing.
    """
    if table not in TABLES:
        guess = nearest(table, TABLES)
        raise UsageError(
            "there is no such table",
            received=table,
            remedy=(f"did you mean {guess!r}? " if guess else "") + "tables: " + ", ".join(TABLES),
        )
    try:
        library: Any = importlib.import_module("pandas")
    except ImportError:
        raise UsageError(
            "frames are made with pandas, which is not installed", received="to_pandas", remedy="pip install pandas"
        ) from None
    parts = list(chunks(run, table))
    if not parts:
        raise UsageError(
            f"nothing is known of the {table} of this run",
            received=run.folder.name,
            remedy="thermo-report tells why, under diversity",
        )
    return library.DataFrame({name: _series(library, column) for name, column in joined(parts).items()})


def _series(library: Any, column: Column) -> Any:
    if column.words is not None:
        return library.Categorical.from_codes(column.values, categories=list(column.words))
    if column.values.dtype == float or not column.missing.any():
        return library.Series(column.values).mask(column.missing)
    masked = library.arrays.BooleanArray if column.values.dtype == bool else library.arrays.IntegerArray
    return masked(column.values, column.missing)
