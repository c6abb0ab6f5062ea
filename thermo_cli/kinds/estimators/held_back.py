"""Early stopping inside an estimator that asks for examples to watch: a tenth of the subsample is held back for it.

Scikit-learn's own estimators hold back a part of what they are given by themselves, and are fitted as they are. XGBoost,
LightGBM, CatBoost and their like take it as `eval_set`; which examples it is follows from the replica's `init` stream.
"""

import inspect
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli import rng
from thermo_cli.contracts import Integers
from thermo_cli.kinds.estimators.pipeline import Pipeline

HELD: Final = 0.1  # as scikit-learn's validation_fraction
BLOCK: Final = 0x68656C64  # of the stream
STOPPING: Final = ("early_stopping_rounds", "early_stopping_round", "early_stopping", "od_wait")


def fit_once(built: Pipeline, x: NDArray[Any], y: NDArray[Any], stream: int) -> Any:
    """Fit an estimator to its end, and return it.

    Args:
        built: Its pipeline.
        x: What it sees, (example, feature).
        y: Targets, (example,).
        stream: The replica's `init` stream.
    """
    estimator = built.estimator
    if not watches(estimator):
        estimator.fit(x, y)
        return estimator
    held = _held_back(y, built.task == "classification", rng.generator(stream, BLOCK))
    kept = np.setdiff1d(np.arange(len(y)), held)
    takes = inspect.signature(estimator.fit).parameters
    watched: dict[str, Any] = {"eval_set": [(x[held], y[held])]}
    if "eval_X" in takes:  # as LightGBM has it since 4.7
        watched = {"eval_X": x[held], "eval_y": y[held]}
    silent = {"verbose": False} if "verbose" in takes else {}
    estimator.fit(x[kept], y[kept], **watched, **silent)
    return estimator


def watches(estimator: Any) -> bool:
    """Say whether an estimator stops early by examples that it has to be given.

    Args:
        estimator: Not fitted.
    """
    if not {"eval_set", "eval_X"} & set(inspect.signature(estimator.fit).parameters):
        return False
    given = estimator.get_params(deep=False)
    callbacks = [type(one).__name__.lower().replace("_", "") for one in given.get("callbacks") or ()]
    return any(given.get(name) for name in STOPPING) or any("earlystopping" in name for name in callbacks)


def _held_back(y: NDArray[Any], classes: bool, draw: np.random.Generator) -> Integers:
    """Return which examples are held back, of each class its share, and at least one in all."""
    groups = [np.flatnonzero(y == label) for label in np.unique(y)] if classes else [np.arange(len(y))]
    parts = [draw.permutation(group)[: int(HELD * len(group))] for group in groups]
    held = np.sort(np.concatenate(parts))
    return held if len(held) else max(groups, key=len)[:1]
