"""Observables of classifiers, from their logits."""

from typing import Any

import numpy as np
from scipy.special import logsumexp

from thermo_cli.contracts import Array


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
