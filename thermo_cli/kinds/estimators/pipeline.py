"""Scikit-learn estimators that a spec names as `module:Class`, with the steps before them; built anew for every fit.

Every `random_state` in them, however deep, is set from the replica's `init` stream.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier, is_regressor

from thermo_cli import rng
from thermo_cli.arguments import UNSAFE, Refusal, building, refuse_arguments, refuse_unknown
from thermo_cli.contracts import Array, Task
from thermo_cli.errors import SpecError
from thermo_cli.metric import Answers
from thermo_cli.registry import nearest
from thermo_cli.trust import locate_class

SYSTEM, USE, WITH = "system", "system.use", "system.with"
BUDGETS: Final = ("n_estimators", "max_iter")  # arguments that a training time can be given to
REFUSED: Final = UNSAFE | {
    "random_state": Refusal(
        (None,),
        "random_state comes from the replica's stream",
        "leave it out; what is to be the same for all replicas is said by ensemble.vary",
    )
}
LEAST: Final = float(np.finfo(np.float64).eps)  # probabilities are no smaller, as in scikit-learn's own log loss


@dataclass(frozen=True)
class Pipeline:
    """An estimator and the steps before it, not fitted.

    Attributes:
        steps: Transformers, in order.
        estimator: Classifier or regressor.
        task: What it does.
    """

    steps: tuple[Any, ...]
    estimator: Any
    task: Task

    def prepared(self, x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
        """Fit the steps on a subsample and return what the estimator sees of it, (example, feature).

        Args:
            x: Features, (example, feature).
            y: Targets, (example,).
        """
        for step in self.steps:
            x = step.fit_transform(x, y)
        return x

    def seen(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return what the estimator sees of other examples, (example, feature).

        Args:
            x: Features, (example, feature).
        """
        for step in self.steps:
            x = step.transform(x)
        return x


def pipeline(system: Any, task: Task, stream: int, arguments: Mapping[str, Any] | None = None) -> Pipeline:
    """Build what a spec names.

    Args:
        system: The spec's `system`.
        task: What the data ask for.
        stream: The replica's `init` stream.
        arguments: Of the estimator, beside those of the spec.

    Raises:
        SpecError: It may not be imported, is no estimator for this task, or does not take these arguments.
    """
    steps = []
    for number, step in enumerate(system.preprocess):
        where = f"{SYSTEM}.preprocess[{number}]"
        built = _part(step.use, step.arguments, where)
        if not hasattr(built, "transform"):
            raise SpecError(
                "this is no transformer", received=step.use, remedy="name a class with fit and transform", where=where
            )
        steps.append(built)
    estimator = _part(system.use, {**system.arguments, **(arguments or {})}, SYSTEM)
    if not (is_classifier(estimator) if task == "classification" else is_regressor(estimator)):
        kind = (
            "classifier" if is_classifier(estimator) else "regressor" if is_regressor(estimator) else "neither of both"
        )
        wanted = "classifier" if task == "classification" else "regressor"
        raise SpecError(
            f"these data need a {wanted}", received=f"{system.use}: {kind}", remedy=f"name a {wanted}", where=USE
        )
    _seed([*steps, estimator], rng.generator(stream))
    return Pipeline(tuple(steps), estimator, task)


def time_parameter(system: Any, wanted: str | None, time: str = "budget") -> str:
    """Return the argument that a training time is given to.

    Args:
        system: The spec's `system`.
        wanted: What the spec says, if it says so.
        time: `warm_start`, `staged` or `budget`.

    Raises:
        SpecError: The estimator has none, or not this one.
    """
    known = _part(system.use, system.arguments, SYSTEM).get_params(deep=False)
    where = "dynamics.with.parameter"
    if wanted is not None and wanted not in known:
        guess = nearest(wanted, known)
        remedy = f"did you mean {guess!r}?" if guess else "it takes " + ", ".join(known)
        raise SpecError(f"{system.use} takes no such argument", received=wanted, remedy=remedy, where=where)
    found = wanted or next((name for name in BUDGETS if name in known), None)
    if found is None:
        raise SpecError(
            "this estimator has no number of iterations or members that could be its training time",
            received=system.use,
            remedy="dynamics.with: {time: once}, or name the argument as parameter",
            where=where,
        )
    grows = found == "n_estimators" or "HistGradientBoosting" in system.use
    if time == "warm_start" and not grows:
        raise SpecError(
            "only ensembles go on where a shorter fit ended; others add as many iterations again at every look",
            received=f"time: warm_start, {found}",
            remedy="time: partial or budget",
            where="dynamics.with.time",
        )
    if found in system.arguments:
        raise SpecError(
            f"{found} is the training time here",
            received=f"{found}: {system.arguments[found]}",
            remedy="leave it out, and give dynamics.steps",
            where=f"{WITH}.{found}",
        )
    return found


