"""All macroscopic observables of a stack at one step: what a training run records of itself."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Array, Dataset, Task
from thermo_cli.observables import classification, regression
from thermo_cli.observables.custom import Metric, label, metric
from thermo_cli.spec.observing import MACRO

METRICS: Final[dict[Task, dict[str, Metric]]] = {
    "classification": {
        "loss": classification.loss,
        "accuracy": classification.accuracy,
        "brier": classification.brier,
        "calibration_error": classification.calibration_error,
        "margin": classification.margin,
    },
    "regression": {"loss": regression.loss, "r2": regression.r2, "rmse": regression.rmse},
}


def measure(
    macro: Sequence[str],
    dataset: Dataset,
    subsamples: Any,
    train: Array,
    test: Array,
    parameters: Array,
    gradient: Array,
    initial: Array,
    penalty: float | Array,
    energies: Mapping[str, Array] = MappingProxyType({}),
    shifted: Array | None = None,
) -> dict[str, Array]:
    """Compute the observables that a spec names.

    The energy is the objective of the final protocol on the replica's own subsample,
    U = (1/n) sum_i loss_i + (lambda/2) |theta|^2 + the energies beside them, also while a first phase trains on something else.

    Args:
        macro: Names, as in `observe.macro`.
        dataset: Pool and test set.
        subsamples: Indices into the pool, (replica, subsample).
        train: Outputs on the subsample, (replica, output, example).
        test: Outputs on the test set, (replica, output, example).
        parameters: theta, (replica, parameters).
        gradient: Of the energy, (replica, parameters).
        initial: theta at step 0, (replica, parameters).
        penalty: lambda, of all or (replica,); 0 without a penalty or with decoupled decay.
        energies: Further ones, name to (replica,).
        shifted: Outputs on the shifted test set, (replica, output, example); None where there is none.

    Returns:
        Observable to (replica,).
    """
    y_train = dataset.y[subsamples]
    others: dict[str, tuple[Array, Any]] = {"test": (test, dataset.y_test)}
    if shifted is not None:
        others["shifted"] = (shifted, dataset.y_shifted)
    metrics = metrics_of(macro, dataset.task)
    values: dict[str, Array] = {}
    with np.errstate(all="ignore"):  # a diverged replica has NaN here, and is counted by the court
        loss = metrics["loss"](train, y_train, dataset.target_sd)
        values["energy"] = values["energy_loss"] = loss
        if np.any(penalty):
            values["energy_l2"] = 0.5 * penalty * np.einsum("rp,rp->r", parameters, parameters)
            values["energy"] = loss + values["energy_l2"]
        for name, extra in energies.items():
            values[f"energy_{name}"] = extra
            values["energy"] = values["energy"] + extra
        for name in map(label, macro):
            if name in metrics:
                values[f"train_{name}"] = loss if name == "loss" else metrics[name](train, y_train, dataset.target_sd)
                for split, (outputs, y) in others.items():
                    answers = np.broadcast_to(y, (len(outputs), len(y)))
                    values[f"{split}_{name}"] = metrics[name](outputs, answers, dataset.target_sd)
        norm, norm_0 = np.linalg.norm(parameters, axis=1), np.linalg.norm(initial, axis=1)
        watched = {
            "parameter_norm": norm,
            "gradient_norm": np.linalg.norm(gradient, axis=1),
            "distance_from_init": np.linalg.norm(parameters - initial, axis=1),
            "cosine_to_init": np.einsum("rp,rp->r", parameters, initial) / (norm * norm_0),
        }
        values.update({name: array for name, array in watched.items() if name in macro})
    return values


def metrics_of(macro: Sequence[str], task: Task) -> dict[str, Metric]:
    """Return the metrics of a task by the name that they are observed under: the built-in ones, and those of the user.

    Args:
        macro: Names, as in `observe.macro`.
        task: Classification or regression.
    """
    return METRICS[task] | {label(name): metric(name, task) for name in macro if name not in MACRO}


def measurement_steps(steps: int, window_measurements: int) -> Any:
    """Choose when to measure: about two per doubling up to T/2, then evenly through the last doubling [T/2, T].

    Args:
        steps: Training time T.
        window_measurements: Measurements in [T/2, T], both ends included.

    Returns:
        Increasing steps from 0 to T, (time,).
    """
    half = steps // 2
    early = np.unique(np.round(2.0 ** np.arange(0, np.log2(max(half, 1)) + 0.5, 0.5)).astype(np.int64))
    window = np.round(np.linspace(half, steps, window_measurements)).astype(np.int64)
    return np.unique(np.concatenate([[0], early[early < half], window]))


def snapshot_steps(steps: int) -> tuple[int, ...]:
    """Choose when parameters are kept: 0, T/4, T/2 and T.

    Args:
        steps: Training time T.
    """
    return tuple(sorted({0, steps // 4, steps // 2, steps}))
