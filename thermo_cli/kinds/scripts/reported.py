"""What a training script reports of itself: logs that grow while it trains, and parameters beside them."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.data.tensors import read_tensors
from thermo_cli.errors import DataError
from thermo_cli.kinds.scripts.logs import EXAMPLE, FILE, Log, found_instead, log_files, read_log, values_of
from thermo_cli.registry import nearest

SMALL_BYTES: Final = 2**16
LOOK_SHARE: Final = 20.0  # larger logs that take t seconds to read are not read again before 20 t have passed


class Metrics:
    """The logs of a script, read while they grow and once it has ended.

    Args:
        folder: The script's output folder.
        total: T; a log that counts from 0 may end one step before it.
        required: Observables that must be there: they have margins.
    """

    def __init__(self, folder: Path, total: int, required: Iterable[str] = ()) -> None:
        self.folder, self.total, self.required = folder, total, tuple(required)
        self.log = Log()
        self._seen: tuple[tuple[str, int, int], ...] = ()
        self._next = 0.0

    @property
    def steps(self) -> list[int]:
        """All steps at which anything is logged."""
        return self.log.steps

    @property
    def values(self) -> dict[str, list[float]]:
        """Every observable at all steps; NaN where it was not measured."""
        return dict(values_of(self.log))

    @property
    def latest(self) -> dict[str, float]:
        """The newest value of each observable that has one."""
        return {name: next(reversed(series.values())) for name, series in self.log.series.items() if series}

    @property
    def ended(self) -> bool:
        """Whether the last log is earlier than T."""
        return not self.steps or self.steps[-1] < self.total - 1

    def read(self) -> bool:
        """Read what has been logged, where that has changed since the last look; say whether there is a new step.

        Raises:
            DataError: With the line that cannot be used; tables are often written anew, so they may be torn while they are.
        """
        began, files = time.monotonic(), log_files(self.folder)
        seen = tuple(_state(path) for path in files)
        if seen == self._seen or began < self._next:
            return False
        try:
            log = read_log(self.folder, self.required, whole=False)
        except DataError:
            if all(path.suffix == ".jsonl" for path in files):
                raise
            return False
        share = LOOK_SHARE if sum(size for _, size, _ in seen) > SMALL_BYTES else 0.0
        self._seen, self._next = seen, began + share * (time.monotonic() - began)
        grown = len(log.steps) > len(self.steps)
        self.log = log
        self._check_end()
        return grown

    def finish(self) -> None:
        """Read all that was logged, now that the script has ended.

        Raises:
            DataError: There is nothing, or something that cannot be used.
        """
        self.log = read_log(self.folder, self.required)
        if not self.log.series:
            raise nothing_logged(self.folder, self.log)
        self._check_end()
        for name in self.required:
            if name not in self.log.series:
                guess = nearest(name, self.log.series)
                raise DataError(
                    f"{name} has a margin and is not reported",
                    received=", ".join(self.log.series),
                    remedy=(f"did you mean {guess}? " if guess else "") + "report it, or correct equilibrium.margins",
                    where=", ".join(self.log.files),
                )

    def unended(self) -> DataError:
        """Return what is wrong with a report that must be whole, and ends early."""
        return DataError(
            f"what is logged does not end at step T = {self.total}",
            received=f"last {self.log.time} {self.steps[-1]}" if self.steps else "no rows",
            remedy=f"report step {self.total} last, or set dynamics.steps to the last step",
            where=", ".join(self.log.files),
        )

    def _check_end(self) -> None:
        if self.steps and self.steps[-1] > self.total:
            raise DataError(
                f"{self.log.time} {self.steps[-1]} is later than T = {self.total}",
                received=f"{len(self.steps)} steps, {self.steps[0]} to {self.steps[-1]}",
                remedy="stop there, or set dynamics.steps to the last step",
                where=", ".join(self.log.files),
            )


def nothing_logged(folder: Path, log: Log) -> DataError:
    """Return what is wrong with a log without an observable.

    Args:
        folder: The script's output folder.
        log: What was read in it.
    """
    remedy = (
        f"append one JSON object a line to {{output}}/{FILE}, such as {EXAMPLE}, or write a CSV file with a column step below "
        "{output}; a function calls report(step, test_accuracy=0.93)"
    )
    if log.steps:
        received = f"{log.time}, {len(log.steps)} times"
        return DataError("steps are logged, and no observables", received=received, remedy=remedy, where=log.files[0])
    return DataError("nothing was logged", received=found_instead(folder), remedy=remedy)


def read_parameters(folder: Path, step: int) -> tuple[NDArray[np.float64], dict[str, list[int]]] | None:
    """Read the parameters that a script kept at a step, each tensor flattened, in the order of their names.

    Args:
        folder: The script's output folder.
        step: When they were kept.

    Returns:
        Parameters, (parameter,), and the shape of each tensor; None where the script kept none.

    Raises:
        DataError: The file cannot be read.
    """
    tensors = read_tensors(folder / f"parameters-{step}.safetensors")
    if tensors is None:
        return None
    return (
        np.concatenate([tensor.ravel() for tensor in tensors.values()]),
        {name: list(tensor.shape) for name, tensor in tensors.items()},
    )


def _state(path: Path) -> tuple[str, int, int]:
    try:
        state = path.stat()
    except OSError:  # gone since it was listed
        return str(path), 0, 0
    return str(path), state.st_size, state.st_mtime_ns
