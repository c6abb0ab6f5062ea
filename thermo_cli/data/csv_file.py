"""Comma-separated files: a header of names, one example a line, numbers everywhere but perhaps in the target."""

import csv
import math
from pathlib import Path

import numpy as np

from thermo_cli.contracts import Array, Examples, Task
from thermo_cli.data.targets import examples_of
from thermo_cli.errors import DataError
from thermo_cli.registry import nearest


def load(path: str, target: str, task: Task | None, base: Path) -> Examples:
    """Read a CSV file.

    Args:
        path: The file, relative to `base`.
        target: Name of the column to predict.
        task: Classification, regression, or None to decide by the target.
        base: Folder of the spec.

    Raises:
        DataError: With the line and the column of whatever cannot be used.
    """
    file = base / path
    header, lines = _read(file)
    if target not in header:
        guess = nearest(target, header)
        raise DataError(
            "there is no such target column",
            received=target,
            remedy=f"did you mean {guess!r}?" if guess else "columns: " + ", ".join(header[:20]),
            where=str(file),
        )
    column = header.index(target)
    features = [position for position in range(len(header)) if position != column]
    if not features:
        raise DataError(
            "the target is the only column", received=target, remedy="add columns of features", where=str(file)
        )
    x = _numbers(file, header, lines, features)
    answers = [row[column].strip() for _, row in lines]
    for (line, _), answer in zip(lines, answers, strict=True):
        if not answer:
            raise DataError(
                "the target is empty",
                received="nothing",
                remedy="fill it in or remove the line",
                where=f"{file}:{line}: {target}",
            )
    try:
        values: Array | list[str] = np.array(answers, dtype=np.float64)
    except ValueError:
        values = answers
    return examples_of(x, values, task, file, target)


def _read(file: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header and, for each line of values, its number and its cells."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.reader(handle)
            header = [name.strip() for name in next(reader, [])]
            lines = [(reader.line_num, row) for row in reader if row]
    except FileNotFoundError:
        raise DataError(
            "there is no such file", received=str(file), remedy="give the path relative to the spec"
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            "the file cannot be read as CSV", received=str(error), remedy="save it as UTF-8 CSV", where=str(file)
        ) from None
    if not header or not lines:
        raise DataError(
            "the file has no examples",
            received=f"{len(lines)} lines below the header",
            remedy="a header and values",
            where=str(file),
        )
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise DataError("two columns have the same name", received=twice, remedy="rename one", where=str(file))
    for line, row in lines:
        if len(row) != len(header):
            raise DataError(
                f"this line does not have {len(header)} cells",
                received=f"{len(row)} cells",
                remedy="one cell for each column of the header",
                where=f"{file}:{line}",
            )
    return header, lines


def _numbers(file: Path, header: list[str], lines: list[tuple[int, list[str]]], columns: list[int]) -> Array:
    """Convert the cells of some columns, naming the first one that is not a finite number."""
    try:
        x = np.array([[row[column] for column in columns] for _, row in lines], dtype=np.float64)
    except ValueError:
        x = np.full((1, 1), math.nan)
    if np.all(np.isfinite(x)):
        return x
    for line, row in lines:
        for column in columns:
            where = f"{file}:{line}: {header[column]}"
            try:
                value = float(row[column])
            except ValueError:
                raise DataError(
                    "expected a number",
                    received=repr(row[column]),
                    remedy="turn text into numbers, or remove the column",
                    where=where,
                ) from None
            if not math.isfinite(value):
                raise DataError(
                    "the value is not finite",
                    received=row[column],
                    remedy="remove the line or fill the value in",
                    where=where,
                )
    return x