def kind_of_answer(estimator: Any) -> Answers:
    """Return what a fitted estimator says of an example."""
    if is_regressor(estimator):
        return "numbers"
    if hasattr(estimator, "predict_proba"):
        return "probabilities"
    return "scores" if hasattr(estimator, "decision_function") else "labels"


def answers(estimator: Any, x: NDArray[Any], outputs: int) -> Array:
    """Return logits, scores or numbers, (output, example).

    Of probabilities their logarithm; of scores the predicted class is on top, whatever breaks a tie; of mere labels 1 and 0.

    Args:
        x: What it sees, (example, feature).
        outputs: Number of classes; 1 for regression.
    """
    kind = kind_of_answer(estimator)
    if kind == "numbers":
        return np.asarray(estimator.predict(x), dtype=np.float64).reshape(1, -1)
    if kind == "probabilities":
        return logits(estimator.predict_proba(x), estimator.classes_, outputs)
    return scored(
        estimator, estimator.predict(x), estimator.decision_function(x) if kind == "scores" else None, outputs
    )


def logits(probabilities: NDArray[Any], classes: NDArray[Any], outputs: int) -> Array:
    """Return log p, (class, example), for all classes of the data.

    Args:
        probabilities: (example, known class).
        classes: The classes that the estimator knows.
    """
    found = np.full((outputs, len(probabilities)), LEAST)
    found[classes.astype(np.int64)] = np.clip(probabilities, LEAST, 1.0).T
    return np.asarray(np.log(found))


def scored(estimator: Any, labels: NDArray[Any], scores: NDArray[Any] | None, outputs: int) -> Array:
    """Return scores whose largest is that of the predicted class, (class, example).

    Args:
        labels: Predicted class, (example,).
        scores: Decision values, (example,) or (example, known class); None where there are none.
    """
    classes = estimator.classes_.astype(np.int64)
    rows, place = np.arange(len(labels)), labels.astype(np.int64)
    found = np.zeros((len(labels), outputs))
    if scores is not None and scores.ndim == 1:
        found[:, classes[1]] = scores
    elif scores is not None and scores.shape[1] == len(classes):
        found[:] = scores.min(axis=1, keepdims=True)
        found[:, classes] = scores
    top = found.max(axis=1)
    behind = found.argmax(axis=1) != place
    found[rows[behind], place[behind]] = np.nextafter(top[behind], np.inf)
    if scores is None:
        found[rows, place] = 1.0
    return found.T


def _part(use: str, arguments: Mapping[str, Any], where: str) -> Any:
    """Build an estimator that the spec names at a place, after a look at its arguments, however deep."""
    refuse_arguments(arguments, REFUSED, f"{where}.with")
    return _built(use, arguments, where)


def _built(use: str, arguments: Mapping[str, Any], where: str) -> Any:
    """Import and construct an estimator, and those among its arguments."""
    kind, where = locate_class(use, BaseEstimator, "scikit-learn estimator", f"{where}.use"), f"{where}.with"
    accepted = inspect.signature(kind).parameters
    refuse_unknown(use, arguments, accepted, where)
    values = {name: _argument(value, f"{where}.{name}") for name, value in arguments.items()}
    with building("the estimator", accepted, where):
        built = kind(**values)
        built._validate_params()
    return built


def _argument(value: Any, where: str) -> Any:
    """Build the estimators among arguments, `{use: ..., with: ...}`: alone, in lists of names and estimators, in grids."""
    if isinstance(value, Mapping) and "use" in value and set(value) <= {"use", "with"}:
        arguments = value.get("with") or {}
        if not isinstance(arguments, Mapping):
            raise SpecError(
                "arguments have names", received=f"with: {arguments}", remedy="with: {name: value}", where=where
            )
        return _built(str(value["use"]), arguments, where)
    if isinstance(value, Mapping):
        return {name: _argument(inner, f"{where}.{name}") for name, inner in value.items()}
    if isinstance(value, list):
        built = [_argument(item, f"{where}[{number}]") for number, item in enumerate(value)]
        pairs = all(isinstance(item, list) and len(item) == 2 and isinstance(item[1], BaseEstimator) for item in built)
        return [tuple(item) for item in built] if pairs and built else built
    return value


def _seed(parts: list[Any], draw: np.random.Generator) -> None:
    """Set every `random_state` by a number of its own, in the order of names."""
    for part in parts:
        names = [name for name in sorted(part.get_params(deep=True)) if name.endswith("random_state")]
        part.set_params(**{name: int(draw.integers(2**31)) for name in names})


def seeded(parts: Sequence[Any]) -> bool:
    """Say whether anything in them takes a random state."""
    return any(name.endswith("random_state") for part in parts for name in part.get_params(deep=True))
