"""A user's function: what it takes, and what a process of its own does that calls it for one replica.

It seeds the generators that all code shares, calls the function, and writes down what that reports. Of thermo it imports
little: such a process is started for every replica.
"""

import importlib.util
import inspect
import json
import math
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn

from thermo_cli.blame import told
from thermo_cli.errors import DataError, SpecError, ThermoError
from thermo_cli.generators import seed_all
from thermo_cli.registry import nearest
from thermo_cli.trust import Trust, locate_function, set_trust, trust

USAGE: Final = "report(step, test_accuracy=0.93, train_loss=0.21)"


def arguments_of(function: Callable[..., Any], known: list[str], where: str) -> list[str]:
    """Return the names of what a function is told: those of its parameters that have a meaning.

    Args:
        function: The user's.
        known: Names that have a meaning.
        where: Field of the spec, for messages.

    Raises:
        SpecError: It needs something else, or does not say what it takes.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError) as error:
        raise SpecError(
            "the arguments of this function are not known",
            received=str(error),
            remedy="call it from a function of your own: def train(seed, subsample, report)",
            where=where,
        ) from None
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
        return known
    for one in parameters:
        variable = one.kind is inspect.Parameter.VAR_POSITIONAL
        if one.name not in known and not variable and one.default is inspect.Parameter.empty:
            guess = nearest(one.name, known)
            raise SpecError(
                f"the function takes {one.name}, which nothing is called",
                received=f"({', '.join(other.name for other in parameters)})",
                remedy=(f"did you mean {guess}? " if guess else "")
                + f"give it a default or a value in system.with.values; known: {', '.join(known)}",
                where=where,
            )
    return [one.name for one in parameters if one.name in known]


def call(task: Mapping[str, Any]) -> NoReturn:
    """Call the function of one replica, and end the process with all its threads.

    Args:
        task: What `Function.start` has said.
    """
    try:
        _train(task)
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
        sys.stdout.write(f"{left.code}\n" if isinstance(left.code, str) else "")
    except ThermoError as error:
        sys.stdout.write(f"{error}\n")
        code = 1
    except BaseException as error:  # noqa: BLE001 - whatever a user's function raises is told in the log of its replica
        traceback.print_exception(type(error), error, _theirs(error.__traceback__), file=sys.stdout)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads that the function has left would hold the process


def _theirs(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback from where it leaves this file."""
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def _train(task: Mapping[str, Any]) -> None:
    set_trust(Trust(tuple(task["allow"]), Path(task["base"])))
    seed = task["told"]["seed"]
    seed_generators(seed)
    if "local" in task["allow"]:  # last: nothing in them stands for what is installed
        sys.path += [str(place) for place in trust().places]
    function = locate_function(task["run"], task["where"])
    os.chdir(task["base"])
    seed_generators(seed)  # again: what the module has drawn is not to count
    report = Report(Path(task["log"]), task["steps"])
    values = {**task["told"], "output": Path(task["output"]), "report": report, "subsample": _examples(task)}
    answer = _called(function, values)
    try:
        report.take(answer)
    except TypeError as error:
        raise DataError(
            "what the function returns are no scores",
            received=told(error, function),
            remedy="return names and numbers, or nothing after report(step, test_accuracy=0.93)",
        ) from None


def _called(function: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """Call a function with what it takes, by name where it has names.

    Args:
        function: The user's.
        values: All that it can be told.
    """
    names = arguments_of(function, list(values), "")
    by_place = [
        one.name
        for one in inspect.signature(function).parameters.values()
        if one.kind is inspect.Parameter.POSITIONAL_ONLY and one.name in names
    ]
    return function(
        *(values[name] for name in by_place), **{name: values[name] for name in names if name not in by_place}
    )


def seed_generators(seed: int) -> None:
    """Seed the generators that all code of a process shares; those of torch when it is imported, now or later.

    Args:
        seed: Below 2^31.
    """
    seed_all(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)  # those of accelerators too: all of this process is the user's
    else:
        sys.meta_path.insert(0, _SeedTorch(seed))


class _SeedTorch(MetaPathFinder):
    """Seeds torch as soon as it has been imported: it takes seconds, and not every function needs it."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != "torch":
            return None
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _SeedTorch)]
        spec = importlib.util.find_spec("torch")
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def executed(module: Any) -> None:
            execute(module)
            module.manual_seed(self.seed)

        spec.loader.exec_module = executed  # type: ignore[method-assign]
        return spec


class Report:
    """What a function reports by: one call for each step at which something was measured.

    Args:
        file: A line of JSON is appended for each call.
        total: T, the step of what is returned.
    """

    def __init__(self, file: Path, total: int) -> None:
        self._file, self._total, self._lock = file, total, threading.Lock()

    def __call__(self, step: Any, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Report what was measured at a step.

        Args:
            step: Updates of the training so far.
            values: Observables and their values, as a mapping or by name.
        """
        row = {"step": _plain("step", step)} | {
            str(k): _plain(str(k), v) for k, v in {**(values or {}), **more}.items()
        }
        with self._lock, self._file.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def take(self, answer: Any) -> None:
        """Take what the function has returned: observables at T, where it is a mapping.

        Args:
            answer: A mapping of names to numbers; anything else says nothing.
        """
        if isinstance(answer, Mapping):
            self(self._total, {key: value for key, value in answer.items() if key != "step"})


def _plain(name: str, value: Any) -> Any:
    """Return a number as JSON takes it: of arrays and tensors of one number the number."""
    if value is None or isinstance(value, int | float):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"a number is reported, and {name} is {type(value).__name__} ({str(value)[:60]}): {USAGE}"
        ) from None
    return int(number) if name == "step" and math.isfinite(number) and number == int(number) else number


def _examples(task: Mapping[str, Any]) -> Any:
    """Return the indices of the replica's examples, or None where there is no pool."""
    import numpy as np

    if task["subsample"] is None:
        return None
    return np.array(Path(task["subsample"]).read_text().split(), dtype=np.int64)
