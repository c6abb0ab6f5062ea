"""What engines are given to do in these tests; a file of its own, so that workers can import it."""

import os
import signal
import sys
import threading
import time
from pathlib import Path


class NoException(BaseException):
    """What code of others may leave with; pytest's skips are such."""


class Unpicklable(Exception):
    """An error that is not rebuilt from what it says, as many libraries have them."""

    def __init__(self, first: str, second: int) -> None:
        super().__init__(f"{first} and {second}")


def work(task: tuple[str, str]) -> str:
    """Do what the task says: return, raise, exit, or die."""
    kind, folder = task
    (Path(folder) / f"{kind}-{time.monotonic_ns()}").touch()
    if kind.startswith("raise"):
        raise ValueError(kind)
    if kind.startswith("unpicklable"):
        raise Unpicklable(kind, 2)
    if kind.startswith("leave"):
        raise NoException(kind)
    if kind.startswith("thread"):
        threading.Thread(target=time.sleep, args=(1e6,)).start()
    if kind.startswith("exit"):
        sys.exit(kind)
    if kind.startswith("die"):
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    if kind.startswith("environment"):
        return f"{os.environ.get('PYTHONSAFEPATH')} {os.environ.get('PYTHONPATH')}"
    if kind.startswith("imported"):
        return f"{os.getpid()} {'wave' in sys.modules}"
    if kind.startswith("slow"):
        time.sleep(1.0)
    if kind.startswith("interrupt"):
        raise KeyboardInterrupt
    return f"done {kind}"
