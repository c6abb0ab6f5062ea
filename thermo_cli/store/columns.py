"""Columns of a table, of four kinds: numbers, whole numbers, truth values, and text, which is dictionary-encoded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermo_cli.characters import visible


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        values: Of float64, int64 or bool, (line,); of text its codes, of int32.
        missing: Where there is no value, (line,).
        words: What the codes stand for; None where the column is no text.
    """

    values: NDArray[Any]
    missing: NDArray[np.bool_]
    words: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, lines: slice) -> "Column":
        return Column(self.values[lines], self.missing[lines], self.words)

    def repeated(self, times: int) -> "Column":
        """Return every cell a number of times.

        Args:
            times: How often.
        """
        return Column(np.repeat(self.values, times), np.repeat(self.missing, times), self.words)


Columns = dict[str, Column]


def numbers(values: Any) -> Column:
    """Return a column of numbers; what is not finite is missing.

    Args:
        values: Numbers or None, (line,).
    """
    array = np.asarray(values, dtype=np.float64)
    return Column(array, ~np.isfinite(array))


def integers(values: Sequence[int | None] | NDArray[np.integer]) -> Column:
    """Return a column of whole numbers.

    Args:
        values: Whole numbers, some of them None, (line,).
    """
    if isinstance(values, np.ndarray):
        return Column(values.astype(np.int64), np.zeros(len(values), dtype=bool))
    return Column(np.array([value or 0 for value in values], dtype=np.int64), _nothing(values))


def truths(values: Sequence[bool | None]) -> Column:
    """Return a column of truth values.

    Args:
        values: Truth values, some of them None, (line,).
    """
    return Column(np.array([bool(value) for value in values], dtype=bool), _nothing(values))


def texts(values: Sequence[str | None]) -> Column:
    """Return a column of text.

    Args:
        values: Text, some of it None, (line,).
    """
    words = {word: code for code, word in enumerate(dict.fromkeys(value for value in values if value is not None))}
    codes = [-1 if value is None else words[value] for value in values]
    return coded(np.array(codes, dtype=np.int32), tuple(words))


def coded(codes: NDArray[np.integer], words: Sequence[str]) -> Column:
    """Return a column of text of which the codes are known.

    Args:
        codes: Places in `words`, -1 where there is nothing, (line,).
        words: Text; what no file can hold of it is written as an escape.
    """
    shown = [visible(word) for word in words]
    places = {word: place for place, word in enumerate(dict.fromkeys(shown))}
    moved = np.array([*(places[word] for word in shown), -1], dtype=np.int32)  # the code -1 picks the last one
    return Column(moved[codes], codes < 0, tuple(places))


def joined(chunks: Iterable[Columns]) -> Columns:
    """Put chunks of one table together.

    Args:
        chunks: At least one, of the same columns.
    """
    found = list(chunks)
    return {name: _joined([columns[name] for columns in found]) for name in found[0]}


def _joined(columns: Sequence[Column]) -> Column:
    missing = np.concatenate([column.missing for column in columns])
    if columns[0].words is None:
        return Column(np.concatenate([column.values for column in columns]), missing)
    words: dict[str, int] = {}
    codes = []
    for column in columns:
        known = [words.setdefault(word, len(words)) for word in column.words or ()]
        codes.append(np.array([*known, -1], dtype=np.int32)[column.values])
    return Column(np.concatenate(codes), missing, tuple(words))


def _nothing(values: Sequence[Any]) -> NDArray[np.bool_]:
    return np.array([value is None for value in values], dtype=bool)
