"""The share of trees that put two anchors into the same leaf, of trees, forests and boosted trees."""

import inspect
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from thermo_cli.contracts import Array, Integers
from thermo_cli.kinds.estimators.structures.microstate import Structure, upper


def shared_leaves(estimator: Any, anchors: NDArray[Any], task: str) -> NDArray[np.float32] | None:
    """Return the kernel of shared leaves."""
    places = leaves(estimator, anchors)
    return None if places is None else upper(same_leaf(places))


def leaves(estimator: Any, x: NDArray[Any]) -> Integers | None:
    """Return the leaf that each tree puts each example into, (example, tree); None for what is not made of trees.

    Args:
        estimator: A tree, a forest, boosted trees, or another ensemble of trees.
        x: (example, feature).
    """
    for ask in (_apply, _pred_leaf, _calc_leaf_indexes):
        places = ask(estimator, x)
        if places is not None:
            return np.asarray(places).reshape(len(x), -1).astype(np.int64)
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


def _apply(estimator: Any, x: NDArray[Any]) -> Any:
    """Ask as scikit-learn and XGBoost are asked."""
    return estimator.apply(x) if hasattr(estimator, "apply") else None


def _pred_leaf(estimator: Any, x: NDArray[Any]) -> Any:
    """Ask as LightGBM is asked."""
    takes = inspect.signature(getattr(type(estimator), "predict", len)).parameters
    return estimator.predict(x, pred_leaf=True) if "pred_leaf" in takes else None


def _calc_leaf_indexes(estimator: Any, x: NDArray[Any]) -> Any:
    """Ask as CatBoost is asked."""
    return estimator.calc_leaf_indexes(x) if hasattr(estimator, "calc_leaf_indexes") else None


def same_leaf(places: Integers) -> Array:
    """Return K_ij = the mean over trees of [examples i and j in the same leaf], (example, example).

    Args:
        places: Leaf of each example, (example, tree).
    """
    number, trees = places.shape
    columns = places + np.concatenate([[0], np.cumsum(places.max(axis=0) + 1)[:-1]])  # one for each leaf of each tree
    shape = (number, int(columns.max()) + 1)
    there = csr_array((np.ones(places.size), columns.ravel(), np.arange(0, places.size + 1, trees)), shape)
    return np.asarray((there @ there.T).toarray() / trees)


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


LEAVES: Final = Structure("leaves", True, shared_leaves)
