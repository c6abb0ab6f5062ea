"""What the readers of runs hand out: one record for each run, whatever wrote it."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from thermo_cli.contracts import Array, Integers
from thermo_cli.errors import DataError

Choice = Callable[[Sequence[str]], Collection[str]]  # names of what is measured -> those that are read
Series = tuple[Integers, Array]  # steps as they were written, and the value at each; NaN where nothing was measured


@dataclass(frozen=True)
class LoggedRun:
    """What one run has measured.

    Attributes:
        name: Of the replica; empty where the file is the run and does not name it.
        where: Its place, for messages.
        series: Observable to what was measured when.
        history: That it claims; empty where none is named.
        point: Of a sweep; empty where none is named.
        budget: Training time that it was given in all, with its whole schedule; 0 where that is not said.
    """

    name: str
    where: str
    series: Mapping[str, Series]
    history: str = ""
    point: str = ""
    budget: int = 0


def series_of(pairs: Iterable[tuple[int, float | None]], where: str) -> Series:
    """Return what was written of one observable; a value that is no number, or is missing, was not finite.

    Args:
        pairs: Step and value, in the order in which they were written.
        where: They were written, for messages.

    Raises:
        DataError: A step is larger than any that is taken, below 0, or no whole number.
    """
    steps, values = [], []
    for step, value in pairs:
        if step != int(step) or step < 0:
            raise DataError(
                "a step is a whole number, 0 or more",
                received=step,
                remedy="leave this run out, or mend it",
                where=where,
            )
        steps.append(step)
        values.append(math.inf if value is None or math.isnan(value) else value)
    try:
        return np.array(steps, dtype=np.int64), np.array(values, dtype=np.float64)
    except OverflowError:
        raise DataError(
            "a step does not fit into 64 bits",
            received=f"{max(steps, key=abs)}",
            remedy="leave this run out, or mend it",
            where=where,
        ) from None


def names_or(names: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return the names that people gave to runs, where each has one of its own, else those that programs gave.

    Args:
        names: Empty where none was given.
        others: Unique.
    """
    return list(names if all(names) and len(set(names)) == len(names) else others)
