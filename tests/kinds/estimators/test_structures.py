"""Microstates of estimators: kernels against hand-made ones, leaves against what the trees answer."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from thermo_cli.kinds.estimators.structures import microstate
from thermo_cli.kinds.estimators.structures.decisions import support_in_pool
from thermo_cli.kinds.estimators.structures.microstate import upper
from thermo_cli.kinds.estimators.structures.neighbours import shared_neighbours
from thermo_cli.kinds.estimators.structures.trees import leaves, same_leaf

X, Y = load_wine(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)


def test_leaf_kernel_of_two_trees():
    """Two examples that share one of two leaves have K = 1/2."""
    np.testing.assert_array_equal(
        same_leaf(np.array([[1, 4], [1, 5], [2, 5]])), [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]
    )


def test_neighbour_kernel():
    """Two of three neighbours in common: K = 2/3."""
    np.testing.assert_allclose(shared_neighbours(np.array([[0, 1, 2], [1, 2, 7]])), [[1, 2 / 3], [2 / 3, 1]])


def test_support_vectors_by_their_place_in_the_pool():
    """1 where one is, 0 where none is, -1 where the example was not seen."""
    fitted = SVC(kernel="linear").fit(np.array([[-3.0], [-1.0], [1.0], [3.0]]), [0, 0, 1, 1])
    np.testing.assert_array_equal(support_in_pool(fitted, np.array([1, 2, 4, 5]), 7), [-1, 0, 1, -1, 1, 0, -1])


def test_what_is_above_the_diagonal():
    """Row after row."""
    np.testing.assert_array_equal(upper(np.arange(9.0).reshape(3, 3)), [1, 2, 5])


@pytest.mark.parametrize("boosting", [HistGradientBoostingClassifier, HistGradientBoostingRegressor])
def test_leaves_of_histogram_boosting_give_its_answers(boosting):
    """The values of the leaves that examples fall into, missing values among them, sum to what the model says."""
    x, y = load_breast_cancer(return_X_y=True)
    x = x.copy()
    x[::7, 3] = np.nan
    fitted = boosting(max_iter=8, max_leaf_nodes=6).fit(x, y)
    found = leaves(fitted, x)
    trees = [tree.nodes for stage in fitted._predictors for tree in stage]
    total = sum(nodes["value"][found[:, number]] for number, nodes in enumerate(trees))
    said = fitted.decision_function(x) if boosting is HistGradientBoostingClassifier else fitted.predict(x)
    np.testing.assert_allclose(total + np.ravel(fitted._baseline_prediction), said, rtol=1e-9, atol=1e-9)


def test_leaves_of_every_kind_of_trees():
    """One column for each tree: forests, boosting by class, bagging on parts of the features; none for what has no trees."""
    assert leaves(DecisionTreeClassifier().fit(X, Y), X).shape == (178, 1)
    assert leaves(ExtraTreesClassifier(7).fit(X, Y), X).shape == (178, 7)
    assert leaves(GradientBoostingClassifier(n_estimators=4).fit(X, Y), X).shape == (178, 12)
    assert leaves(AdaBoostClassifier(n_estimators=4).fit(X, Y), X).shape[0] == 178
    assert leaves(BaggingClassifier(n_estimators=5, max_features=0.5).fit(X, Y), X).shape == (178, 5)
    assert leaves(BaggingClassifier(GaussianNB(), n_estimators=5).fit(X, Y), X) is None
    assert leaves(LogisticRegression().fit(X, Y), X) is None


def test_leaves_of_guests_give_their_answers():
    """XGBoost and LightGBM are asked each in its own way: the values of LightGBM's leaves sum to its raw scores."""
    lightgbm, xgboost = pytest.importorskip("lightgbm"), pytest.importorskip("xgboost")
    fitted = lightgbm.LGBMClassifier(n_estimators=4, n_jobs=1, verbose=-1).fit(X, Y)
    found = leaves(fitted, X)
    values = np.array(
        [[fitted.booster_.get_leaf_output(tree, int(leaf)) for tree, leaf in enumerate(row)] for row in found]
    )
    np.testing.assert_allclose(values.reshape(len(X), 4, 3).sum(axis=1), fitted.predict(X, raw_score=True), atol=1e-12)
    assert leaves(xgboost.XGBClassifier(n_estimators=4, n_jobs=1).fit(X, Y), X).shape == (178, 12)


def test_kinds():
    """Each kind of model has its own microstate; one that nothing is known of has none."""
    for estimator, kind, size in (
        (LogisticRegression(), "coefficients", 3 * 14),
        (MLPClassifier((5,), solver="lbfgs", max_iter=500, alpha=1.0), "network", 13 * 5 + 5 + 5 * 3 + 3),
        (DecisionTreeClassifier(), "leaves", 20 * 19 // 2),
        (KNeighborsClassifier(), "neighbours", 20 * 19 // 2),
        (SVC(), "decision", 20 * 19 // 2),
        (GaussianNB(), "none", 0),
    ):
        structure, vector = microstate(estimator.fit(X, Y), X[:20], "classification")
        assert (structure, vector.size) == (kind, size)


def test_what_is_common_to_all_classes_is_no_difference():
    """A softmax does not see what is added to the coefficients of all classes."""
    fitted = LogisticRegression().fit(X, Y)
    _, before = microstate(fitted, X[:20], "classification")
    fitted.coef_ = fitted.coef_ + np.arange(13.0)
    np.testing.assert_allclose(microstate(fitted, X[:20], "classification")[1], before, atol=1e-12)
