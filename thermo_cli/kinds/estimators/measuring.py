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
    kind: Answers,
    formulas: Mapping[str, Formula],
    dataset: Dataset,
    y: NDArray[Any],
    answers: Mapping[str, Array],
    loss: float | None,
    terms: Mapping[str, float],
) -> dict[str, float]:
    """Compute the observables of one estimator: energy = loss + its penalties, and each metric on every split.

    The loss is the estimator's own where it is stated, else the cross-entropy or the squared error; of answers without
    probabilities the share of wrong ones.

    Args:
        kind: What it says.
        formulas: What can be computed.
        dataset: For the test set.
        y: Targets of the subsample, (example,).
        answers: Split to answers, (output, example); `train`, on the subsample, and those of the test sets.
        loss: Of the estimator itself; None where that is not known.
        terms: Penalty to its energy.

    Returns:
        Observable to its value.
    """
    pairs = splits(dataset, y[None], **{split: outputs[None] for split, outputs in answers.items()})
    if loss is None:
        loss = _loss(kind, dataset, *pairs["train"])
    values = on_splits(formulas, pairs, dataset.target_sd)
    return {
        "energy": loss + sum(terms.values()),
        "energy_loss": loss,
        **{f"energy_{name}": value for name, value in terms.items()},
        **{name: float(value[0]) for name, value in values.items()},
    }


def _loss(kind: Answers, dataset: Dataset, outputs: Array, y: NDArray[Any]) -> float:
    """Return the mean loss of answers, or the share of wrong ones where there is none."""
    task, unit = dataset.task, dataset.target_sd
    if RECORDS["loss"].computable(task, kind):
        return float(formula("loss", task)(outputs, y, unit)[0])
    return 1.0 - float(formula("accuracy", task)(outputs, y, unit)[0])
