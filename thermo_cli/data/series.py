"""One column or array of a file as a message speaks of it: its cells, and where each of them stands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.errors import DataError

NAMED: Final = 5  # cells that one message names
CELL: Final = 40  # characters of a cell that a message shows


@dataclass(frozen=True)
class Series:
    """A column and its place.

    Attributes:
        cells: Text, numbers or dates, (row,).
        file: Its file.
        name: Of the column or array.
        numbers: Line, row or example of each cell, (row,).
        unit: What is counted, such as `row `; nothing for lines.
    """

    cells: Sequence[str] | NDArray[Any]
    file: str
    name: str
    numbers: Sequence[int]
    unit: str = ""

    def where(self, row: int) -> str:
        """Return where a cell stands.

        Args:
            row: From 0.
        """
        return f"{self.file}:{self.unit}{self.numbers[row]}: {self.name}"

    def told(self, rows: Iterable[int]) -> str:
        """Name the first of some cells with their places, and count the rest.

        Args:
            rows: From 0.
        """
        places = list(rows)
        words = [
            f"{short(self.cells[row])} in {self.unit.strip() or 'line'} {self.numbers[row]}" for row in places[:NAMED]
        ]
        return ", ".join(words) + (f" and {len(places) - NAMED} more" if len(places) > NAMED else "")

    def error(self, what: str, received: str, remedy: str, row: int | None = None) -> DataError:
        """Return what is wrong with the column, or with one cell of it.

        Args:
            what: Is wrong.
            received: What there is instead.
            remedy: What to do.
            row: Of the cell, from 0; None for the column as a whole.
        """
        where = f"{self.file}: {self.name}" if row is None else self.where(row)
        return DataError(what, received=received, remedy=remedy, where=where)

    def cells_error(self, what: str, rows: NDArray[np.bool_], remedy: str) -> DataError:
        """Return what is wrong with some cells, at the first of them.

        Args:
            what: Is wrong.
            rows: Which cells, (row,).
            remedy: What to do.
        """
        places = np.flatnonzero(rows).tolist()
        return self.error(what, self.told(places), remedy, places[0])


def series_of(cells: NDArray[Any], file: object, name: str) -> Series:
    """Return an array of examples with its place.

    Args:
        cells: (example,).
        file: Its file.
        name: Of the array.
    """
    return Series(cells, str(file), name, range(1, len(cells) + 1), "example ")


def short(cell: Any) -> str:
    """Show a cell as it is written, or its beginning."""
    text = repr(str(cell)) if isinstance(cell, str) else str(cell)
    return text if len(text) <= CELL else f"{text[: CELL - 4]}...'"
