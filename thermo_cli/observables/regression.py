"""Observables of regressions, from the predicted numbers."""

from typing import Any

import numpy as np

from thermo_cli.contracts import Array


def loss(outputs: Array, y: Any, unit: float) -> Array:
    """Mean squared error in the scaled units of the training.

    Args:
        outputs: Predictions, (replica, 1, example).
        y: Targets, (replica, example).
        unit: Unused here.

    Returns:
        (replica,).
    """
    del unit
    mean: Array = ((outputs[:, 0, :] - y) ** 2).mean(axis=1)
    return mean


def rmse(outputs: Array, y: Any, unit: float) -> Array:
    """Root of the mean squared error, in the target's own unit.

    Args:
        outputs: Predictions, (replica, 1, example).
        y: Targets, (replica, example).
        unit: What one unit of the scaled target is in the file.

    Returns:
        (replica,).
    """
    return unit * np.sqrt(loss(outputs, y, unit))


def r2(outputs: Array, y: Any, unit: float) -> Array:
    """R^2 = 1 - sum (y - f)^2 / sum (y - mean y)^2; NaN where the targets are constant.

    Args:
        outputs: Predictions, (replica, 1, example).
        y: Targets, (replica, example).
        unit: Unused: it has no unit.

    Returns:
        (replica,).
    """
    total = ((y - y.mean(axis=1, keepdims=True)) ** 2).mean(axis=1)
    return 1.0 - loss(outputs, y, unit) / np.where(total > 0, total, np.nan)
