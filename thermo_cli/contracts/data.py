"""Where examples come from: sources, pools and test sets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts.types import Array, Integers, Task


class Rows(Protocol):
    """Features that stay on disk: an array of (examples, features) of which rows are read when they are asked for."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of examples and of features."""

    def __getitem__(self, index: Any) -> Array:
        """Read the rows that an index of integers or a slice names, (..., features)."""


@dataclass(frozen=True)
class Examples:
    """A source of examples before it is split.

    Attributes:
        x: Features, (examples, features).
        y: Classes 0..C-1 as integers, or numbers, (examples,).
        task: Classification or regression.
        labels: Names of the classes; empty for regression.
        key: Group or time of each example, (examples,); None where the source has none.
        test: Which examples are the test set, where the source says so itself.
        encode: From pool, test set and a seed to further features of both, fitted on the pool.
    """

    x: "Array | Rows"
    y: Integers | Array
    task: Task
    labels: tuple[str, ...] = ()
    key: NDArray[Any] | None = None
    test: Integers | None = None
    encode: Callable[[Integers, Integers, int], tuple[Array, Array]] | None = None


@dataclass(frozen=True)
class Dataset:
    """A pool from which subsamples are drawn, and one test set for all replicas.

    Attributes:
        x: Features of the pool, (pool, features); an array, or rows on disk. `x[indices]` is an array either way.
        y: Targets of the pool, (pool,).
        x_test: Features of the test set, (test, features).
        y_test: Targets of the test set, (test,).
        task: Classification or regression.
        labels: Names of the classes.
        target_sd: What one unit of a regression target is in the units of the file.
        fingerprint: SHA-256 of all of the above and below.
        x_shifted: Features of a test set from another distribution, (shifted, features); None where there is none.
        y_shifted: Its targets, (shifted,).
        source: Of rows on disk, what spares a worker to read all of them again: see `data.mapped`.
    """

    x: "Array | Rows"
    y: Integers | Array
    x_test: Array
    y_test: Integers | Array
    task: Task
    labels: tuple[str, ...]
    target_sd: float
    fingerprint: str
    x_shifted: Array | None = None
    y_shifted: Integers | Array | None = None
    source: Mapping[str, Any] | None = None

    @property
    def classes(self) -> Integers | None:
        """Class of each example of the pool, (pool,); None for regression."""
        return self.y.astype(np.int64) if self.task == "classification" else None

    def gathered(self, examples: Integers) -> "tuple[Dataset, Integers]":
        """Read what some replicas use of a pool on disk into memory; a pool in memory is returned as it is.

        The order of the rows is kept, so nothing that is computed from them changes.

        Args:
            examples: Indices into the pool, (replica, example).

        Returns:
            The data with only those rows as the pool, and the same examples as indices into it.
        """
        if isinstance(self.x, np.ndarray):
            return self, examples
        used, places = np.unique(examples, return_inverse=True)
        return replace(self, x=self.x[used], y=self.y[used]), places.reshape(examples.shape).astype(np.int64)

    @property
    def inputs(self) -> int:
        """Number of features."""
        return int(self.x.shape[1])

    @property
    def outputs(self) -> int:
        """Number of outputs of a model: classes, or one number."""
        return len(self.labels) if self.task == "classification" else 1
