"""From the pool to the examples of each replica."""

from collections.abc import Sequence

import numpy as np

from thermo_cli import rng
from thermo_cli.contracts import Integers
from thermo_cli.errors import DataError
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec
from thermo_cli.spec.ensemble import Subsample


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
            received=f"{size}, with a pool of {pool} examples (the test set is not part of it)",
            remedy=f"at most {pool}, or bootstrap: true",
            where="ensemble.subsample.size",
        )
    return size


def subsample(
    rule: Subsample, pool: int, stream: int, seed: int, part: int, classes: Integers | None = None
) -> Integers:
    """Draw a replica's fixed examples.

    Args:
        rule: The spec's `ensemble.subsample`.
        pool: Number of examples in the pool.
        stream: The replica's `subsample` stream.
        seed: The ensemble's seed: disjoint parts are cut from one permutation.
        part: Which disjoint part is the replica's.
        classes: Class of each example of the pool, for stratified subsamples; None for regression.

    Returns:
        Indices into the pool, increasing, (subsample,); with repetitions under `bootstrap`.

    Raises:
        DataError: The pool is too small for the rule, or has no classes to keep in proportion.
    """
    size = subsample_size(rule, pool)
    if rule.stratified:
        indices = _stratified(rule, size, stream, classes)
    elif rule.disjoint:
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


def _stratified(rule: Subsample, size: int, stream: int, classes: Integers | None) -> Integers:
    """Draw from each class its share of the examples; what is left over goes to the largest remainders."""
    if classes is None:
        raise DataError(
            "stratified subsamples keep classes in proportion, and regression has none",
            received="stratified: true",
            remedy="leave stratified out",
            where="ensemble.subsample",
        )
    counts = np.bincount(classes)
    quota = counts * size / len(classes)
    shares = np.floor(quota).astype(np.int64)
    shares[np.argsort(shares - quota, kind="stable")[: size - shares.sum()]] += 1
    draw, parts = rng.generator(stream), []
    for label, share in enumerate(shares):
        members = np.flatnonzero(classes == label)
        parts.append(
            members[draw.integers(0, len(members), share)] if rule.bootstrap else draw.permutation(members)[:share]
        )
    return np.concatenate(parts)


def draw_subsamples(spec: Spec, pool: int, members: Sequence[Replica], classes: Integers | None = None) -> Integers:
    """Draw the examples of some replicas.

    Args:
        spec: The experiment.
        pool: Number of examples in the pool.
        members: Rows of the replica table.
        classes: Class of each example of the pool (`Dataset.classes`), for stratified subsamples.

    Returns:
        Indices into the pool, (replica, subsample).
    """
    rule, seed = spec.ensemble.subsample, spec.ensemble.seed
    return np.stack([subsample(rule, pool, row.subsample, seed, row.part, classes) for row in members])
