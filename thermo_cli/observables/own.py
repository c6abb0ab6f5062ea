"""Observables of the user: scorers of scikit-learn by their name, and functions by `module:function`.

Both become what the built-in ones are: outputs of a stack, targets and their unit in, one number per replica out.
"""

import inspect
import numbers
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NoReturn

import numpy as np

from thermo_cli import rng
from thermo_cli.blame import told
from thermo_cli.contracts import Array, Dataset, Task
from thermo_cli.errors import Crashes, SpecError
from thermo_cli.generators import watched
from thermo_cli.metric import NAMES, label
from thermo_cli.observables.scorers import WHERE, scorer, scorer_names
from thermo_cli.registry import nearest
from thermo_cli.trust import Trust, code_fingerprint, locate_function, trust

TIMED: Final = 3  # evaluations, once it has been tried
SHIFT: Final = 3.0  # of targets and predictions alike


def own_formula(name: str, task: Task) -> Callable[[Array, Any, float], Array]:
    """Return the observable behind a name that is not built in.

    A function is called as f(outputs, targets) for one replica, with outputs (example, output): logits of classes, or numbers;
    and targets (example,). Numbers are in the target's own unit. A replica whose outputs are not finite has no value.

    Args:
        name: A scorer of scikit-learn, or `module:function`.
        task: Classification or regression.

    Returns:
        A function of outputs (replica, output, example), targets (replica, example) and the target's unit -> (replica,). It
        raises `Crashes` where the user's own raises an error for some replicas.

    Raises:
        SpecError: It may not be imported, is no function of two arguments, or is for another task.
    """
    return _formula(name, task, trust(), code_fingerprint(name) if ":" in name else "")


@lru_cache(maxsize=64)
def _formula(name: str, task: Task, allowed: Trust, code: str) -> Callable[[Array, Any, float], Array]:
    """Remember a formula for as long as the user allows the same, and its code is the same."""
    score = _function(name) if ":" in name else scorer(name, task)

    def values(outputs: Array, y: Any, unit: float) -> Array:
        if task == "regression":
            outputs, y = outputs * unit, y * unit
        scores, crashes = np.full(len(outputs), np.nan), {}
        for replica in np.flatnonzero(np.isfinite(outputs).all(axis=(1, 2))):
            try:
                scores[replica] = _number(name, score(_sealed(outputs[replica].T), _sealed(y[replica])))
            except SpecError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a stranger's function raises
                crashes[int(replica)] = f"{name}: {told(error)}"
        if crashes:
            raise Crashes(crashes)
        return scores

    return values


def check_own(names: Sequence[str], dataset: Dataset, centred: bool) -> None:
    """Try observables on the targets of the test set and arbitrary outputs, before anything is trained.

    Args:
        names: Those in `observe.macro` that are not built in.
        dataset: For the test set.
        centred: Whether targets have been centred, so that their origin means nothing.

    Raises:
        SpecError: Two have one name; or one raises an error, gives no finite number or not always the same, or depends on the
            origin of the target.
    """
    for position, name in enumerate(names):
        if label(name) in (*NAMES, *map(label, names[:position])):
            _refuse(
                "two observables have the same name",
                f"{name}: test_{label(name)}",
                "rename the function, or leave one of them out",
            )
        _check_name(name)
        _check_values(name, dataset, centred)


def seconds_of(names: Sequence[str], dataset: Dataset) -> dict[str, float]:
    """Measure the seconds that a core takes for observables of one replica at one time, on the targets of the test set.

    Args:
        names: Those in `observe.macro` that are not built in, checked before.
        dataset: For the test set.
    """
    shape, found = (TIMED, 1, dataset.outputs, len(dataset.y_test)), {}
    for name in names:
        answers = rng.generator(1).normal(size=shape)  # others each time: what is remembered costs nothing
        start = time.process_time()
        for outputs in answers:
            _value(name, dataset, outputs, dataset.y_test)
        found[name] = (time.process_time() - start) / TIMED
    return found


def _check_name(name: str) -> None:
    if ":" not in name and name not in scorer_names():
        guess = nearest(name, [*NAMES, *scorer_names()])
        hint = f"did you mean {guess!r}? " if guess else ""
        _refuse(
            "there is no observable of this name, built in or among scikit-learn's scorers",
            name,
            f"{hint}a function of yours is module:function",
        )


def _check_values(name: str, dataset: Dataset, centred: bool) -> None:
    y = dataset.y_test
    outputs = rng.generator(0).normal(size=(1, dataset.outputs, len(y)))
    shift = SHIFT if centred and dataset.task == "regression" else 0.0
    own_formula(name, dataset.task)  # imported before: packages may draw while they are
    with watched() as draws:
        first, again, shifted = (_value(name, dataset, outputs + move, y + move) for move in (0.0, 0.0, shift))
    if draws.names and ":" in name:
        what, remedy = "draws random numbers", "give it a generator of its own with a seed: default_rng(0)"
        _refuse(f"this observable {what}", f"{name}: from the global generator of {', '.join(draws.names)}", remedy)
    if not np.isfinite(first):
        what, remedy = "has no finite value", "it must be a finite number for any predictions"
        _refuse(f"this observable {what}", f"{name}: {first} on {len(y)} examples of the test set", remedy)
    if first != again:
        what, remedy = (
            "is not always the same for the same outputs",
            "it may draw no random numbers, and remember nothing",
        )
        _refuse(f"this observable {what}", f"{name}: {first}, then {again}", remedy)
    if not np.isclose(first, shifted, rtol=1e-6, atol=1e-9):
        what = "depends on the origin of the target, and targets are centred"
        _refuse(f"this observable {what}", name, "data.scale: none")


def _value(name: str, dataset: Dataset, outputs: Array, y: Any) -> float:
    try:
        return float(own_formula(name, dataset.task)(outputs, y[None], dataset.target_sd)[0])
    except Crashes as error:
        raise SpecError(
            "this observable raises an error",
            received=error,
            remedy="mend it, or leave it out" if ":" in name else f"it does not suit these targets; leave {name} out",
            where=WHERE,
        ) from error


def _function(name: str) -> Callable[[Any, Any], Any]:
    """Import a function of two arguments."""
    function = locate_function(name, WHERE)
    if isinstance(function, type):
        _refuse("this is no function", f"{name}: {type(function).__name__}", "name a function of (outputs, targets)")
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        _refuse(
            "this function takes other arguments",
            f"{name}{inspect.signature(function)}",
            "it is called with two: outputs (example, output) and targets (example,)",
        )
    return function


def _number(name: str, value: Any) -> float:
    if isinstance(value, np.ndarray | np.generic) and np.ndim(value) == 0:
        value = value.item()
    if not isinstance(value, numbers.Real):
        _refuse("this observable is no number", f"{name}: {type(value).__name__}", "return one number")
    return float(value)


def _sealed(array: Any) -> Any:
    """Return a view that cannot be written to: an observable changes nothing."""
    view = array.view()
    view.flags.writeable = False
    return view


def _refuse(what: str, received: str, remedy: str) -> NoReturn:
    raise SpecError(what, received=received, remedy=remedy, where=WHERE) from None
