"""The columns of records: which there must be, and which there may be."""

from typing import Final

from thermo_cli.errors import DataError
from thermo_cli.registry import nearest

REQUIRED: Final = ("replica", "step", "observable", "value")
COLUMNS: Final = (*REQUIRED, "history")


def wanted(names: list[str], where: str) -> list[str]:
    """Return which columns are read.

    Args:
        names: Of the columns that are there.
        where: Their place, for messages.

    Raises:
        DataError: A required column is missing, or one is there twice.
    """
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
