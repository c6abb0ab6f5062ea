"""Observables against scikit-learn, and what a diverged replica looks like."""

import numpy as np
import pytest
from sklearn import metrics

from thermo_cli import rng
from thermo_cli.contracts import Dataset
from thermo_cli.metric import NAMES
from thermo_cli.observables import classification, regression, response
from thermo_cli.observables.formulas import formula
from thermo_cli.observables.macroscopic import Evaluation, measure


def test_classification_agrees_with_scikit_learn() -> None:
    """Cross-entropy and accuracy of random logits."""
    generator = rng.generator(0)
    outputs, y = generator.normal(0, 3, (4, 5, 60)), generator.integers(0, 5, (4, 60))
    p = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    for r in range(4):
        assert classification.loss(outputs, y)[r] == pytest.approx(metrics.log_loss(y[r], p[r].T, labels=range(5)))
        assert classification.accuracy(outputs, y)[r] == metrics.accuracy_score(y[r], p[r].argmax(axis=0))


def test_regression_agrees_with_scikit_learn() -> None:
    """MSE, R2 and RMSE, the last in the unit of the file."""
    generator = rng.generator(1)
    outputs, y = generator.normal(0, 1, (3, 1, 40)), generator.normal(0, 1, (3, 40))
    for r in range(3):
        assert regression.loss(outputs, y)[r] == pytest.approx(metrics.mean_squared_error(y[r], outputs[r, 0]))
        assert regression.r2(outputs, y)[r] == pytest.approx(metrics.r2_score(y[r], outputs[r, 0]))
        assert formula("rmse", "regression")(outputs, y, 7.0)[r] == pytest.approx(
            7 * metrics.root_mean_squared_error(y[r], outputs[r, 0])
        )
    assert np.isnan(regression.r2(outputs, np.ones((3, 40)))).all()


def test_a_diverged_replica_is_nan_and_never_accurate() -> None:
    """Argmax of NaN is class 0: without care a dead replica would score."""
    outputs, y = np.zeros((2, 3, 4)), np.zeros((2, 4), dtype=np.int64)
    outputs[1, 2, 0] = np.nan
    assert classification.accuracy(outputs, y)[0] == 1.0
    assert np.isnan(classification.accuracy(outputs, y)[1])
    with np.errstate(all="ignore"):
        assert np.isnan(classification.loss(outputs, y)[1])


def test_energy_is_loss_plus_penalty_and_all_names_follow_the_convention() -> None:
    """U = loss + (lambda/2)|theta|^2; without a penalty there is no such term."""
    y = np.array([0, 1, 0, 1])
    dataset = Dataset(np.zeros((4, 2)), y, np.zeros((4, 2)), y, "classification", ("a", "b"), 1.0, "")
    generator = rng.generator(2)
    train, test = generator.normal(size=(3, 2, 2)), generator.normal(size=(3, 2, 4))
    theta, start = generator.normal(size=(3, 6)), generator.normal(size=(3, 6))
    now = Evaluation(train, test, theta, theta, {})
    subsamples = np.array([[0, 1]] * 3)
    values = measure(NAMES, dataset, subsamples, now, start, 0.1)
    np.testing.assert_allclose(values["energy"], values["train_loss"] + 0.05 * (theta**2).sum(axis=1))
    np.testing.assert_allclose(values["energy"], values["energy_loss"] + values["energy_l2"])
    np.testing.assert_allclose(values["distance_from_init"], np.linalg.norm(theta - start, axis=1))
    assert set(values) == {
        "energy",
        "energy_loss",
        "energy_l2",
        "train_loss",
        "test_loss",
        "train_accuracy",
        "test_accuracy",
        "train_brier",
        "test_brier",
        "train_calibration_error",
        "test_calibration_error",
        "train_margin",
        "test_margin",
        "parameter_norm",
        "gradient_norm",
        "distance_from_init",
        "cosine_to_init",
    }
    bare = measure(["energy"], dataset, subsamples, now, start, 0.0)
    assert set(bare) == {"energy", "energy_loss"}


def test_calibration_brier_and_margin_of_known_classifiers() -> None:
    """Certain and right: 0, 0, large; a coin: Brier 1/2 and calibrated; certain and wrong: 2, 1 and negative."""
    y = np.array([[0, 1, 0, 1]])
    sure = 50.0 * np.eye(2)[y].transpose(0, 2, 1)
    for outputs, brier, error, sign in ((sure, 0.0, 0.0, 1), (-sure, 2.0, 1.0, -1)):
        assert classification.brier(outputs, y)[0] == pytest.approx(brier, abs=1e-9)
        assert classification.calibration_error(outputs, y)[0] == pytest.approx(error, abs=1e-9)
        assert np.sign(classification.margin(outputs, y)[0]) == sign
    coin = np.zeros((1, 2, 4))
    assert classification.brier(coin, y)[0] == pytest.approx(0.5)
    assert classification.calibration_error(coin, y)[0] == pytest.approx(0.0)
    assert np.isnan(classification.calibration_error(np.full((1, 2, 4), np.nan), y)[0])


def test_response_of_a_linear_map_is_its_norm() -> None:
    """For f(x) = w.x and Gaussian shifts the mean of chi^2 is |w|^2 over the number of features; errors are per example."""
    generator = rng.generator(4)
    w, x = np.array([3.0, 4.0]), generator.normal(size=(20_000, 2))
    shift = 0.01 * generator.normal(size=x.shape)
    chi = response.susceptibility((x @ w)[None, None], ((x + shift) @ w)[None, None], shift, "regression")
    assert chi[0] == pytest.approx(5.0 / np.sqrt(2), rel=0.02)
    found = response.errors(np.array([[[2.0, 0.0], [1.0, 1.0]]]), np.array([0, 0]), "classification")
    assert found.tolist() == [[0.0, 1.0]]
