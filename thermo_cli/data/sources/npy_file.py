"""A pair of NumPy files, features and targets; features larger than the memory stay on disk."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Examples
from thermo_cli.data import array_files
from thermo_cli.data.files import declared_bytes
from thermo_cli.data.mapped import open_mapped
from thermo_cli.data.remarks import RemarkedExamples, of_array
from thermo_cli.data.series import series_of
from thermo_cli.data.targets import targets_of
from thermo_cli.errors import collected
from thermo_cli.memory import check_memory
from thermo_cli.spec.data_parts import NpyData

MAGIC: Final = b"\x93"  # the first byte of an NPY file
LARGE_BYTES: Final = 2**28  # in memory, float32 features take nine times their size while they are split and trained
KIND: Final = ("an NPY file of numbers or text", "write it with numpy.save")


def load(data: NpyData, base: Path) -> Examples:
    """Read two NPY files; all axes of the features but the first are flattened.

    Args:
        data: The files, and whether features stay on disk: unless it is said, those of 256 MiB and more.
        base: Folder of the spec.

    Raises:
        DataError: A file cannot be used.
    """
    x, y, mmap = data.arguments.x, data.arguments.y, data.arguments.mmap
    file, targets = base / x, array_files.read(base / y, _whole, *KIND, "data.with.y")
    works: list[Callable[[], Any]] = []
    if mmap or (mmap is None and file.is_file() and file.stat().st_size >= LARGE_BYTES):
        rows: Any = array_files.read(file, open_mapped, *KIND, "data.with.x")
        array_files.check_lengths(rows.shape, targets.shape, (x, y), str(rows.file))
        works.append(lambda: rows)
    else:
        whole = array_files.read(file, _whole, *KIND, "data.with.x")
        works.append(functools.partial(array_files.features, whole, targets, (x, y), str(base)))
    works.append(functools.partial(targets_of, series_of(targets, base / y, "y"), data.arguments.task, parse=False))
    if data.split.array is not None:
        place, times = base / data.split.array, data.split.use == "time"
        series = series_of(
            array_files.read(place, _whole, *KIND, "data.split.array"), place, "times" if times else "groups"
        )
        works.append(functools.partial(array_files.key_of, series, len(targets), times))
    features, answers, *keys = collected(works)
    remarks = of_array(features, answers, "y")
    return RemarkedExamples(
        features, answers.y, answers.task, answers.labels, keys[0] if keys else None, remarks=remarks
    )


def _whole(file: Path) -> Any:
    with file.open("rb") as handle:
        declared = declared_bytes(handle) if handle.read(1) == MAGIC and handle.seek(0) == 0 else 0
    if declared > file.stat().st_size:
        raise ValueError(f"its header promises {declared:,} bytes, and it has {file.stat().st_size:,}")
    check_memory(declared, str(file), "data.with")
    array = np.load(file, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError("it is an archive of several arrays: use npz")
    return array
