"""Scorers of scikit-learn, asked of a stand-in whose features are already its own outputs."""

import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import numpy as np
from scipy.special import softmax

from thermo_cli.contracts import Task
from thermo_cli.errors import SpecError

WHERE: Final = "observe.macro"
REMEMBERED: Final = 512  # scores of a scorer, each of other labels
REGRESSION: Final = "sklearn.metrics._regression"  # where scikit-learn keeps the scores of numbers


def scorer_names() -> list[str]:
    """Return the names of scikit-learn's scorers."""
    from sklearn.metrics import get_scorer_names

    return list(get_scorer_names())


def scorer(name: str, task: Task) -> Callable[[Any, Any], Any]:
    """Return a scorer as a function of outputs (example, output) and targets (example,).

    Args:
        name: One of `scorer_names`.
        task: Classification or regression.

    Raises:
        SpecError: It is for the other task.
    """
    score = _scorer(name)
    numeric = getattr(getattr(score, "_score_func", None), "__module__", "") == REGRESSION
    if numeric != (task == "regression"):
        others = "numbers" if numeric else "classes"
        raise SpecError(
            f"this scorer is for {others}, and the task is {task}", received=name, remedy="leave it out", where=WHERE
        )

    def value(outputs: Any, y: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a class is never predicted, say: the score says so itself
            return score(_model(task, outputs.shape[1]), outputs, y)

    labels_alone = task == "classification" and getattr(score, "_response_method", "") == "predict"
    return _once_for_labels(value) if labels_alone else value


def _once_for_labels(value: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Ask a scorer that sees predicted labels alone once for the same labels: late in training few of them change.

    Args:
        value: Of outputs (example, output) and targets (example,).
    """
    known: dict[tuple[int, bytes, bytes], Any] = {}

    def remembered(outputs: Any, y: Any) -> Any:
        labels, targets = outputs.argmax(axis=1).astype(np.int32), np.asarray(y).astype(np.int32)
        key = (outputs.shape[1], labels.tobytes(), targets.tobytes())
        if key not in known:
            if len(known) >= REMEMBERED:
                known.clear()
            known[key] = value(outputs, y)
        return known[key]

    return remembered


def check_probabilities(name: str) -> None:
    """Refuse a scorer that reads probabilities.

    Args:
        name: One of `scorer_names`.

    Raises:
        SpecError: It does.
    """
    if _scorer(name)._response_method == "predict_proba":
        raise SpecError(
            "this scorer needs probabilities, which this estimator does not give",
            received=name,
            remedy="leave it out, or name an estimator with predict_proba",
            where=WHERE,
        )


def _scorer(name: str) -> Any:
    from sklearn.metrics import get_scorer

    return get_scorer(name)


@lru_cache(maxsize=8)
def _model(task: Task, outputs: int) -> Any:
    """Return a fitted model that takes its features for its answers: logits of classes, or numbers."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    class StandIn(ClassifierMixin if task == "classification" else RegressorMixin, BaseEstimator):  # type: ignore[misc]
        classes_ = np.arange(outputs)

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, x: Any) -> Any:
            return x.argmax(axis=1) if task == "classification" else x[:, 0]

        def predict_proba(self, x: Any) -> Any:
            return softmax(x, axis=1)

        def decision_function(self, x: Any) -> Any:
            return x[:, 1] - x[:, 0] if outputs == 2 else x

    return StandIn()
