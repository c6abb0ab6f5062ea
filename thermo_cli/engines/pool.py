"""The engine at home: a pool of worker processes on this machine.

Attempts are bounded, blame is certain, and the end is calm when the user interrupts. When the pool is lost (a worker was
killed), the tasks that were running are suspects: each is run again alone, so that the one to blame fails alone.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Generic

from thermo_cli.engines.engine import Outcome, TaskError, TaskT, told
from thermo_cli.engines.interrupts import Interrupts
from thermo_cli.engines.workers import kill, start, usable_cores

ATTEMPTS_ALONE: Final = 2
TICK_SECONDS: Final = 0.2


class PoolEngine:
    """A pool of worker processes.

    Args:
        workers: Processes; as many as there are cores if None.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or usable_cores()
        self._held: Held | None = None

    @contextmanager
    def ready(self, modules: Sequence[str], most: int) -> Iterator[None]:
        """Hold one pool for all calls of `run` in the context; that it was lost is noticed by the first task given to it."""
        self._held = Held(modules)
        try:
            self._held.open(min(self.workers, most))
            yield
        finally:
            self._held.close()
            self._held = None

    def run(
        self,
        function: Callable[[TaskT], str],
        tasks: Sequence[TaskT],
        tick: Callable[[], None],
        stop: Callable[[], None],
    ) -> Outcome[TaskT]:
        """Run a function on every task, as many at a time as there are workers; a second interrupt kills them."""
        with Interrupts().counted() as interrupts:

            def look() -> None:
                tick()
                interrupts.check()

            session = _Session(function, look, stop, self._held or Held())
            for suspect in session.run(tasks, self.workers):
                session.run_alone(suspect)
        return session.outcome


class Held:
    """A pool that outlives the tasks given to it; of no modules none is held, and each is opened for its tasks.

    Args:
        modules: What its workers import.
    """

    def __init__(self, modules: Sequence[str] = ()) -> None:
        self.modules = modules
        self._pool: Executor | None = None
        self._workers = 0

    def open(self, workers: int) -> None:
        """Start a pool, if there is something to do for it.

        Args:
            workers: Processes.
        """
        if workers and self.modules:
            self._pool, self._workers = start(workers, self.modules), workers

    def take(self, workers: int) -> Executor:
        """Return a pool of so many workers at least: the one that is held, or a new one.

        Args:
            workers: Processes.
        """
        if self._pool is None or self._workers < workers:
            self.close()
            self._workers = workers
            return start(workers)
        pool, self._pool = self._pool, None
        return pool

    def give_back(self, pool: Executor) -> None:
        """Hold a pool that is whole for later tasks, or let it end.

        Args:
            pool: What `take` returned.
        """
        if self.modules:
            self._pool = pool
        else:
            pool.shutdown(wait=False)

    def close(self) -> None:
        """End the pool that is held."""
        if self._pool is not None:
            kill(self._pool)
            self._pool = None


@dataclass
class _Session(Generic[TaskT]):
    """One call of an engine: what is done with every task, and what has become of them so far."""

    function: Callable[[TaskT], str]
    look: Callable[[], None]
    stop: Callable[[], None]
    held: Held
    outcome: Outcome[TaskT] = field(default_factory=Outcome)

    def run(self, tasks: Sequence[TaskT], workers: int) -> list[TaskT]:
        """Run tasks on fresh pools; return those that were running whenever a pool was lost."""
        queue = deque(tasks)
        suspects: list[TaskT] = []
        while queue and not self.outcome.interrupted:
            slots = min(workers, len(queue))
            pool, lost = self.held.take(slots), False
            running: dict[Future[str], TaskT] = {}
            try:
                lost = self._drain(pool, queue, slots, running)
            except KeyboardInterrupt:
                self._interrupt(pool, running)
            if lost:
                ended = self.outcome.returned.keys() | self.outcome.failed.keys()
                suspects += [task for task in running.values() if task not in ended]
                kill(pool)
            else:
                self.held.give_back(pool)
        return suspects

    def run_alone(self, suspect: TaskT) -> None:
        """Run a task that was there when a pool was lost; it is to blame when it loses one alone, each time."""
        for _ in range(ATTEMPTS_ALONE):
            if self.outcome.interrupted or not self.run([suspect], 1):
                return
        self.outcome.failed[suspect] = TaskError("the worker process died (killed, or out of memory)")

    def _drain(self, pool: Executor, queue: deque[TaskT], slots: int, running: dict[Future[str], TaskT]) -> bool:
        """Feed the queue to one pool; return whether the pool was lost."""
        while queue or running:
            while queue and len(running) < slots:
                task = queue.popleft()
                try:
                    running[pool.submit(told, self.function, task)] = task
                except BrokenExecutor:
                    queue.appendleft(task)
                    return True
            done, _ = wait(running, timeout=TICK_SECONDS, return_when=FIRST_COMPLETED)
            self.look()
            for future in done:
                error = future.exception()
                if isinstance(error, BrokenExecutor):
                    return True
                task = running.pop(future)
                if error is not None:
                    self.outcome.failed[task] = error
                else:
                    self.outcome.returned[task] = future.result()
        return False

    def _interrupt(self, pool: Executor, running: dict[Future[str], TaskT]) -> None:
        """Tell running tasks to stop and wait for them; kill them when the user interrupts again."""
        self.outcome.interrupted = True
        self.stop()
        try:
            while running:
                done, _ = wait(running, timeout=TICK_SECONDS, return_when=FIRST_COMPLETED)
                self.look()
                for future in done:
                    task = running.pop(future)
                    if future.exception() is None:
                        self.outcome.returned[task] = future.result()
        except KeyboardInterrupt:
            kill(pool)
