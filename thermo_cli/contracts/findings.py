"""What was measured of an ensemble: trajectories, overlaps, and what the examination found."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts.types import Array, Integers

TELLING: Final = 8  # distinct values of a series: with fewer, two runs may be the same by chance


@dataclass(frozen=True)
class Trajectories:
    """Macroscopic observables of an ensemble: the only thing that most criteria look at.

    Attributes:
        steps: Measured steps, increasing, (time,).
        values: Observable to (replica, time); NaN where a replica has no value.
        replicas: Names, (replica,).
        histories: History of each replica, (replica,).
        crashed: Replicas whose training is stated to have failed, (replica,) of bool.
        budgets: Observable to (replica, 3), final values of the same replicas trained with total budgets T/4, T/2 and T;
            empty where those were not run.
        unfinished: Replicas that are still to be trained, (replica,) of bool; None where there are none.
        sparse: Whether NaN says that nothing was measured, and an infinity that what was is not finite; else NaN says either.
        ended: Replicas whose record ends early, and is not stated to be a crash, (replica,) of bool; None where there is none.
    """

    steps: Integers
    values: Mapping[str, Array]
    replicas: tuple[str, ...]
    histories: tuple[str, ...]
    crashed: NDArray[np.bool_]
    budgets: Mapping[str, Array] = field(default_factory=dict)
    unfinished: NDArray[np.bool_] | None = None
    sparse: bool = False
    ended: NDArray[np.bool_] | None = None

    @cached_property
    def trained(self) -> "Trajectories":
        """The same of the replicas whose training is over, for good or bad."""
        if self.unfinished is None:
            return self
        return replace(self._only(np.flatnonzero(~self.unfinished)), unfinished=None)

    @cached_property
    def copies(self) -> tuple[Integers, ...]:
        """Replicas that are one run several times, a group each: alike to the last bit in all observables at all steps.

        One measurement is no series, and what takes few distinct values (an accuracy that is 1 throughout) may coincide: a
        series has two steps and `TELLING` distinct values at least, or its replica is held for independent.
        """
        if len(self.steps) < 2 or not self.values:
            return ()
        series = np.concatenate(list(self.values.values()), axis=1)
        series = np.where(np.isfinite(series), series + 0.0, np.nan)  # -0 is 0
        groups: dict[bytes, list[int]] = {}
        for row, numbers in enumerate(series):
            groups.setdefault(numbers.tobytes(), []).append(row)
        several = [np.array(rows) for rows in groups.values() if len(rows) > 1]
        return tuple(rows for rows in several if np.isfinite(np.unique(series[rows[0]])).sum() >= TELLING)

    @cached_property
    def independent(self) -> "Trajectories":
        """The same without copies: the first of each group stands for all of it."""
        again = [row for rows in self.copies for row in rows[1:]]
        return self._only(np.setdiff1d(np.arange(len(self.replicas)), again)) if again else self

    def _only(self, rows: Integers) -> "Trajectories":
        return replace(
            self,
            values={name: values[rows] for name, values in self.values.items()},
            replicas=tuple(self.replicas[row] for row in rows),
            histories=tuple(self.histories[row] for row in rows),
            crashed=self.crashed[rows],
            budgets={name: values[rows] for name, values in self.budgets.items()},
            ended=self.ended[rows] if self.ended is not None else None,
        )

    @cached_property
    def logged(self) -> dict[str, NDArray[np.bool_]]:
        """Observable to the steps at which it was measured, (time,); not all are measured at the same.

        Where NaN says either, a step of which no replica has a value, although it has one of something else, is none, and the
        last ones if they are no more than lie between two others; else all have lost it. Each has one step at least.
        """
        if self.sparse:
            return {name: _with_an_end(~np.isnan(values).all(axis=0)) for name, values in self.values.items()}
        some = {name: np.isfinite(values).any(axis=0) for name, values in self.values.items()}
        anything = np.any(list(some.values()), axis=0)
        return {name: _with_an_end(_regular(seen) | ~anything) for name, seen in some.items()}

    @cached_property
    def lost(self) -> Integers:
        """First measurement from which on something of a replica is not finite, (replica,); their number where nothing is."""
        times = np.arange(len(self.steps))
        first = np.full(len(self.replicas), len(times))
        for name, values in self.values.items():
            finite = np.isfinite(values)
            last = np.where(finite, times, -1).max(axis=1)
            there = ~np.isnan(values) if self.sparse else self.logged[name]
            gone = there & (times > last[:, None])
            first = np.minimum(first, np.where(gone.any(axis=1), gone.argmax(axis=1), len(times)))
        return first

    @property
    def finals(self) -> dict[str, Array]:
        """Observable to the last value of each replica, (replica,); NaN where that is not finite, or there is none."""
        return {name: self._final(name) for name in self.values}

    def _final(self, name: str) -> Array:
        values = self.values[name]
        there = ~np.isnan(values) if self.sparse else np.broadcast_to(self.logged[name], values.shape)
        last = np.where(there, np.arange(values.shape[1]), 0).max(axis=1)
        final = values[np.arange(len(values)), last]
        return np.where(np.isfinite(final), final, np.nan)

    @property
    def states(self) -> tuple[str, ...]:
        """How each replica ended: `finished`, `ended` early, `diverged` (not finite to the end), `crashed`, or `unfinished`."""
        words = np.full(len(self.replicas), "finished", dtype="U10")
        words[self.ended if self.ended is not None else []] = "ended"
        words[self.lost < len(self.steps)] = "diverged"
        words[self.crashed] = "crashed"
        words[self.unfinished if self.unfinished is not None else []] = "unfinished"
        return tuple(words.tolist())

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Replicas that have finished or ended, (replica,) of bool."""
        return np.isin(self.states, ("finished", "ended"))

    def members(self, history: str) -> NDArray[np.bool_]:
        """Return which replicas belong to a history, (replica,) of bool."""
        return np.array([name == history for name in self.histories], dtype=bool)


