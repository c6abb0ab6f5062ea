"""What lies in a folder: which files are logs, of which runs, and what these are called.

In a folder with logs below several folders each of these is a run, else each file is one. Of the kinds of logs that are there
the one counts that most runs have; what is not read is said.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from thermo_cli.errors import DataError
from thermo_cli.kinds.importers import IMPORTERS
from thermo_cli.kinds.importers.mlflow_folder import is_store
from thermo_cli.kinds.importers.mlflow_store import MAGIC
from thermo_cli.kinds.recorded.exports import together
from thermo_cli.kinds.recorded.shapes import TABLES

STATE: Final = "trainer_state.json"
EVENTS: Final = "tfevents"
DATABASES: Final = (".db", ".sqlite", ".sqlite3")
CHECKPOINT: Final = re.compile(r"checkpoint-(\d+)")
ORDER: Final = ("trainer_state", "table", "tensorboard", "mlflow")
USUAL: Final = ("metrics", "log", "history", "progress")  # stems of logs
MOST_FILES: Final = 200_000
LINES: Final = (
    f"save each run as a table ({', '.join(IMPORTERS)}) with a column that counts time, such as\n"
    "    step,test_accuracy,test_loss\n    100,0.91,0.31\n"
    "    or all runs in one, such as\n    replica,step,observable,value\n    0,100,test_accuracy,0.91"
)


@dataclass(frozen=True)
class Place:
    """The files of a run, or of several.

    Attributes:
        kind: Who reads them, one of `ORDER`.
        files: What is read; of TensorBoard and MLflow also a folder.
        replica: Named by its place; empty where it is not.
        history: The same.
        point: The same.
    """

    kind: str
    files: tuple[Path, ...]
    replica: str = ""
    history: str = ""
    point: str = ""


def kind_of_file(path: Path, format: str = "auto") -> str:
    """Return who reads a file, one of `ORDER`, by its name; empty for nobody.

    Args:
        path: Of the file, or of a folder of MLflow's.
        format: What the spec says that it is.
    """
    if format in TABLES:
        return "table" if path.suffix.lower() in IMPORTERS else ""
    if format != "auto":
        return format
    if path.name == STATE:
        return "trainer_state"
    if EVENTS in path.name:
        return "tensorboard"
    if path.suffix.lower() in DATABASES:
        return "mlflow" if _head(path) == MAGIC else ""
    return "table" if path.suffix.lower() in IMPORTERS else ""


def _head(path: Path) -> bytes:
    try:
        if not path.is_file():  # a pipe would be waited for
            return b""
        with path.open("rb") as handle:
            return handle.read(len(MAGIC))
    except OSError:
        return b""


def in_folder(folder: Path, format: str) -> tuple[list[Place], list[Path]]:
    """Return the runs in a folder, those of the kind that most of its folders have, and the files that are not read.

    Args:
        folder: Where to look, however deep.
        format: What the spec says that its files are.

    Raises:
        DataError: There are none.
    """
    stores = [place for place in (folder, folder / "mlruns") if is_store(place)]
    if stores and format in ("auto", "mlflow"):
        return [Place("mlflow", (stores[0],))], []
    files = _files(folder)
    by_kind: dict[str, list[Path]] = {}
    for path in files:
        if not path.is_file():  # a pipe, a device, a link to nothing: it is said that it is not read
            continue
        by_kind.setdefault(kind_of_file(path, format if format in TABLES else "auto"), []).append(path)
    if format != "auto":
        by_kind = {kind: paths for kind, paths in by_kind.items() if kind == ("table" if format in TABLES else format)}
    known = {kind: _grouped(kind, paths, folder) for kind, paths in by_kind.items() if kind}
    if not known:
        raise _nothing(folder, files)
    kind = max(known, key=lambda kind: (len(known[kind]), -ORDER.index(kind)))
    places = known[kind]
    read = {path for place in places for path in place.files}
    return places, [path for path in files if path not in read]


def _files(folder: Path) -> list[Path]:
    """Return what lies in a folder, hidden files and folders left out."""
    found: list[Path] = []
    for path in folder.rglob("*"):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts) and not path.is_dir():
            found.append(path)
        if len(found) > MOST_FILES:
            raise DataError(
                "there are too many files in this folder",
                received=f"more than {MOST_FILES:,}",
                remedy="give a pattern, such as DIR/{replica}/metrics.csv",
                where=str(folder),
            )
    return sorted(found, key=natural)


def _grouped(kind: str, paths: Sequence[Path], folder: Path) -> list[Place]:
    """Return the runs that some files of one kind are."""
    if kind == "mlflow":
        return [Place(kind, (path,)) for path in paths]
    if kind == "trainer_state":
        paths = latest_of(paths)
    groups: dict[Path, list[Path]] = {}
    for path in paths:
        groups.setdefault(run_folder(path), []).append(path)
    if kind == "table":
        groups = _logs(groups)
    if len(groups) == 1 and kind == "table":
        own = together(next(iter(groups.values())))
        return [Place(kind, files, replica=files[0].stem if len(own) > 1 else "") for files in own]
    names = names_of(list(groups), [own[0] for own in groups.values()])
    return [Place(kind, tuple(own), replica=name) for name, own in zip(names, groups.values(), strict=True)]


def run_folder(path: Path) -> Path:
    """Return the folder of a run: of a checkpoint the one that it lies in."""
    return path.parent.parent if CHECKPOINT.fullmatch(path.parent.name) else path.parent


def latest_of(paths: Sequence[Path]) -> list[Path]:
    """Return of each run the state that was kept last: its own, or that of the latest checkpoint.

    Args:
        paths: Of states.
    """
    latest: dict[Path, tuple[int, Path]] = {}
    for path in paths:
        match = CHECKPOINT.fullmatch(path.parent.name)
        number = int(match[1]) if match else 2**62
        latest[run_folder(path)] = max(latest.get(run_folder(path), (-1, path)), (number, path))
    return [path for _, path in latest.values()]


def _logs(groups: dict[Path, list[Path]]) -> dict[Path, list[Path]]:
    """Return of each folder the tables that most folders have: `metrics`, or what is usual, or all of one name."""
    counts = Counter(path.name for own in groups.values() for path in own)
    if len(groups) == 1:
        return groups
    most = max(counts.values())
    names = [name for name, count in counts.items() if 2 * count > most]
    usual = [name for stem in USUAL for name in names if Path(name).stem == stem][:1] or names
    if most == 1:
        return groups
    kept = {folder: [path for path in own if path.name in usual] for folder, own in groups.items()}
    return {folder: own for folder, own in kept.items() if own}


def names_of(folders: Sequence[Path], files: Sequence[Path]) -> list[str]:
    """Name runs by what differs in their places: of their folders, or of the files where those are the same.

    Args:
        folders: Of each run.
        files: Of each run, one.
    """
    parts = [
        (*folder.parts, file.stem) if len(set(folders)) < len(folders) else folder.parts
        for folder, file in zip(folders, files, strict=True)
    ]
    if len(parts) == 1:
        return [parts[0][-1]]
    depth = min(map(len, parts))
    same = [index for index in range(depth) if len({own[index] for own in parts}) == 1]
    if len(set(map(len, parts))) > 1:  # of unequal depth only what is before all of them says nothing
        same = [index for index in same if same[: index + 1] == list(range(index + 1))]
    return ["/".join(part for index, part in enumerate(own) if index not in same) or own[-1] for own in parts]


def natural(path: Path) -> list[tuple[int, int, str]]:
    """Order paths as a person would: version_2 before version_10.

    Args:
        path: One of them.
    """
    return [
        (1, int(piece), "") if piece.isdigit() and piece.isascii() else (0, 0, piece)
        for part in path.parts
        for piece in (*re.split(r"(\d+)", part), "/")
    ]


def _nothing(folder: Path, files: Sequence[Path]) -> DataError:
    names = ", ".join(str(path.relative_to(folder)) for path in files[:5]) + (", ..." if len(files) > 5 else "")
    return DataError(
        "there are no runs in this folder that can be read",
        received=f"{len(files)} files: {names}" if files else "no files",
        remedy=f"tried: {_tried()}; for others give a pattern, such as DIR/{{replica}}/metrics.csv",
        where=str(folder),
    )


def unread(path: Path) -> DataError:
    """Return what is wrong with a file that nobody reads.

    Args:
        path: Of the file.
    """
    if not path.exists():
        return DataError("there is no such file", received=str(path), remedy="give the path relative to the spec")
    return DataError(
        "recorded runs are not read from files of this kind",
        received=f"{path.suffix or 'a name without a suffix'}; tried: {_tried()}",
        remedy=LINES,
        where=str(path),
    )


def _tried() -> str:
    return f"tables ({', '.join(IMPORTERS)}), {STATE}, files with {EVENTS} in their names, and MLflow's (mlflow.db, mlruns)"
