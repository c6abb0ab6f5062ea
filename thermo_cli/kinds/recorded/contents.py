"""From the files at a place to the runs in them, by the importer of their kind; the bytes that were read are sealed."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from thermo_cli.data.files import check_link, check_regular
from thermo_cli.data.table import Table
from thermo_cli.errors import DataError
from thermo_cli.kinds.importers import mlflow_folder, mlflow_store, tensorboard_events, trainer_state
from thermo_cli.kinds.importers.logged import LoggedRun
from thermo_cli.kinds.recorded import long, wide
from thermo_cli.kinds.recorded.folders import EVENTS, Place
from thermo_cli.kinds.recorded.reading import Reading, title_of
from thermo_cli.kinds.recorded.shapes import TITLES, Shape
from thermo_cli.memory import check_memory

Seals = dict[Path, str]  # file to the hash of its bytes


def runs_at(place: Place, reading: Reading, seals: Seals) -> list[LoggedRun]:
    """Read the runs at one place.

    Args:
        place: Where.
        reading: Says what is read, and takes notes.
        seals: Hashes are added.

    Raises:
        DataError: With the file and line of whatever cannot be used.
    """
    if place.kind != "table":
        reading.note(f"taken for {TITLES[place.kind]}: {_why(place)}", place.files[0])
    first, where = place.files[0], str(place.files[0])
    if place.kind == "tensorboard":
        _seal(place.files, seals)
        with _events_of(place) as source:
            run = tensorboard_events.read(source, lambda names: reading.choose(names, where))
        return _in_order([replace(run, where=str(first if source == first else first.parent))], reading)
    if place.kind == "mlflow":
        _seal(mlflow_folder.files_in(first) if first.is_dir() else [first], seals)
        read = mlflow_folder.read if first.is_dir() else mlflow_store.read
        return _in_order(read(first, lambda names: reading.choose(names, where)), reading)
    if place.kind == "trainer_state":
        return wide.runs_in(trainer_state.read(first, _sealed(first, seals)), reading)
    return _in_tables(place, reading, seals)


@contextmanager
def _events_of(place: Place) -> Iterator[Path]:
    """Yield a file of events, or a folder with all those of a run and none of another's."""
    first, *others = place.files
    if not others or all(file in place.files for file in first.parent.iterdir() if EVENTS in file.name):
        yield first.parent if others else first
        return
    with tempfile.TemporaryDirectory() as alone:
        for file in place.files:
            Path(alone, file.name).symlink_to(file.resolve())
        yield Path(alone)


def _in_tables(place: Place, reading: Reading, seals: Seals) -> list[LoggedRun]:
    """Read tables; several are of the same run, and what is read is chosen among all that they have."""
    read = [reading.table(path, _sealed(path, seals)) for path in place.files]
    if len(read) > 1:
        names = [name for table, shape in read for name in _names(table, shape, reading)]
        reading.choose(list(dict.fromkeys(names)), str(place.files[0].parent))
    runs: list[LoggedRun] = []
    for table, shape in read:
        reading.note(shape.words if shape.name != "long" else "", table.file)
        runs += READERS.get(shape.name, wide.runs_in)(table, reading)
    return wide.joined(runs, str(place.files[0].parent)) if len(read) > 1 else runs


def _names(table: Table, shape: Shape, reading: Reading) -> list[str]:
    """Return what a table has measured; of a long one what it names is chosen when it is read."""
    if shape.name == "long":
        return []
    return wide.metrics_in(table) if shape.name == "wandb" else wide.measured(table, reading)


READERS = {"long": long.runs_in, "wandb": wide.exported_in}  # others are wide


def _in_order(runs: list[LoggedRun], reading: Reading) -> list[LoggedRun]:
    """Put the steps of each series in order, the last of a repeated one."""
    return [
        replace(
            run,
            series={
                name: reading.series(title_of(name, run.name, run.where), *own) for name, own in run.series.items()
            },
        )
        for run in runs
    ]


def _why(place: Place) -> str:
    first = place.files[0]
    if first.is_dir():
        return "it has folders of experiments and runs"
    return f"{EVENTS} is in its name" if place.kind == "tensorboard" else f"it is called {first.name}"


def _seal(paths: Sequence[Path], seals: Seals) -> None:
    for path in paths:
        _sealed(path, seals)


def _sealed(path: Path, seals: Seals) -> bytes:
    """Return the bytes of a file, and keep their hash."""
    try:
        check_regular(path, str(path))
        check_link(path, "system.with.path")
        check_memory(path.stat().st_size, str(path), str(path))
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(
            "there is no such file", received=str(path), remedy="give the path relative to the spec"
        ) from None
    except OSError as error:
        raise DataError(
            "the file cannot be read", received=error.strerror, remedy="make it a plain, readable file", where=str(path)
        ) from None
    seals[path] = hashlib.sha256(data).hexdigest()
    return data
