"""Tidy tables of a judged run or sweep: what Parquet files and pandas frames are made from.

The first columns say which run, and of a sweep which point, with the value of every swept field. A table comes in chunks of
the same columns, so that ten thousand replicas need no more memory at a time than some of them.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from thermo_cli.contracts import Array
from thermo_cli.judging.record import Decision, Judged, JudgedRun
from thermo_cli.microstates.summary import divergence
from thermo_cli.reports.csv_rows import LINE, lines
from thermo_cli.rng import STREAMS
from thermo_cli.runs.ends import final_states
from thermo_cli.store.columns import Column, Columns, coded, integers, numbers, texts, truths

CHUNK: Final = 1 << 20  # lines


@dataclass(frozen=True)
class Extract:
    """What a run holds of one point.

    Attributes:
        place: The columns that say where a line belongs, one cell each.
        decision: Its verdict, or why there is none.
        judged: None where that cannot be.
        observables: All that any point of the run has.
    """

    place: Columns
    decision: Decision
    judged: Judged | None
    observables: tuple[str, ...]


def chunks(run: JudgedRun, table: str) -> Iterator[Columns]:
    """Return a table of a run, chunk by chunk, all of the same columns; none where nothing is known of it.

    Args:
        run: Which, with all its points.
        table: One of `TABLES`.
    """
    for extract in _extracts(run):
        for columns in TABLES[table](extract):
            length = len(next(iter(columns.values())))
            yield {name: cell.repeated(length) for name, cell in extract.place.items()} | columns


def _extracts(run: JudgedRun) -> Iterator[Extract]:
    name = run.folder.name
    observables = dict.fromkeys(
        name for point in run.points if point.judged for name in point.judged.observables.values
    )
    swept = {field: _swept([point.values[field] for point in run.points]) for field in run.points[0].values}
    for number, point in enumerate(run.points):
        place = {"run": texts([name])} | ({"point": integers([number])} if run.sweep else {})
        place |= {field: column[number : number + 1] for field, column in swept.items()}
        decision = Decision(name, point.values, point.judged.verdict if point.judged else None, point.reason)
        yield Extract(place, decision, point.judged, tuple(observables))


def _swept(values: Sequence[Any]) -> Column:
    """Return the values of a swept field as a column of one kind: numbers, truth values, text, or else JSON."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return truths(values)
    if kinds == {int}:
        return integers(values)
    if kinds <= {int, float}:
        return numbers(values)
    return texts(values if kinds == {str} else [json.dumps(value) for value in values])


