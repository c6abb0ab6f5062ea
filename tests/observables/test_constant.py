"""The constant predictor: known scores of one answer for all, by the formulas that replicas are scored with."""

import numpy as np
import pytest

from thermo_cli.contracts import Dataset
from thermo_cli.observables.constant import constant_scores


def classes(pool: list[int], test: list[int]) -> Dataset:
    """Three classes, of which the pool may lack one."""
    y, y_test = np.array(pool), np.array(test)
    x, x_test = np.zeros((len(y), 1)), np.zeros((len(y_test), 1))
    return Dataset(x, y, x_test, y_test, "classification", ("a", "b", "c"), 1.0, "")


def test_the_most_frequent_class_of_the_pool() -> None:
    """Its share of the test set is the accuracy, though another is more frequent there; the loss is that of all shares."""
    data = classes([0, 0, 0, 1], [0, 1, 1, 2])
    scores = constant_scores(["accuracy", "loss"], ["accuracy", "loss"], data)
    assert scores["test_accuracy"] == 0.25
    logits = np.log([0.75, 0.25, 0.125])  # a class that the pool lacks counts for half an example
    expected = -(logits[0] + 2 * logits[1] + logits[2]) / 4 + np.log(np.exp(logits).sum())
    assert scores["test_loss"] == pytest.approx(expected)
    assert list(constant_scores(["accuracy", "loss"], ["accuracy"], data)) == ["test_accuracy"]


def test_the_mean_of_the_pool() -> None:
    """R2 of the pool's mean is 0 where the test set has the same, and below where it has another; in the target's own unit."""
    x = np.zeros((4, 1))
    y = np.array([-1.0, 1.0, -1.0, 1.0])
    even, odd = (Dataset(x, y, x, y + move, "regression", (), 10.0, "") for move in (0.0, 1.0))
    names = ["r2", "rmse"]
    assert constant_scores(names, names, even) == {"test_r2": pytest.approx(0.0), "test_rmse": pytest.approx(10.0)}
    assert constant_scores(names, names, odd)["test_r2"] == pytest.approx(-1.0)


def test_what_has_no_number_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that raises an error, or is not finite, tells no skill; the others do."""
    from thermo_cli.observables import constant

    def refuse(*_: object) -> np.ndarray:
        raise RuntimeError("all answers are alike")

    formulas = {"bad": refuse, "odd": lambda *_: np.array([np.nan]), "good": lambda *_: np.array([0.5])}
    monkeypatch.setattr(constant, "formulas_of", lambda *_: formulas)
    assert constant_scores([], list(formulas), classes([0, 1], [0, 1])) == {"test_good": 0.5}
