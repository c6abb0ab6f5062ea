"""Macroscopic observables of one fitted estimator at one time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Dataset
from thermo_cli.metric import RECORDS, Answers
from thermo_cli.observables.formulas import Formula, formula, on_splits
from thermo_cli.observables.macroscopic import splits


def before_fit(formulas: Mapping[str, Formula], dataset: Dataset, y: NDArray[Any]) -> dict[str, float]:
    """Return the test metrics of an estimator that has learned nothing but how often each class occurs, or the mean target.

    Args:
        formulas: What can be computed.
        dataset: For the test set.
        y: Targets of the subsample, (example,).
    """
    if dataset.task == "classification":
        shares = np.bincount(y.astype(np.int64), minlength=dataset.outputs) / len(y)
        answer = np.log(np.maximum(shares, np.finfo(np.float64).eps))
    else:
        answer = np.array([y.mean()])
    constant = np.repeat(answer[None, :, None], len(dataset.y_test), axis=2)
    values = on_splits(formulas, {"test": (constant, np.asarray(dataset.y_test)[None])}, dataset.target_sd)
    return {name: float(value[0]) for name, value in values.items()}


def measure_fit(
    formulas: Mapping[str, Formula],
    dataset: Dataset,
    y: NDArray[Any],
    answers: Mapping[str, Array],
    loss: float,
    terms: Mapping[str, float],
) -> dict[str, float]:
    """Compute the observables of one estimator: energy = loss + its penalties, and each metric on every split.

    Args:
        formulas: What can be computed.
        dataset: For the test set.
        y: Targets of the subsample, (example,).
        answers: Split to answers, (output, example); `train`, on the subsample, and those of the test sets.
        loss: Its mean loss on the subsample.
        terms: Penalty to its energy.

    Returns:
        Observable to its value.
    """
    pairs = splits(dataset, y[None], **{split: outputs[None] for split, outputs in answers.items()})
    values = on_splits(formulas, pairs, dataset.target_sd)
    return {
        "energy": loss + sum(terms.values()),
        "energy_loss": loss,
        **{f"energy_{name}": value for name, value in terms.items()},
        **{name: float(value[0]) for name, value in values.items()},
    }


def mean_loss(kind: Answers, dataset: Dataset, y: NDArray[Any], answers: Array) -> float:
    """Return the cross-entropy or the squared error of an estimator; without probabilities the share of wrong answers.

    Args:
        kind: What it says.
        dataset: For the task and the unit of its targets.
        y: Targets, (example,).
        answers: On the same examples, (output, example).
    """
    stated = RECORDS["loss"].computable(dataset.task, kind)
    rule = formula("loss" if stated else "accuracy", dataset.task)
    value = float(rule(answers[None], y[None], dataset.target_sd)[0])
    return value if stated else 1.0 - value
