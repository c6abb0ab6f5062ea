"""What W&B exports: a file for each metric, with a column for each run; files of one folder with runs in common are one."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from thermo_cli.kinds.recorded.shapes import RUN_METRIC

HEAD: Final = 1 << 20  # characters of a first line, at most


def together(paths: Sequence[Path]) -> list[tuple[Path, ...]]:
    """Return which files are read as one: exports in one folder with runs in common, and no column twice.

    Args:
        paths: Of exports, and of whatever else.
    """
    folders: dict[Path, dict[Path, list[str]]] = {}
    for path in paths:
        columns = _columns(path)
        if columns:
            folders.setdefault(path.parent, {})[path] = columns
    one = {path: tuple(own) for own in folders.values() if _fit(list(own.values())) for path in own}
    return list(dict.fromkeys(one.get(path, (path,)) for path in paths))


def _fit(files: Sequence[Sequence[str]]) -> bool:
    """Say whether some runs are in several of some files, each time with another metric."""
    columns = [name for own in files for name in own]
    runs = [run for own in files for run in {name.rpartition(RUN_METRIC)[0] for name in own}]
    return len(set(columns)) == len(columns) and len(set(runs)) < len(runs)


def _columns(path: Path) -> list[str]:
    """Return the columns of a file that W&B has exported, without the first, which counts time; of others nothing."""
    if path.suffix.lower() != ".csv" or not path.is_file():  # a pipe would be waited for
        return []
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
            _, *columns = next(csv.reader([handle.readline(HEAD)]), [""])
    except (OSError, ValueError, csv.Error):  # what is wrong with it is told when it is read
        return []
    return columns if all(RUN_METRIC in name for name in columns) else []
