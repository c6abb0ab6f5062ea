"""Running tasks on any executor: bounded attempts, blame that is certain, and a calm end when the user interrupts.

An engine gives a fresh `concurrent.futures.Executor`; this module decides what runs on it and when. A task has succeeded
when its future returns; whether its work is done is read from the disk by whoever called.
"""

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Final, Generic, Protocol, TypeVar

TaskT = TypeVar("TaskT")
ATTEMPTS_ALONE: Final = 2
TICK_SECONDS: Final = 0.2


class Engine(Protocol):
    """Somewhere to run tasks."""

    slots: int

    def start(self, slots: int) -> Executor:
        """Return a fresh executor with this many slots."""

    def kill(self, executor: Executor) -> None:
        """End an executor and its workers at once."""


@dataclass
class Outcome(Generic[TaskT]):
    """What became of the tasks: those that returned, and the error of each that did not."""

    returned: dict[TaskT, str] = field(default_factory=dict)
    failed: dict[TaskT, BaseException] = field(default_factory=dict)
    interrupted: bool = False


class Interrupts:
    """Interrupts by the user, counted as they come and answered between two looks at the tasks.

    An exception that a signal raises amid whatever runs is lost when that is a finalizer or a callback of the pool.
    """

    def __init__(self) -> None:
        self._seen = self._answered = 0

    @contextmanager
    def counted(self) -> Iterator["Interrupts"]:
        """Count SIGINT and SIGTERM while this lasts; a thread beside the main one gets no signals."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt for the oldest one that was not answered."""
        if self._seen > self._answered:
            self._answered += 1
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._seen += 1


def run_tasks(
    engine: Engine,
    function: Callable[[TaskT], str],
    tasks: Sequence[TaskT],
    tick: Callable[[], None],
    stop: Callable[[], None],
) -> Outcome[TaskT]:
    """Run a function on every task, as many at a time as the engine has slots.

    When the pool is lost (a worker was killed), the tasks that were running are suspects: each is run again alone, so that
    the one to blame fails alone, at most `ATTEMPTS_ALONE` times.

    Args:
        engine: Where to run.
        function: Importable by workers.
        tasks: Its arguments.
        tick: Called a few times a second, for the display.
        stop: Called once when the user interrupts: tells the workers to return soon. A second interrupt kills them.

    Returns:
        What became of each task.
    """
    outcome: Outcome[TaskT] = Outcome()
    with Interrupts().counted() as interrupts:

        def look() -> None:
            tick()
            interrupts.check()

        suspects = _together(engine, function, deque(tasks), engine.slots, look, stop, outcome)
        for suspect in suspects:
            for attempt in range(ATTEMPTS_ALONE):
                if outcome.interrupted or not _together(engine, function, deque([suspect]), 1, look, stop, outcome):
                    break
                if attempt == ATTEMPTS_ALONE - 1:
                    outcome.failed[suspect] = RuntimeError("the worker process died (killed, or out of memory)")
    return outcome


def _together(
    engine: Engine,
    function: Callable[[TaskT], str],
    queue: deque[TaskT],
    slots: int,
    look: Callable[[], None],
    stop: Callable[[], None],
    outcome: Outcome[TaskT],
) -> list[TaskT]:
    """Run a queue on fresh executors; return the tasks that were running whenever a pool was lost."""
    suspects: list[TaskT] = []
    while queue and not outcome.interrupted:
        executor = engine.start(min(slots, len(queue)))
        running: dict[Future[str], TaskT] = {}
        try:
            lost = _drain(executor, function, queue, min(slots, len(queue)), running, look, outcome)
        except KeyboardInterrupt:
            outcome.interrupted = True
            stop()
            try:
                _collect(running, look, outcome)
            except KeyboardInterrupt:
                engine.kill(executor)
            lost = False
        if lost:
            suspects += [
                task for task in running.values() if task not in outcome.returned and task not in outcome.failed
            ]
            engine.kill(executor)
        else:
            executor.shutdown(wait=False)
    return suspects


def _drain(
    executor: Executor,
    function: Callable[[TaskT], str],
    queue: deque[TaskT],
    slots: int,
    running: dict[Future[str], TaskT],
    look: Callable[[], None],
    outcome: Outcome[TaskT],
) -> bool:
    """Feed the queue to one executor; return whether the pool was lost."""
    while queue or running:
        while queue and len(running) < slots:
            task = queue.popleft()
            try:
                running[executor.submit(function, task)] = task
            except BrokenExecutor:
                queue.appendleft(task)
                return True
        done, _ = wait(running, timeout=TICK_SECONDS, return_when=FIRST_COMPLETED)
        look()
        for future in done:
            error = future.exception()
            if isinstance(error, BrokenExecutor):
                return True
            task = running.pop(future)
            if error is not None:
                outcome.failed[task] = error
            else:
                outcome.returned[task] = future.result()
    return False


def _collect(running: dict[Future[str], TaskT], look: Callable[[], None], outcome: Outcome[TaskT]) -> None:
    """Wait for the tasks that were told to stop."""
    while running:
        done, _ = wait(running, timeout=TICK_SECONDS, return_when=FIRST_COMPLETED)
        look()
        for future in done:
            task = running.pop(future)
            if future.exception() is None:
                outcome.returned[task] = future.result()
