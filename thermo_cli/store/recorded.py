"""Runs that were recorded elsewhere, kept in the run folder as one file: judged again without the files they came from."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Trajectories
from thermo_cli.errors import DamagedError, StoreError, UsageError
from thermo_cli.store.files import MEND, ArrayFile, check_record, read_arrays, write_arrays


def write_recorded(path: Path, run: str, trajectories: Trajectories, parameters: NDArray[np.floating] | None) -> None:
    """Keep recorded runs.

    Args:
        path: Where.
        run: Identity of the run.
        trajectories: What was recorded.
        parameters: Microstates at the last step, (replica, parameter), where they were recorded.
    """
    arrays = {"steps": trajectories.steps, "crashed": trajectories.crashed.astype(np.uint8)}
    arrays |= {"ended": trajectories.ended.astype(np.uint8)} if trajectories.ended is not None else {}
    arrays |= {f"values/{name}": array for name, array in trajectories.values.items()}
    arrays |= {f"budgets/{name}": array for name, array in trajectories.budgets.items()}
    if parameters is not None:
        arrays[f"snapshot/{int(trajectories.steps[-1]):012d}"] = parameters
    record = {
        "kind": "recorded",
        "run": run,
        "replicas": list(trajectories.replicas),
        "histories": list(trajectories.histories),
    }
    write_arrays(path, ArrayFile(arrays, record))


def read_recorded(path: Path, run: str, old: bool = False) -> Trajectories:
    """Return recorded runs.

    Args:
        path: What `write_recorded` wrote.
        run: Identity of the run.
        old: Whether version 0.5 made the run, which did not say whose file it is.

    Raises:
        StoreError: There is nothing, or it is damaged.
    """
    file = _read(path, run, old)
    values, budgets = (
        {
            name.removeprefix(kind): np.asarray(array, dtype=np.float64)
            for name, array in file.arrays.items()
            if name.startswith(kind)
        }
        for kind in ("values/", "budgets/")
    )
    return Trajectories(
        np.asarray(file.arrays["steps"], dtype=np.int64),
        values,
        tuple(file.record["replicas"]),
        tuple(file.record["histories"]),
        file.arrays["crashed"].astype(bool),
        budgets,
        sparse="ended" in file.arrays,  # before, NaN said either, and who ended had crashed
        ended=file.arrays["ended"].astype(bool) if "ended" in file.arrays else None,
    )


def read_recorded_parameters(path: Path, run: str, step: int, old: bool = False) -> NDArray[np.floating]:
    """Return the microstates of recorded runs, (replica, parameter).

    Args:
        path: What `write_recorded` wrote.
        run: Identity of the run.
        step: The last step.
        old: Whether version 0.5 made the run.

    Raises:
        UsageError: None were recorded at this step.
    """
    arrays = _read(path, run, old).arrays
    name = f"snapshot/{step:012d}"
    if name not in arrays:
        kept = [str(int(key.partition("/")[2])) for key in arrays if key.startswith("snapshot/")]
        raise UsageError(
            "no parameters are kept at this step", received=step, remedy=f"kept: {', '.join(kept) or 'none'}"
        )
    found: NDArray[np.floating] = arrays[name]
    return found


def _read(path: Path, run: str, old: bool) -> ArrayFile:
    if not path.exists():
        raise StoreError(
            "the recorded runs have not been read into this folder",
            received=str(path),
            remedy="give the thermo-run command again",
        )
    file = read_arrays(path)
    names = [*file.record.get("replicas", ()), *file.record.get("histories", ()), *file.arrays]
    if not all(isinstance(name, str) and name.isprintable() for name in names):  # as none that was read is
        raise DamagedError("a name in the file cannot be printed", received=str(path), remedy=MEND)
    if not (old and file.record["schema_version"] == 1):
        check_record(path, file.record, {"kind": "recorded", "run": run})
    return file
