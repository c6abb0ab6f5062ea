"""Worker processes of this machine: one thread each, so that every core is used once; nothing of the working directory."""

import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Final

from thermo_cli.isolation import isolated_environment, leave_working_directory

THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start(workers: int) -> Executor:
    """Start a fresh pool.

    Args:
        workers: Processes, at least one.
    """
    import loky
    from loky.backend.resource_tracker import ensure_running

    # a worker that has grown is replaced between two tasks, which loses nothing and concerns nobody
    warnings.filterwarnings("ignore", message="A worker was restarted while some jobs were given")
    isolated = isolated_environment()
    with _environment(isolated) as before:  # trackers of resources are started with what this process has
        ensure_running()
        resource_tracker.ensure_running()
    pool: Executor = loky.ProcessPoolExecutor(
        workers,
        timeout=None,
        initializer=prepare_worker,
        initargs=(os.getpid(), before),
        env=dict.fromkeys(THREAD_VARIABLES, "1") | isolated,
    )
    return pool


def kill(pool: Executor) -> None:
    """End a pool and its workers at once.

    Args:
        pool: What `start` returned.
    """
    pool.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]


def prepare_worker(parent: int, environment: Mapping[str, str | None]) -> None:
    """Make a worker leave Ctrl-C to its parent, import nothing of the working directory, and end when the parent is gone.

    Args:
        parent: Process id of the parent.
        environment: Variables as the parent has them, for scripts that the worker starts; None for those it has not.
    """
    leave_working_directory()
    _set_environment(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.25)
    os._exit(1)
