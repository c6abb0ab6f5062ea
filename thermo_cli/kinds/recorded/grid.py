"""The grid of observables, replicas and steps that records lie on; it need not be full."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Integers
from thermo_cli.data.table import Table
from thermo_cli.errors import DataError


@dataclass(frozen=True)
class Grid:
    """Where each record belongs: step, positions of its observable and replica; whether it has a value; each (record,)."""

    table: Table
    observables: tuple[str, ...]
    replicas: tuple[str, ...]
    steps: Integers
    observable: Integers
    replica: Integers
    there: NDArray[np.bool_]

    @cached_property
    def _order(self) -> Integers:
        """Records by observable and replica, and within those in the order of the file: one stable sort."""
        return np.argsort(self._code, kind="stable")

    @cached_property
    def _code(self) -> Integers:
        return self.observable * len(self.replicas) + self.replica

    def series(self) -> Iterator[Integers]:
        """Yield the records of each observable of each replica."""
        starts = np.flatnonzero(np.append(True, np.diff(self._code[self._order]) != 0)).tolist()
        for start, end in zip(starts, [*starts[1:], len(self._order)], strict=True):
            yield self._order[start:end]

    def check(self) -> None:
        """Refuse what is no series, of what has a value.

        Raises:
            DataError: Steps go back, or most of a series are there twice: those are two runs, and not the rule that the last
                of a repeated step counts.
        """
        order = self._order[self.there[self._order]]
        code, steps = self._code[order], self.steps[order]
        same = code[1:] == code[:-1]
        back, again = same & (steps[1:] < steps[:-1]), same & (steps[1:] == steps[:-1])
        counts = np.bincount(code), np.bincount(code[1:][again], minlength=int(code.max(initial=0)) + 1)
        often = (2 * counts[1] >= counts[0])[code[1:]]
        wrong = order[1:][back | (again & often)]
        if len(wrong):
            raise self._wrong(int(wrong.min()))

    def _wrong(self, index: int) -> DataError:
        same = (self._code[:index] == self._code[index]) & self.there[:index]
        before = np.flatnonzero(same)
        again = before[self.steps[before] == self.steps[index]]
        if len(again):
            return DataError(
                "this record is there twice",
                received=f"{self._series(index)} at step {self.steps[index]}, also at {self.table.where(int(again[0]))}",
                remedy="keep one of them; replicas of several histories need the column 'history'",
                where=self.table.where(index),
            )
        return DataError(
            "steps must increase",
            received=f"{self._series(index)} at step {self.steps[index]} after {self.steps[before[-1]]}",
            remedy="sort the records of each replica by step",
            where=self.table.where(index, "step"),
        )

    def _series(self, index: int) -> str:
        return f"{self.observables[self.observable[index]]!r} of {self.replicas[self.replica[index]]}"
