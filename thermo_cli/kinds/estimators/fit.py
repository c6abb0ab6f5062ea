"""How an estimator moves: one fit of one replica, as a row of moments at which it can be looked at.

`once` and `budget`: the end of a fit. `staged`: after each stage of boosting, from one fit. `warm_start`: a forest to which
trees are added. `partial`: epochs of partial fits, after a first phase if the history has one.
"""

import dataclasses
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble._forest import ForestClassifier, ForestRegressor

from thermo_cli import rng
from thermo_cli.contracts import Array, Dataset, Integers
from thermo_cli.data.subsample import subsample
from thermo_cli.errors import SpecError
from thermo_cli.kinds.estimators.pipeline import (
    Pipeline,
    answers,
    kind_of_answer,
    logits,
    pipeline,
    scored,
    time_parameter,
)
from thermo_cli.metric import Answers
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec

WHERE: Final = "dynamics.with.time"
TRIED: Final = 200  # examples that a spec is tried on before anything is trained
TRIED_STEPS: Final = 5


@dataclass(frozen=True)
class Moment:
    """An estimator at a time.

    Attributes:
        step: When.
        fitted: The estimator; of a staged fit it is that of the end.
        answers: What the estimator sees -> logits, scores or numbers, (output, example).
        scores: What it sees -> decision values, or None.
    """

    step: int
    fitted: Any
    answers: Callable[[NDArray[Any]], Array]
    scores: Callable[[NDArray[Any]], NDArray[Any] | None]


@dataclass(frozen=True)
class Fit:
    """What one replica is fitted to.

    Attributes:
        built: Its pipeline, the steps of it fitted.
        x: What the estimator sees of the subsample, (example, feature).
        y: Targets, (example,).
        rows: Which examples of the pool these are, (example,).
        first: Targets and number of steps of a first phase, and which examples; None without one.
    """

    built: Pipeline
    x: NDArray[Any]
    y: NDArray[Any]
    rows: Integers
    first: tuple[Integers, NDArray[Any], int] | None = None


def fit_of(spec: Spec, dataset: Dataset, member: Replica, rows: Integers | None = None) -> Fit:
    """Build a replica's pipeline, fit the steps before the estimator, and return what the estimator is fitted to.

    Args:
        member: The replica; of a null the labels are shuffled.
        rows: Its examples, instead of those that the replica table decides.
    """
    ensemble = spec.ensemble
    if rows is None:
        rows = subsample(
            ensemble.subsample, len(dataset.y), member.subsample, ensemble.seed, member.part, dataset.classes
        )
    x, y = dataset.x[rows], dataset.y[rows]
    if member.role.startswith("null"):
        shuffler = rng.stream(ensemble.seed, "noise", f"{member.history}/{member.role}", member.index)
        y = rng.generator(shuffler).permutation(y)
    arguments: dict[str, Any] = {}
    if spec.time in ("staged", "budget", "warm_start"):
        arguments = {time_parameter(spec.system, _parameter(spec), spec.time): member.steps}
    built = pipeline(spec.system, dataset.task, member.init, arguments)
    seen = built.prepared(x, y)
    return Fit(built, seen, y, rows, _first(spec, member, y))


def moments(spec: Spec, fit: Fit, steps: Sequence[int], outputs: int) -> Iterator[Moment]:
    """Fit, and stop at some times.

    Args:
        fit: What is fitted to what.
        steps: The times, increasing, the last being T.
        outputs: Number of classes; 1 for regression.
    """
    rule = {"staged": _staged, "warm_start": _warm, "partial": _partial}.get(spec.time, _once)
    yield from rule(spec, fit, steps, outputs)


