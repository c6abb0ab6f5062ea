"""The test set's own error: what another test set of the same size would change, which no number of replicas reduces."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli import rng
from thermo_cli.contracts import Dataset
from thermo_cli.errors import Crashes, SpecError
from thermo_cli.metric import label, resolutions
from thermo_cli.observables.formulas import Formula, formulas_of

DRAWS: Final = 16  # of each replica: of eight, 120 degrees of freedom, which is 6.5 % of the error itself
ENOUGH: Final = 0.5  # share of the draws on which the score must be defined


def own_errors(
    macro: Sequence[str], recorded: Collection[str], dataset: Dataset, outputs: NDArray[np.floating], seed: int
) -> dict[str, float]:
    """Bootstrap the test scores of replicas over examples, `test_<name>` to the standard error of one replica's score.

    error^2 = (m / n) mean over replicas of the variance over draws of m of the m examples with replacement. Shares of
    examples are left out, sqrt(p (1 - p) / n) is exact for them; and what is undefined on most draws, as a score is that needs
    every class.

    Args:
        macro: As in `observe.macro`.
        recorded: Names of what the replicas recorded.
        dataset: For the n targets of the test set.
        outputs: Of trained replicas, all finite, on the first m examples of the test set, (replica, output, m).
        seed: Of the ensemble.

    Source: Efron 1979 (bootstrap of the standard error).
    """
    asked = [name for name in macro if f"test_{label(name)}" in recorded]
    exact = resolutions(len(dataset.y_test))
    errors: dict[str, float] = {}
    for name, rule in formulas_of(asked, dataset.task).items():
        if f"test_{name}" not in exact:
            draws = rng.generator(rng.stream(seed, "noise", f"own error/{name}", 0))
            error = _error(rule, dataset, outputs.astype(np.float64), draws)
            errors |= {f"test_{name}": error} if error is not None else {}
    return errors


def _error(rule: Formula, dataset: Dataset, outputs: NDArray[Any], draws: np.random.Generator) -> float | None:
    examples, variances = outputs.shape[2], []
    for answers in outputs:
        chosen = draws.integers(0, examples, (DRAWS, examples))
        drawn = answers[:, chosen].transpose(1, 0, 2)
        try:
            with np.errstate(all="ignore"):
                scores = rule(drawn, dataset.y_test[:examples][chosen], dataset.target_sd)
        except (Crashes, SpecError):
            return None  # a user's function that does not take every draw: its error is not known
        scores = scores[np.isfinite(scores)]
        if len(scores) < ENOUGH * DRAWS:
            return None
        variances.append(scores.var(ddof=1))
    share = examples / len(dataset.y_test)
    return float(np.sqrt(np.mean(variances) * share)) if variances else None
