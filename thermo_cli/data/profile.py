"""What each column of a table is, and the transformer that suits it; which column is to be predicted."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import yaml

from thermo_cli.contracts import Array
from thermo_cli.data.dates import looks_like_date, reads_months, seconds
from thermo_cli.data.notation import Numbers, gaps, numbers
from thermo_cli.data.raw_table import RawTable
from thermo_cli.data.remarks import MANY, named, of_table
from thermo_cli.data.series import short
from thermo_cli.data.targets import MAX_CLASSES, RARE, Targets

ONE_HOT: Final = 'use: "sklearn.preprocessing:OneHotEncoder"'
IMPUTE: Final = '{use: "sklearn.impute:SimpleImputer", with: {strategy: median}}'
SCALE: Final = '{use: "sklearn.preprocessing:StandardScaler"}'
TFIDF: Final = '{use: "sklearn.feature_extraction.text:TfidfVectorizer", with: {max_features: 200}}'
DROP: Final = "drop"
CATEGORIES: Final = 30  # up to which each has a feature of its own
WORDS: Final = 3  # in a cell, on the average, from which on a column is text
SHOWN: Final = 3  # values that a comment shows
USUAL: Final = (
    *("target", "label", "labels", "class", "y", "outcome", "response", "result", "churn", "churned", "survived"),
    *("default", "diagnosis", "species", "quality", "price", "saleprice", "sale_price", "fraud", "is_fraud", "income"),
)


@dataclass(frozen=True)
class Profile:
    """What a column is.

    Attributes:
        name: Of the column.
        entry: What becomes of it in a spec; empty for numbers that are features as they are.
        words: What it holds.
        odd: Cells of a column of numbers that are none, as rows.
        predictable: Whether it could be the target.
    """

    name: str
    entry: str
    words: str
    odd: tuple[int, ...] = ()
    predictable: bool = False


def profiles(table: RawTable) -> dict[str, Profile]:
    """Say of each column what it is.

    Args:
        table: The table.
    """
    return {name: _profile(table, name) for name in table.columns}


def target_of(found: Mapping[str, Profile]) -> str | None:
    """Guess the column to predict: the one with a usual name, else the last that can be one; None where none can.

    Args:
        found: The columns.
    """
    able = [name for name, profile in found.items() if profile.predictable]
    usual = [name for name in able if name.casefold() in USUAL]
    return (usual or able)[-1] if able else None


def with_remarks(found: Mapping[str, Profile], table: RawTable, targets: Targets, target: str) -> dict[str, Profile]:
    """Drop the columns that a remark says to drop: ids, indices, constants and copies of the target.

    Args:
        found: The columns.
        table: The table.
        targets: What is to be predicted.
        target: Its name.
    """
    known: dict[str, Profile] = {}
    for name, profile in found.items():
        if name != target and profile.entry != DROP:
            read = numbers(table.columns[name])
            plain = {name: read.values} if read.whole else {}
            coded = {} if read.whole else {name: (table.series(name), "OneHot" in profile.entry)}
            said = [remark for remark in of_table(plain, coded, targets, target) if ": drop`" in remark]
            if said:
                why = said[0].removeprefix(f"{named(name)} ").partition(":")[0]
                profile = Profile(name, DROP, why + ("; known beforehand? take this line out" if "copy" in why else ""))
        known[name] = profile
    return known


def _profile(table: RawTable, name: str) -> Profile:
    cells = table.columns[name]
    if not len(cells):
        return Profile(name, DROP, "nested cells, of which no features can be made")
    if not isinstance(cells, np.ndarray) and reads_months(cells):
        return Profile(name, DROP, _dates(name, str(cells[0]), ""))
    read = numbers(cells)
    count = int(read.gaps.sum())
    if count == len(read.gaps):
        return Profile(name, DROP, "empty")
    finite = np.isfinite(read.values)
    odd = ~finite & ~read.gaps
    few = int(odd.sum()) <= RARE * int(finite.sum())
    if not odd.any() or (few and not isinstance(cells, np.ndarray) and _numeric(read)):
        return _of_numbers(name, read.values[finite], count, np.flatnonzero(odd).tolist(), table)
    if isinstance(cells, np.ndarray):
        return Profile(name, DROP, "values that are not finite")
    if read.mostly and len(np.unique(read.values[finite])) > MAX_CLASSES:
        told = table.series(name).told(np.flatnonzero(odd).tolist())
        return Profile(
            name, DROP, f"numbers and {int(odd.sum()):,} cells that are none: {told}; mend them, or it stays out"
        )
    return _of_text(name, cells, count)


def _numeric(read: Numbers) -> bool:
    values = read.values[~read.gaps & ~read.odd]
    return len(np.unique(values)) > MAX_CLASSES or bool(np.any(values != np.round(values)))


def _of_numbers(name: str, values: Array, missing: int, odd: Sequence[int], table: RawTable) -> Profile:
    low, high = float(values.min()), float(values.max())
    words = f"numbers, {low:g} to {high:g}" if low < high else f"constant: {low:g}"
    words += f", {missing:,} gaps" if missing else ""
    words += f"; no numbers, emptied here: {table.series(name).told(odd)}" if odd else ""
    entry = DROP if low == high else f"[{IMPUTE}, {SCALE}]" if missing or odd else ""
    few = 2 * missing < len(values)
    return Profile(name, entry, words, tuple(odd), low < high and few)


def _of_text(name: str, cells: Sequence[str], missing: int) -> Profile:
    said = [cell.strip() for cell, gap in zip(cells, gaps(cells), strict=True) if not gap]
    distinct = list(dict.fromkeys(said))
    such = ", ".join(short(word) for word in distinct[:SHOWN])
    empty = f", {missing:,} gaps" if missing else ""
    if all(looks_like_date(cell) for cell in distinct):
        return Profile(name, DROP, _dates(name, distinct[0], empty))
    if len(distinct) == 1:
        return Profile(
            name,
            DROP if not missing else f"{{{ONE_HOT}, with: {{handle_unknown: ignore}}}}",
            f"constant: {such}{empty}",
        )
    able = 2 * missing < len(cells) and len(distinct) <= max(MAX_CLASSES, MANY)
    if len(distinct) <= CATEGORIES:
        alike = len({word.casefold() for word in distinct}) < len(distinct)
        words = f"{len(distinct)} categories{', some the same but for their case' if alike else ''}: {such}{empty}"
        return Profile(name, f"{{{ONE_HOT}, with: {{handle_unknown: ignore}}}}", words, predictable=able)
    if np.mean([len(cell.split()) for cell in said]) >= WORDS:
        return Profile(name, TFIDF, f"text such as {short(distinct[0])}{empty}")
    if len(distinct) > max(MANY, len(said) // 2):
        return Profile(
            name,
            DROP,
            f"an id? {len(distinct):,} distinct values in {len(said):,} rows, such as {short(distinct[0])}{empty}",
        )
    entry = f"{{{ONE_HOT}, with: {{handle_unknown: infrequent_if_exist, max_categories: 20}}}}"
    return Profile(name, entry, f"{len(distinct):,} categories: {such}{empty}", predictable=able)


def _dates(name: str, cell: str, empty: str) -> str:
    split = f"; to test on the latest: split: {{use: time, column: {key(name)}}}" if not empty else ""
    return f"dates such as {short(cell)}{empty}{split if seconds(cell) is not None else ''}"


def key(name: str) -> str:
    """Write a name as a key or value of YAML; what would end a line is written as an escape."""
    plain = re.fullmatch(r"[A-Za-z_][\w-]*", name, re.ASCII) and name.casefold() not in _WORDS_OF_YAML
    if plain:
        return name
    text: str = yaml.safe_dump(name, default_style='"', allow_unicode=True, width=10**9)
    return text.rstrip("\n")


_WORDS_OF_YAML: Final = ("no", "yes", "on", "off", "true", "false", "null", "y", "n", "nan", "inf")