def try_fit(spec: Spec, dataset: Dataset, member: Replica) -> tuple[Answers, bool]:
    """Fit a replica to a few of its examples, or to all where a few will not do, with two random states.

    Returns:
        What its answers are; whether they depend on the random state.

    Raises:
        SpecError: The estimator or a step before it refuses its arguments or the data, or does not have this time.
    """
    ensemble = spec.ensemble
    rows = subsample(ensemble.subsample, len(dataset.y), member.subsample, ensemble.seed, member.part, dataset.classes)
    check_time(spec, pipeline(spec.system, dataset.task, member.init))
    for chosen in (few(rows, dataset), rows):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fitted, answered = _tried(spec, dataset, member, chosen)
                again = _tried(spec, dataset, dataclasses.replace(member, init=member.init ^ 1), chosen)[1]
        except SpecError:
            raise
        except Exception as error:
            if chosen is rows:
                words = " ".join(str(error).split())
                raise SpecError(
                    "the estimator cannot be fitted",
                    received=f"{type(error).__name__}: {words}"[:400],
                    remedy="correct its arguments, or name another",
                    where="system",
                ) from error
            continue
        if answered.shape[0] != dataset.outputs:
            raise SpecError(
                "the estimator's answers have another shape",
                received=str(answered.shape),
                remedy=f"({dataset.outputs}, ...)",
                where="system.use",
            )
        return kind_of_answer(fitted), not np.array_equal(answered, again, equal_nan=True)
    raise AssertionError("the last attempt returns or raises")


def _tried(spec: Spec, dataset: Dataset, member: Replica, rows: Integers) -> tuple[Any, Array]:
    """Fit for a few steps, and return the estimator and its answers on a few examples of the test set."""
    fit = fit_of(spec, dataset, member, rows)
    last = next(moments(spec, fit, [min(member.steps, TRIED_STEPS)], dataset.outputs))
    return last.fitted, last.answers(fit.built.seen(dataset.x_test[:TRIED]))


