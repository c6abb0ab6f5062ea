"""The engine at home: worker processes on this machine, one thread each, so that every core is used once."""

import os
import signal
import threading
import time
from concurrent.futures import Executor
from typing import Final

THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalEngine:
    """A pool of worker processes.

    Args:
        slots: Number of workers.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots

    def start(self, slots: int) -> Executor:
        """Start a fresh pool.

        Args:
            slots: Number of workers.
        """
        import loky

        pool: Executor = loky.ProcessPoolExecutor(
            slots,
            timeout=None,
            initializer=prepare_worker,
            initargs=(os.getpid(),),
            env=dict.fromkeys(THREAD_VARIABLES, "1"),
        )
        return pool

    def kill(self, executor: Executor) -> None:
        """End a pool and its workers at once.

        Args:
            executor: What `start` returned.
        """
        executor.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]


def prepare_worker(parent: int) -> None:
    """Make a worker leave Ctrl-C to its parent, and end when the parent is gone.

    Args:
        parent: Process id of the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.25)
    os._exit(1)
