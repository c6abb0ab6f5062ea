"""Features larger than the memory: an NPY file of which only the rows that are asked for are ever read.

The file is read by position, not through a memory map: pages of a map count as the process's own memory for as long as it is
open. Whatever needs the whole file (its hash, finiteness, the spread of each feature) is found in one pass in small pieces.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from thermo_cli.contracts import Array, Integers
from thermo_cli.data.array_files import check_finite
from thermo_cli.errors import DataError

PIECE_BYTES: Final = 2**24
TEST_BYTES: Final = 2**28  # of the test set, which every process holds in memory, in double precision


@dataclass(frozen=True)
class Survey:
    """What one pass over the file finds.

    Attributes:
        sha256: Of the whole file.
        mean: Of each feature over the pool, (features,).
        sd: Standard deviation of each feature over the pool, (features,).
    """

    sha256: str
    mean: Array
    sd: Array


@dataclass(frozen=True)
class MappedFile:
    """A C-ordered NPY file of numbers, (examples, features...).

    Attributes:
        file: Its path.
        dtype: Type of its numbers.
        shape: Examples, and features in one axis.
        offset: Where the numbers begin, in bytes.
        size: Of the file, in bytes.
        modified: When it was last changed, in nanoseconds.
    """

    file: Path
    dtype: np.dtype[Any]
    shape: tuple[int, int]
    offset: int
    size: int
    modified: int

    def survey(self, pool: Integers) -> Survey:
        """Read the whole file once, in pieces: hash, finiteness, mean and spread (Chan, Golub & LeVeque 1983, eq. 2.1).

        Args:
            pool: Examples of the pool, increasing.

        Raises:
            DataError: A number is not finite.
        """
        digest, count = hashlib.sha256(), 0
        mean, squares = np.zeros(self.shape[1]), np.zeros(self.shape[1])
        rows = max(PIECE_BYTES // (self.shape[1] * self.dtype.itemsize), 1)
        with self.file.open("rb", buffering=0) as handle:
            digest.update(handle.read(self.offset))
            for start in range(0, self.shape[0], rows):
                piece = self._read(handle, start, min(rows, self.shape[0] - start))
                digest.update(piece.data.cast("B"))
                check_finite(piece, str(self.file), start)
                first, last = np.searchsorted(pool, [start, start + len(piece)])
                mine = piece[pool[first:last] - start].astype(np.float64)
                if not len(mine):
                    continue
                difference, total = mine.mean(axis=0) - mean, count + len(mine)
                squares += mine.var(axis=0) * len(mine) + difference**2 * (count * len(mine) / total)
                mean += difference * (len(mine) / total)
                count = total
            self.check_unchanged(handle)
        return Survey(digest.hexdigest(), mean, np.sqrt(squares / max(count, 1)))

    def __getitem__(self, index: Integers) -> Array:
        """Read some examples, (n, features): an index of (n,) in any order; DataError if the file has changed."""
        rows, places = np.unique(index, return_inverse=True)
        features = np.empty((len(rows), self.shape[1]), self.dtype)
        with self.file.open("rb", buffering=0) as handle:
            self.check_unchanged(handle)
            for place, row in enumerate(rows.tolist()):
                features[place] = self._read(handle, row, 1)
        return features[places].astype(np.float64)

    def check_unchanged(self, handle: BinaryIO) -> None:
        """Refuse a file that was written to since it was opened.

        Args:
            handle: The open file.

        Raises:
            DataError: Size or time of the last change are others.
        """
        now = os.fstat(handle.fileno())
        if (now.st_size, now.st_mtime_ns) != (self.size, self.modified):
            raise DataError(
                "the data changed while the run was in progress",
                received=f"{self.file}, written to since it was opened",
                remedy="restore the file, or give the command again: a changed file is another run",
            )

    def _read(self, handle: Any, start: int, count: int) -> np.ndarray[Any, Any]:
        piece = np.empty((count, self.shape[1]), self.dtype)
        view = piece.reshape(-1).view(np.uint8).data
        handle.seek(self.offset + start * self.shape[1] * self.dtype.itemsize)
        while len(view):
            read = handle.readinto(view)
            if not read:
                raise DataError(
                    "the file ends before its last example", received=str(self.file), remedy="write it again"
                )
            view = view[read:]
        return piece


@dataclass(frozen=True)
class MappedRows:
    """The pool of a file on disk: rows are read, centred and scaled when they are asked for.

    Attributes:
        source: The file.
        rows: Examples of the pool, (pool,).
        mean: Subtracted from each feature, (features,).
        unit: Each feature is divided by it, (features,).
    """

    source: MappedFile
    rows: Integers
    mean: Array
    unit: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Number of examples and of features."""
        return len(self.rows), self.source.shape[1]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Array:
        rows = np.asarray(self.rows[index])
        features = (self.source[rows.reshape(-1)] - self.mean) / self.unit
        return features.reshape(*rows.shape, -1)

    def __array__(self, *_: Any, **__: Any) -> Array:
        raise DataError(
            "features on disk are not read whole",
            received=f"{self.source.file}, {self.shape}",
            remedy="take the rows that are needed: x[indices]",
        )


def open_mapped(file: Path) -> MappedFile:
    """Read the header of an NPY file.

    Args:
        file: Its path.

    Raises:
        DataError: It cannot be read row by row.
    """
    mapped = np.load(file, mmap_mode="r", allow_pickle=False)
    if not isinstance(mapped, np.memmap) or mapped.ndim < 2 or mapped.dtype.kind not in "iuf":
        raise DataError(
            "features are an array of numbers, (examples, features...)",
            received=f"{mapped.dtype} {mapped.shape}",
            remedy="convert and reshape them before saving",
            where=str(file),
        )
    if not mapped.flags.c_contiguous:
        raise DataError(
            "rows of this file cannot be read one by one: it is in Fortran order",
            received="mmap: true",
            remedy="save numpy.ascontiguousarray(x)",
            where=str(file),
        )
    now = file.stat()
    shape = (mapped.shape[0], int(np.prod(mapped.shape[1:])))
    return MappedFile(file, mapped.dtype, shape, mapped.offset, now.st_size, now.st_mtime_ns)


def surveyed(source: MappedFile, pool: Integers, before: Mapping[str, Any] | None) -> tuple[Survey, dict[str, Any]]:
    """Return what a pass over the file finds, without one where size and time of the last change are as they were.

    Args:
        source: The file.
        pool: Examples of the pool, increasing.
        before: What this function returned beside it when the run began.

    Returns:
        What was found, and the same as JSON, for whoever opens the file next.
    """
    stamp = {"size": source.size, "modified": source.modified}
    if before is not None and all(before[name] == value for name, value in stamp.items()):
        survey = Survey(before["sha256"], np.array(before["mean"]), np.array(before["sd"]))
    else:
        survey = source.survey(pool)
    return survey, {**stamp, "sha256": survey.sha256, "mean": survey.mean.tolist(), "sd": survey.sd.tolist()}


def check_test_set(source: MappedFile, test: Integers) -> None:
    """Refuse a test set that does not fit beside the training in every process.

    Args:
        source: The file.
        test: Examples of the test set.

    Raises:
        DataError: It is too large.
    """
    most = TEST_BYTES // (8 * source.shape[1])
    if len(test) > most:
        raise DataError(
            "the test set of features on disk is held in memory, and is too large for that",
            received=f"{len(test)} examples of {source.shape[1]} features",
            remedy=f"data.test_fraction of at most {most / source.shape[0]:.2g} (measured at every time, it need not be large)",
            where="data.test_fraction",
        )
