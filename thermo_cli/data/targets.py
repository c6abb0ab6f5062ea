"""What a column of targets means: classes or numbers."""

from pathlib import Path
from typing import Any

import numpy as np

from thermo_cli.contracts import Array, Examples, Rows, Task
from thermo_cli.errors import DataError

MAX_CLASSES = 20


def examples_of(
    x: Array | Rows, target: Any, task: Task | None, path: Path | str, name: str, key: Any = None
) -> Examples:
    """Join features and a target column of a file into examples.

    Args:
        x: Features, (examples, features), finite.
        target: The column as read, numbers or text.
        task: What the spec says, or None to decide: classification when the target is text or has at most
            20 distinct whole numbers.
        path: The file, for messages.
        name: The column or array, for messages.
        key: Group or time of each example.

    Raises:
        DataError: The target is not finite, is constant, or is text where numbers are needed.
    """
    target = np.asarray(target)
    numeric = np.issubdtype(target.dtype, np.number)
    if numeric and not np.all(np.isfinite(target)):
        row = int(np.argmin(np.isfinite(target)))
        raise DataError(
            "the target holds a value that is not finite",
            received=f"{target[row]} in example {row + 1}",
            remedy="remove the example or fill the value in",
            where=f"{path}: {name}",
        )
    distinct = np.unique(target)
    if len(distinct) < 2:
        raise DataError(
            "the target is constant: there is nothing to learn",
            received=f"{distinct[0]!s} in all {len(target)} examples",
            remedy="choose another target",
            where=f"{path}: {name}",
        )
    if task is None:
        whole = numeric and bool(np.all(distinct == np.round(distinct)))
        task = "classification" if not numeric or (whole and len(distinct) <= MAX_CLASSES) else "regression"
    if task == "regression":
        if not numeric:
            raise DataError(
                "regression needs numbers as targets",
                received=repr(str(target[0])),
                remedy="choose another target, or task: classification",
                where=f"{path}: {name}",
            )
        return Examples(x, target.astype(np.float64), "regression", key=key)
    labels, y = np.unique(target, return_inverse=True)
    return Examples(x, y.astype(np.int64), "classification", tuple(_label(value) for value in labels), key)


def _label(value: Any) -> str:
    return str(int(value)) if isinstance(value, np.number) and float(value).is_integer() else str(value)
