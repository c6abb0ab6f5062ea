"""The grid of observables, replicas and steps that records lie on; it need not be full."""

from dataclasses import dataclass

import numpy as np

from thermo_cli.contracts import Integers
from thermo_cli.data.table import Table
from thermo_cli.errors import DataError


@dataclass(frozen=True)
class Grid:
    """Where each record belongs: positions of its observable, replica and step, each (record,)."""

    table: Table
    observables: tuple[str, ...]
    replicas: tuple[str, ...]
    steps: Integers
    observable: Integers
    replica: Integers
    time: Integers

    def check(self) -> None:
        """Refuse records that are there twice, and steps that go back.

        One stable sort groups the records into series, one for each observable of each replica, in the order of the file.
        """
        series = self.observable * len(self.replicas) + self.replica
        order = np.argsort(series, kind="stable")
        self._check_increasing(series[order], self.time[order], order)

    def _check_increasing(self, series: Integers, time: Integers, order: Integers) -> None:
        wrong = order[1:][(series[1:] == series[:-1]) & (time[1:] <= time[:-1])]
        if not len(wrong):
            return
        index = int(wrong.min())
        same = (self.observable[:index] == self.observable[index]) & (self.replica[:index] == self.replica[index])
        before = np.flatnonzero(same)
        again = before[self.time[before] == self.time[index]]
        if len(again):
            raise DataError(
                "this record is there twice",
                received=f"{self._series(index)} at step {self._step(index)}, also at {self.table.where(int(again[0]))}",
                remedy="keep one of them; replicas of several histories need the column 'history'",
                where=self.table.where(index),
            )
        raise DataError(
            "steps must increase",
            received=f"{self._series(index)} at step {self._step(index)} after {self._step(int(before[-1]))}",
            remedy="sort the records of each replica by step",
            where=self.table.where(index, "step"),
        )

    def _series(self, index: int) -> str:
        return f"{self.observables[self.observable[index]]!r} of {self.replicas[self.replica[index]]}"

    def _step(self, index: int) -> int:
        return int(self.steps[self.time[index]])
