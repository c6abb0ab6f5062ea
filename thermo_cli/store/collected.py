"""What the shards of a run recorded, collected replica by replica in the order of the replica table."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Trajectories
from thermo_cli.errors import StoreError, UsageError
from thermo_cli.magnitudes import countable
from thermo_cli.replicas import Replica, budgets_of, main_rows
from thermo_cli.spec import Spec
from thermo_cli.store.shard_records import ShardRecords

CRASH: Final = re.compile(
    r"^replica (\S+)\n(?!Traceback)(.+)$", re.MULTILINE
)  # as a kind writes down each that crashes
MOST_TOLD: Final = 2**20  # characters of a shard's errors
ENDED: Final = "ended"  # kept of replicas whose measurements may be missing: whether they ended before T


class Recordings(Protocol):
    """What is collected from: a run folder, or one point of it."""

    @property
    def path(self) -> Path:
        """Of the run."""

    @property
    def spec(self) -> Spec:
        """The experiment."""

    @property
    def table(self) -> tuple[Replica, ...]:
        """The rows that are asked for."""

    @property
    def shards(self) -> Mapping[str, Sequence[Replica]]:
        """All rows by shard."""

    @property
    def records(self) -> Mapping[str, ShardRecords]:
        """What every finished shard recorded."""

    def given_up(self, shard: str) -> bool:
        """Say of a shard without records whether it will not get any."""


def trajectories(folder: Recordings) -> Trajectories:
    """Collect the observables of all main replicas; those of shards that are not there are NaN.

    Replicas of a shard that has left an error have crashed, those of any other that is not there are still to be trained.

    Args:
        folder: A run that was trained here.

    Raises:
        StoreError: No part of it has finished.
    """
    table, read = main_rows(folder.table), folder.records
    if not any(replica.shard in read for replica in table):
        raise _nothing_finished(folder)
    first = next(read[replica.shard] for replica in table if replica.shard in read)
    read = {name: one for name, one in read.items() if one.values.keys() == first.values.keys()}
    mains = dict.fromkeys(replica.shard for replica in table if replica.shard in read)
    steps = np.unique(np.concatenate([read[name].steps for name in mains])).astype(np.int64)
    values = {name: np.full((len(table), len(steps)), np.nan) for name in first.values}
    for row, replica in enumerate(table):
        if replica.shard in read:
            for name, arrays in read[replica.shard].values.items():
                measured = np.searchsorted(steps, read[replica.shard].steps)
                values[name][row, measured] = countable(np.array([array[replica.slot] for array in arrays]))
    crashed = np.array(
        [
            folder.given_up(r.shard)
            if r.shard not in read
            else bool(read[r.shard].final.get("crashed", np.zeros(r.slot + 1))[r.slot])
            for r in table
        ],
        dtype=bool,
    )
    waiting = np.array([r.shard not in read for r in table], dtype=bool) & ~crashed
    names, histories = tuple(r.name for r in table), tuple(r.history for r in table)
    budgets = _budgets(folder, values)
    sparse = ENDED in first.final
    ended = np.array([r.shard in read and bool(read[r.shard].final[ENDED][r.slot]) for r in table]) if sparse else None
    unfinished = waiting if waiting.any() else None
    return Trajectories(steps, values, names, histories, crashed, budgets, unfinished, sparse, ended)


def finals(folder: Recordings, name: str) -> NDArray[Any] | None:
    """Return what was found out about each main replica at the end, (replica, ...), or None where it was not.

    Args:
        folder: The run.
        name: `test_errors`, `response`, `flatness` or `quench_gap`.
    """
    found = [record.final[name] for record in folder.records.values() if name in record.final]
    if not found:
        return None
    table = main_rows(folder.table)
    result = np.full((len(table), *found[0].shape[1:]), np.nan, dtype=found[0].dtype)
    for row, replica in enumerate(table):
        if replica.shard in folder.records:
            result[row] = folder.records[replica.shard].final[name][replica.slot]
    return result


def microstates(folder: Recordings, step: int, replicas: Sequence[Replica]) -> NDArray[np.floating]:
    """Return the parameters of some replicas at a kept step, (replica, parameters).

    Args:
        folder: The run.
        step: 0, T/4, T/2 or T; after one step those of twins and their originals.
        replicas: Rows of the replica table, controls among them.

    Raises:
        UsageError: No parameters were kept at that step.
        StoreError: The replicas have not finished.
    """
    rows = []
    for replica in replicas:
        if replica.shard not in folder.records:
            raise StoreError(
                "not all replicas have finished",
                received=replica.shard,
                remedy="give the thermo-run command again: it resumes",
            )
        snapshots = folder.records[replica.shard].snapshots
        if step not in snapshots:
            kept = ", ".join(str(known) for known in sorted(snapshots))
            raise UsageError("no parameters are kept at this step", received=step, remedy=f"kept: {kept}")
        rows.append(snapshots[step][replica.slot])
    return np.stack(rows)


def _budgets(folder: Recordings, values: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Collect the final values of all main replicas with total budgets T/4, T/2 and T, observable to (replica, 3)."""
    budgets = budgets_of(folder.spec)
    if not budgets:
        return {}
    finals = {name: np.full((len(array), 3), np.nan) for name, array in values.items()}
    rows = {row.name: number for number, row in enumerate(main_rows(folder.table))}
    for name, members in folder.shards.items():
        for replica in members if name in folder.records else ():
            if replica.role == "budget":
                row, column = rows[f"{replica.history}/{replica.index}"], budgets.index(replica.steps)
                sparse = ENDED in folder.records[name].final
                for observable, arrays in folder.records[name].values.items():
                    series = countable(np.array([array[replica.slot] for array in arrays]))
                    finals[observable][row, column] = _last(series[None], sparse)[0]
    sparse = any(ENDED in record.final for record in folder.records.values())
    for name, array in values.items():
        finals[name][:, 2] = _last(array, sparse)
    return finals


