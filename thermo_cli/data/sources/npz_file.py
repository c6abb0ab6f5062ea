"""NumPy archives with one array of features and one of targets; never with pickled objects."""

from pathlib import Path
from typing import Any

import numpy as np

from thermo_cli.contracts import Examples, Task
from thermo_cli.data import array_files
from thermo_cli.data.targets import examples_of
from thermo_cli.errors import DataError
from thermo_cli.spec.builtins.data import Split


def load(path: str, features: str, target: str, task: Task | None, base: Path, split: Split | None = None) -> Examples:
    """Read an NPZ file.

    Args:
        path: The file, relative to `base`.
        features: Name of the features, (examples, ...); further axes are flattened.
        target: Name of the targets, (examples,).
        task: Classification, regression, or None to decide by the target.
        base: Folder of the spec.
        split: Names the array of groups or times.

    Raises:
        DataError: The file or an array of it cannot be used.
    """
    file = base / path
    key = split.array if split is not None else None
    wanted = [features, target, *([key] if key is not None else [])]

    def arrays_of(file: Path) -> tuple[list[str], dict[str, Any]]:
        with file.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            return list(archive.files), {name: archive[name] for name in wanted if name in archive.files}

    names, arrays = array_files.read(file, arrays_of, "an NPZ archive of plain arrays", "write it with numpy.savez")
    for name in wanted:
        if name not in arrays:
            raise DataError(
                "there is no such array", received=name, remedy="arrays: " + ", ".join(names), where=str(file)
            )
    x = array_files.features(arrays[features], arrays[target], (features, target), str(file))
    times = split is not None and split.use == "time"
    values = array_files.key_of(arrays[key], len(x), times, f"{file}: {key}") if key is not None else None
    return examples_of(x, arrays[target], task, file, target, values)
