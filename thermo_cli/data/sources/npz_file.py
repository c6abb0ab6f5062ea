"""NumPy archives with one array of features and one of targets; never with pickled objects."""

from pathlib import Path
from typing import Any

import numpy as np

from thermo_cli.contracts import Examples
from thermo_cli.data import array_files
from thermo_cli.data.targets import examples_of
from thermo_cli.errors import DataError
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
            return list(archive.files), {name: archive[name] for name in columns if name in archive.files}

    names, arrays = array_files.read(file, arrays_of, "an NPZ archive of plain arrays", "write it with numpy.savez")
    for name in columns:
        if name not in arrays:
            raise DataError(
                "there is no such array", received=name, remedy="arrays: " + ", ".join(names), where=str(file)
            )
    x = array_files.features(arrays[features], arrays[target], (features, target), str(file))
    times = data.split.use == "time"
    values = array_files.key_of(arrays[key], len(x), times, f"{file}: {key}") if key is not None else None
    return examples_of(x, arrays[target], data.arguments.task, file, target, values)
