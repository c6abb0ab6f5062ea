"""A pair of NumPy files, features and targets; features larger than the memory stay on disk."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Examples, Task
from thermo_cli.data import array_files
from thermo_cli.data.mapped import MappedFile, open_mapped
from thermo_cli.data.targets import examples_of
from thermo_cli.errors import DataError
from thermo_cli.spec.builtins.data import Split

LARGE_BYTES: Final = (
    2**28
)  # held in memory, float32 features take nine times their size while they are split and trained
KIND: Final = ("an NPY file of numbers or text", "write it with numpy.save")


def load(x: str, y: str, task: Task | None, mmap: bool | None, base: Path, split: Split | None = None) -> Examples:
    """Read two NPY files.

    Args:
        x: File of the features, (examples, ...), relative to `base`; further axes are flattened.
        y: File of the targets, (examples,).
        task: Classification, regression, or None to decide by the target.
        mmap: Whether features stay on disk; None for files of 256 MiB and more.
        base: Folder of the spec.
        split: Names the file of groups or times.

    Raises:
        DataError: A file cannot be used.
    """
    targets = array_files.read(base / y, _whole, *KIND)
    file = base / x
    if mmap or (mmap is None and file.is_file() and file.stat().st_size >= LARGE_BYTES):
        rows: Any = array_files.read(file, open_mapped, *KIND)
        _check_lengths(rows, targets, x, y)
    else:
        rows = array_files.features(array_files.read(file, _whole, *KIND), targets, (x, y), str(base))
    key = None
    if split is not None and split.array is not None:
        place = base / split.array
        key = array_files.key_of(array_files.read(place, _whole, *KIND), len(targets), split.use == "time", str(place))
    return examples_of(rows, targets, task, base / y, "y", key)


def _whole(file: Path) -> Any:
    found = np.load(file, allow_pickle=False)
    if not isinstance(found, np.ndarray):
        found.close()
        raise ValueError("it is an archive of several arrays: use npz")
    return found


def _check_lengths(rows: MappedFile, targets: Any, x: str, y: str) -> None:
    if targets.shape != (rows.shape[0],):
        raise DataError(
            "features are (examples, features...) and targets (examples,)",
            received=f"{x} {rows.shape}, {y} {targets.shape}",
            remedy="reshape them before saving",
            where=str(rows.file),
        )
