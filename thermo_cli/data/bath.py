"""What is done to the bath on purpose: wrong labels, a pool from elsewhere, and a second test set from elsewhere.

All of it is drawn once, by the seed of the split: it belongs to the data, and every replica meets the same.
"""

from typing import Any

import numpy as np

from thermo_cli import rng
from thermo_cli.contracts import Array, Integers, Task
from thermo_cli.errors import DataError
from thermo_cli.spec.data_rules import CovariateShift, Shifted

LABELS, THINNING, NOISE, RESAMPLING = range(1, 5)  # counters in the stream of the split's seed


def noisy_labels(y: Any, share: float, task: Task, classes: int, seed: int) -> Any:
    """Spoil the pool's targets: a share of the classes replaced, or Gaussian noise on numbers.

    Classes: round(share n) examples, each given one of the other classes with equal probability.
    Numbers: y + share sd(y) g, with g standard normal.

    Args:
        y: Targets of the pool, (pool,).
        share: The spec's `data.label_noise`.
        task: Classification or regression.
        classes: Number of classes.
        seed: Of the split.

    Raises:
        DataError: More than all labels would be wrong.
    """
    draw = rng.generator(seed, LABELS)
    if task == "regression":
        return y + share * y.std() * draw.standard_normal(len(y))
    if share > 1:
        raise DataError(
            "label noise of classes is the share of wrong labels",
            received=share,
            remedy="a number from 0 to 1",
            where="data.label_noise",
        )
    wrong = draw.permutation(len(y))[: round(share * len(y))]
    spoiled = y.copy()
    spoiled[wrong] = (y[wrong] + draw.integers(1, classes, len(wrong))) % classes
    return spoiled


def principal_scores(pool: Array, others: Array) -> tuple[Array, Array]:
    """Return z, the first principal component of features in units of their spread, itself in units of its spread.

    Its sign is chosen so that the largest loading is positive.

    Args:
        pool: Features that the component is found in, (pool, features).
        others: Features that it is also evaluated on, (others, features).

    Returns:
        z of both, (pool,) and (others,).

    Raises:
        DataError: All features are constant.
    """
    mean, sd = pool.mean(axis=0), pool.std(axis=0)
    unit = np.where(sd > 0, sd, 1.0)
    scaled = (pool - mean) / unit
    loading = np.linalg.eigh(scaled.T @ scaled)[1][:, -1]
    loading = loading * np.sign(loading[np.abs(loading).argmax()])
    scores = scaled @ loading
    spread = float(scores.std())
    if not spread > 0:
        raise DataError(
            "there is no principal component: all features are constant",
            received=f"{pool.shape[1]} features",
            remedy="leave the covariate shift out",
            where="data",
        )
    return scores / spread, ((others - mean) / unit) @ loading / spread


def thinned(scores: Array, rule: CovariateShift, seed: int) -> Integers:
    """Choose which examples of the pool are kept: without replacement, with weights exp(s z).

    The largest of s z + g, g being standard Gumbel, are such a draw (Efraimidis & Spirakis 2006).

    Args:
        scores: z, (pool,).
        rule: s, and the share that is kept.
        seed: Of the split.

    Returns:
        Indices into the pool, increasing.
    """
    keys = rule.strength * scores + rng.generator(seed, THINNING).gumbel(size=len(scores))
    return np.sort(np.argsort(-keys, kind="stable")[: max(round(rule.keep * len(scores)), 1)])


def shifted_test(x: Array, spread: Array, scores: Array | None, rule: Shifted, seed: int) -> tuple[Array, Integers]:
    """Make the shifted test set of the test set.

    Args:
        x: Features of the test set, (test, features).
        spread: Standard deviation of each feature over the pool, (features,).
        scores: z of the test set, (test,), for the covariate rule.
        rule: The spec's `data.shifted`.
        seed: Of the split.

    Returns:
        Its features, (test, features), and of which test examples they are, (test,).
    """
    if rule.noise is not None:
        noise = rng.generator(seed, NOISE).standard_normal(x.shape)
        return x + rule.noise * spread * noise, np.arange(len(x))
    assert scores is not None
    assert rule.covariate is not None
    weights = np.exp(rule.covariate * scores - (rule.covariate * scores).max())
    rows = rng.generator(seed, RESAMPLING).choice(len(x), len(x), p=weights / weights.sum())
    return x[rows], rows
