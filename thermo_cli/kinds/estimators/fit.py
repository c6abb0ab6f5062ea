"""How an estimator moves: one fit of one replica, as a row of moments at which it can be looked at.

`once` and `budget`: the end of a fit. `staged`: after each stage of boosting, from one fit. `warm_start`: a forest to which
trees are added. `partial`: epochs of partial fits, after a first phase if the history has one.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor

from thermo_cli import rng
from thermo_cli.contracts import Array, Dataset, Integers
from thermo_cli.data.subsample import subsample
from thermo_cli.kinds.estimators.answers import answers, classes_of, kind_of_answer, logits, scored
from thermo_cli.kinds.estimators.held_back import fit_once
from thermo_cli.kinds.estimators.pipeline import Pipeline, pipeline, time_parameter
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec

Done = TypeVar("Done")
GLOBALS: Final = 0x676C6F62  # the block of a replica's `init` stream that global generators are seeded from
FORESTS: Final = (RandomForestClassifier, RandomForestRegressor, ExtraTreesClassifier, ExtraTreesRegressor)


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
        stream: The replica's `init` stream.
        first: Targets and number of steps of a first phase, and which examples; None without one.
    """

    built: Pipeline
    x: NDArray[Any]
    y: NDArray[Any]
    rows: Integers
    stream: int
    first: tuple[Integers, NDArray[Any], int] | None = None

    @property
    def known(self) -> NDArray[Any]:
        """The classes that it is fitted to, (class,); of numbers nothing is known."""
        return np.unique(self.y) if self.built.task == "classification" else np.empty(0)

    def once(self) -> Any:
        """Fit the estimator to its end."""
        return fit_once(self.built, self.x, self.y, self.stream)


def global_seed(stream: int, part: int = 0) -> int:
    """Return what the generators that all code shares are seeded with while a replica is fitted.

    Args:
        stream: The replica's `init` stream.
        part: 0 for the steps before the estimator, 1 for the estimator.
    """
    return int(rng.generator(stream, GLOBALS, part).integers(2**63))


def torch_seeded(work: Callable[[], Done]) -> Done:
    """Do a piece of work; again where it was the first in this process to load torch, whose generator nobody had seeded.

    Args:
        work: Seeds global generators and fits.
    """
    loaded = "torch" in sys.modules
    done = work()
    return work() if not loaded and "torch" in sys.modules else done


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
    built = pipeline(spec.system, dataset.task, member.init, arguments, dataset.labels)
    seen = built.prepared(x, y)
    return Fit(built, seen, y, rows, member.init, _first(spec, member, y))


def moments(spec: Spec, fit: Fit, steps: Sequence[int], outputs: int) -> Iterator[Moment]:
    """Fit, and stop at some times.

    Args:
        fit: What is fitted to what.
        steps: The times, increasing, the last being T.
        outputs: Number of classes; 1 for regression.
    """
    rule = {"staged": _staged, "warm_start": _warm, "partial": _partial}.get(spec.time, _once)
    yield from rule(spec, fit, steps, outputs)


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


def _at(step: int, fitted: Any, outputs: int, known: NDArray[Any]) -> Moment:
    def scores(x: NDArray[Any]) -> NDArray[Any] | None:
        return fitted.decision_function(x) if hasattr(fitted, "decision_function") else None

    return Moment(step, fitted, lambda x: answers(fitted, x, outputs, known), scores)


def _once(spec: Spec, fit: Fit, steps: Sequence[int], outputs: int) -> Iterator[Moment]:
    del spec
    yield _at(steps[-1], fit.once(), outputs, fit.known)


def _warm(spec: Spec, fit: Fit, steps: Sequence[int], outputs: int) -> Iterator[Moment]:
    """Add trees up to each time; the result is that of one fit with so many."""
    estimator, name = fit.built.estimator, time_parameter(spec.system, _parameter(spec), spec.time)
    estimator.set_params(warm_start=True)
    vote = _Vote(estimator, outputs)
    for step in steps:
        estimator.set_params(**{name: step})
        estimator.fit(fit.x, fit.y)
        moment = Moment(step, estimator, vote.answers, lambda x: None)
        yield moment if vote.counts else _at(step, estimator, outputs, fit.known)


