"""Macroscopic observables of one fitted estimator at one time."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Dataset, Task
from thermo_cli.errors import SpecError
from thermo_cli.observables.custom import WHERE, Metric, label, metric, needs_probabilities
from thermo_cli.observables.macroscopic import METRICS
from thermo_cli.spec.observing import MACRO

TELLS: Final[dict[str, tuple[str, ...]]] = {
    "probabilities": ("loss", "accuracy", "brier", "calibration_error", "margin"),
    "scores": ("accuracy", "margin"),
    "labels": ("accuracy",),
    "numbers": ("loss", "r2", "rmse"),
}


def fitted_metrics(kind: str, macro: Sequence[str], task: Task) -> dict[str, Metric]:
    """Return the metrics that can be computed from what an estimator says, by name.

    Args:
        kind: `probabilities`, `scores`, `labels` or `numbers`.
        macro: Names, as in `observe.macro`; built-in ones that it does not tell are left out.
        task: Classification or regression.

    Raises:
        SpecError: A scorer needs probabilities, and there are none.
    """
    own = [name for name in macro if name not in MACRO]
    for name in own:
        if kind in ("scores", "labels") and needs_probabilities(name):
            raise SpecError(
                "this scorer needs probabilities, which this estimator does not give",
                received=name,
                remedy="leave it out, or name an estimator with predict_proba",
                where=WHERE,
            )
    return {name: METRICS[task][name] for name in macro if name in TELLS[kind]} | {
        label(name): metric(name, task) for name in own
    }


def before_fit(metrics: Mapping[str, Metric], dataset: Dataset, y: NDArray[Any]) -> dict[str, float]:
    """Return the test metrics of an estimator that has learned nothing but how often each class occurs, or the mean target.

    Args:
        metrics: What can be computed.
        dataset: For the test set.
        y: Targets of the subsample, (example,).
    """
    if dataset.task == "classification":
        shares = np.bincount(y.astype(np.int64), minlength=dataset.outputs) / len(y)
        answer = np.log(np.maximum(shares, np.finfo(np.float64).eps))
    else:
        answer = np.array([y.mean()])
    constant = np.repeat(answer[None, :, None], len(dataset.y_test), axis=2)
    return {
        f"test_{name}": float(rule(constant, np.asarray(dataset.y_test)[None], dataset.target_sd)[0])
        for name, rule in metrics.items()
    }


def measure_fit(
    kind: str,
    metrics: Mapping[str, Metric],
    dataset: Dataset,
    y: NDArray[Any],
    train: Array,
    test: Array,
    loss: float | None,
    terms: Mapping[str, float],
    shifted: Array | None = None,
) -> dict[str, float]:
    """Compute the observables of one estimator: energy = loss + its penalties, and each metric on both splits.

    The loss is the estimator's own where it is stated, else the cross-entropy or the squared error; of answers without
    probabilities the share of wrong ones.

    Args:
        kind: `probabilities`, `scores`, `labels` or `numbers`.
        metrics: What can be computed.
        dataset: For the test set.
        y: Targets of the subsample, (example,).
        train: Answers on the subsample, (output, example).
        test: Answers on the test set, (output, example).
        loss: Of the estimator itself; None where that is not known.
        terms: Penalty to its energy.
        shifted: Answers on the shifted test set, (output, example); None where there is none.

    Returns:
        Observable to its value.
    """
    unit = dataset.target_sd
    if loss is None:
        told = "loss" in TELLS[kind]
        value = float(METRICS[dataset.task]["loss" if told else "accuracy"](train[None], y[None], unit)[0])
        loss = value if told else 1.0 - value
    values = {"energy": loss + sum(terms.values()), "energy_loss": loss}
    values |= {f"energy_{name}": value for name, value in terms.items()}
    for name, rule in metrics.items():
        values[f"train_{name}"] = float(rule(train[None], y[None], unit)[0])
        values[f"test_{name}"] = float(rule(test[None], np.asarray(dataset.y_test)[None], unit)[0])
        if shifted is not None:
            values[f"shifted_{name}"] = float(rule(shifted[None], np.asarray(dataset.y_shifted)[None], unit)[0])
    return values
