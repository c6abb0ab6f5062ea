"""The columns of records: which there must be, and which there may be."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from thermo_cli.errors import DataError
from thermo_cli.registry import nearest

REQUIRED: Final = ("replica", "step", "observable", "value")
GROUPS: Final = ("history", "point")
BESIDE: Final = ("budget", "seconds")  # of the training as a whole; since its start
COLUMNS: Final = (*REQUIRED, *GROUPS, *BESIDE)


def wanted(names: list[str], where: str, columns: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Return which columns are read.

    Args:
        names: Of the columns that are there.
        where: Their place, for messages.
        columns: What columns are to the names that they have here, where those are others.

    Raises:
        DataError: A required column is missing, or one is there twice.
    """
    for column in COLUMNS:
        name = columns.get(column, column)
        if (column in REQUIRED or column in columns) and name not in names:
            guess = nearest(name, [name for name in names if name not in COLUMNS])
            raise DataError(
                f"there is no column {name!r}",
                received="columns: " + ", ".join(names[:20]),
                remedy=f"rename {guess!r} to {name!r}, or say columns: {{{column}: {guess}}}"
                if guess
                else f"the columns are {', '.join(REQUIRED)}",
                where=where,
            )
        if names.count(name) > 1:
            raise DataError("two columns have the same name", received=name, remedy="rename one", where=where)
    return [name for column in COLUMNS if (name := columns.get(column, column)) in names]
