"""What an engine is, what becomes of tasks, and the table of the engines there are."""

import importlib
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from thermo_cli.errors import ThermoError
from thermo_cli.registry import load

TaskT = TypeVar("TaskT")

ENGINES: Final = {
    "dask": "thermo_cli.engines.dask:DaskEngine",
    "pool": "thermo_cli.engines.pool:PoolEngine",
    "serial": "thermo_cli.engines.serial:SerialEngine",
}


@dataclass
class Outcome(Generic[TaskT]):
    """What became of the tasks: those that returned, and the error of each that did not: a ThermoError, or a TaskError."""

    returned: dict[TaskT, str] = field(default_factory=dict)
    failed: dict[TaskT, BaseException] = field(default_factory=dict)
    interrupted: bool = False


class TaskError(Exception):
    """What a task raised, as its traceback: the exceptions of others may not survive the way from another process."""


def told(function: Callable[[TaskT], str], task: TaskT) -> str:
    """Run a function on a task, where engines run it, and let nothing but errors of this package out as they are.

    Args:
        function: What the task is for.
        task: Its argument.

    Raises:
        ThermoError: The function raised it.
        TaskError: It raised something else, or ended the process.
    """
    try:
        return function(task)
    except ThermoError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - whatever code of others leaves with, its traceback is kept
        words = traceback.format_exc()
    raise TaskError(words)


def import_all(modules: Sequence[str]) -> None:
    """Import some modules, where tasks will need them.

    Args:
        modules: Their names.
    """
    for name in modules:
        importlib.import_module(name)


class Engine(Protocol):
    """Somewhere to run tasks.

    Attributes:
        workers: Tasks at the same time, at most.
    """

    workers: int

    def ready(self, modules: Sequence[str], most: int) -> AbstractContextManager[None]:
        """Hold workers from now on, which import what tasks will need while the caller prepares; they end with the context.

        Args:
            modules: Names of modules.
            most: Tasks there will be at the same time, at most; 0 for none.
        """

    def run(
        self,
        function: Callable[[TaskT], str],
        tasks: Sequence[TaskT],
        tick: Callable[[], None],
        stop: Callable[[], None],
    ) -> Outcome[TaskT]:
        """Run a function on every task; errors and interrupts are outcomes, and never sink the other tasks.

        Args:
            function: A module's own function, so that another process can import it.
            tasks: Its arguments: hashable, and nothing that another process could not have.
            tick: Called now and then while tasks run, for the display.
            stop: Tells running tasks to return soon; called once, when the user interrupts.
        """


def open_engine(name: str, workers: int | None = None, **options: Any) -> Engine:
    """Return an engine; its module is imported now, not before.

    Args:
        name: A key of `ENGINES`.
        workers: Tasks at the same time, at most; None leaves it to the engine.
        options: Of this engine alone.
    """
    engine: Engine = load(ENGINES[name])(workers, **options)
    return engine
