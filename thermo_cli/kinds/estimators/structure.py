"""The microstate of a fitted estimator: what can be held against another one's, by what kind of model it is.

`coefficients` of linear models; `network`, the weights of multi-layer perceptrons; for the rest kernels on common anchors:
`leaves`, the share of trees that put two anchors into the same leaf; `neighbours`, the share of neighbours that two anchors
have in common; `decision`, products of decision values (support vector machines).
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from thermo_cli.contracts import Array, Integers

Kind = Literal["coefficients", "network", "leaves", "neighbours", "decision", "none"]
KERNELS: Final[tuple[Kind, ...]] = ("leaves", "neighbours", "decision")
ANCHORS: Final = 512


@dataclass(frozen=True)
class Structure:
    """A microstate.

    Attributes:
        kind: What it is.
        vector: Numbers, or the part of a kernel above its diagonal, (number,).
        sizes: Features, hidden units and outputs of a network; empty for others.
    """

    kind: Kind
    vector: NDArray[np.floating]
    sizes: tuple[int, ...] = ()


def structure(estimator: Any, anchors: NDArray[Any], task: str) -> Structure:
    """Return the microstate of a fitted estimator.

    Args:
        estimator: A fitted one.
        anchors: What it sees of the anchors, (anchor, feature).
        task: Classification or regression.
    """
    if hasattr(estimator, "coefs_") and hasattr(estimator, "intercepts_"):
        return _network(estimator)
    found = leaves(estimator, anchors)
    if found is not None:
        return Structure("leaves", upper(same_leaf(found)))
    if hasattr(estimator, "kneighbors"):
        return Structure("neighbours", upper(shared_neighbours(estimator.kneighbors(anchors, return_distance=False))))
    if hasattr(estimator, "dual_coef_") and hasattr(estimator, "support_"):
        scores = estimator.decision_function(anchors) if task == "classification" else estimator.predict(anchors)
        scores = np.asarray(scores, dtype=np.float64).reshape(len(anchors), -1)
        return Structure("decision", upper(scores @ scores.T))
    if hasattr(estimator, "coef_") and not callable(estimator.coef_):
        return _coefficients(estimator)
    return Structure("none", np.empty(0))


def leaves(estimator: Any, x: NDArray[Any]) -> Integers | None:
    """Return the leaf that each tree puts each example into, (example, tree); None for what is not made of trees.

    Args:
        estimator: A tree, a forest, boosted trees, or another ensemble of trees.
        x: (example, feature).
    """
    if hasattr(estimator, "apply"):
        return np.asarray(estimator.apply(x)).reshape(len(x), -1).astype(np.int64)
    if hasattr(estimator, "_predictors"):  # histogram boosting has no public name for its leaves
        trees = [tree.nodes for stage in estimator._predictors for tree in stage]
        plain = all("is_categorical" not in nodes.dtype.names or not nodes["is_categorical"].any() for nodes in trees)
        return np.stack([_descend(nodes, x) for nodes in trees], axis=1) if trees and plain else None
    members = getattr(estimator, "estimators_", None)
    if members is None or not all(hasattr(member, "apply") for member in np.ravel(members)):
        return None
    parts = getattr(estimator, "estimators_features_", [slice(None)] * np.size(members))
    found = [
        np.asarray(member.apply(x[:, part])).reshape(len(x), -1)
        for member, part in zip(np.ravel(members), parts, strict=True)
    ]
    return np.concatenate(found, axis=1).astype(np.int64)


def same_leaf(found: Integers) -> Array:
    """Return K_ij = the mean over trees of [examples i and j in the same leaf], (example, example).

    Args:
        found: Leaf of each example, (example, tree).
    """
    number, trees = found.shape
    places = found + np.concatenate([[0], np.cumsum(found.max(axis=0) + 1)[:-1]])  # a column for each leaf of each tree
    shape = (number, int(places.max()) + 1)
    there = csr_array((np.ones(found.size), places.ravel(), np.arange(0, found.size + 1, trees)), shape)
    return np.asarray((there @ there.T).toarray() / trees)


def shared_neighbours(lists: Integers) -> Array:
    """Return K_ij = |N(i) and N(j)| / k, (example, example).

    Args:
        lists: The k neighbours of each example, (example, k).
    """
    number, k = lists.shape
    member = np.zeros((number, int(lists.max()) + 1), dtype=np.float32)
    member[np.arange(number)[:, None], lists] = 1.0
    return np.asarray(member @ member.T / k, dtype=np.float64)


def support_in_pool(estimator: Any, rows: Integers, pool: int) -> NDArray[np.int8]:
    """Return 1 for each example of the pool that is a support vector, 0 for one that is none, -1 for one not seen, (pool,).

    Args:
        estimator: A fitted support vector machine.
        rows: Which examples of the pool it was fitted to, (example,).
        pool: Number of examples in the pool.
    """
    found = np.full(pool, -1, dtype=np.int8)
    found[rows] = 0
    found[rows[estimator.support_]] = 1
    return found


def upper(kernel: Array) -> NDArray[np.float32]:
    """Return what is above the diagonal of a kernel, row after row.

    Args:
        kernel: (anchor, anchor).
    """
    return kernel[np.triu_indices(len(kernel), 1)].astype(np.float32)


def _coefficients(estimator: Any) -> Structure:
    """Coefficients and intercepts; of a softmax without what is common to all classes, which changes no answer."""
    weights = np.atleast_2d(np.asarray(_dense(estimator.coef_), dtype=np.float64))
    bias = np.ravel(np.asarray(getattr(estimator, "intercept_", 0.0), dtype=np.float64))
    rows = np.hstack([weights, np.broadcast_to(bias, len(weights))[:, None]])
    if type(estimator).__name__ == "LogisticRegression" and len(rows) > 2:
        rows = rows - rows.mean(axis=0)
    return Structure("coefficients", rows.ravel())


def _network(estimator: Any) -> Structure:
    """Weights as torch lays them out, (output, input), and biases, layer by layer."""
    parts = [
        part
        for weights, bias in zip(estimator.coefs_, estimator.intercepts_, strict=True)
        for part in (weights.T.ravel(), bias)
    ]
    sizes = (estimator.coefs_[0].shape[0], *(weights.shape[1] for weights in estimator.coefs_))
    return Structure("network", np.concatenate(parts).astype(np.float64), sizes)


def _descend(nodes: Any, x: NDArray[Any]) -> Integers:
    """Follow each example from the root of a histogram tree to its leaf, (example,)."""
    place = np.zeros(len(x), dtype=np.int64)
    rows = np.arange(len(x))
    while not nodes["is_leaf"][place].all():
        here = nodes[place]
        value = x[rows, here["feature_idx"]]
        left = np.where(np.isnan(value), here["missing_go_to_left"] == 1, value <= here["num_threshold"])
        place = np.where(here["is_leaf"] == 1, place, np.where(left, here["left"], here["right"]).astype(np.int64))
    return place


def _dense(values: Any) -> Any:
    return values.toarray() if hasattr(values, "toarray") else values