class _Vote:
    """The answers of a forest that grows: each tree is asked once about each set of examples, and its vote is kept.

    Args:
        forest: A random forest or extra trees; of other ensembles votes are not counted.
        outputs: Number of classes; 1 for regression.
    """

    def __init__(self, forest: Any, outputs: int) -> None:
        self.forest, self.outputs = forest, outputs
        self.counts = type(forest) in FORESTS
        self._kept: dict[int, tuple[int, NDArray[Any], NDArray[Any]]] = {}

    def answers(self, x: NDArray[Any]) -> Array:
        """Return log of the mean probabilities or mean numbers, (output, example); the sums are those of the forest itself."""
        seen, total, plain = self._kept.get(id(x), (0, np.zeros(()), np.empty(0)))
        if not seen:  # the same arrays are asked about at every time
            plain = np.asarray(x, dtype=np.float32, order="C") if isinstance(x, np.ndarray) else x
        check = not isinstance(plain, np.ndarray)
        for tree in self.forest.estimators_[seen:]:
            ask = tree.predict_proba if self.outputs > 1 else tree.predict
            total = total + ask(plain, check_input=check)
        number = len(self.forest.estimators_)
        self._kept[id(x)] = (number, total, plain)
        if self.outputs > 1:
            return logits(total / number, classes_of(self.forest, plain), self.outputs, len(total))
        return np.asarray(total / number, dtype=np.float64).reshape(1, -1)


def _partial(spec: Spec, fit: Fit, steps: Sequence[int], outputs: int) -> Iterator[Moment]:
    """Go over the subsample once for every step, with one generator for all: a number would give every epoch the same order."""
    del spec
    estimator, classes = (
        fit.built.estimator,
        {"classes": np.unique(fit.y)} if fit.built.task == "classification" else {},
    )
    state = estimator.get_params(deep=False).get("random_state")
    if state is not None:
        seed = np.random.SeedSequence(int(state))
        estimator.set_params(random_state=np.random.RandomState(np.random.MT19937(seed)))
    done = 0
    for step in steps:
        while done < step:
            x, y = fit.x, fit.y
            if fit.first is not None and done < fit.first[2]:
                x, y = x[fit.first[0]], fit.first[1]
            estimator.partial_fit(x, y, **classes)
            classes, done = {}, done + 1
        yield _at(step, estimator, outputs, fit.known)


def _staged(spec: Spec, fit: Fit, steps: Sequence[int], outputs: int) -> Iterator[Moment]:
    """Look at each stage of one fit; a fit that stopped early stays where it stopped."""
    del spec
    estimator = fit.once()
    found: dict[int, dict[int, Array]] = {}

    def answers_at(step: int, x: NDArray[Any]) -> Array:
        if id(x) not in found:  # the same arrays are asked about at every stage
            found[id(x)] = _stages(estimator, x, steps, outputs, fit.known)
        return found[id(x)][step]

    for step in steps:
        yield Moment(step, estimator, partial(answers_at, step), lambda x: None)


def _stages(
    estimator: Any, x: NDArray[Any], steps: Sequence[int], outputs: int, known: NDArray[Any]
) -> dict[int, Array]:
    """Return the answers after some stages, step to (output, example)."""
    kind, found, last = kind_of_answer(estimator, outputs), {}, np.empty(0)
    said = estimator.staged_predict_proba(x) if kind == "probabilities" else estimator.staged_predict(x)
    for stage, values in enumerate(said, 1):
        last = values
        if stage in steps:
            found[stage] = values
    for step in steps:
        found.setdefault(step, last)
    if kind == "numbers":
        return {step: np.asarray(values, dtype=np.float64).reshape(1, -1) for step, values in found.items()}
    classes, number = classes_of(estimator, known), x.shape[0]
    if kind == "probabilities":
        return {step: logits(values, classes, outputs, number) for step, values in found.items()}
    return {step: scored(values, classes, None, outputs, number) for step, values in found.items()}
