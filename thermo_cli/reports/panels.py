"""Trajectories and replicas as a reader meets them. Pure: arrays in, arrays out, thinned for the eye.

The traces of a panel are some of its `total` replicas; those that stand apart are drawn beside the others, up to as many again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Integers, Trajectories

MOST_LINES: Final = 64  # single replicas drawn in one panel
MOST_TIMES: Final = 200  # measurements drawn of one trajectory
MODIFIED_Z: Final = 3.5  # Iglewicz & Hoaglin 1993
NORMAL: Final = 1.4826  # median absolute deviation to standard deviation, for a normal law


@dataclass(frozen=True)
class Spread:
    """One history of a panel: mean over finite replicas, and the band that holds the middle `content` of them, (time,)."""

    history: str
    mean: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Trace:
    """One replica of a panel, (time,); `apart` where it stands apart in this observable, or has lost its value."""

    replica: str
    history: str
    values: Array
    apart: bool


@dataclass(frozen=True)
class Panel:
    """Trajectories of one observable.

    Attributes:
        observable: Its name.
        margin: delta; None where it does not gate.
        steps: The steps drawn, (time,).
        spreads: One per history.
        traces: Single replicas.
        total: How many replicas there are.
    """

    observable: str
    margin: float | None
    steps: Integers
    spreads: tuple[Spread, ...]
    traces: tuple[Trace, ...]
    total: int

    def since(self, step: int) -> "Panel":
        """Return what lies at a step or later."""
        late = self.steps >= step
        spreads = [Spread(one.history, one.mean[late], one.low[late], one.high[late]) for one in self.spreads]
        traces = [replace(trace, values=trace.values[late]) for trace in self.traces]
        return replace(self, steps=self.steps[late], spreads=tuple(spreads), traces=tuple(traces))


@dataclass(frozen=True)
class ReplicaLine:
    """One replica of the table.

    Attributes:
        name: `<history>/<index>`.
        history: Its history.
        state: `finished`, `ended`, `diverged`, `crashed` or `unfinished`.
        finals: Final values, one per column; None where there is none.
        apart: Observables in which it stands apart, each with how far, in words.
    """

    name: str
    history: str
    state: str
    finals: tuple[float | None, ...]
    apart: tuple[str, ...]


def panels(trajectories: Trajectories, margins: Mapping[str, float], content: float) -> tuple[Panel, ...]:
    """Collect the trajectories, observables that gate first.

    Args:
        margins: delta of each observable that has one.
        content: Share of replicas that a band holds.
    """
    names = sorted(trajectories.values, key=lambda name: (name not in margins, not name.startswith("test_"), name))
    times = _thinned_times(trajectories.steps)
    histories = list(dict.fromkeys(trajectories.histories))
    waiting = (
        trajectories.unfinished if trajectories.unfinished is not None else np.zeros(len(trajectories.replicas), bool)
    )
    drawn = []
    for name in names:
        values = np.where(np.isfinite(trajectories.values[name]), trajectories.values[name], np.nan)[:, times]
        spreads = tuple(_spread(history, values[trajectories.members(history)], content) for history in histories)
        last = trajectories.finals[name]
        odd = np.isfinite(standing_apart(last, margins.get(name))) | (np.isnan(last) & ~waiting)
        traces = tuple(
            Trace(trajectories.replicas[row], trajectories.histories[row], values[row], bool(odd[row]))
            for row in _thinned_rows(odd)
        )
        total = len(trajectories.replicas)
        drawn.append(Panel(name, margins.get(name), trajectories.steps[times], spreads, traces, total))
    return tuple(drawn)


def _thinned_times(steps: Integers) -> Integers:
    """Choose measurements evenly by number, always the first and the last; they are dense where the court looks."""
    if len(steps) <= MOST_TIMES:
        return np.arange(len(steps))
    return np.unique(np.linspace(0, len(steps) - 1, MOST_TIMES).round().astype(np.int64))


def _thinned_rows(odd: NDArray[np.bool_]) -> list[int]:
    """Choose replicas evenly, and up to as many again that stand apart."""
    if len(odd) <= MOST_LINES:
        return list(range(len(odd)))
    some = set(np.linspace(0, len(odd) - 1, MOST_LINES).round().astype(int).tolist())
    return sorted(some | set(np.flatnonzero(odd)[:MOST_LINES].tolist()))


def _spread(history: str, values: Array, content: float) -> Spread:
    """Mean and middle band of the finite values at each time; nan where there is none."""
    mean, low, high = (np.full(values.shape[1], np.nan) for _ in range(3))
    finite = np.isfinite(values)
    for time in np.flatnonzero(finite.any(axis=0)):
        inside = values[finite[:, time], time]
        mean[time] = inside.mean()
        low[time], high[time] = np.quantile(inside, [(1 - content) / 2, (1 + content) / 2])
    return Spread(history, mean, low, high)


def replica_lines(
    trajectories: Trajectories, columns: Sequence[str], margins: Mapping[str, float]
) -> tuple[ReplicaLine, ...]:
    """List the replicas with their final values and what is odd about them.

    Args:
        margins: delta of each observable that has one.
    """
    finals = trajectories.finals
    odd = {name: standing_apart(finals[name], margins.get(name)) for name in columns}
    lines = []
    for row, (name, state) in enumerate(zip(trajectories.replicas, trajectories.states, strict=True)):
        apart = tuple(
            f"{observable} {distance:+.2g} from the median"
            + (f" ({abs(distance) / margins[observable]:.1f} margins)" if observable in margins else "")
            for observable in columns
            if np.isfinite(distance := odd[observable][row])
        )
        last = tuple(float(finals[column][row]) if np.isfinite(finals[column][row]) else None for column in columns)
        lines.append(ReplicaLine(name, trajectories.histories[row], state, last, apart))
    return tuple(lines)


def standing_apart(finals: Array, margin: float | None) -> Array:
    """Return the distance from the median of each replica that stands apart, nan for all others.

    Apart is |A_r - median| > 3.5 x 1.4826 MAD; where more than half of the replicas are equal (MAD = 0), more than the margin.

    Args:
        margin: delta; None where there is none.

    Source: Iglewicz & Hoaglin 1993 (modified z-score).
    """
    distance = np.full(len(finals), np.nan)
    finite = np.isfinite(finals)
    if finite.sum() < 3:
        return distance
    shift = finals[finite] - np.median(finals[finite])
    scale = NORMAL * float(np.median(np.abs(shift)))
    limit = MODIFIED_Z * scale if scale > 0 else margin if margin is not None else float("inf")
    distance[finite] = np.where(np.abs(shift) > limit, shift, np.nan)
    return distance
