"""The energy that an estimator minimizes, as mean loss plus one term per penalty, and whether its minimum is the only one.

Scikit-learn states objectives with factors of their own; here each is divided so that the loss is a mean over the examples,
which moves no minimum. With class weights, and for estimators that minimize nothing of the kind, the energy is the loss alone.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LOOKED_UP: Final = (  # the data say directly what the model is
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "RadiusNeighborsClassifier",
    "RadiusNeighborsRegressor",
    "GaussianNB",
    "MultinomialNB",
    "BernoulliNB",
    "ComplementNB",
    "CategoricalNB",
    "LinearDiscriminantAnalysis",
    "QuadraticDiscriminantAnalysis",
    "NearestCentroid",
    "KernelRidge",
    "DummyClassifier",
    "DummyRegressor",
)
TREES: Final = ("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor")
STEPS: Final = (  # that are fitted in one go
    "StandardScaler",
    "MinMaxScaler",
    "MaxAbsScaler",
    "RobustScaler",
    "Normalizer",
    "Binarizer",
    "QuantileTransformer",
    "PowerTransformer",
    "KBinsDiscretizer",
    "PolynomialFeatures",
    "SplineTransformer",
    "OneHotEncoder",
    "OrdinalEncoder",
    "TargetEncoder",
    "SimpleImputer",
    "KNNImputer",
    "VarianceThreshold",
    "SelectKBest",
    "SelectPercentile",
    "TruncatedSVD",
    "KernelCenterer",
    "Nystroem",
    "RBFSampler",
    "AdditiveChi2Sampler",
    "SkewedChi2Sampler",
    "PolynomialCountSketch",
    "GaussianRandomProjection",
    "SparseRandomProjection",
    "TfidfTransformer",
    "CountVectorizer",
    "TfidfVectorizer",
    "HashingVectorizer",
    "FeatureHasher",
)
CLOSED: Final = (*LOOKED_UP, *TREES, *STEPS)
MACHINES: Final = ("SVC", "SVR", "NuSVC", "NuSVR")
STRICTLY_CONVEX: Final = (
    "Ridge",
    "RidgeClassifier",
    "KernelRidge",
    "LogisticRegression",
    "ElasticNet",
    "LinearSVC",
    "LinearSVR",
    "SVC",
    "SVR",
    "NuSVC",
    "NuSVR",
)


def loss_of(estimator: Any, decide: Callable[[], NDArray[Any] | None], y: NDArray[Any]) -> float | None:
    """Return the mean loss that an estimator itself minimizes; None where that is the cross-entropy or the squared error.

    Args:
        decide: Asks for its decision values, (example,) or (example, class), where it has them; most are never asked.
        y: Classes, (example,).
    """
    name = known_name(estimator)
    loss = getattr(estimator, "loss", None)
    asked = name in ("LinearSVC", "SGDClassifier", "RidgeClassifier", "Perceptron", "SVC")
    scores = decide() if asked else None
    if scores is None:
        return None
    if scores.ndim == 1:
        side = np.where(y == estimator.classes_[1], 1.0, -1.0)[:, None]
        lead = side * scores[:, None]
    elif scores.shape[1] == len(estimator.classes_) and name != "SVC":
        lead = np.where(y[:, None] == estimator.classes_[None], 1.0, -1.0) * scores
    else:
        return None
    if name == "RidgeClassifier":
        found = np.square(1 - lead)
    elif loss == "squared_hinge":
        found = np.square(np.maximum(1 - lead, 0))
    elif loss == "log_loss":
        found = np.logaddexp(0, -lead)
    elif loss == "perceptron" or name == "Perceptron":
        found = np.maximum(-lead, 0)
    elif loss in ("hinge", None):
        found = np.maximum(1 - lead, 0)
    else:
        return None
    return float(found.sum(axis=1).mean())


def penalties(estimator: Any, examples: int) -> dict[str, float]:
    """Return the terms that an estimator's objective adds to the mean loss, `l1` and `l2`.

    Args:
        examples: Examples that it was fitted to.
    """
    rule = _RULES.get(known_name(estimator))
    if rule is None or getattr(estimator, "class_weight", None) is not None:
        return {}
    return rule(estimator, examples)


def closed(estimator: Any) -> bool:
    """Say whether the fit is known to have no training time: nothing iterates, or a solver runs to its own end without a limit.

    What is not known to be so is taken to have one.

    Args:
        estimator: A built one, or a step before it.
    """
    name = known_name(estimator)
    if name in ("Ridge", "RidgeClassifier"):
        return estimator.solver in ("auto", "svd", "cholesky") and not getattr(estimator, "positive", False)
    if name == "LinearRegression":
        return not estimator.positive
    if name in MACHINES:
        return bool(estimator.max_iter == -1) and not _loose(estimator)
    if name == "PCA":
        return bool(estimator.svd_solver != "arpack")
    if name in ("VotingClassifier", "VotingRegressor"):
        return all(closed(member) for _, member in estimator.estimators)
    if name == "Pipeline":
        return all(closed(step) for _, step in estimator.steps)
    return name in CLOSED


def one_optimum(estimator: Any, examples: int, features: int) -> bool:
    """Say whether the data decide the fitted model alone: a strictly convex energy, or a closed form without choices.

    Args:
        examples: Examples of a replica.
        features: What it sees of each.
    """
    name = known_name(estimator)
    if name == "LinearRegression":
        return examples > features
    if name == "LogisticRegression":
        sparse = getattr(estimator, "penalty", "deprecated") == "l1" or float(estimator.l1_ratio or 0.0) >= 1
        return bool(np.isfinite(estimator.C)) and not sparse and not _without_penalty(estimator)
    if name in MACHINES:
        return estimator.kernel in ("linear", "poly", "rbf")  # others need not be positive definite
    if name == "ElasticNet":
        return bool(estimator.alpha > 0 and estimator.l1_ratio < 1)
    if name in ("Ridge", "RidgeClassifier", "KernelRidge"):
        return bool(np.all(np.asarray(estimator.alpha) > 0))
    if name == "LinearSVC" and estimator.penalty != "l2":
        return False
    return name in STRICTLY_CONVEX or name in LOOKED_UP


def known_name(estimator: Any) -> str:
    """Return the name of a class of scikit-learn; empty for others, which may be called alike and mean something else.

    Args:
        estimator: Built or fitted.
    """
    return type(estimator).__name__ if type(estimator).__module__.startswith("sklearn.") else ""


def converged(estimator: Any) -> bool:
    """Say whether an iterative fit of scikit-learn came to its own end before its largest number of iterations."""
    limit, used = getattr(estimator, "max_iter", None), getattr(estimator, "n_iter_", None)
    if limit is None or used is None or _loose(estimator):
        return False
    return int(limit) == -1 or int(np.max(used)) < int(limit)


def _loose(estimator: Any) -> bool:
    """Say whether an estimator stops further from its end than it does by default."""
    usual = type(estimator)().get_params(deep=False).get("tol")
    return usual is not None and float(estimator.tol) > float(usual)


def _without_penalty(estimator: Any) -> bool:
    return getattr(estimator, "penalty", "deprecated") is None


def _square(values: Any) -> float:
    return float(np.square(np.asarray(values, dtype=np.float64)).sum())


def _size(values: Any) -> float:
    return float(np.abs(np.asarray(values, dtype=np.float64)).sum())


def _logistic(estimator: Any, examples: int) -> dict[str, float]:
    """C sum_i loss_i + r |w|_1 + (1 - r) |w|^2 / 2, over C n."""
    if _without_penalty(estimator) or not np.isfinite(estimator.C):
        return {}
    share, scale = float(estimator.l1_ratio or 0.0), 1.0 / (estimator.C * examples)
    if getattr(estimator, "penalty", "deprecated") == "l1":
        share = 1.0
    return _shared(estimator, scale, share)


def _shared(estimator: Any, scale: float, share: float) -> dict[str, float]:
    """Scale (r |w|_1 + (1 - r) |w|^2 / 2); a term that the objective does not have is not there, one that is zero is."""
    found = {"l1": scale * share * _size(estimator.coef_)} if share > 0 else {}
    return found | ({"l2": scale * (1 - share) * _square(estimator.coef_) / 2} if share < 1 else {})


def _ridge(estimator: Any, examples: int) -> dict[str, float]:
    """sum_i (y_i - f_i)^2 + alpha |w|^2, over n."""
    return {"l2": float(np.max(estimator.alpha)) * _square(estimator.coef_) / examples}


def _elastic(estimator: Any, examples: int) -> dict[str, float]:
    """(1 / 2n) sum_i (y_i - f_i)^2 + alpha r |w|_1 + alpha (1 - r) |w|^2 / 2, times 2."""
    del examples
    share = float(getattr(estimator, "l1_ratio", 1.0))
    return _shared(estimator, 2 * estimator.alpha, share)


def _descent(estimator: Any, examples: int) -> dict[str, float]:
    """Mean loss + alpha r |w|_1 + alpha (1 - r) |w|^2 / 2; twice that for the squared error, which is halved there."""
    del examples
    share = {"l2": 0.0, "l1": 1.0, "elasticnet": estimator.l1_ratio, None: None}[estimator.penalty]
    if share is None:
        return {}
    scale = estimator.alpha * (2.0 if getattr(estimator, "loss", "") == "squared_error" else 1.0)
    return _shared(estimator, scale, share)


def _margin(estimator: Any, examples: int) -> dict[str, float]:
    """|(w, b)|^2 / 2 + C sum_i loss_i, over C n; the intercept is penalized too, in units of its scaling."""
    scale = 1.0 / (estimator.C * examples)
    if getattr(estimator, "penalty", "l2") == "l1":
        return {"l1": scale * _size(estimator.coef_)}
    bias = np.asarray(estimator.intercept_) / estimator.intercept_scaling if estimator.fit_intercept else 0.0
    return {"l2": scale * (_square(estimator.coef_) + _square(bias)) / 2}


def _kernel(estimator: Any, examples: int) -> dict[str, float]:
    """|w|^2 / 2 + C sum_i loss_i, over C n, with |w|^2 = a K a of the dual coefficients a; of two classes."""
    if len(estimator.classes_) > 2 or callable(estimator.kernel) or estimator.kernel == "precomputed":
        return {}
    from sklearn.metrics.pairwise import pairwise_kernels

    own = pairwise_kernels(
        estimator.support_vectors_,
        metric=estimator.kernel,
        filter_params=True,
        gamma=estimator._gamma,
        degree=estimator.degree,
        coef0=estimator.coef0,
    )
    return {"l2": float((estimator.dual_coef_ @ own @ estimator.dual_coef_.T).sum()) / (2 * estimator.C * examples)}


def _network(estimator: Any, examples: int) -> dict[str, float]:
    """Mean loss + alpha |W|^2 / (2 n) over the n examples of a batch; twice that for the squared error, halved there."""
    size = min(200, examples) if estimator.batch_size == "auto" else min(estimator.batch_size, examples)
    if estimator.solver == "lbfgs":
        size = examples
    scale = 2.0 if hasattr(estimator, "loss") and estimator.loss == "squared_error" else 1.0
    return {"l2": scale * estimator.alpha * sum(_square(weights) for weights in estimator.coefs_) / (2 * size)}


_RULES: Final[dict[str, Callable[[Any, int], dict[str, float]]]] = {
    "LogisticRegression": _logistic,
    "Ridge": _ridge,
    "RidgeClassifier": _ridge,
    "Lasso": _elastic,
    "ElasticNet": _elastic,
    "SGDClassifier": _descent,
    "SGDRegressor": _descent,
    "LinearSVC": _margin,
    "SVC": _kernel,
    "MLPClassifier": _network,
    "MLPRegressor": _network,
}
