"""What always giving one answer would score: the yardstick of skill."""

import math
from collections.abc import Collection, Sequence

import numpy as np

from thermo_cli.contracts import Array, Dataset
from thermo_cli.observables.formulas import formulas_of

UNSEEN = 0.5  # examples that a class counts for of which the pool has none


def constant_scores(macro: Sequence[str], names: Collection[str], dataset: Dataset) -> dict[str, float]:
    """Score the constant predictor of the pool on the test set, `test_<name>` to its value, by the formulas of the replicas.

    Its answer to every example is log(share of each class in the pool), so that its label is the most frequent class; or the
    mean of the pool's targets. A formula that gives no finite number for it is left out.

    Args:
        macro: As in `observe.macro`.
        names: Those that the system's answers tell.
        dataset: Pool and test set.
    """
    outputs = np.repeat(_answer(dataset)[None, :, None], len(dataset.y_test), axis=2)
    scores = {}
    for name, rule in formulas_of(macro, dataset.task).items():
        if name in names:
            try:
                with np.errstate(all="ignore"):
                    value = float(rule(outputs, dataset.y_test[None], dataset.target_sd)[0])
            except Exception:  # noqa: BLE001 - whatever a user's function makes of one answer for all, it tells no skill
                value = math.nan
            scores[f"test_{name}"] = value
    return {name: value for name, value in scores.items() if math.isfinite(value)}


def _answer(dataset: Dataset) -> Array:
    """Return logits or a number, (output,)."""
    classes = dataset.classes
    if classes is None:
        return np.array([float(np.mean(dataset.y))])
    counts = np.bincount(classes, minlength=dataset.outputs).astype(np.float64)
    answer: Array = np.log(np.maximum(counts, UNSEEN) / len(classes))
    return answer
