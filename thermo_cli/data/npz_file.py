"""NumPy archives with one array of features and one of targets; never with pickled objects."""

import zipfile
from pathlib import Path

import numpy as np

from thermo_cli.contracts import Examples, Task
from thermo_cli.data.targets import examples_of
from thermo_cli.errors import DataError


def load(path: str, features: str, target: str, task: Task | None, base: Path) -> Examples:
    """Read an NPZ file.

    Args:
        path: The file, relative to `base`.
        features: Name of the features, (examples, ...); further axes are flattened.
        target: Name of the targets, (examples,).
        task: Classification, regression, or None to decide by the target.
        base: Folder of the spec.

    Raises:
        DataError: The file or an array of it cannot be used.
    """
    file = base / path
    try:
        with file.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            names = list(archive.files)
            arrays = {name: archive[name] for name in (features, target) if name in names}
    except FileNotFoundError:
        raise DataError(
            "there is no such file", received=str(file), remedy="give the path relative to the spec"
        ) from None
    except (OSError, ValueError, zipfile.BadZipFile, AttributeError) as error:
        raise DataError(
            "the file is not an NPZ archive of plain arrays",
            received=str(error),
            remedy="write it with numpy.savez",
            where=str(file),
        ) from None
    for name in (features, target):
        if name not in arrays:
            raise DataError(
                "there is no such array", received=name, remedy="arrays: " + ", ".join(names), where=str(file)
            )
    x, y = arrays[features], arrays[target]
    if x.ndim < 2 or y.ndim != 1 or len(x) != len(y) or len(x) == 0:
        raise DataError(
            "features are (examples, features...) and targets (examples,)",
            received=f"{features} {x.shape}, {target} {y.shape}",
            remedy="reshape them before saving", where=str(file),
        )  # fmt: skip
    if not np.issubdtype(x.dtype, np.number):
        raise DataError(
            "expected numbers as features",
            received=str(x.dtype),
            remedy="convert them before saving",
            where=f"{file}: {features}",
        )
    x = x.reshape(len(x), -1).astype(np.float64)
    if not np.all(np.isfinite(x)):
        row, column = (int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise DataError(
            "the value is not finite", received=f"{x[row, column]} in example {row + 1}, feature {column + 1}",
            remedy="remove the example or fill the value in", where=f"{file}: {features}",
        )  # fmt: skip
    return examples_of(x, y, task, file, target)
