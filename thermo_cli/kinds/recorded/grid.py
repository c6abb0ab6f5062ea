"""The grid of observables, replicas and steps that records lie on; it need not be full."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thermo_cli.contracts import Integers
from thermo_cli.data.table import Table
from thermo_cli.errors import DataError


@dataclass(frozen=True)
class Grid:
    """Where each record belongs: its step, and positions of its observable and replica, each (record,)."""

    table: Table
    observables: tuple[str, ...]
    replicas: tuple[str, ...]
    steps: Integers
    observable: Integers
    replica: Integers

    @cached_property
    def _order(self) -> Integers:
        """Records by observable and replica, and within those in the order of the file: one stable sort."""
        return np.argsort(self._code, kind="stable")

    @cached_property
    def _code(self) -> Integers:
        return self.observable * len(self.replicas) + self.replica

    def series(self) -> Iterator[Integers]:
        """Yield the records of each observable of each replica.

        Raises:
            DataError: Steps go back, or most of a series are there twice: those are two runs, and not the rule that the last
                of a repeated step counts.
        """
        code, steps, order = self._code[self._order], self.steps[self._order], self._order
        same = code[1:] == code[:-1]
        back, again = same & (steps[1:] < steps[:-1]), same & (steps[1:] == steps[:-1])
        starts = np.flatnonzero(np.append(True, ~same))
        ends = np.append(starts[1:], len(code))
        repeated = np.add.reduceat(np.append(False, again).astype(np.int64), starts)
        often = np.repeat(2 * repeated >= ends - starts, ends - starts)[1:]
        wrong = order[1:][back | (again & often)]
        if len(wrong):
            raise self._wrong(int(wrong.min()))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            yield order[start:end]

    def repeated(self) -> str:
        """Say how many records share their step with a later one of their series; nothing where none does."""
        code, steps = self._code[self._order], self.steps[self._order]
        again = self._order[:-1][(code[1:] == code[:-1]) & (steps[1:] == steps[:-1])]
        if not len(again):
            return ""
        first = int(again.min())
        count = f"{len(again)} record{'s' * (len(again) != 1)}"
        where = f"the first {self._series(first)} at step {self.steps[first]}"
        return f"of a repeated step the last counts: {count} left out, {where}"

    def _wrong(self, index: int) -> DataError:
        same = self._code[:index] == self._code[index]
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
