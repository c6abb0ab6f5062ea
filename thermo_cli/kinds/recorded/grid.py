"""The grid of observables, replicas and steps that records must fill."""

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

    def lengths(self) -> Integers:
        """Return how many steps each replica was measured at, (replica,), after all checks.

        One stable sort groups the records into series, one for each observable of each replica, in the order of the file. The
        grid is whole when record k of every series is at step k.
        """
        series = self.observable * len(self.replicas) + self.replica
        order = np.argsort(series, kind="stable")
        series, time = series[order], self.time[order]
        self._check_increasing(series, time, order)
        present, starts, counts = np.unique(series, return_index=True, return_counts=True)
        self._check_complete(present)
        self._check_holes(time, np.arange(len(order)) - np.repeat(starts, counts), order)
        lengths = counts.reshape(len(self.observables), len(self.replicas)).astype(np.int64)
        self._check_ends(lengths)
        return np.array(lengths[0])

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

    def _check_complete(self, present: Integers) -> None:
        wanted = len(self.observables) * len(self.replicas)
        if len(present) < wanted:
            gaps = np.flatnonzero(present != np.arange(len(present)))
            observable, replica = divmod(int(gaps[0]) if len(gaps) else len(present), len(self.replicas))
            raise DataError(
                "an observable is missing for some replicas",
                received=f"no {self.observables[observable]!r} of {self.replicas[replica]}",
                remedy="record it for every replica, or for none",
                where=str(self.table.file),
            )

    def _check_holes(self, time: Integers, position: Integers, order: Integers) -> None:
        late = time > position
        if not late.any():
            return
        first = position[late].min()
        without, measured = order[late & (position == first)], order[time == first]
        odd, others = (measured, without) if len(measured) < len(without) else (without, measured)
        says, say = ("has a record", "has none") if odd is measured else ("has no record", "has one")
        raise DataError(
            "not everything is measured at the same steps",
            received=f"{self._series(int(odd[0]))} {says} at step {self.steps[first]}, {self._series(int(others[0]))} {say}",
            remedy="measure everything at the same steps; only the end of a replica may be missing",
            where=self.table.where(int(odd[0])),
        )

    def _check_ends(self, lengths: Integers) -> None:
        uneven = np.flatnonzero((lengths != lengths[0]).any(axis=0))
        if len(uneven):
            replica = int(uneven[0])
            short, long = int(lengths[:, replica].argmin()), int(lengths[:, replica].argmax())
            ends = [self.steps[lengths[observable, replica] - 1] for observable in (short, long)]
            raise DataError(
                "the observables of a replica end at different steps",
                received=f"{self.replicas[replica]}: {self.observables[short]!r} at {ends[0]}, "
                f"{self.observables[long]!r} at {ends[1]}",
                remedy="record all observables at the same steps; remove what follows the first end",
                where=str(self.table.file),
            )

    def _series(self, index: int) -> str:
        return f"{self.observables[self.observable[index]]!r} of {self.replicas[self.replica[index]]}"

    def _step(self, index: int) -> int:
        return int(self.steps[self.time[index]])
