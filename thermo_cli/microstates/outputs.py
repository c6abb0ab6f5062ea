"""How alike functions are: where two models answer differently on the same examples."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from thermo_cli.contracts import Array, Integers, Task
from thermo_cli.microstates.overlap import squared_distances

ANCHORS: Final = 512  # examples on which probabilities are compared


def disagreement(classes: Integers) -> Array:
    """Return P(y_a != y_b) of all pairs, (replica, replica).

    Args:
        classes: Predicted class, (replica, example).
    """
    agreed = np.zeros((len(classes), len(classes)))
    for label in np.unique(classes):
        answers = (classes == label).astype(np.float32)
        agreed += answers @ answers.T
    return np.asarray(1 - agreed / classes.shape[1])


def error_consistency(wrong: NDArray[np.bool_]) -> Array:
    """Return Cohen's kappa of being right together, (replica, replica); NaN where it is always expected.

    kappa = (c_obs - c_exp) / (1 - c_exp), c_exp = p_a p_b + (1 - p_a)(1 - p_b) with the accuracies p.

    Args:
        wrong: Whether each example is answered wrongly, (replica, example).

    Source: Geirhos 2020, equation 1.
    """
    right = (~wrong).astype(np.float64)
    p = right.mean(axis=1)
    observed = (right @ right.T + (1 - right) @ (1 - right).T) / wrong.shape[1]
    expected = np.outer(p, p) + np.outer(1 - p, 1 - p)
    with np.errstate(invalid="ignore", divide="ignore"):
        kappa: Array = (observed - expected) / (1 - expected)
    kappa[~np.isfinite(kappa)] = np.nan
    return kappa


def expected_disagreement(classes: Integers) -> Array:
    """Return the disagreement of all pairs if their answers had nothing to do with the example: 1 - sum_c p_a(c) p_b(c).

    Args:
        classes: Predicted class, (replica, example).
    """
    labels = np.unique(classes)
    shares = np.stack([(classes == label).mean(axis=1) for label in labels], axis=1)
    return np.asarray(1 - shares @ shares.T)


def jensen_shannon(logits: NDArray[np.floating]) -> Array:
    """Return the mean Jensen-Shannon divergence of the predicted probabilities of all pairs, in bits, (replica, replica).

    JS(p, q) = H((p + q)/2) - (H(p) + H(q))/2, from 0 to 1.

    Args:
        logits: (replica, class, example).
    """
    probabilities = softmax(logits, axis=1).transpose(0, 2, 1)
    count = len(probabilities)
    own = _entropy(probabilities)
    divergence = np.zeros((count, count))
    for a in range(count):
        mixed = _entropy((probabilities[a] + probabilities[a + 1 :]) / 2)
        divergence[a, a + 1 :] = divergence[a + 1 :, a] = mixed - (own[a] + own[a + 1 :]) / 2
    return divergence


def functions(
    outputs: NDArray[np.floating], y: NDArray[Any], task: Task, unit: float, earlier: NDArray[np.floating] | None = None
) -> dict[str, Array]:
    """Compare the answers of all replicas on the test set.

    Args:
        outputs: Logits or numbers, (replica, output, example).
        y: Targets, (example,).
        task: Classification or regression.
        unit: What one unit of a regression target is in the units of the file.
        earlier: Outputs at T/2, where those are known.
    """
    if task == "regression":
        return {"output_distance": root_mean_square(outputs[:, 0].astype(np.float64) * unit)}
    classes = outputs.argmax(axis=1)
    wrong = classes != y
    own = {} if earlier is None else {"disagreement_own": (classes != earlier.argmax(axis=1)).mean(axis=1)}
    return own | {
        "disagreement": disagreement(classes),
        "disagreement_null": expected_disagreement(classes),
        "error_consistency": error_consistency(wrong),
        "test_error": wrong.mean(axis=1),
        "jensen_shannon": jensen_shannon(outputs[:, :, :ANCHORS].astype(np.float64)),
    }


def root_mean_square(outputs: NDArray[np.floating]) -> Array:
    """Return the root mean square difference of all pairs, for regression, of (replica, example) -> (replica, replica)."""
    return np.asarray(np.sqrt(squared_distances(outputs) / outputs.shape[1]))


def _entropy(probabilities: NDArray[np.floating]) -> Array:
    p = np.maximum(probabilities, np.finfo(np.float64).tiny)
    return np.asarray(-(p * np.log2(p)).sum(axis=-1).mean(axis=-1), dtype=np.float64)