def few(rows: Integers, dataset: Dataset) -> Integers:
    """Return a few examples, of each class some.

    Args:
        rows: Indices into the pool, (example,).
    """
    if dataset.task == "regression" or len(rows) <= TRIED:
        return rows[:TRIED]
    each = max(TRIED // dataset.outputs, 2)
    return np.sort(np.concatenate([rows[dataset.y[rows] == label][:each] for label in range(dataset.outputs)]))


def check_time(spec: Spec, built: Pipeline) -> None:
    """Refuse a time that an estimator does not have.

    Raises:
        SpecError: The estimator has no stages, no warm start, or no partial fits.
    """
    needs = {
        "staged": ("staged_predict", "stages: it is not boosted"),
        "partial": ("partial_fit", "partial fits"),
        "warm_start": ("warm_start", "warm start"),
    }
    if spec.time not in needs:
        return
    name, words = needs[spec.time]
    known = built.estimator.get_params(deep=False) if name == "warm_start" else dir(built.estimator)
    if name not in known:
        others = [time for time, (other, _) in needs.items() if hasattr(built.estimator, other)]
        remedy = " or ".join([*others, "budget", "once"])
        raise SpecError(f"this estimator has no {words}", received=f"time: {spec.time}", remedy=remedy, where=WHERE)


def _parameter(spec: Spec) -> str | None:
    return getattr(getattr(spec.dynamics, "arguments", None), "parameter", None)


def _first(spec: Spec, member: Replica, y: NDArray[Any]) -> tuple[Integers, NDArray[Any], int] | None:
    """Return the examples and targets of a first phase, drawn as for networks."""
    first = spec.histories[member.history].first
    if first is None:
        return None
    places = np.arange(len(y))
    if first.examples is not None:
        count = max(round(first.examples.fraction * len(y)), 1)
        places = np.sort(rng.generator(member.noise, 1).permutation(places)[:count])
    targets = y[places]
    if first.labels == "shuffled":
        targets = rng.generator(member.noise).permutation(targets)
    return places, targets, first.steps


def _at(step: int, fitted: Any, outputs: int) -> Moment:
    def scores(x: NDArray[Any]) -> NDArray[Any] | None:
        return fitted.decision_function(x) if hasattr(fitted, "decision_function") else None

    return Moment(step, fitted, lambda x: answers(fitted, x, outputs), scores)


def _once(spec: Spec, fit: Fit, steps: Sequence[int], outputs: int) -> Iterator[Moment]:
    del spec
    yield _at(steps[-1], fit.built.estimator.fit(fit.x, fit.y), outputs)


def _warm(spec: Spec, fit: Fit, steps: Sequence[int], outputs: int) -> Iterator[Moment]:
    """Add trees up to each time; the result is that of one fit with so many."""
    estimator, name = (
        fit.built.estimator.set_params(warm_start=True),
        time_parameter(spec.system, _parameter(spec), spec.time),
    )
    vote = _Vote(estimator, outputs)
    for step in steps:
        fitted = estimator.set_params(**{name: step}).fit(fit.x, fit.y)
        yield Moment(step, fitted, vote.answers, lambda x: None) if vote.counts else _at(step, fitted, outputs)


class _Vote:
    """The answers of a forest that grows: each tree is asked once about each set of examples, and its vote is kept.

    Args:
        forest: A random forest or extra trees; of other ensembles votes are not counted.
        outputs: Number of classes; 1 for regression.
    """

    def __init__(self, forest: Any, outputs: int) -> None:
        self.forest, self.outputs = forest, outputs
        self.counts = isinstance(forest, ForestClassifier | ForestRegressor)
        self._kept: dict[int, tuple[int, NDArray[Any], NDArray[Any]]] = {}

    def answers(self, x: NDArray[Any]) -> Array:
        """Return log of the mean probabilities or mean numbers, (output, example); the sums are those of the forest itself."""
        seen, total, plain = self._kept.get(id(x), (0, np.zeros(()), np.empty(0)))
        if not seen:  # the same arrays are asked about at every time
            plain = self.forest._validate_X_predict(x)
        for tree in self.forest.estimators_[seen:]:
            total = total + (tree.predict_proba(plain, check_input=False) if self.outputs > 1 else tree.predict(plain))
        number = len(self.forest.estimators_)
        self._kept[id(x)] = (number, total, plain)
        if self.outputs > 1:
            return logits(total / number, self.forest.classes_, self.outputs)
        return np.asarray(total / number, dtype=np.float64).reshape(1, -1)


def _partial(spec: Spec, fit: Fit, steps: Sequence[int], outputs: int) -> Iterator[Moment]:
    """Go over the subsample once for every step, with one generator for all: a number would give every epoch the same order."""
    del spec
    estimator, classes = (
        fit.built.estimator,
        {"classes": np.unique(fit.y)} if fit.built.task == "classification" else {},
    )
    if "random_state" in estimator.get_params(deep=False):
        seed = np.random.SeedSequence(int(estimator.random_state))
        estimator.set_params(random_state=np.random.RandomState(np.random.MT19937(seed)))
    done = 0
    for step in steps:
        while done < step:
            x, y = fit.x, fit.y
            if fit.first is not None and done < fit.first[2]:
                x, y = x[fit.first[0]], fit.first[1]
            estimator.partial_fit(x, y, **classes)
            classes, done = {}, done + 1
        yield _at(step, estimator, outputs)


def _staged(spec: Spec, fit: Fit, steps: Sequence[int], outputs: int) -> Iterator[Moment]:
    """Look at each stage of one fit; a fit that stopped early stays where it stopped."""
    del spec
    estimator = fit.built.estimator.fit(fit.x, fit.y)
    found: dict[int, dict[int, Array]] = {}

    def answers_at(step: int, x: NDArray[Any]) -> Array:
        if id(x) not in found:  # the same arrays are asked about at every stage
            found[id(x)] = _stages(estimator, x, steps, outputs)
        return found[id(x)][step]

    for step in steps:
        yield Moment(step, estimator, partial(answers_at, step), lambda x: None)


def _stages(estimator: Any, x: NDArray[Any], steps: Sequence[int], outputs: int) -> dict[int, Array]:
    """Return the answers after some stages, step to (output, example)."""
    kind, found, last = kind_of_answer(estimator), {}, np.empty(0)
    said = estimator.staged_predict_proba(x) if kind == "probabilities" else estimator.staged_predict(x)
    for stage, values in enumerate(said, 1):
        last = values
        if stage in steps:
            found[stage] = values
    for step in steps:
        found.setdefault(step, last)
    if kind == "numbers":
        return {step: np.asarray(values, dtype=np.float64).reshape(1, -1) for step, values in found.items()}
    if kind == "probabilities":
        return {step: logits(values, estimator.classes_, outputs) for step, values in found.items()}
    return {step: scored(estimator, values, None, outputs) for step, values in found.items()}
