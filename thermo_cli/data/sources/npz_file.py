"""NumPy archives with one array of features and one of targets; never with pickled objects."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from thermo_cli.contracts import Examples
from thermo_cli.data import array_files
from thermo_cli.data.files import declared_bytes
from thermo_cli.data.remarks import RemarkedExamples, of_array
from thermo_cli.data.series import series_of
from thermo_cli.data.targets import targets_of
from thermo_cli.errors import DataError, collected
from thermo_cli.memory import check_memory
from thermo_cli.spec.data_parts import NpzData


def load(data: NpzData, base: Path) -> Examples:
    """Read an NPZ file; all axes of the features but the first are flattened.

    Args:
        data: Path and names of the arrays.
        base: Folder of the spec.

    Raises:
        DataError: The file or an array of it cannot be used.
    """
    features, target, key = data.arguments.features, data.arguments.target, data.split.array
    file = base / data.arguments.path
    columns = [features, target, *([key] if key is not None else [])]

    def arrays_of(file: Path) -> tuple[list[str], dict[str, Any]]:
        with file.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it is a single array: use npy")
            packed: Any = archive.zip
            wanted = [name for name in packed.namelist() if name.removesuffix(".npy") in columns]
            for name in wanted:
                with packed.open(name) as member:
                    declared = declared_bytes(member)
                if declared > packed.getinfo(name).file_size:
                    raise ValueError(f"{name} promises {declared:,} bytes and has {packed.getinfo(name).file_size:,}")
            total = sum(packed.getinfo(name).file_size for name in wanted)
            check_memory(total, f"{file}, unpacked", "data.with.path")
            return list(archive.files), {name: archive[name] for name in columns if name in archive.files}

    names, arrays = array_files.read(file, arrays_of, "an NPZ archive of plain arrays", "write it with numpy.savez")
    for name in columns:
        if name not in arrays:
            raise DataError(
                "there is no such array", received=name, remedy="arrays: " + ", ".join(names), where=str(file)
            )
    values, place = arrays[target], series_of(arrays[target], file, target)
    works: list[Callable[[], Any]] = [
        functools.partial(array_files.features, arrays[features], values, (features, target), str(file)),
        functools.partial(targets_of, place, data.arguments.task, parse=False),
    ]
    if key is not None:
        times = data.split.use == "time"
        works.append(functools.partial(array_files.key_of, series_of(arrays[key], file, key), len(values), times))
    x, answers, *keys = collected(works)
    remarks = of_array(x, answers, target)
    return RemarkedExamples(x, answers.y, answers.task, answers.labels, keys[0] if keys else None, remarks=remarks)
