"""What a column of targets means: classes or numbers; what is neither is named with its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Integers, Task
from thermo_cli.data.notation import Numbers, Style, gaps, numbers, style_of
from thermo_cli.data.series import Series, short
from thermo_cli.errors import DataError

MAX_CLASSES: Final = 20
RARE: Final = 0.05  # share of cells up to which words among whole numbers are mistakes, and no classes
SKEWED: Final = 4  # the largest class over the smallest, from which on accuracy says little
NO_GAPS: Final = "remove the example, or fill the value in"


@dataclass(frozen=True)
class Targets:
    """What is to be predicted.

    Attributes:
        y: Classes 0..C-1, or numbers, (example,).
        task: Classification or regression.
        labels: Names of the classes; empty for regression.
    """

    y: Integers | Array
    task: Task
    labels: tuple[str, ...] = ()


def serving(labels: Sequence[str], counts: Sequence[int]) -> list[str]:
    """Name the metrics that serve skewed classes; none where the classes are not skewed.

    Args:
        labels: Names of the classes.
        counts: Examples of each.
    """
    if max(counts) < SKEWED * min(counts):
        return []
    return ["balanced_accuracy", "roc_auc" if len(labels) == 2 else "roc_auc_ovr"]


def targets_of(series: Series, task: Task | None, parse: bool = True, hint: str = "") -> Targets:
    """Decide what a column of targets means.

    Args:
        series: The column as read, numbers or text.
        task: What the spec says, or None to decide: classification when the target is text or has at most
            20 distinct whole numbers.
        parse: Whether text that is all numbers are numbers, as in a table; in an array its type says so.
        hint: What else to do about numbers that are written in another way.

    Raises:
        DataError: The target has gaps, is not finite, is constant, or is text where numbers are needed.
    """
    missing, read = gaps(series.cells), numbers(series.cells)
    if (missing | np.isinf(read.values)).any():
        raise series.cells_error("the target is missing or not finite", missing | np.isinf(read.values), NO_GAPS)
    kind = series.cells.dtype.kind if isinstance(series.cells, np.ndarray) else "U"
    if kind not in "fiubUSO":
        raise series.error(
            "the target holds neither numbers nor text", str(getattr(series.cells, "dtype", "")), "convert it"
        )
    if not read.whole and task != "classification":
        refuse_odd(series, read, task, hint)
    values: NDArray[Any] = read.values
    if kind == "b" or not read.whole or (kind in "US" and isinstance(series.cells, np.ndarray) and not parse):
        values = np.array([str(cell).strip() for cell in series.cells])
    return _meant(series, values, task)


def refuse_odd(series: Series, read: Numbers, task: Task | None, hint: str) -> None:
    """Refuse a target of numbers among which some cells are no numbers, or all are written in another way.

    Args:
        series: The column.
        read: The same as numbers.
        task: As in `targets_of`.
        hint: As in `targets_of`.

    Raises:
        DataError: It is such a target.
    """
    otherwise = "or task: classification, if these are classes"
    if (style := style_of(series.cells)) is not None:
        raise other_way(series, read, style, hint, otherwise)
    finite = read.values[~read.odd]
    meant = bool(np.any(finite != np.round(finite))) or len(np.unique(finite)) > MAX_CLASSES
    if read.mostly and (meant or read.odd.sum() <= RARE * len(finite)):
        raise series.cells_error(
            "the target is numbers, and some of its cells are none", read.odd, f"{NO_GAPS}, {otherwise}"
        )
    if task == "regression":
        raise series.cells_error(
            "regression needs numbers as targets", read.odd, "choose another target, or task: classification"
        )


def other_way(series: Series, read: Numbers, style: Style, hint: str, otherwise: str = "") -> DataError:
    """Return that numbers are written in another way, with the way to write them.

    Args:
        series: The column.
        read: The same as numbers.
        style: That way.
        hint: What else to do.
        otherwise: What else the column could be.
    """
    row = int(read.odd.argmax())
    written = style.plain[row] + (f" or {style.other}, whichever is meant" if style.other else "")
    remedy = "; ".join(filter(None, (f"write {short(series.cells[row])} as {written}", hint, otherwise)))
    received = f"{int(read.odd.sum())} of {len(read.odd)} cells, such as {series.told([row])}"
    return series.error(f"numbers are written with {style.words}", received, remedy, row)


def _meant(series: Series, values: NDArray[Any], task: Task | None) -> Targets:
    distinct, codes = np.unique(values, return_inverse=True)
    if len(distinct) < 2:
        received = f"{_label(distinct[0]) if len(distinct) else 'nothing'} in all {len(values)} examples"
        raise series.error("the target is constant: there is nothing to learn", received, "choose another target")
    numeric = values.dtype.kind == "f"
    if task is None:
        whole = numeric and bool(np.all(distinct == np.round(distinct)))
        task = "classification" if not numeric or (whole and len(distinct) <= MAX_CLASSES) else "regression"
    if task == "regression":
        return Targets(values.astype(np.float64), task)
    return Targets(codes.astype(np.int64), task, tuple(_label(value) for value in distinct))


def _label(value: Any) -> str:
    return str(int(value)) if isinstance(value, np.number) and float(value).is_integer() else str(value)
