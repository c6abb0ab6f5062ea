"""Estimators that a spec names as `module:Class`, with the steps before them; built anew for every fit.

Every random state in them, however deep, is set from the replica's `init` stream.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import get_tags

from thermo_cli import rng
from thermo_cli.arguments import building
from thermo_cli.contracts import Task
from thermo_cli.errors import SpecError, ThermoError, raise_all
from thermo_cli.kinds.estimators.building import SEEDS, accepted, build, members, settle
from thermo_cli.registry import nearest

SYSTEM, USE, WITH = "system", "system.use", "system.with"
BUDGETS: Final = ("n_estimators", "max_iter")  # arguments that a training time can be given to


@dataclass(frozen=True)
class Pipeline:
    """An estimator and the steps before it, not fitted.

    Attributes:
        steps: Transformers, in order.
        estimator: Classifier or regressor.
        task: What it does.
    """

    steps: tuple[Any, ...]
    estimator: Any
    task: Task

    def prepared(self, x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
        """Fit the steps on a subsample and return what the estimator sees of it, (example, feature).

        Args:
            x: Features, (example, feature).
            y: Targets, (example,).
        """
        for step in self.steps:
            x = step.fit_transform(x, y) if hasattr(step, "fit_transform") else step.fit(x, y).transform(x)
        return x

    def seen(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return what the estimator sees of other examples, (example, feature).

        Args:
            x: Features, (example, feature).
        """
        for step in self.steps:
            x = step.transform(x)
        return x


def pipeline(
    system: Any,
    task: Task,
    stream: int,
    arguments: Mapping[str, Any] | None = None,
    labels: Sequence[str] = (),
) -> Pipeline:
    """Build what a spec names.

    Args:
        system: The spec's `system`.
        task: What the data ask for.
        stream: The replica's `init` stream.
        arguments: Of the estimator, beside those of the spec.
        labels: Names of the classes.

    Raises:
        SpecError: It may not be imported, is no estimator for this task, or does not take these arguments.
    """
    built: list[Any] = []
    problems: list[ThermoError] = []
    for number, step in enumerate(system.preprocess):
        try:
            built.append(_step(step, f"{SYSTEM}.preprocess[{number}]", labels))
        except SpecError as error:
            problems.append(error)
    try:
        built.append(_estimator(system, task, {**system.arguments, **(arguments or {})}, labels))
    except SpecError as error:
        problems.append(error)
    raise_all(problems)
    with building("the estimator", (), USE):
        settle(built)
        _seed(built, rng.generator(stream))
    return Pipeline(tuple(built[:-1]), built[-1], task)


def _step(step: Any, where: str, labels: Sequence[str]) -> Any:
    """Build a step before the estimator."""
    built = build(step.use, step.arguments, where, labels)
    if hasattr(built, "transform"):
        return built
    remedy = "name a class with fit and transform"
    if hasattr(built, "fit_resample"):
        remedy = "it changes the examples: put it and the estimator into system: {use: imblearn.pipeline:Pipeline}"
    raise SpecError("this is no transformer", received=step.use, remedy=remedy, where=where)


def _estimator(system: Any, task: Task, arguments: Mapping[str, Any], labels: Sequence[str]) -> Any:
    """Build the estimator itself; one that does not say what it is is taken for what the data ask for."""
    estimator, wanted = build(system.use, arguments, SYSTEM, labels), _wanted(task)
    kind = kind_of_estimator(estimator)
    predicts = hasattr(type(estimator), "predict")  # some have it on themselves only once they are fitted
    if not predicts or kind not in ("", wanted):
        raise SpecError(
            f"these data need a {wanted}",
            received=f"{system.use}: {kind or 'it has no predict'}",
            remedy=f"name a {wanted}",
            where=USE,
        )
    return estimator


def _wanted(task: Task) -> str:
    return "classifier" if task == "classification" else "regressor"


def kind_of_estimator(estimator: Any) -> str:
    """Return what an estimator says that it is, `classifier`, `regressor` or another; empty where it does not say.

    Args:
        estimator: With the contract of scikit-learn, whether it inherits from it or not.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind = get_tags(estimator).estimator_type
    except (AttributeError, TypeError, ValueError):  # it has no tags, or those of another version
        kind = None
    return str(kind or getattr(estimator, "_estimator_type", None) or "")


def time_parameter(system: Any, wanted: str | None, time: str = "budget") -> str:
    """Return the argument that a training time is given to.

    Args:
        system: The spec's `system`.
        wanted: What the spec says, if it says so.
        time: `warm_start`, `staged` or `budget`.

    Raises:
        SpecError: The estimator has none, or not this one.
    """
    known = sorted(accepted(build(system.use, system.arguments, SYSTEM)))
    where = "dynamics.with.parameter"
    if wanted is not None and wanted not in known:
        guess = nearest(wanted, known)
        remedy = f"did you mean {guess!r}?" if guess else "it takes " + ", ".join(known)
        raise SpecError(f"{system.use} takes no such argument", received=wanted, remedy=remedy, where=where)
    found = wanted or next((name for name in BUDGETS if name in known), None)
    if found is None:
        raise SpecError(
            "this estimator has no number of iterations or members that could be its training time",
            received=system.use,
            remedy="dynamics.with: {time: once}, or name the argument as parameter",
            where=where,
        )
    grows = found == "n_estimators" or "HistGradientBoosting" in system.use
    if time == "warm_start" and not grows:
        raise SpecError(
            "only ensembles go on where a shorter fit ended; others add as many iterations again at every look",
            received=f"time: warm_start, {found}",
            remedy="time: partial or budget",
            where="dynamics.with.time",
        )
    if found in system.arguments:
        raise SpecError(
            f"{found} is the training time here",
            received=f"{found}: {system.arguments[found]}",
            remedy="leave it out, and give dynamics.steps",
            where=f"{WITH}.{found}",
        )
    return found


def _seed(parts: Sequence[Any], draw: np.random.Generator) -> None:
    """Set every random state by a number of its own, in the order of names; then those that go by another name."""
    for part in parts:
        names = [name for name in sorted(part.get_params(deep=True)) if name.endswith(SEEDS[0])]
        part.set_params(**{name: int(draw.integers(2**31)) for name in names})
    for part in members(parts):
        if SEEDS[0] not in part.get_params(deep=False):
            names = [name for name in SEEDS if name in accepted(part)][:1]
            part.set_params(**{name: int(draw.integers(2**31)) for name in names})


def seeded(parts: Sequence[Any]) -> bool:
    """Say whether anything in them takes a random state."""
    return any(name in SEEDS for part in members(parts) for name in accepted(part))
