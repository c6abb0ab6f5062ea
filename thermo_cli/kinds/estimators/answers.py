"""What a fitted estimator says of examples, as logits, scores or numbers, (output, example)."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Integers
from thermo_cli.errors import SpecError
from thermo_cli.metric import Answers

USE: Final = "system.use"
LEAST: Final = float(np.finfo(np.float64).eps)  # probabilities are no smaller, as in scikit-learn's own log loss
ROUNDING: Final = 1e-3  # by which probabilities in float32 may miss 1


def kind_of_answer(estimator: Any, outputs: int) -> Answers:
    """Return what a fitted estimator says of an example.

    Args:
        outputs: Number of classes; 1 for regression.
    """
    if outputs == 1:
        return "numbers"
    if hasattr(estimator, "predict_proba"):
        return "probabilities"
    return "scores" if hasattr(estimator, "decision_function") else "labels"


def answers(estimator: Any, x: NDArray[Any], outputs: int, known: NDArray[Any]) -> Array:
    """Return logits, scores or numbers, (output, example).

    Of probabilities their logarithm; of scores the predicted class is on top, whatever breaks a tie; of mere labels 1 and 0.

    Args:
        x: What it sees, (example, feature).
        outputs: Number of classes; 1 for regression.
        known: The classes that it was fitted to, (class,): what is meant where it does not say so itself.

    Raises:
        SpecError: What it says has another shape, or means nothing here.
    """
    kind = kind_of_answer(estimator, outputs)
    number = x.shape[0] if hasattr(x, "shape") else len(x)
    if kind == "numbers":
        return _column(estimator.predict(x), number).astype(np.float64).reshape(1, -1)
    classes = classes_of(estimator, known)
    if kind == "probabilities":
        return logits(estimator.predict_proba(x), classes, outputs, number)
    scores = np.asarray(estimator.decision_function(x)) if kind == "scores" else None
    return scored(estimator.predict(x), classes, scores, outputs, number)


def classes_of(estimator: Any, known: NDArray[Any]) -> Integers:
    """Return the classes that the columns of its answers are of, (class,).

    Args:
        known: The classes that it was fitted to, (class,).
    """
    classes = getattr(estimator, "classes_", known)
    return np.asarray(known if classes is None else classes).astype(np.int64)


def logits(probabilities: Any, classes: Integers, outputs: int, number: int) -> Array:
    """Return log p, (class, example), for all classes of the data.

    Args:
        probabilities: (example, known class).
        classes: The classes that the estimator knows, (class,).
        number: Of examples.

    Raises:
        SpecError: These are no probabilities of these classes.
    """
    values = np.asarray(probabilities)
    if values.shape != (number, len(classes)) or values.dtype.kind not in "fiub":
        raise _odd("predict_proba", values, f"({number}, {len(classes)}): a column for each class")
    total = values.sum(axis=1)
    if (np.abs(total - 1)[np.isfinite(total)] > ROUNDING).any() or (values < -ROUNDING).any():
        raise SpecError(
            "what predict_proba returns are no probabilities",
            received=f"rows that sum to {total.min():.6g} to {total.max():.6g}",
            remedy="let each row sum to 1, or leave predict_proba out: then predict and decision_function are asked",
            where=USE,
        )
    found = np.full((outputs, number), LEAST)
    found[classes] = np.clip(values, LEAST, 1.0).T
    return np.asarray(np.log(found))


def scored(labels: Any, classes: Integers, scores: NDArray[Any] | None, outputs: int, number: int) -> Array:
    """Return scores whose largest is that of the predicted class, (class, example).

    Args:
        labels: Predicted class, (example,).
        classes: The classes that the estimator knows, (class,).
        scores: Decision values, (example,) or (example, known class); None where there are none.
        number: Of examples.

    Raises:
        SpecError: A label is none of the classes.
    """
    rows, place = np.arange(number), _classes(_column(labels, number), outputs)
    found = np.zeros((number, outputs))
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


def _column(values: Any, number: int) -> NDArray[Any]:
    """Return one answer for each example, (example,)."""
    column = np.asarray(values)
    if column.shape not in ((number,), (number, 1)):
        raise _odd("predict", column, f"({number},)")
    return column.reshape(-1)


def _classes(labels: NDArray[Any], outputs: int) -> Integers:
    """Return predicted labels as classes, 0..C-1."""
    plain = labels.dtype.kind in "iufb" and bool(np.isin(labels, np.arange(outputs)).all())
    if not plain:
        odd = next(label for label in labels.tolist() if label not in range(outputs))
        raise SpecError(
            "predict returns something that is no class",
            received=repr(odd),
            remedy=f"return the labels that fit was given: integers from 0 to {outputs - 1}",
            where=USE,
        )
    return labels.astype(np.int64)


def _odd(method: str, values: NDArray[Any], wanted: str) -> SpecError:
    return SpecError(
        f"what {method} returns has another shape",
        received=f"{values.shape} {values.dtype}",
        remedy=wanted,
        where=USE,
    )
