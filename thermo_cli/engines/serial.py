"""The engine without processes: one task after the other, here. For tests, and to look into a task with a debugger."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from thermo_cli.engines.engine import Outcome, TaskError, TaskT, told
from thermo_cli.errors import ThermoError


class SerialEngine:
    """Tasks one by one in this process.

    Args:
        workers: As other engines have it; there is one of them, whatever is asked for.
    """

    def __init__(self, workers: int | None = None) -> None:
        del workers
        self.workers = 1

    def ready(self, modules: Sequence[str], most: int) -> AbstractContextManager[None]:
        """Hold nothing: there is this process."""
        return nullcontext()

    def run(
        self,
        function: Callable[[TaskT], str],
        tasks: Sequence[TaskT],
        tick: Callable[[], None],
        stop: Callable[[], None],
    ) -> Outcome[TaskT]:
        """Run a function on every task; an interrupt breaks off the one that is running."""
        outcome: Outcome[TaskT] = Outcome()
        for task in tasks:
            try:
                tick()
                outcome.returned[task] = told(function, task)
            except KeyboardInterrupt:
                outcome.interrupted = True
                stop()
                break
            except (ThermoError, TaskError) as error:
                outcome.failed[task] = error
        return outcome
