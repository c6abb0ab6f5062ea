"""Energies of estimators: a fitted one is at the minimum of what is said to be its energy."""

import copy

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.decomposition import PCA, FastICA
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import BernoulliRBM, MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from thermo_cli.contracts import Dataset
from thermo_cli.kinds.estimators.answers import answers, kind_of_answer
from thermo_cli.kinds.estimators.energy import closed, converged, loss_of, one_optimum, penalties
from thermo_cli.kinds.estimators.measuring import mean_loss, measure_fit
from thermo_cli.observables.formulas import formulas_of


def data(task):
    """Return a scaled table."""
    x, y = load_breast_cancer(return_X_y=True) if task == "classification" else load_diabetes(return_X_y=True)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y = y.astype(float) if task == "regression" else y
    y = (y - y.mean()) / y.std() if task == "regression" else y
    labels = ("no", "yes") if task == "classification" else ()
    return Dataset(x, y, x[:50], y[:50], task, labels, 1.0, "")


def energy(fitted, dataset, with_terms=True):
    """Return the energy of an estimator on all the data."""
    train = answers(fitted, dataset.x, dataset.outputs, np.unique(dataset.y))
    kind = kind_of_answer(fitted, dataset.outputs)
    formulas = formulas_of(["loss", "accuracy"], dataset.task, kind)
    splits = {"train": train, "test": train[:, :50]}
    scores = fitted.decision_function(dataset.x) if hasattr(fitted, "decision_function") else None
    loss = loss_of(fitted, lambda: scores, dataset.y)
    terms = penalties(fitted, len(dataset.y)) if with_terms else {}
    if loss is None:
        loss = mean_loss(kind, dataset, dataset.y, train)
    return measure_fit(formulas, dataset, dataset.y, splits, loss, terms)["energy"]


@pytest.mark.parametrize(
    ("estimator", "task"),
    [
        (LogisticRegression(C=0.02, tol=1e-10, max_iter=5000), "classification"),
        (
            LogisticRegression(C=0.02, l1_ratio=0.3, solver="saga", tol=1e-9, max_iter=20000, random_state=0),
            "classification",
        ),
        (Ridge(alpha=30.0), "regression"),
        (RidgeClassifier(alpha=30.0), "classification"),
        (Lasso(alpha=0.02, tol=1e-10), "regression"),
        (ElasticNet(alpha=0.05, l1_ratio=0.5, tol=1e-10), "regression"),
        (LinearSVC(C=0.002, tol=1e-10, max_iter=200000, random_state=0), "classification"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_a_fit_is_at_the_minimum_of_its_energy(estimator, task):
    """Whatever way its coefficients are moved, the energy rises; the loss alone falls along one of those ways."""
    dataset = data(task)
    fitted = estimator.fit(dataset.x, dataset.y)
    here, loss, draw = (
        energy(fitted, dataset),
        energy(fitted, dataset, with_terms=False),
        np.random.Generator(np.random.PCG64(3)),
    )
    step, falls = 1e-3, 0
    kept = np.abs(fitted.coef_) > 0  # an L1 penalty has a kink at zero, where the energy rises on both sides
    for _ in range(20):
        direction = draw.standard_normal(fitted.coef_.shape) * kept
        direction *= step / np.linalg.norm(direction)
        for side in (1, -1):
            moved = copy.deepcopy(fitted)
            moved.coef_ = fitted.coef_ + side * direction
            assert energy(moved, dataset) > here - 1e-9
            falls += energy(moved, dataset, with_terms=False) < loss - 1e-7
    assert falls > 0


def test_the_dual_norm_of_a_kernel_machine_is_the_primal_one():
    """|w|^2 / (2 C n) of a linear SVC from its dual coefficients is that of its coefficients; of three classes none is said."""
    dataset = data("classification")
    fitted = SVC(kernel="linear", C=0.1).fit(dataset.x, dataset.y)
    expected = np.square(fitted.coef_).sum() / (2 * 0.1 * len(dataset.y))
    assert penalties(fitted, len(dataset.y))["l2"] == pytest.approx(expected, rel=1e-9)
    assert penalties(SVC().fit(dataset.x, np.arange(len(dataset.y)) % 3), len(dataset.y)) == {}


def test_estimators_without_a_penalty_have_none():
    """Trees, neighbours and class weights: no term is claimed."""
    dataset = data("classification")
    for estimator in (DecisionTreeClassifier(), KNeighborsClassifier(), LogisticRegression(class_weight="balanced")):
        assert penalties(estimator.fit(dataset.x, dataset.y), len(dataset.y)) == {}


def test_which_fits_have_no_time_and_which_have_one_optimum():
    """Closed forms have no training time; strictly convex energies have one optimum; networks and trees have neither."""
    assert all(
        closed(one) for one in (Ridge(), KNeighborsClassifier(), SVC(), LinearRegression(), DecisionTreeClassifier())
    )
    timed = (
        LogisticRegression(),
        Ridge(solver="sag"),
        MLPClassifier(),
        SGDClassifier(),
        GaussianProcessClassifier(),
        StackingClassifier([]),
        CalibratedClassifierCV(),
        FastICA(),
        BernoulliRBM(),
        LinearRegression(positive=True),
        VotingClassifier([("a", LogisticRegression())]),
        SVC(tol=10.0),
    )
    assert not any(closed(one) for one in timed)
    assert closed(VotingClassifier([("a", KNeighborsClassifier()), ("b", DecisionTreeClassifier())]))
    assert closed(StandardScaler())
    assert closed(PCA())
    unique = (Ridge(), LogisticRegression(), SVC(), ElasticNet(), KNeighborsClassifier(), LinearRegression())
    assert all(one_optimum(one, 100, 10) for one in unique)
    several = (
        MLPClassifier(),
        DecisionTreeClassifier(),
        Lasso(),
        ElasticNet(l1_ratio=1.0),
        LinearSVC(penalty="l1"),
        LogisticRegression(C=np.inf),
        LogisticRegression(l1_ratio=1.0),
        SVC(kernel="sigmoid"),
    )
    assert not any(one_optimum(one, 100, 10) for one in several)
    assert not one_optimum(LinearRegression(), 10, 10)
    dataset = data("classification")
    assert converged(LogisticRegression(max_iter=1000).fit(dataset.x, dataset.y))
    assert not converged(LogisticRegression(max_iter=1000, tol=1000.0).fit(dataset.x, dataset.y))
    assert penalties(Lasso(alpha=1000.0).fit(dataset.x, dataset.y), len(dataset.y)) == {"l1": 0.0}


@pytest.mark.filterwarnings("ignore")
def test_a_fit_that_was_cut_short_has_not_converged():
    """Three iterations of a logistic regression are not the end."""
    dataset = data("classification")
    assert not converged(LogisticRegression(max_iter=3).fit(dataset.x, dataset.y))
