"""Observables of the user: scorers of scikit-learn by their name, and functions by `module:function`.

Both become what the built-in metrics are: outputs of a stack and targets in, one number per replica out.
"""

import inspect
import numbers
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from scipy.special import softmax

from thermo_cli import rng
from thermo_cli.contracts import Array, Task
from thermo_cli.errors import SpecError
from thermo_cli.registry import Trust, locate, nearest, trust

Metric = Callable[[Array, Any, float], Array]
WHERE: Final = "observe.macro"
SHIFT: Final = 3.0  # of targets and predictions alike
REGRESSION: Final = "sklearn.metrics._regression"  # where scikit-learn keeps the scores of numbers


def label(name: str) -> str:
    """Return the name that an observable has behind `train_` and `test_`: of `module:function` the function's.

    Args:
        name: As in `observe.macro`.
    """
    return name.rpartition(":")[2].rpartition(".")[2]


def metric(name: str, task: Task) -> Metric:
    """Return the observable behind a name that is not built in.

    A function is called as f(outputs, targets) for one replica, with outputs (example, output): logits of classes, or numbers;
    and targets (example,). Numbers are in the target's own unit. A replica whose outputs are not finite has no value.

    Args:
        name: A scorer of scikit-learn, or `module:function`.
        task: Classification or regression.

    Returns:
        A function of outputs (replica, output, example), targets (replica, example) and the target's unit -> (replica,).

    Raises:
        SpecError: There is nothing of this name, it may not be imported, or it is for another task.
    """
    return _metric(name, task, trust())


@lru_cache(maxsize=64)
def _metric(name: str, task: Task, given: Trust) -> Metric:
    score = _function(name, given) if ":" in name else _scorer(name, task)

    def values(outputs: Array, y: Any, unit: float) -> Array:
        if task == "regression":
            outputs, y = outputs * unit, y * unit
        found = np.full(len(outputs), np.nan)
        for replica in np.flatnonzero(np.isfinite(outputs).all(axis=(1, 2))):
            found[replica] = _number(name, score(_sealed(outputs[replica].T), _sealed(y[replica])))
        return found

    return values


def check(name: str, task: Task, y: Any, outputs: int, unit: float, centred: bool, known: Sequence[str]) -> None:
    """Try an observable on the targets of the test set and arbitrary outputs, before anything is trained.

    Args:
        name: As in `observe.macro`.
        task: Classification or regression.
        y: Targets, (example,).
        outputs: Number of outputs of a model.
        unit: What one unit of a scaled target is in the file.
        centred: Whether targets have been centred, so that their origin means nothing.
        known: Built-in observables.

    Raises:
        SpecError: It raises an error, gives no finite number or not always the same, or depends on the origin of the target.
    """
    if ":" not in name and name not in scorer_names():
        guess = nearest(name, [*known, *scorer_names()])
        raise SpecError(
            "there is no observable of this name, built in or among scikit-learn's scorers",
            received=name,
            remedy=(f"did you mean {guess!r}? " if guess else "") + "a function of yours is module:function",
            where=WHERE,
        )
    drawn = rng.generator(0).normal(size=(1, outputs, len(y)))
    shift = SHIFT if task == "regression" else 0.0
    first, again, shifted = (
        _tried(name, task, drawn + moved, y[None] + moved, unit) for moved in (0.0, 0.0, shift if centred else 0.0)
    )
    if not np.isfinite(first):
        raise SpecError(
            "this observable has no finite value",
            received=f"{name}: {first} on {len(y)} examples of the test set",
            remedy="it must be a finite number for any predictions",
            where=WHERE,
        )
    if first != again:
        raise SpecError(
            "this observable is not always the same for the same outputs",
            received=f"{name}: {first}, then {again}",
            remedy="it may draw no random numbers, and remember nothing",
            where=WHERE,
        )
    if not np.isclose(first, shifted, rtol=1e-6, atol=1e-9):
        raise SpecError(
            "this observable depends on the origin of the target, and targets are centred",
            received=name,
            remedy="data.scale: none",
            where=WHERE,
        )


