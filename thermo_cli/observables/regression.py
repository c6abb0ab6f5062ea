"""Observables of regressions: of predictions (replica, 1, example) and targets (replica, example), one number per replica."""

from typing import Any

import numpy as np

from thermo_cli.contracts import Array


def loss(outputs: Array, y: Any) -> Array:
    """Mean squared error in the scaled units of the training, (replica,)."""
    return np.asarray(((outputs[:, 0, :] - y) ** 2).mean(axis=1))


def rmse(outputs: Array, y: Any) -> Array:
    """Root of the mean squared error, (replica,)."""
    return np.sqrt(loss(outputs, y))


def r2(outputs: Array, y: Any) -> Array:
    """R^2 = 1 - sum (y - f)^2 / sum (y - mean y)^2, (replica,); NaN where the targets are constant."""
    total = ((y - y.mean(axis=1, keepdims=True)) ** 2).mean(axis=1)
    return 1.0 - loss(outputs, y) / np.where(total > 0, total, np.nan)
