"""What is worth a look in examples that can be learned from: ids, indices, constants, copies of the target, doubtful classes.

Nothing is refused here: a remark stands in the plan, before training, and among the warnings of a report.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Array, Dataset, Examples
from thermo_cli.data.notation import numbers
from thermo_cli.data.series import Series
from thermo_cli.data.targets import MAX_CLASSES, Targets

MOST: Final = 20  # remarks
FEW: Final = 10  # examples below which a class is hardly learned
MANY: Final = 50  # distinct words of a category
REPEATED: Final = 0.01  # share of rows from which on copies are told
LEAST: Final = 20  # rows below which nothing is said of ids and copies
_ID: Final = re.compile(
    r"(^|[_\W])(id|ids|uuid|guid|key|nr|no|num|number|index|idx|row)([_\W\d]|$)|[a-z](Id|ID)$", re.IGNORECASE
)
_UNNAMED: Final = re.compile(r"(unnamed: ?\d+)?|index|level_0", re.IGNORECASE)


@dataclass(frozen=True)
class RemarkedExamples(Examples):
    """Examples, and what is worth a look in them."""

    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class RemarkedDataset(Dataset):
    """Pool and test set, and what is worth a look in them."""

    remarks: tuple[str, ...] = ()


def remarks_of(data: Examples | Dataset | None) -> tuple[str, ...]:
    """Return what is worth a look in examples."""
    return data.remarks if isinstance(data, RemarkedExamples | RemarkedDataset) else ()


def of_table(
    plain: Mapping[str, Array], coded: Mapping[str, tuple[Series, bool]], targets: Targets, target: str
) -> tuple[str, ...]:
    """Look at the columns of a table.

    Args:
        plain: Columns of numbers, (row,).
        coded: Columns that transformers turn into features, and whether as categories.
        targets: What is to be predicted.
        target: Its name.
    """
    found = [*of_classes(targets, target)]
    for name, values in plain.items():
        found += _of_numbers(name, values, targets)
    for name, (series, categories) in coded.items():
        read = numbers(series.cells)
        words = _of_numbers(name, read.values, targets) if read.whole else _of_words(name, series, categories, targets)
        found += words
    return _limited(found)


def of_array(x: Any, targets: Targets, target: str) -> tuple[str, ...]:
    """Look at the features of an array: those that count the examples or tell the target, and how many are constant.

    Args:
        x: (example, feature).
        targets: What is to be predicted.
        target: Its name.
    """
    found = [*of_classes(targets, target)]
    if isinstance(x, np.ndarray) and len(x) >= LEAST:
        constant = int((x == x[0]).all(axis=0).sum())
        if constant:
            found.append(f"{constant} of {x.shape[1]} features are constant: they tell nothing")
        steps = (x[:2] - x[0])[-1]
        for place in np.flatnonzero(np.abs(steps) == 1).tolist():
            if _counts(x[:, place]):
                found.append(
                    f"feature {place + 1} counts the examples (an index?): leave it out, or it gives their order away"
                )
    return _limited(found)


def of_repeats(columns: Sequence[Any], targets: Targets, places: Sequence[str]) -> tuple[str, ...]:
    """Say that rows repeat others in every feature and in the target: a copy in the test set has been learned by heart.

    Args:
        columns: Text or numbers, each (row,).
        targets: What is to be predicted.
        places: Where each row stands.
    """
    group = np.unique(targets.y, return_inverse=True)[1]
    for column in columns:
        codes = np.unique(np.asarray(column), return_inverse=True)[1]
        group = np.unique(group * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1]
        if int(group.max(initial=0)) + 1 == len(group):  # no two rows are alike: most tables end at their first numbers
            return ()
    first = np.unique(group, return_index=True)[1][group]
    again = np.flatnonzero(first != np.arange(len(group)))
    if len(group) < LEAST or len(again) < REPEATED * len(group):
        return ()
    return (
        f"{len(again):,} of {len(group):,} rows repeat another one, target and all, such as {places[again[0]]} and "
        f"{places[first[again[0]]]}: where they are one case keep one of each, or the test set holds what was learned by heart",
    )


def of_classes(targets: Targets, target: str) -> Iterator[str]:
    """Look at the classes: rare ones, and names that differ in case alone.

    Args:
        targets: What is to be predicted.
        target: Its name.
    """
    alike: dict[str, list[str]] = {}
    for label in targets.labels:
        alike.setdefault(label.casefold(), []).append(label)
    for group in alike.values():
        if len(group) > 1:
            yield f"classes of {target} differ in upper and lower case alone: {', '.join(group)}: make them one, if they are"
    counts = Counter(targets.y.tolist()) if targets.labels else Counter[int]()
    rare = [f"{targets.labels[code]} ({count})" for code, count in sorted(counts.items()) if count < FEW]
    if rare:
        shown = ", ".join(rare[:5]) + (f" and {len(rare) - 5} more" if len(rare) > 5 else "")
        yield f"classes of {target} with fewer than {FEW} examples can hardly be learned or tested: {shown}"


def _of_numbers(name: str, values: Array, targets: Targets) -> Iterator[str]:
    finite = values[np.isfinite(values)]
    if not len(finite) or np.all(finite == finite[0]):
        yield f"{named(name)} is constant: it tells nothing; {_drop(name)}"
        return
    whole = len(finite) == len(values) >= LEAST and bool(np.all(values == np.round(values)))
    distinct = len(np.unique(values)) if whole else 0
    if whole and distinct == len(values) and _is_index(name, values):
        yield f"{named(name)} counts the rows (an index): in a table that has an order it gives the target away; {_drop(name)}"
    elif whole and distinct == len(values) and _ID.search(name):
        yield f"{named(name)} is another number in every row (an id): it tells nothing of fresh examples; {_drop(name)}"
    yield from _copied(name, values, targets)


def _of_words(name: str, series: Series, categories: bool, targets: Targets) -> Iterator[str]:
    cells = np.array([str(cell).strip() for cell in series.cells])
    distinct, codes = np.unique(cells, return_inverse=True)
    if len(distinct) == 1:
        yield f"{named(name)} is constant: it tells nothing; {_drop(name)}"
        return
    if categories and len(distinct) > max(MANY, len(cells) // 2):
        yield (
            f"{named(name)} has {len(distinct):,} distinct values in {len(cells):,} rows (an id?): "
            f"as categories they tell nothing of fresh examples; {_drop(name)}"
        )
    alike = Counter(word.casefold() for word in distinct.tolist()) if len(distinct) <= MANY else Counter[str]()
    if categories and any(count > 1 for count in alike.values()):
        pair = [word for word in distinct.tolist() if alike[word.casefold()] > 1][:2]
        yield f"values of {named(name)} differ in upper and lower case alone: {', '.join(pair)}"
    yield from _copied(name, codes.astype(np.float64), targets)


def _is_index(name: str, values: Array) -> bool:
    """Say whether distinct whole numbers are an index: they count the rows, in order or shuffled, or have no name."""
    return _counts(values) or bool(_UNNAMED.fullmatch(name)) or bool(np.ptp(values) == len(values) - 1)


def _counts(values: Array) -> bool:
    return bool(np.all(np.abs(np.diff(values)) == 1) and abs(values[-1] - values[0]) == len(values) - 1)


def _copied(name: str, values: Array, targets: Targets) -> Iterator[str]:
    """Say that a column tells the target of every row: one value for each class, or a straight line."""
    finite = np.isfinite(values)
    if len(values) < LEAST or not finite.all():
        return
    if targets.task == "classification":
        distinct, codes = np.unique(values, return_inverse=True)
        pairs = len(set(zip(codes.tolist(), targets.y.tolist(), strict=True))) if len(distinct) <= MAX_CLASSES else 0
        copied = pairs == len(distinct) == len(targets.labels)
    else:
        copied = abs(float(np.corrcoef(values, targets.y)[0, 1])) > 1 - 1e-9
    if copied:
        yield f"{named(name)} tells the target in every row (a copy of it?): if it is not known beforehand, {_drop(name)}"


def named(name: str) -> str:
    """Return what a column is called in a sentence."""
    return name or "the column without a name"


def _drop(name: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][\w .-]*", name) and name.casefold() not in (
        "no",
        "yes",
        "on",
        "off",
        "true",
        "false",
        "null",
    )
    return f"`{name if plain else repr(name)}: drop`"


def _limited(remarks: Sequence[str]) -> tuple[str, ...]:
    more = (f"and {len(remarks) - MOST} more remarks of this kind",) if len(remarks) > MOST else ()
    return (*remarks[:MOST], *more)
