"""From a source of examples to a pool and a fixed test set."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from thermo_cli.contracts import Array, Dataset, Examples, Integers, Rows
from thermo_cli.data import bath, mapped
from thermo_cli.data.partition import check_classes, partition
from thermo_cli.data.remarks import RemarkedDataset, remarks_of
from thermo_cli.errors import DataError
from thermo_cli.registry import load
from thermo_cli.spec.data_rules import DataPart, OwnData


def load_dataset(data: DataPart, base: Path, before: Mapping[str, Any] | None = None) -> Dataset:
    """Load the examples that a spec names, split and scale them.

    Args:
        data: The spec's `data`.
        base: Folder of the spec, for relative paths.
        before: `source` of the same data when the run began: features on disk are not read whole again if nothing has changed.

    Raises:
        DataError: The data cannot be read, or are too few to split.
        SpecError: A function or a transformer cannot be used.
    """
    with threadpool_limits(1):  # a function's sums, and so its bits, depend on the number of threads
        return split(_examples(data, base), data, before)


def _examples(data: DataPart, base: Path) -> Examples:
    source = load(data.builds.format(use=data.use))
    examples: Examples = source(data, base) if isinstance(data, OwnData) else source(**data.arguments.model_dump())
    return examples


def split(examples: Examples, data: DataPart, before: Mapping[str, Any] | None = None) -> Dataset:
    """Set a test set aside, scale by the pool alone, and do to the bath what the spec asks for.

    Args:
        examples: All examples.
        data: The spec's `data`.
        before: `source` of the same data when the run began.

    Raises:
        DataError: A side would be empty, or the data cannot serve.
    """
    pool, test = partition(examples, data)
    if isinstance(examples.x, mapped.MappedFile):
        sides = _on_disk(examples.x, pool, test, data, before)
    else:
        sides = _in_memory(examples, pool, test, data)
    if len(sides.pool) < len(pool):
        check_classes(examples, sides.pool, "thinned away from the pool")
    y, y_test, target_sd = examples.y[sides.pool], examples.y[test], 1.0
    if _standardizes(data) and examples.task == "regression":
        y, y_test, target_sd = _standardize(y, y_test)
    if data.label_noise:
        y = bath.noisy_labels(y, data.label_noise, examples.task, len(examples.labels), data.split_seed)
    x_shifted = y_shifted = None
    if data.shifted is not None:
        spread = sides.spread if sides.spread is not None else np.asarray(sides.x).std(axis=0)
        x_shifted, rows = bath.shifted_test(sides.x_test, spread, sides.scores, data.shifted, data.split_seed)
        y_shifted = y_test[rows]
    shapes = (sides.x.shape, sides.x_test.shape)
    digest = hashlib.sha256(repr((examples.task, examples.labels, *shapes, target_sd)).encode())
    for array in (sides.content, y, sides.x_test, y_test, x_shifted, y_shifted):
        if array is not None:
            digest.update(np.ascontiguousarray(array).tobytes())
    return RemarkedDataset(
        sides.x,
        y,
        sides.x_test,
        y_test,
        examples.task,
        examples.labels,
        target_sd,
        digest.hexdigest(),
        x_shifted,
        y_shifted,
        sides.source,
        remarks_of(examples),
    )


@dataclass(frozen=True)
class _Sides:
    """Features of pool and test set, scaled.

    Attributes:
        pool: Which examples the pool holds.
        x: Their features, in memory or on disk.
        x_test: Features of the test set.
        content: What the features of the pool are known by, for the fingerprint.
        spread: Standard deviation of each feature over the pool, where it is known already.
        scores: z of the test set, where it was asked for.
        source: What spares the next reader of features on disk to read them whole.
    """

    pool: Integers
    x: Array | Rows
    x_test: Array
    content: NDArray[Any]
    spread: Array | None = None
    scores: Array | None = None
    source: Mapping[str, Any] | None = None


def _in_memory(examples: Examples, pool: Integers, test: Integers, data: DataPart) -> _Sides:
    """Take the features apart; thin the pool, and scale numbers by what is left of it."""
    x, x_test, scores = examples.x[pool], examples.x[test], None
    coded, coded_test = np.empty((len(pool), 0)), np.empty((len(test), 0))
    if examples.encode is not None:
        coded, coded_test = examples.encode(pool, test, data.split_seed)
    if _asks_for_scores(data):
        of_pool, scores = bath.principal_scores(np.hstack([x, coded]), np.hstack([x_test, coded_test]))
        if data.covariate_shift is not None:
            kept = bath.thinned(of_pool, data.covariate_shift, data.split_seed)
            pool, x, coded = pool[kept], x[kept], coded[kept]
    if _standardizes(data) and x.size:
        x, x_test, _ = _standardize(x, x_test)
    if examples.encode is not None:
        x, x_test = np.hstack([x, coded]), np.hstack([x_test, coded_test])
    return _Sides(pool, x, x_test, x, None, scores)


def _on_disk(
    file: mapped.MappedFile, pool: Integers, test: Integers, data: DataPart, before: Mapping[str, Any] | None
) -> _Sides:
    """Leave the pool where it is, read the test set, and scale by what one pass over the file finds."""
    if _asks_for_scores(data):
        raise DataError(
            "a covariate shift needs the principal component of the pool, which features on disk do not give",
            received=f"{file.file}, {file.shape}",
            remedy="shifted: {noise: SD}, or features that fit into memory",
            where="data",
        )
    mapped.check_test_set(file, test)
    survey, source = mapped.surveyed(file, pool, before)
    mean, unit = np.zeros_like(survey.mean), np.ones_like(survey.sd)
    if _standardizes(data):
        mean, unit = survey.mean, np.where(survey.sd > 0, survey.sd, 1.0)
    content = hashlib.sha256(survey.sha256.encode())
    for array in (pool, test, mean, unit):
        content.update(array.tobytes())
    x_test = (file[test] - mean) / unit
    return _Sides(
        pool,
        mapped.MappedRows(file, pool, mean, unit),
        x_test,
        np.frombuffer(content.digest(), np.uint8),
        survey.sd / unit,
        None,
        source,
    )


def _asks_for_scores(data: DataPart) -> bool:
    return data.covariate_shift is not None or (data.shifted is not None and data.shifted.covariate is not None)


def _standardizes(data: DataPart) -> bool:
    return getattr(data, "scale", "none") == "standardize"


def _standardize(pool: Any, test: Any) -> tuple[Array, Array, float]:
    mean, sd = pool.mean(axis=0), pool.std(axis=0)
    unit = np.where(sd > 0, sd, 1.0)
    return (pool - mean) / unit, (test - mean) / unit, float(np.mean(unit))
