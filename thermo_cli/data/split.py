"""From a source of examples to a pool and a fixed test set, and from the pool to the subsamples of replicas."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from thermo_cli import rng
from thermo_cli.contracts import Array, Dataset, Examples, Integers
from thermo_cli.errors import DataError
from thermo_cli.registry import resolve
from thermo_cli.spec.builtins import Data
from thermo_cli.spec.schema import Subsample


def load_dataset(data: Data, base: Path) -> Dataset:
    """Load the examples that a spec names, split and scale them.

    Args:
        data: The spec's `data`.
        base: Folder of the spec, for relative paths.

    Raises:
        DataError: The data cannot be read, or is too small to split.
    """
    arguments = data.arguments.model_dump()
    if "path" in arguments:
        arguments["base"] = base
    examples: Examples = resolve("data", data.use)(**arguments)
    return split(examples, data.test_fraction, data.split_seed, data.scale == "standardize")


def split(examples: Examples, test_fraction: float, seed: int, standardize: bool) -> Dataset:
    """Set a test set aside (stratified for classes), and scale by the pool alone.

    Args:
        examples: All examples.
        test_fraction: Share of the test set; 0 for a table that is learned whole and tested on itself.
        seed: Seed of the split.
        standardize: Centre each feature, and a regression target, and divide by its standard deviation over the pool.

    Raises:
        DataError: A class has fewer than two examples, or a side would be empty.
    """
    if test_fraction == 0:  # a truth table: what is learned is the whole of it
        return _dataset(examples, np.arange(len(examples.y)), np.arange(len(examples.y)), standardize)
    from sklearn.model_selection import train_test_split

    classes = examples.y if examples.task == "classification" else None
    if classes is not None and (counts := np.bincount(classes)).min() < 2:
        raise DataError(
            "each class needs an example in the pool and one in the test set",
            received=f"one example of class {examples.labels[int(counts.argmin())]!r}",
            remedy="remove the class or add examples",
        )
    try:
        pool, test = train_test_split(
            np.arange(len(examples.y)), test_size=test_fraction, random_state=seed, stratify=classes
        )
    except ValueError as error:
        raise DataError(
            "the examples cannot be split into a pool and a test set",
            received=f"{len(examples.y)} examples, data.test_fraction {test_fraction:g}: {error}",
            remedy="another data.test_fraction, or more examples",
        ) from None
    return _dataset(examples, np.sort(pool), np.sort(test), standardize)


def _dataset(examples: Examples, pool: Integers, test: Integers, standardize: bool) -> Dataset:
    x, x_test = examples.x[pool], examples.x[test]
    y, y_test = examples.y[pool], examples.y[test]
    target_sd = 1.0
    if standardize:
        x, x_test, _ = _standardize(x, x_test)
        if examples.task == "regression":
            y, y_test, target_sd = _standardize(y, y_test)
    digest = hashlib.sha256(repr((examples.task, examples.labels, x.shape, x_test.shape, target_sd)).encode())
    for array in (x, y, x_test, y_test):
        digest.update(np.ascontiguousarray(array).tobytes())
    return Dataset(x, y, x_test, y_test, examples.task, examples.labels, target_sd, digest.hexdigest())


def _standardize(pool: Any, test: Any) -> tuple[Array, Array, float]:
    mean, sd = pool.mean(axis=0), pool.std(axis=0)
    unit = np.where(sd > 0, sd, 1.0)
    return (pool - mean) / unit, (test - mean) / unit, float(np.mean(unit))


def subsample_size(rule: Subsample, pool: int) -> int:
    """Return the number of examples of every replica's subsample.

    Args:
        rule: The spec's `ensemble.subsample`.
        pool: Number of examples in the pool.

    Raises:
        DataError: The rule asks for more examples than there are.
    """
    size = (
        pool if rule.bootstrap else rule.size if rule.size is not None else max(round((rule.fraction or 0.0) * pool), 1)
    )
    if size > pool:
        raise DataError(
            "the subsample is larger than the pool",
            received=f"ensemble.subsample.size: {size}, with a pool of {pool} examples (the test set is not part of it)",
            remedy=f"at most {pool}, or bootstrap: true",
        )
    return size


def subsample(rule: Subsample, pool: int, stream: int, seed: int, part: int) -> Integers:
    """Draw a replica's fixed examples.

    Args:
        rule: The spec's `ensemble.subsample`.
        pool: Number of examples in the pool.
        stream: The replica's `subsample` stream.
        seed: The ensemble's seed: disjoint parts are cut from one permutation.
        part: Which disjoint part is the replica's.

    Returns:
        Indices into the pool, increasing, (subsample,); with repetitions under `bootstrap`.

    Raises:
        DataError: The pool is too small for the rule.
    """
    size = subsample_size(rule, pool)
    if rule.disjoint:
        if (part + 1) * size > pool:
            raise DataError(
                "the pool is too small for disjoint subsamples",
                received=f"{part + 1} or more parts of {size} from a pool of {pool} examples",
                remedy=f"parts of at most {pool // (part + 1)}, or fewer replicas",
            )
        indices = rng.generator(seed).permutation(pool)[part * size : (part + 1) * size]
    elif rule.bootstrap:
        indices = rng.generator(stream).integers(0, pool, size)
    else:
        indices = rng.generator(stream).permutation(pool)[:size]
    return np.sort(indices).astype(np.int64)
