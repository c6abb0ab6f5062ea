"""What an engine is, what becomes of tasks, and the table of the engines there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

from thermo_cli.registry import load

TaskT = TypeVar("TaskT")

ENGINES: Final = {
    "pool": "thermo_cli.engines.pool:PoolEngine",
    "serial": "thermo_cli.engines.serial:SerialEngine",
}


@dataclass
class Outcome(Generic[TaskT]):
    """What became of the tasks: those that returned, and the error of each that did not."""

    returned: dict[TaskT, str] = field(default_factory=dict)
    failed: dict[TaskT, BaseException] = field(default_factory=dict)
    interrupted: bool = False


class Engine(Protocol):
    """Somewhere to run tasks.

    Attributes:
        workers: Tasks at the same time, at most.
    """

    workers: int

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


def open_engine(name: str, workers: int | None = None) -> Engine:
    """Return an engine; its module is imported now, not before.

    Args:
        name: A key of `ENGINES`.
        workers: Tasks at the same time, at most; None leaves it to the engine.
    """
    engine: Engine = load(ENGINES[name])(workers)
    return engine