def crashes(run: Path) -> list[str]:
    """Return which replicas have crashed, and why, as far as that is kept replica by replica.

    Args:
        run: Folder of the run.
    """
    files = [file for file in sorted(run.glob("shards/**/*.error.txt")) if _own(file)]
    texts = [_text(file) for file in files]
    found = {name: words for text in texts for name, words in CRASH.findall(text)}
    return [f"replica {name} crashed: {words}" for name, words in found.items()]


def _text(file: Path) -> str:
    """Return what is written of errors, as far as anybody reads."""
    with file.open(errors="replace") as text:
        return text.read(MOST_TOLD)


def _own(file: Path) -> bool:
    """Say whether something is a file of the run's own: a link could show whatever lies on this machine, a pipe never ends."""
    return file.is_file() and not file.is_symlink()


def _last(values: NDArray[np.float64], sparse: bool) -> NDArray[np.float64]:
    """Return the last value of each replica, (replica, time) to (replica,); where some may be missing, the last that is not."""
    if not sparse:
        return values[:, -1]
    last = values.shape[1] - 1 - (~np.isnan(values))[:, ::-1].argmax(axis=1)
    return np.asarray(values[np.arange(len(values)), last])


def _nothing_finished(folder: Recordings) -> StoreError:
    """Say why, where it is known: the first reason that is kept."""
    files = {name: folder.path / "shards" / f"{name}.error.txt" for name in folder.shards}
    failed = [(name, file) for name, file in files.items() if _own(file)]
    if not failed:
        return StoreError(
            "no part of this run has finished, so there is nothing to judge",
            received=str(folder.path),
            remedy="give the thermo-run command again: it resumes",
        )
    name, file = failed[0]
    text = _text(file).strip()
    lines = text.splitlines()
    first = lines[-1:] if text.startswith("Traceback") else lines[: lines.index("") if "" in lines else None]
    first = crashes(folder.path)[:1] or first
    return StoreError(
        f"every replica failed ({len(failed)} reasons are kept), so there is nothing to judge",
        received="\n    ".join([name, *first]),
        remedy=f"all of it is in {file}",
    )
