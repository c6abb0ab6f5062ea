"""How cells of text say numbers and gaps, and which other ways of writing numbers are recognised."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array

GAPS: Final = frozenset(
    ("", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nan", "+nan", "-nan", "nat", "null", "?", "-", "--")
)
_AS_WRITTEN: Final = frozenset((*GAPS, *map(str.upper, GAPS)))
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?inf(?:inity)?", re.IGNORECASE)
_SIGNS: Final = re.compile(r"[$€£¥%]|\b(?:USD|EUR|GBP|CHF|JPY)\b")
_THOUSANDS: Final = (
    "commas between thousands",
    r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?",
    str.maketrans("", "", ","),
)
_DECIMAL: Final = ("decimal commas", r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?", str.maketrans(",", ".", "."))
_OTHERS: Final = (
    (
        "spaces or apostrophes between thousands",
        r"[+-]?\d{1,3}(?:[ '\u2019\u00a0\u202f]\d{3})*(?:\.\d+)?",
        " '\u2019\u00a0\u202f",
    ),
    ("underscores between digits", r"[+-]?\d+(?:_\d+)*(?:\.\d+)?", "_"),
)


@dataclass(frozen=True)
class Numbers:
    """A column read as numbers.

    Attributes:
        values: NaN where there is no number, (row,).
        gaps: Where nothing is said, (row,).
        odd: Where something is said that is no number, (row,).
    """

    values: Array
    gaps: NDArray[np.bool_]
    odd: NDArray[np.bool_]

    @property
    def whole(self) -> bool:
        """Whether all cells but the gaps are numbers."""
        return not self.odd.any()

    @property
    def mostly(self) -> bool:
        """Whether at least half of what is said are numbers, and not all."""
        said = int((~self.gaps).sum())
        return not self.whole and 2 * int(self.odd.sum()) <= said


@dataclass(frozen=True)
class Style:
    """Another way of writing numbers.

    Attributes:
        words: What is unusual about it.
        plain: The column as plain numbers; gaps stay as they are.
        other: What else the first unusual cell could mean; empty where there is no doubt.
    """

    words: str
    plain: tuple[str, ...]
    other: str = ""


def is_gap(cell: Any) -> bool:
    """Say whether a cell says nothing: it is empty, or a marker such as NA, null, ? or -."""
    return cell is None or cell != cell or str(cell).strip().casefold() in GAPS


def gaps(cells: Sequence[Any] | NDArray[Any]) -> NDArray[np.bool_]:
    """Say which cells say nothing, (row,).

    Args:
        cells: Text, numbers or dates, (row,).
    """
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "fiubmM":
        return np.isnat(cells) if cells.dtype.kind in "mM" else np.isnan(cells.astype(np.float64))
    known: dict[Any, bool] = {}  # most columns of text say the same few things again and again
    for cell in cells:
        if cell not in known:
            known[cell] = is_gap(cell)
    return np.array([known[cell] for cell in cells], dtype=bool)


def numbers(cells: Sequence[Any] | NDArray[Any]) -> Numbers:
    """Read a column as numbers: as text says them in most programs, so neither 1_0 nor digits of other scripts.

    Args:
        cells: Text or numbers, (row,).
    """
    none = np.zeros(len(cells), dtype=bool)
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "fiub":
        values = cells.astype(np.float64)
        return Numbers(values, np.isnan(values), none)
    text = [str(cell) for cell in cells]
    plain = _plain(text)
    if plain is not None:
        return Numbers(plain, np.isnan(plain), none)
    empty = gaps(text)
    values = np.array([math.nan if gap else _number(cell) for cell, gap in zip(text, empty, strict=True)])
    return Numbers(values, empty, np.isnan(values) & ~empty)


def _plain(text: Sequence[str]) -> NDArray[np.float64] | None:
    """Read a column in one go, or return None where a cell has to be looked at by itself."""
    joined = "".join(text)
    if not joined.isascii() or "_" in joined:
        return None
    try:
        return np.array(["nan" if cell in _AS_WRITTEN else cell for cell in text], dtype=np.float64)
    except ValueError:
        return None


def style_of(cells: Sequence[Any] | NDArray[Any], commas_are_decimal: bool = False) -> Style | None:
    """Recognise decimal commas, thousands, signs of currencies and per cent, where they explain all cells of a column.

    Args:
        cells: Text, (row,).
        commas_are_decimal: What a comma before three digits means, where the column leaves it open.
    """
    empty = gaps(cells)
    said = [str(cell).strip() for cell, gap in zip(cells, empty, strict=True) if not gap]
    bare = [_SIGNS.sub("", cell).strip() for cell in said]
    signs = ["signs of currencies or per cent"] if bare != said else []
    commas = [_THOUSANDS, _DECIMAL]
    others = [(words, pattern, str.maketrans("", "", unwanted)) for words, pattern, unwanted in _OTHERS]
    fits = [one for one in (*(commas[::-1] if commas_are_decimal else commas), *others) if _fits(one[1], bare)]
    if signs and all(_NUMBER.fullmatch(cell) for cell in bare):
        fits = [("", "", {})]
    if not said or not fits:
        return None
    words, _, table = fits[0] if len(fits) == 1 else ("commas", *fits[0][1:])
    plain = iter([cell.translate(table) for cell in bare])
    written = tuple("" if gap else next(plain) for gap in empty)
    first = next((cell for cell in bare if not _NUMBER.fullmatch(cell) or "_" in cell), "")
    other = first.translate(fits[1][2]) if len(fits) > 1 and first else ""
    return Style(" and ".join([*([words] if words else []), *signs]), written, other)


def _fits(pattern: str, cells: Sequence[str]) -> bool:
    compiled = re.compile(pattern, re.ASCII)
    return all(compiled.fullmatch(cell) for cell in cells)


def _number(cell: str) -> float:
    text = cell.strip()
    return float(text) if _NUMBER.fullmatch(text) else math.nan
