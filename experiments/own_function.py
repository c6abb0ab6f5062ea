"""A function that trains, for function.yaml: logistic regression by mini-batch SGD, on examples of two noisy classes.

It knows nothing of thermo: it is told a seed and its examples, and reports what it measures.
"""

from collections.abc import Callable

import numpy as np

POOL, TEST, INPUTS = 1000, 2000, 8


def examples() -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and classes, the same for all: the last `TEST` are the test set."""
    random = np.random.default_rng(0)
    x = random.normal(size=(POOL + TEST, INPUTS))
    margin = x @ np.linspace(1.0, 2.0, INPUTS) + random.normal(size=len(x))
    return x, (margin > 0).astype(float)


def loss(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    """Return the mean log loss."""
    return float(np.logaddexp(0, (1 - 2 * y) * (x @ w)).mean())


def train(
    seed: int, subsample: np.ndarray, report: Callable[..., None], steps: int, lr: float = 0.1, l2: float = 0.01
) -> None:
    """Train one model, and report its scores now and then."""
    x, y = examples()
    x_train, y_train, x_test, y_test = x[subsample], y[subsample], x[POOL:], y[POOL:]
    random = np.random.default_rng(seed)
    w = random.normal(size=INPUTS)
    for step in range(steps + 1):
        if step % max(steps // 64, 1) == 0 or step == steps:
            accuracy = np.mean((x_test @ w > 0) == y_test)
            energy = loss(x_train, y_train, w) + l2 / 2 * w @ w
            report(step, test_accuracy=accuracy, test_loss=loss(x_test, y_test, w), energy=energy)
        batch = random.integers(0, len(x_train), 50)
        wrong = 1 / (1 + np.exp(-x_train[batch] @ w)) - y_train[batch]
        w -= lr * (x_train[batch].T @ wrong / len(batch) + l2 * w)
