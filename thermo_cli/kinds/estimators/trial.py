"""A spec's estimator, tried on a few examples before anything is trained: does it fit, and is it always the same."""

import dataclasses
import inspect
import pickle
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from thermo_cli.blame import told
from thermo_cli.contracts import Array, Dataset, Integers
from thermo_cli.data.subsample import subsample
from thermo_cli.errors import SpecError, collected
from thermo_cli.generators import watched
from thermo_cli.kinds.estimators.answers import kind_of_answer
from thermo_cli.kinds.estimators.building import accepted, build
from thermo_cli.kinds.estimators.fit import Fit, fit_of, global_seed, moments, torch_seeded
from thermo_cli.kinds.estimators.pipeline import BUDGETS, Pipeline, pipeline, time_parameter
from thermo_cli.metric import Answers
from thermo_cli.replicas import Replica
from thermo_cli.silence import quiet
from thermo_cli.spec import Spec
from thermo_cli.spec.parts import Steps

WHERE: Final = "dynamics.with.time"
TRIED: Final = 200  # examples that a spec is tried on before anything is trained
TRIED_STEPS: Final = 5
TRIED_STAGES: Final = 200  # members or iterations of an estimator that is tried
DEPTH: Final = 4  # of objects inside objects that are looked at
PARAMETER: Final = re.compile(r"The '(\w+)' parameter of (\w+) must be")  # scikit-learn's own words
UNSEEDED: Final = re.compile(
    r"default_rng\(\s*\)|RandomState\(\s*\)|\bRandom\(\s*\)|SystemRandom|urandom|uuid|\bsecrets\b|\btime\.\w+\(|\bnow\("
)


def try_fit(spec: Spec, dataset: Dataset, member: Replica) -> tuple[Answers, bool]:
    """Fit a replica to a few of its examples, or to all where a few will not do, with two random states.

    Global generators (numpy.random, random, torch) are seeded from the replica's stream like every random state.

    Returns:
        What its answers are; whether a fit depends on the random state.

    Raises:
        SpecError: The estimator or a step before it refuses its arguments or the data, or does not have this time.
    """
    ensemble, (spec, member) = spec.ensemble, shortened(spec, member)
    rows = subsample(ensemble.subsample, len(dataset.y), member.subsample, ensemble.seed, member.part, dataset.classes)
    with quiet(), watched(global_seed(member.init)):
        check_time(spec, pipeline(spec.system, dataset.task, member.init, labels=dataset.labels))
    for chosen in (few(rows, dataset), rows):
        try:
            first = torch_seeded(partial(_tried, spec, dataset, member, chosen))
            again = _tried(spec, dataset, member, chosen)
            other = _tried(spec, dataset, dataclasses.replace(member, init=member.init ^ 1), chosen)
        except SpecError:
            raise
        except (Exception, SystemExit) as error:
            if chosen is rows:
                raise SpecError(
                    f"the estimator cannot be fitted: {member.name} was tried",
                    received=told(error),
                    remedy=_remedy(error),
                    where=_place(spec, str(error)),
                ) from error
            continue
        changed = list(differences(first, again))
        if changed:
            raise _unsteady(spec, first.fit.built, changed)
        return kind_of_answer(first.fitted, dataset.outputs), any(differences(first, other))
    raise AssertionError("the last attempt returns or raises")


def shortened(spec: Spec, member: Replica) -> tuple[Spec, Replica]:
    """Return what is tried of an experiment: an estimator with no more members, iterations or steps than show what it is.

    Args:
        member: Who is tried.
    """
    arguments = getattr(spec.system, "arguments", {})
    fewer = {
        name: min(value, TRIED_STAGES) for name, value in arguments.items() if name in BUDGETS and type(value) is int
    }
    steps = min(member.steps, TRIED_STAGES)
    if fewer == {name: arguments[name] for name in fewer} and steps == member.steps:
        return spec, member
    system = spec.system.model_copy(update={"arguments": {**arguments, **fewer}})
    dynamics = spec.motion.model_copy(update={"steps": Steps.model_validate(steps)})
    return spec.model_copy(update={"system": system, "dynamics": dynamics}), dataclasses.replace(member, steps=steps)


def members_of(spec: Spec, member: Replica) -> int:
    """Return how many parts an estimator is made of that grows by adding them; 1 of others.

    Args:
        member: Whose estimator.
    """
    name = "max_iter" if "HistGradientBoosting" in spec.system.use else "n_estimators"
    if spec.time in ("staged", "budget", "warm_start"):
        wanted = getattr(getattr(spec.dynamics, "arguments", None), "parameter", None)
        return member.steps if time_parameter(spec.system, wanted, spec.time) == name else 1
    count = getattr(spec.system, "arguments", {}).get(name)
    return count if type(count) is int and count > 0 else 1


def bytes_of(spec: Spec, dataset: Dataset, member: Replica, rows: Integers) -> int:
    """Return about how much memory an estimator takes, fitted to a few examples; 0 where it does not say.

    Args:
        member: Who is tried.
        rows: Indices into the pool, (example,).
    """
    with quiet(), watched(global_seed(member.init)):
        last = next(moments(spec, fit_of(spec, dataset, member, rows), [member.steps], dataset.outputs))
    try:
        return len(pickle.dumps(last.fitted))  # counted, and read by nobody
    except Exception:  # noqa: BLE001 - whatever a class of others does when it is copied
        return 0


