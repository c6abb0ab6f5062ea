"""Observables of classifiers: of logits (replica, class, example) and classes (replica, example), one number per replica."""

from typing import Any, Final

import numpy as np
from scipy.special import logsumexp, softmax

from thermo_cli.contracts import Array

BINS: Final = 15


def loss(outputs: Array, y: Any) -> Array:
    """Mean cross-entropy -log softmax(z)_y in nats, (replica,)."""
    return np.asarray((logsumexp(outputs, axis=1) - _of_class(outputs, y)).mean(axis=1))


def accuracy(outputs: Array, y: Any) -> Array:
    """Share of examples whose largest logit is the right class, (replica,); NaN for a replica with one that is not finite."""
    share: Array = (outputs.argmax(axis=1) == y).mean(axis=1)
    return np.where(np.isfinite(outputs).all(axis=(1, 2)), share, np.nan)


def brier(outputs: Array, y: Any) -> Array:
    """Mean over the examples of sum_c (p_c - [y = c])^2, from 0 (certain and right) to 2, (replica,)."""
    p = softmax(outputs, axis=1)
    return np.asarray(((p**2).sum(axis=1) - 2 * _of_class(p, y) + 1).mean(axis=1))


def calibration_error(outputs: Array, y: Any) -> Array:
    """Expected calibration error: sum over 15 equal bins of confidence of |right - confidence|, weighted by their share.

    Returns:
        (replica,); NaN for a replica with a logit that is not finite.

    Source: Guo 2017.
    """
    confidence = softmax(outputs, axis=1).max(axis=1)
    right = outputs.argmax(axis=1) == y
    finite = np.isfinite(confidence)
    bins = np.clip(np.ceil(np.where(finite, confidence, 1.0) * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gap = np.zeros((len(outputs), BINS))
    np.add.at(gap, (np.arange(len(outputs))[:, None], bins), np.where(finite, right - confidence, 0.0))
    error: Array = np.abs(gap).sum(axis=1) / outputs.shape[2]
    return np.where(finite.all(axis=1), error, np.nan)


def margin(outputs: Array, y: Any) -> Array:
    """Mean lead of the right class's logit over the largest other one, (replica,); negative where it is behind."""
    others = outputs.copy()
    np.put_along_axis(others, y[:, None, :], -np.inf, axis=1)
    return np.asarray((_of_class(outputs, y) - others.max(axis=1)).mean(axis=1))


def _of_class(values: Array, y: Any) -> Array:
    """Pick what stands at the right class, (replica, example)."""
    return np.take_along_axis(values, y[:, None, :], axis=1)[:, 0, :]