def _trajectories(extract: Extract) -> Iterator[Columns]:
    """Every measurement of every main replica: replica, history, step, observable, value."""
    if extract.judged is None:
        return
    trajectories = extract.judged.observables
    histories = list(dict.fromkeys(trajectories.histories))
    belongs = np.array([histories.index(history) for history in trajectories.histories])
    times, observables = len(trajectories.steps), list(trajectories.values)
    some = max(1, CHUNK // times)
    for number, values in enumerate(trajectories.values.values()):
        for first in range(0, len(trajectories.replicas), some):
            rows = np.arange(first, min(first + some, len(trajectories.replicas)))
            yield {
                "replica": coded(np.repeat(rows, times), trajectories.replicas),
                "history": coded(np.repeat(belongs[rows], times), histories),
                "step": integers(np.tile(trajectories.steps, len(rows))),
                "observable": coded(np.full(len(rows) * times, number), observables),
                "value": numbers(values[rows].ravel()),
            }


def _steps(extract: Extract) -> Iterator[Columns]:
    """Every observable of every history at every step: how many replicas are finite, their mean, its interval, their sd."""
    if extract.judged is None:
        return
    trajectories, level = extract.judged.observables, 1 - extract.judged.settings.confidence
    histories, observables = list(dict.fromkeys(trajectories.histories)), list(trajectories.values)
    times = len(trajectories.steps)
    for number, values in enumerate(trajectories.values.values()):
        for place, history in enumerate(histories):
            counts, means, sds, halves = _means(values[trajectories.members(history)], level)
            yield {
                "history": coded(np.full(times, place), histories),
                "step": integers(trajectories.steps),
                "observable": coded(np.full(times, number), observables),
                "replicas": integers(counts),
                "mean": numbers(means),
                "sd": numbers(sds),
                "interval_low": numbers(means - halves),
                "interval_high": numbers(means + halves),
            }


def _means(values: Array, level: float) -> tuple[NDArray[np.int64], Array, Array, Array]:
    """Return count, mean and sd over replicas, and the half-width of Student's interval of the mean, (time,) each.

    mean +- t_(1 - level / 2; n - 1) sd / sqrt(n), of the n values that are finite; NaN where there are too few.

    Args:
        values: (replica, time).
        level: One minus the confidence of the interval.
    """
    finite = np.isfinite(values)
    counts = finite.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(finite, values, 0.0).sum(axis=0) / counts
        sds = np.sqrt(np.where(finite, (values - means) ** 2, 0.0).sum(axis=0) / (counts - 1.0))
        sds = np.where(counts > 1, sds, np.nan)
        halves = special.stdtrit(np.maximum(counts - 1, 1), 1 - level / 2) * sds / np.sqrt(counts)
    return counts, means, sds, halves


def _replicas(extract: Extract) -> Iterator[Columns]:
    """Every replica, controls among them: where it was trained, its streams, how it ended, its final values."""
    if extract.judged is None:
        return
    trajectories, table = extract.judged.observables, extract.judged.folder.table
    names = [row.name for row in table] or list(trajectories.replicas)
    nothing = [None] * len(names)  # runs that were made elsewhere have no design
    columns = {
        "replica": texts(names),
        "history": texts([row.history for row in table] or list(trajectories.histories)),
        "role": texts([row.role for row in table] or ["main"] * len(names)),
        "steps": integers([row.steps for row in table] or nothing),
        "shard": texts([row.shard for row in table] or nothing),
        "slot": integers([row.slot for row in table] or nothing),
    }
    for stream in STREAMS:  # in hexadecimal, as in replicas.csv: no type of Parquet holds 128 bits
        columns[stream] = texts([f"{getattr(row, stream):032x}" for row in table] or nothing)
    ends = final_states(extract.judged)
    columns["state"] = texts([ends[name].state for name in names])
    for observable in extract.observables:
        columns[f"final_{observable}"] = numbers([ends[name].finals.get(observable) for name in names])
    yield columns


def _criteria(extract: Extract) -> Iterator[Columns]:
    """Every row of the court; a point that cannot be judged has one line, with the reason."""
    rows = list(lines(extract.decision))
    kinds = {str: texts, float: numbers, int: integers, bool: truths}
    yield {name: kinds[kind]([row.get(name) for row in rows]) for name, kind in LINE.items()}


def _macroscopic(extract: Extract) -> Iterator[Columns]:
    """Every observable at the end, over all histories (history is missing) and of each one."""
    if extract.judged is None:
        return
    rows: list[tuple[str, str | None, Mapping[str, Any]]] = []
    for name, state in extract.judged.verdict.macroscopic.items():
        rows += [(name, None, state), *((name, history, one) for history, one in state["histories"].items())]
    ends = [state.get("tolerance_interval", (None, None)) for _, _, state in rows]
    yield {
        "observable": texts([name for name, _, _ in rows]),
        "history": texts([history for _, history, _ in rows]),
        "mean": numbers([state["mean"] for _, _, state in rows]),
        "sd": numbers([state["sd"] for _, _, state in rows]),
        "tolerance_low": numbers([low for low, _ in ends]),
        "tolerance_high": numbers([high for _, high in ends]),
        "window_mean": numbers([state.get("window_mean") for _, _, state in rows]),
    }


def _microscopic(extract: Extract) -> Iterator[Columns]:
    """Every microscopic quantity; one that is part of another is named after it, `overlap/same_bath`."""
    if extract.judged is None:
        return
    rows = list(_quantities(extract.judged.verdict.microscopic))
    intervals = [state["interval"] for _, state in rows]
    yield {
        "quantity": texts([name for name, _ in rows]),
        "estimate": numbers([state["estimate"] for _, state in rows]),
        "interval_low": numbers([low for low, _ in intervals]),
        "interval_high": numbers([high for _, high in intervals]),
        "estimate_null": numbers([state["null"] for _, state in rows]),
        "estimate_self": numbers([state["self"] for _, state in rows]),
    }


def _quantities(states: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, state in states.items():
        if isinstance(state, Mapping):
            if {"estimate", "interval", "null", "self"} <= state.keys():
                yield above + name, state
            yield from _quantities(state, f"{above}{name}/")


def _overlaps(extract: Extract) -> Iterator[Columns]:
    """Q* of every pair of replicas that were brought into one frame, each pair once."""
    findings = extract.judged.folder.findings() if extract.judged is not None else None
    apart = divergence(findings) if findings is not None else None
    if findings is None or apart is None:
        return
    names = findings.facts["replicas"]
    some = max(1, CHUNK // len(names))
    for first in range(0, len(names) - 1, some):
        rows = np.arange(first, min(first + some, len(names) - 1))
        one, other = np.nonzero(rows[:, None] < np.arange(len(names)))
        q = 1 - apart[rows[one], other]
        yield {"replica_a": coded(rows[one], names), "replica_b": coded(other, names), "q_star": numbers(q)}


TABLES: Final[dict[str, Callable[[Extract], Iterator[Columns]]]] = {
    "trajectories": _trajectories,
    "steps": _steps,
    "replicas": _replicas,
    "criteria": _criteria,
    "macroscopic": _macroscopic,
    "microscopic": _microscopic,
    "overlaps": _overlaps,
}