def try_building(spec: Spec, member: Replica) -> None:
    """Build the estimator and the steps before it without data.

    Raises:
        SpecError: One of them may not be imported, keeps no estimator's contract, or does not take its arguments.
    """
    system: Any = spec.system
    parts = [("system", system), *((f"system.preprocess[{n}]", one) for n, one in enumerate(system.preprocess))]
    with quiet(), watched(global_seed(member.init)):
        collected([partial(build, part.use, part.arguments, where) for where, part in parts])


@dataclass(frozen=True)
class Tried:
    """One fit to a few examples.

    Attributes:
        fit: What was fitted to what.
        fitted: The estimator.
        answers: On a few examples of the test set, (output, example).
    """

    fit: Fit
    fitted: Any
    answers: Array


def _tried(spec: Spec, dataset: Dataset, member: Replica, rows: Integers) -> Tried:
    """Fit for a few steps."""
    with quiet(), watched(global_seed(member.init)):
        fit = fit_of(spec, dataset, member, rows)
        last = next(moments(spec, fit, [min(member.steps, TRIED_STEPS)], dataset.outputs))
        return Tried(fit, last.fitted, last.answers(fit.built.seen(dataset.x_test[:TRIED])))


def differences(first: Tried, again: Tried) -> Iterator[str]:
    """Yield in words what two fits from the same streams do not have in common: their parts' arrays, or their answers.

    Args:
        first: One fit.
        again: The other.
    """
    parts = [(*one.fit.built.steps, one.fitted) for one in (first, again)]
    for one, other in zip(*parts, strict=True):
        for (name, left), (_, right) in zip(_arrays(one, DEPTH), _arrays(other, DEPTH), strict=False):
            if left.shape != right.shape or not _same(left, right):
                yield f"{name} of {type(one).__name__}"
    if not _same(first.answers, again.answers):
        yield "its answers"


def _same(one: Array, other: Array) -> bool:
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def _arrays(part: Any, depth: int) -> Iterator[tuple[str, Array]]:
    """Yield the numbers that a fitted object keeps in public, by name; not how long something took."""
    kept = part if isinstance(part, dict) else getattr(part, "__dict__", {})
    for name, value in kept.items() if depth else ():
        if str(name).startswith("_") or "time" in str(name):
            continue
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            yield str(name), value
        elif isinstance(value, list | tuple):
            for inner in value:
                yield from ((f"{name}.{below}", array) for below, array in _arrays(inner, depth - 1))
        elif not isinstance(value, type):
            yield from ((f"{name}.{below}", array) for below, array in _arrays(value, depth - 1))


def _unsteady(spec: Spec, built: Pipeline, changed: list[str]) -> SpecError:
    """Name what is another every time, and the lines of the user's modules that look like the reason."""
    uses = [spec.system.use, *(step.use for step in getattr(spec.system, "preprocess", ()))]
    lines = [line for part in (*built.steps, built.estimator) for line in _suspects(type(part))]
    return SpecError(
        "two fits from the same random state differ, so no run could be made again",
        received=f"{', '.join(uses)}: {', '.join(changed[:3])}"
        + (f"; look at {'; '.join(lines[:3])}" if lines else ""),
        remedy="draw from numpy.random.default_rng(self.random_state), with random_state an argument of the constructor; let "
        "nothing depend on the clock, on threads, or on what was fitted before",
        where="system.use",
    )


def _suspects(kind: type) -> Iterator[str]:
    """Yield the lines of a class that draw from something that nobody seeds."""
    try:
        file, (lines, begin) = inspect.getsourcefile(kind), inspect.getsourcelines(kind)
    except (OSError, TypeError):  # there is no source of it
        return
    for number, line in enumerate(lines, begin):
        if UNSEEDED.search(line.partition("#")[0]):
            yield f"{Path(file or '').name}:{number}: {line.strip()[:60]}"


def _remedy(error: BaseException) -> str:
    """Say what to do about an error of a fit."""
    words = str(error)
    if "validation" in words and "early stopping" in words:
        return "early stopping sees examples only where the estimator is system.use itself: put steps before it into preprocess"
    if "NaN" in words:
        return "fill gaps before it: preprocess: [sklearn.impute:SimpleImputer]"
    return "correct its arguments, mend its code, or name another"


def _place(spec: Spec, words: str) -> str:
    """Return the field of the argument that scikit-learn refuses by its name; the system's elsewhere."""
    named, system = PARAMETER.search(words), spec.system.model_dump(mode="json")
    if named is not None:
        parameter, kind = named.groups()
        steps = [(f"system.preprocess[{number}]", step) for number, step in enumerate(system["preprocess"])]
        for where, part in [("system", system), *steps]:
            for place, use, arguments in _uses(where, part["use"], part["with"]):
                if use.endswith(f":{kind}") and parameter in arguments:
                    return f"{place}.with.{parameter}"
    return "system"


def _uses(where: str, use: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield every object that is built, with its place and its arguments."""
    yield where, use, arguments
    for name, value in arguments.items():
        yield from _inside(f"{where}.with.{name}", value)


def _inside(where: str, value: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    if isinstance(value, Mapping) and isinstance(value.get("use"), str):
        yield from _uses(where, value["use"], value.get("with") or {})
    elif isinstance(value, Mapping | list):
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _inside(f"{where}[{key}]" if isinstance(value, list) else f"{where}.{key}", inner)


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
    known = accepted(built.estimator) if name == "warm_start" else dir(built.estimator)
    if name not in known:
        others = [time for time, (other, _) in needs.items() if hasattr(built.estimator, other)]
        remedy = " or ".join([*others, "budget", "once"])
        raise SpecError(f"this estimator has no {words}", received=f"time: {spec.time}", remedy=remedy, where=WHERE)
