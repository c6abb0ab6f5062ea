"""Scalars of TensorBoard's event files, by its own EventAccumulator, where the package tensorboard is installed.

Old scalars are numbers, new ones tensors without axes; a file whose last record is torn is read up to there.
"""

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from thermo_cli.errors import DataError
from thermo_cli.kinds.importers.logged import Choice, LoggedRun, Series, series_of

ACCUMULATOR: Final = "tensorboard.backend.event_processing.event_accumulator"
EVERYTHING: Final = {"scalars": 0, "tensors": 0, "images": 1, "audio": 1, "histograms": 1, "compressedHistograms": 1}
NEWEST: Final = "brain.Event:2"


def read(folder: Path, choose: Choice) -> LoggedRun:
    """Read the scalars of all event files of one run.

    Args:
        folder: Where they are, or one such file.
        choose: Says which scalars are read.

    Raises:
        DataError: tensorboard is missing, or the file is none that it reads.
    """
    module = _package(folder)
    try:
        with _quiet():
            events = module.EventAccumulator(str(folder), size_guidance=EVERYTHING)
            events.Reload()
            _check_version(folder, events.file_version)
            tags = events.Tags()
            names = [*tags["scalars"], *(tag for tag in tags["tensors"] if _scalar(events, tag))]
            chosen = set(choose(names))
            series = {name: _series(events, name, name in tags["scalars"], folder) for name in names if name in chosen}
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file raises errors of protobuf, struct, zlib and more
        raise _unreadable(folder, f"{type(error).__name__}: {error}") from None
    return LoggedRun("", str(folder), series)


def _package(folder: Path) -> Any:
    try:
        return importlib.import_module(ACCUMULATOR)
    except ImportError:
        raise DataError(
            "event files are read with tensorboard, which is not installed",
            received=str(folder),
            remedy='pip install "thermo-cli[tensorboard]"',
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves what tensorboard logs of torn records."""
    logger = logging.getLogger("tensorboard")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _check_version(folder: Path, version: float | None) -> None:
    if version != 2.0:
        raise _unreadable(
            folder, f"version {version:g}" if version is not None else "no first record that says its version"
        )


def _unreadable(folder: Path, received: str) -> DataError:
    return DataError(
        "the event file cannot be read",
        received=received[:200],
        remedy=f"files of version {NEWEST} are read: write it again with a present client, or leave it out",
        where=str(folder),
    )


def _scalar(events: Any, tag: str) -> bool:
    """Say whether a tensor is a scalar, by the plugin that it was written for."""
    return bool(events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars")


def _series(events: Any, tag: str, plain: bool, folder: Path) -> Series:
    where = f"{folder}: {tag}"
    if plain:
        return series_of(((event.step, event.value) for event in events.Scalars(tag)), where)
    to_array = importlib.import_module("tensorboard.util.tensor_util").make_ndarray
    pairs = ((event.step, float(to_array(event.tensor_proto).reshape(-1)[0])) for event in events.Tensors(tag))
    return series_of(pairs, where)
