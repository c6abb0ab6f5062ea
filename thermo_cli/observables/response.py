"""How a trained model answers: its errors one by one, and how much its output moves when its input does."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from thermo_cli.contracts import Array, Task


def errors(outputs: Array, y: Any, task: Task) -> NDArray[Any]:
    """Return the error on each example: wrong (1) or right (0) for classes, squared error for numbers.

    Args:
        outputs: Logits or predictions, (replica, output, example).
        y: Targets, (example,).
        task: Classification or regression.

    Returns:
        (replica, example); NaN for outputs that are not finite.
    """
    finite = np.isfinite(outputs).all(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        error = (outputs.argmax(axis=1) != y) if task == "classification" else (outputs[:, 0, :] - y) ** 2
    return np.where(finite, error, np.nan).astype(np.float32)


def susceptibility(outputs: Array, moved: Array, shift: Array, task: Task) -> Array:
    """Return chi = sqrt(mean |f(x + s) - f(x)|^2 / mean |s|^2), f being probabilities for classes and numbers otherwise.

    Args:
        outputs: At x, (replica, output, example).
        moved: At x + s, same shape.
        shift: s, (example, feature).
        task: Classification or regression.

    Returns:
        (replica,).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if task == "classification":
            outputs, moved = softmax(outputs, axis=1), softmax(moved, axis=1)
        change = ((moved - outputs) ** 2).sum(axis=1).mean(axis=1)
        chi: Array = np.sqrt(change / (shift**2).sum(axis=1).mean())
    return chi
