"""Worker processes of this machine: one thread each, so that every core is used once; nothing of the working directory."""

import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType
from typing import Final

from thermo_cli.engines.engine import import_all
from thermo_cli.engines.interrupts import stops
from thermo_cli.isolation import isolated_environment, leave_working_directory

TICK_SECONDS: Final = 0.25
GRACE_SECONDS: Final = 2.0  # for threads that outlive the work of a worker
THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start(workers: int, modules: Sequence[str] = ()) -> Executor:
    """Start a fresh pool; its processes begin with the first task, or at once where there is something to import.

    Args:
        workers: Processes, at least one.
        modules: What each of them imports before its first task.
    """
    import loky
    from loky.backend.resource_tracker import ensure_running

    # a worker that has grown is replaced between two tasks, which loses nothing and concerns nobody
    warnings.filterwarnings("ignore", message="A worker was restarted while some jobs were given")
    isolated = isolated_environment()
    with _environment(isolated) as before, _blocked():  # trackers of resources inherit both
        ensure_running()
        resource_tracker.ensure_running()
    pool: Executor = loky.ProcessPoolExecutor(
        workers,
        timeout=None,
        initializer=prepare_worker,
        initargs=(os.getpid(), before),
        env=dict.fromkeys(THREAD_VARIABLES, "1") | isolated,
    )
    if modules:
        with _blocked():
            for _ in range(workers):
                pool.submit(import_all, modules)
    return pool


def kill(pool: Executor) -> None:
    """End a pool and its workers at once.

    Args:
        pool: What `start` returned.
    """
    pool.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]


def prepare_worker(parent: int, environment: Mapping[str, str | None]) -> None:
    """Make a worker leave all signals to its parent, import nothing of the working directory, and end when the parent is gone.

    What a terminal or a batch system sends to all processes, the parent answers: workers stop by the file that it writes.

    Args:
        parent: Process id of the parent.
        environment: Variables as the parent has them, for scripts that the worker starts; None for those it has not.
    """
    leave_working_directory()
    _set_environment(environment)
    for number in stops():
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else _left_to_the_parent)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, stops())
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


@contextmanager
def _environment(changes: Mapping[str, str | None]) -> Iterator[dict[str, str | None]]:
    """Set variables for a while; yields what they were."""
    before = {name: os.environ.get(name) for name in changes}
    _set_environment(changes)
    try:
        yield before
    finally:
        _set_environment(before)


def _set_environment(changes: Mapping[str, str | None]) -> None:
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _left_to_the_parent(number: int, frame: FrameType | None) -> None:
    """Do nothing; unlike an ignored signal, programs that the worker starts do not inherit this."""


@contextmanager
def _blocked() -> Iterator[None]:
    """Start processes that no signal of the terminal's group reaches; those for this one come a moment later."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, stops())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with(parent: int) -> None:
    """End when the parent has gone, or the work has and threads that user code left are all there is."""
    left = 0.0
    while os.getppid() == parent and left < GRACE_SECONDS:
        time.sleep(TICK_SECONDS)
        left += 0.0 if threading.main_thread().is_alive() else TICK_SECONDS
    os._exit(1)