def scorer_names() -> list[str]:
    """Return the names of scikit-learn's scorers."""
    from sklearn.metrics import get_scorer_names

    return list(get_scorer_names())


def needs_probabilities(name: str) -> bool:
    """Say whether a scorer of scikit-learn reads probabilities; functions get whatever there is.

    Args:
        name: As in `observe.macro`.
    """
    if ":" in name:
        return False
    from sklearn.metrics import get_scorer

    return bool(get_scorer(name)._response_method == "predict_proba")


def _tried(name: str, task: Task, outputs: Array, y: Any, unit: float) -> float:
    try:
        return float(metric(name, task)(outputs, y, unit)[0])
    except SpecError:
        raise
    except Exception as error:
        raise SpecError(
            "this observable raises an error",
            received=f"{name}: {type(error).__name__}: {error}",
            remedy="mend it, or leave it out" if ":" in name else f"it does not suit these targets; leave {name} out",
            where=WHERE,
        ) from error


def _function(name: str, given: Trust) -> Callable[[Any, Any], Any]:
    """Import a function of two arguments."""
    found = locate(name, given, WHERE)
    if not callable(found) or isinstance(found, type):
        raise SpecError(
            "this is no function",
            received=f"{name}: {type(found).__name__}",
            remedy="name a function of (outputs, targets)",
            where=WHERE,
        )
    try:
        inspect.signature(found).bind(None, None)
    except TypeError:
        raise SpecError(
            "this function takes other arguments",
            received=f"{name}{inspect.signature(found)}",
            remedy="it is called with two: outputs (example, output) and targets (example,)",
            where=WHERE,
        ) from None
    return found  # type: ignore[no-any-return]


def _scorer(name: str, task: Task) -> Callable[[Any, Any], Any]:
    """Return a scorer of scikit-learn, asked of an estimator whose features are its own outputs."""
    from sklearn.metrics import get_scorer

    scorer = get_scorer(name)
    numeric = getattr(getattr(scorer, "_score_func", None), "__module__", "") == REGRESSION
    if numeric != (task == "regression"):
        others = "numbers" if numeric else "classes"
        raise SpecError(
            f"this scorer is for {others}, and the task is {task}", received=name, remedy="leave it out", where=WHERE
        )

    def score(outputs: Any, y: Any) -> Any:
        estimator = _numbers() if task == "regression" else _classes(outputs.shape[1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a class is never predicted, say: the score says so itself
            return scorer(estimator, outputs, y)

    return score


@lru_cache(maxsize=8)
def _classes(count: int) -> Any:
    """Return a fitted classifier that takes its features for its logits."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Logits(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        classes_ = np.arange(count)

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, x: Any) -> Any:
            return x.argmax(axis=1)

        def predict_proba(self, x: Any) -> Any:
            return softmax(x, axis=1)

        def decision_function(self, x: Any) -> Any:
            return x[:, 1] - x[:, 0] if count == 2 else x

    return Logits()


@lru_cache(maxsize=1)
def _numbers() -> Any:
    """Return a fitted regressor that takes its feature for its prediction."""
    from sklearn.base import BaseEstimator, RegressorMixin

    class Prediction(RegressorMixin, BaseEstimator):  # type: ignore[misc]
        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, x: Any) -> Any:
            return x[:, 0]

    return Prediction()


def _number(name: str, value: Any) -> float:
    if isinstance(value, np.ndarray | np.generic) and np.ndim(value) == 0:
        value = value.item()
    if not isinstance(value, numbers.Real):
        raise SpecError(
            "this observable is no number",
            received=f"{name}: {type(value).__name__}",
            remedy="return one number",
            where=WHERE,
        )
    return float(value)


def _sealed(array: Any) -> Any:
    """Return a view that cannot be written to: an observable changes nothing."""
    view = array.view()
    view.flags.writeable = False
    return view
