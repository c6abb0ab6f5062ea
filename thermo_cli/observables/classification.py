"""Observables of classifiers, from their logits."""

from typing import Any, Final

import numpy as np
from scipy.special import logsumexp, softmax

from thermo_cli.contracts import Array

BINS: Final = 15


def loss(outputs: Array, y: Any, unit: float) -> Array:
    """Mean cross-entropy -log softmax(z)_y in nats.

    Args:
        outputs: Logits z, (replica, class, example).
        y: Classes, (replica, example).
        unit: Unused: classes have no unit.

    Returns:
        (replica,).
    """
    del unit
    chosen = np.take_along_axis(outputs, y[:, None, :], axis=1)[:, 0, :]
    mean: Array = (logsumexp(outputs, axis=1) - chosen).mean(axis=1)
    return mean


def accuracy(outputs: Array, y: Any, unit: float) -> Array:
    """Share of examples whose largest logit is the right class; NaN for a replica with a logit that is not finite.

    Args:
        outputs: Logits, (replica, class, example).
        y: Classes, (replica, example).
        unit: Unused.

    Returns:
        (replica,).
    """
    del unit
    share: Array = (outputs.argmax(axis=1) == y).mean(axis=1)
    return np.where(np.isfinite(outputs).all(axis=(1, 2)), share, np.nan)


def brier(outputs: Array, y: Any, unit: float) -> Array:
    """Brier score, mean over the examples of sum_c (p_c - [y = c])^2, from 0 (certain and right) to 2.

    Args:
        outputs: Logits, (replica, class, example).
        y: Classes, (replica, example).
        unit: Unused.

    Returns:
        (replica,).
    """
    del unit
    p = softmax(outputs, axis=1)
    chosen = np.take_along_axis(p, y[:, None, :], axis=1)[:, 0, :]
    score: Array = ((p**2).sum(axis=1) - 2 * chosen + 1).mean(axis=1)
    return score


def calibration_error(outputs: Array, y: Any, unit: float) -> Array:
    """Expected calibration error: sum over 15 equal bins of confidence of |right - confidence|, weighted by their share.

    Source: Guo 2017.

    Args:
        outputs: Logits, (replica, class, example).
        y: Classes, (replica, example).
        unit: Unused.

    Returns:
        (replica,); NaN for a replica with a logit that is not finite.
    """
    del unit
    confidence = softmax(outputs, axis=1).max(axis=1)
    right = outputs.argmax(axis=1) == y
    finite = np.isfinite(confidence)
    bins = np.clip(np.ceil(np.where(finite, confidence, 1.0) * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gap = np.zeros((len(outputs), BINS))
    np.add.at(gap, (np.arange(len(outputs))[:, None], bins), np.where(finite, right - confidence, 0.0))
    error: Array = np.abs(gap).sum(axis=1) / outputs.shape[2]
    return np.where(finite.all(axis=1), error, np.nan)


def margin(outputs: Array, y: Any, unit: float) -> Array:
    """Mean lead of the right class's logit over the largest other one; negative where it is behind.

    Args:
        outputs: Logits, (replica, class, example).
        y: Classes, (replica, example).
        unit: Unused.

    Returns:
        (replica,).
    """
    del unit
    chosen = np.take_along_axis(outputs, y[:, None, :], axis=1)[:, 0, :]
    others = outputs.copy()
    np.put_along_axis(others, y[:, None, :], -np.inf, axis=1)
    lead: Array = (chosen - others.max(axis=1)).mean(axis=1)
    return lead
