"""What is found out about the microstates of fitted estimators, which have no labels to be matched, only a kind.

Coefficients are held against each other by their squared distance, kernels by 1 - CKA (unbiased). The null are the same pairs
of replicas on one bath, fitted to shuffled labels: as alike as models of that bath can be that have learned nothing. Kernels
are not matched, so however alike unrelated ones are (trees follow the shape of the features), Q* counts from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array, Findings
from thermo_cli.kinds.estimators.structures import NOTHING, VECTORS
from thermo_cli.microstates.kernels import kernel_cka
from thermo_cli.microstates.material import FORMAT, Parameters, disjoint
from thermo_cli.microstates.overlap import squared_distances

Measure = Callable[[Parameters], Array]
LEAST_ANCHORS: Final = 6  # entries above the diagonal of a kernel of four anchors


@dataclass(frozen=True)
class Fits:
    """Microstates of fitted estimators; every row of the main replicas is finite.

    Attributes:
        replicas: Names of the main replicas, (replica,).
        pairs: Names of the main replicas that have a partner on their bath, (pair,).
        total: T.
        kind: Name of their structure.
        last: Of the main replicas at T, (replica, number).
        firsts: Of the pairs' main replicas at T, (pair, number).
        partners: Of their partners.
        nulls: Of those main replicas, fitted to shuffled labels.
        null_partners: Of the partners, fitted to labels that were shuffled differently.
        earlier: Of the pairs' main replicas at T/2; NaN where nothing was kept.
    """

    replicas: tuple[str, ...]
    pairs: tuple[str, ...]
    total: int
    kind: str
    last: Parameters
    firsts: Parameters
    partners: Parameters
    nulls: Parameters
    null_partners: Parameters
    earlier: Parameters


def examine_fits(fits: Fits) -> Findings:
    """Measure the distances of fitted estimators, and of those on one bath, with those of their null."""
    kernels = fits.kind not in VECTORS
    facts: dict[str, Any] = {
        "format": FORMAT,
        "replicas": list(fits.replicas),
        "pairs": list(fits.pairs),
        "twins": [],
        "layers": [],
        "null": "label-permuted fits",
        "null_cosine": None,
        "displacement": False,
        "floor": _floor(fits, kernels),
        "dimensions": fits.last.shape[1] if not kernels else round((1 + np.sqrt(1 + 8 * fits.last.shape[1])) / 2),
    }
    arrays: dict[str, Array] = {"steps": np.array([float(fits.total)])}
    reason = _useless(fits, kernels)
    if reason:
        return Findings(arrays, {**facts, "untested": reason})
    measure: Measure = _kernel_distances if kernels else squared_distances
    first, second = (fits.last[rows] for rows in disjoint(len(fits.last)))
    arrays |= {
        f"distance/{fits.total}": measure(fits.last),
        "own": np.zeros((1, len(fits.replicas))),
        "main_distance": _paired(measure, first, second),
    }
    unrelated = _paired(measure, fits.nulls, fits.null_partners)
    known = unrelated[np.isfinite(unrelated)]
    arrays |= {
        "pair_distance": _paired(measure, fits.firsts, fits.partners),
        "pair_null": unrelated,
        "main_null": known,
        "pair_own": _paired(measure, fits.firsts, fits.earlier),
        f"null/{fits.total}": np.array([known.mean() if len(known) else np.nan]),
    }
    if len(fits.pairs):
        arrays["null_pairs"] = measure(np.concatenate([fits.nulls, fits.null_partners]))
    return Findings(arrays, facts)


def shared_support(support: NDArray[np.int8]) -> Array:
    """Return the share of support vectors that two machines have in common among the examples that both have seen.

    |S_a and S_b| / |S_a or S_b| over those examples, (replica, replica); NaN where neither has any.

    Args:
        support: 1 support vector, 0 none, -1 not seen, (replica, example of the pool).
    """
    vector, seen = (support == 1).astype(np.float64), (support >= 0).astype(np.float64)
    both = vector @ vector.T
    mine = vector @ seen.T  # support vectors of a that b has seen
    either = mine + mine.T - both
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(both / either)


def same(fits: Fits) -> bool:
    """Say whether all partners on one bath are bit for bit the same: nothing random is consumed."""
    return len(fits.pairs) > 0 and np.array_equal(fits.firsts, fits.partners)


def _paired(measure: Measure, first: Parameters, second: Parameters) -> Array:
    """Return the distance of each row from its partner, (pair,); NaN where one is not finite."""
    found = np.full(len(first), np.nan)
    for row, (a, b) in enumerate(zip(first, second, strict=True)):
        if np.isfinite(a).all() and np.isfinite(b).all():
            found[row] = measure(np.stack([a, b]))[0, 1]
    return found


def _kernel_distances(triangles: Parameters) -> Array:
    """1 - CKA of all pairs, no less than 0."""
    found = np.maximum(1.0 - kernel_cka(triangles), 0.0)
    np.fill_diagonal(found, 0.0)
    return found


def _floor(fits: Fits, kernels: bool) -> float:
    """Distance that rounding makes: of 1 - CKA (a square) machine epsilon; of coefficients epsilon times their length."""
    eps = float(np.finfo(fits.last.dtype).eps)
    return float(np.sqrt(eps)) if kernels else eps * float(np.linalg.norm(fits.last, axis=1).mean())


def _useless(fits: Fits, kernels: bool) -> str:
    if fits.kind == NOTHING:
        return "nothing is known of the inner state of this estimator, or nothing of it is observed (observe.micro)"
    if not fits.last.shape[1] or (kernels and fits.last.shape[1] < LEAST_ANCHORS):
        return "replicas have features of their own, or too few anchors: their inner states cannot be held together"
    return ""
