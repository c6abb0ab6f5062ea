"""All macroscopic observables of a stack at one step: what a training run records of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thermo_cli.contracts import Array, Dataset
from thermo_cli.metric import METRICS
from thermo_cli.observables.formulas import formula, formulas_of, on_splits
from thermo_cli.registry import load


@dataclass(frozen=True)
class Evaluation:
    """Everything that macroscopic observables are computed from, at one step.

    Attributes:
        train: Outputs on each replica's own subsample, (replica, output, example).
        test: Outputs on the test set, (replica, output, example).
        parameters: theta, (replica, parameters), 0 where they are running statistics.
        gradient: Of the energy over the whole subsample, (replica, parameters).
        energies: What is part of the energy besides the loss and the L2 penalty, name to (replica,).
        shifted: Outputs on the shifted test set, (replica, output, example); None where there is none.
    """

    train: Array
    test: Array
    parameters: Array
    gradient: Array
    energies: Mapping[str, Array]
    shifted: Array | None = None


def measure(
    macro: Sequence[str], dataset: Dataset, subsamples: Any, now: Evaluation, initial: Array, penalty: float | Array
) -> dict[str, Array]:
    """Compute the observables that a spec names.

    The energy is the objective of the final protocol on the replica's own subsample,
    U = (1/n) sum_i loss_i + (lambda/2) |theta|^2 + the energies beside them, also while a first phase trains on something else.

    Args:
        macro: Names, as in `observe.macro`.
        dataset: Pool and test set.
        subsamples: Indices into the pool, (replica, subsample).
        now: The stack at this step.
        initial: theta at step 0, (replica, parameters).
        penalty: lambda, of all or (replica,); 0 without a penalty or with decoupled decay.

    Returns:
        Observable to (replica,).
    """
    task, unit, y = dataset.task, dataset.target_sd, dataset.y[subsamples]
    with np.errstate(all="ignore"):  # a diverged replica has NaN here, and is counted by the court
        answers = splits(dataset, y, now.train, now.test, now.shifted)
        values = on_splits(formulas_of(macro, task), answers, unit)
        loss = values["train_loss"] if "loss" in macro else formula("loss", task)(now.train, y, unit)
        terms = {"energy_loss": loss}
        if np.any(penalty):
            terms["energy_l2"] = 0.5 * penalty * np.einsum("rp,rp->r", now.parameters, now.parameters)
        terms |= {f"energy_{name}": extra for name, extra in now.energies.items()}
        state = {
            metric.name: load(metric.state)(now.parameters, now.gradient, initial)
            for metric in METRICS
            if metric.state is not None and metric.name in macro
        }
    return {"energy": sum(terms.values()), **terms, **values, **state}


def splits(
    dataset: Dataset, y: Any, train: Array, test: Array, shifted: Array | None = None
) -> dict[str, tuple[Array, Any]]:
    """Put answers beside their targets, split to outputs (replica, output, example) and targets (replica, example).

    Args:
        dataset: For the targets of the test sets.
        y: Targets of the subsamples, (replica, example).
        train: Outputs on the subsamples.
        test: Outputs on the test set.
        shifted: Outputs on the shifted test set; None where there is none.
    """
    answers = {"train": (train, y)}
    for split, outputs, y_test in (("test", test, dataset.y_test), ("shifted", shifted, dataset.y_shifted)):
        if outputs is not None and y_test is not None:
            answers[split] = (outputs, np.broadcast_to(y_test, (len(outputs), len(y_test))))
    return answers
