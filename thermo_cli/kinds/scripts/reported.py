"""What a training script reports of itself: a file that grows by one JSON object a line, and parameters beside it."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.data.tensors import read_tensors
from thermo_cli.errors import DataError

FILE: Final = "metrics.jsonl"
MOST_BYTES: Final = 2**26
EXAMPLE: Final = '{"step": 100, "test_accuracy": 0.93, "train_loss": 0.21}'


class Metrics:
    """The lines of metrics.jsonl, read as they come: each is checked when it is whole.

    Args:
        folder: The script's output folder.
        total: T, which the last line must report.
        required: Observables that must be there: they have margins.
    """

    def __init__(self, folder: Path, total: int, required: Iterable[str] = ()) -> None:
        self.path, self.total, self.required = folder / FILE, total, tuple(required)
        self.steps: list[int] = []
        self.values: dict[str, list[float]] = {}
        self._lines, self._offset, self._rest = 0, 0, b""

    @property
    def latest(self) -> dict[str, float]:
        """The newest value of each observable."""
        return {name: values[-1] for name, values in self.values.items()}

    def read(self) -> bool:
        """Read the lines that have become whole since the last look; say whether there were any.

        Raises:
            DataError: With the line that cannot be used.
        """
        if not self.path.is_file():
            return False
        try:
            with self.path.open("rb") as handle:
                handle.seek(self._offset)
                new = handle.read(MOST_BYTES + 1)
        except OSError as error:
            raise DataError(
                f"{FILE} cannot be read", received=error.strerror, remedy="make it a plain, readable file"
            ) from None
        self._offset += len(new)
        if self._offset > MOST_BYTES:
            raise DataError(
                f"{FILE} is too large", received=f"more than {MOST_BYTES:,} bytes", remedy="report fewer steps"
            )
        *whole, self._rest = (self._rest + new).split(b"\n")
        for line in whole:
            self._add(line)
        return bool(whole)

    def finish(self) -> None:
        """Take a last line without an end.

        Raises:
            DataError: There is nothing.
        """
        self.read()
        self._add(self._rest)
        self._rest = b""
        if not self.path.is_file():
            raise DataError(
                f"the script wrote no {FILE}",
                received="no such file in its output folder",
                remedy=f"append one JSON object a line to {{output}}/{FILE}, such as {EXAMPLE}",
            )
        if not self.steps:
            raise self.unended()

    def unended(self) -> DataError:
        """Return what is wrong with a report that must be whole, and ends early."""
        return DataError(
            f"{FILE} does not end at step T = {self.total}",
            received=f"last step {self.steps[-1]}" if self.steps else "no lines",
            remedy=f"report step {self.total} last, or set dynamics.steps to the last step",
        )

    def _add(self, line: bytes) -> None:
        """Check a line and append its numbers."""
        self._lines += 1
        if not line.strip():
            return
        row = self._parsed(line)
        step = row.pop("step", None)
        if isinstance(step, bool) or not isinstance(step, int | float) or step != (whole := _whole(step)) or whole < 0:
            raise self._wrong(
                "a line has no step, or one that is no whole number", line, f"one object a line, such as {EXAMPLE}"
            )
        if self.steps and whole <= self.steps[-1]:
            raise self._wrong(f"steps do not increase: {whole} after {self.steps[-1]}", line, "one line for each step")
        if whole > self.total:
            raise self._wrong(
                f"step {whole} is later than T = {self.total}",
                line,
                "stop there, or set dynamics.steps to the last step",
            )
        numbers = {name: self._number(name, value, line) for name, value in row.items()}
        if not self.steps:
            self.values = {name: [] for name in numbers}
            self._check_first(line)
        for name in self.values.keys() ^ numbers.keys():
            what = (
                f"{name} is missing at step {whole}" if name in self.values else f"{name} appears first at step {whole}"
            )
            raise self._wrong(
                what, line, "report the same observables at every reported step; null where there is no value"
            )
        self.steps.append(whole)
        for name, number in numbers.items():
            self.values[name].append(number)

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            row = json.loads(line)
        except ValueError as error:  # bytes that are no text among them
            raise self._wrong(
                f"a line is not valid JSON ({error})", line, f"one object a line, such as {EXAMPLE}"
            ) from None
        except RecursionError:
            raise self._wrong("a line is nested too deeply", line, f"one object a line, such as {EXAMPLE}") from None
        if not isinstance(row, dict):
            raise self._wrong("a line is no JSON object", line, f"one object a line, such as {EXAMPLE}")
        return row

    def _number(self, name: str, value: Any, line: bytes) -> float:
        """Return a number; NaN where null says that nothing was measured, infinity where what was is not finite."""
        if value is None:
            return math.nan
        if isinstance(value, bool) or not isinstance(value, int | float):
            kind = "text" if isinstance(value, str) else type(value).__name__
            raise self._wrong(
                f"{name} is {kind} and not a number", line, "numbers without quotes; leave other things out"
            )
        if not name.isprintable() or not 0 < len(name) <= 100:
            raise self._wrong("an observable has no usable name", line, "at most 100 printable characters")
        try:
            return math.inf if math.isnan(value) else float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf

    def _check_first(self, line: bytes) -> None:
        if not self.values:
            raise self._wrong("a line has a step and no observables", line, f"add numbers, such as {EXAMPLE}")
        for name in self.required:
            if name not in self.values:
                raise self._wrong(
                    f"{name} has a margin and is not reported", line, "report it, or correct equilibrium.margins"
                )

    def _wrong(self, what: str, line: bytes, remedy: str) -> DataError:
        text = line.decode(errors="replace").strip()
        shown = text if len(text) <= 200 else text[:197] + "..."
        return DataError(what, received=shown, remedy=remedy, where=f"{FILE}, line {self._lines}")


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


def _whole(step: Any) -> int:
    return int(step) if math.isfinite(step) else -1
