"""Tables of a report: heads that say what a column holds, and lines of text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from thermo_cli.reports.view import Curve


@dataclass(frozen=True)
class ShortAnswer:
    """One of the questions that a report answers first, with its answer in a few words."""

    name: str
    asked: str
    answer: str
    tone: str
    aside: str = ""


@dataclass(frozen=True)
class ColumnHead:
    """The head of a column.

    Attributes:
        text: Its name.
        kind: What the cells are: a `name` is the user's, an `outcome` has a tone.
        own: Whether a user chose the column's name.
        wide: Whether the column is left out where a line holds 80 characters.
        brief: What is left of a cell there.
        narrow: What is left of its name there; None for all of it.
    """

    text: str
    kind: Literal["words", "name", "number", "outcome", "curve"] = "words"
    own: bool = False
    wide: bool = False
    brief: Callable[[str], str] = str
    narrow: str | None = None


@dataclass(frozen=True)
class TableLine:
    """A line of a table.

    Attributes:
        cells: One per column; a dash is a number that does not exist.
        tone: Of its outcome; by default that of the word.
        idle: Whether it decides nothing.
        said: What is to be said of it in a sentence.
        group: What is answered by this line and those that follow.
    """

    cells: tuple[str | Curve, ...]
    tone: str = ""
    idle: bool = False
    said: str = ""
    group: ShortAnswer | None = None


@dataclass(frozen=True)
class TextTable:
    """A table; formats without room draw its first `key` lines."""

    caption: str
    columns: tuple[ColumnHead, ...]
    lines: tuple[TableLine, ...]
    key: int | None = None

    @property
    def narrow(self) -> tuple[int, ...]:
        """Places of the columns that a line of 80 characters holds."""
        return tuple(place for place, column in enumerate(self.columns) if not column.wide)


OUTCOME: Final = ColumnHead("outcome", "outcome")
COMPARED: Final = (ColumnHead("difference [interval]", "number"), ColumnHead("margin", "number"))


def names(*heads: str, **more: Any) -> tuple[ColumnHead, ...]:
    """Return heads of columns of names."""
    return tuple(ColumnHead(head, "name", **more) for head in heads)


def numbers(*heads: str, **more: Any) -> tuple[ColumnHead, ...]:
    """Return heads of columns of numbers."""
    return tuple(ColumnHead(head, "number", **more) for head in heads)


def outcome_of(outcome: str, gates: bool) -> str:
    """Write an outcome, in brackets where it does not gate."""
    return outcome if gates else f"({outcome})"