def _with_an_end(logged: Any) -> NDArray[np.bool_]:
    """Count the last step where there would be none."""
    return np.asarray(logged if logged.any() else np.arange(len(logged)) == len(logged) - 1)


def _regular(seen: Any) -> NDArray[np.bool_]:
    """Count the last steps, of which no replica has a value, where no gap between two others is as long."""
    places = np.flatnonzero(seen)
    tail = len(seen) - 1 - places[-1] if len(places) else 0
    lost = tail > (np.diff(places).max(initial=1) - 1)
    return np.asarray(seen | (lost & (np.arange(len(seen)) >= len(seen) - tail)))


@dataclass(frozen=True)
class Overlaps:
    """What decides whether replicas are different models: squared distances once symmetries are removed.

    Attributes:
        distances: Of each same-bath pair at T, (pair,).
        null: Of pairs without anything in common, through the same pipeline, (null pair,).
        own: Of each pair's main replica from itself T/2 earlier, (pair,); empty where that was not kept.
        floor: Distance that rounding alone makes.
        null_cosine: Mean cosine of the null's pairs; not a number where the null is no shuffling.
        dimensions: Independent numbers in a microstate.
        untested: Why nothing can be said, or empty.
        unique: Identical by construction: nothing that the partners differ in is consumed, and there is one optimum.
    """

    distances: Array
    null: Array
    own: Array
    floor: float
    null_cosine: float
    dimensions: int
    untested: str = ""
    unique: bool = False


@dataclass(frozen=True)
class Findings:
    """What was found out about the microstates of an ensemble, as the run folder keeps it.

    Attributes:
        arrays: Matrices over replicas and vectors over pairs, named in `microstates.survey` and `kinds`.
        facts: Names of replicas, pairs and layers; floor, dimensions, kind of null; why something is untested.
    """

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]
