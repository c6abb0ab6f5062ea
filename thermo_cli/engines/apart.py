"""Tasks in a process beside this one, for workers whose own process does other things at the same time, as Dask's do.

A worker of Dask draws random numbers in its event loop, answers signals and restarts: what is trained there must see none of
that. The process is started once and takes one task after the other; when the worker goes, it goes at once.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from thermo_cli.engines.engine import TaskT, told
from thermo_cli.engines.workers import THREAD_VARIABLES, prepare_worker
from thermo_cli.isolation import isolated_environment

BEFORE: Final = "THERMO_BEFORE"
"""Variable of a worker: those that isolate it as they were where its cluster was started, as JSON."""
ROOT: Final = str(Path(__file__).resolve().parents[2])
START: Final = (
    "import sys; sys.path.append(sys.argv[2]); from thermo_cli.engines.apart import serve; serve(int(sys.argv[1]))"
)


class ProcessDiedError(Exception):
    """The process ended amid a task: killed, or out of memory."""


class Apart:
    """A process that takes tasks, one at a time."""

    def __init__(self) -> None:
        isolated = isolated_environment()
        kept = os.environ.get(BEFORE)  # of a cluster that was started from here, whose workers are isolated themselves
        before = json.loads(kept) if kept else {name: os.environ.get(name) for name in isolated}
        self._pipe, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, str(theirs.fileno()), ROOT],
            env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1"), **isolated},
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._pipe.send((os.getpid(), before))

    def run(self, function: Callable[[TaskT], str], task: TaskT) -> str:
        """Run a function on a task there, and return what it returns.

        Args:
            function: A module's own.
            task: Its argument.

        Raises:
            ThermoError: The function raised it.
            TaskError: It raised something else.
            ProcessDiedError: The process is there no more.
        """
        try:
            self._pipe.send((function, task))
            word, error = self._pipe.recv()
        except (EOFError, OSError) as lost:
            raise ProcessDiedError(f"{type(lost).__name__}: {lost}") from None
        if error is not None:
            raise error
        return str(word)


_mine: dict[str, Apart] = {}


def run_apart(function: Callable[[TaskT], str], task: TaskT) -> str:
    """Run a function on a task in the process beside this worker, which is started where there is none.

    Args:
        function: A module's own.
        task: Its argument.

    Raises:
        ThermoError: The function raised it.
        TaskError: It raised something else.
        ProcessDiedError: The process died amid the task; the next task has another one.
    """
    beside = _mine.pop("process", None) or Apart()  # popped: whatever happens, nobody takes a broken one
    try:
        word = beside.run(function, task)
    except ProcessDiedError:
        raise
    except BaseException:
        _mine["process"] = beside
        raise
    _mine["process"] = beside
    return word


def serve(pipe_number: int) -> None:
    """Take tasks until the worker has gone; a thread waits at the pipe, so that it is noticed amid a task.

    Args:
        pipe_number: Of the pipe to the worker, inherited from it.
    """
    pipe = Connection(pipe_number)
    parent, before = pipe.recv()
    prepare_worker(parent, before)
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, tasks), daemon=True).start()
    while True:
        function, task = tasks.get()
        answer: tuple[str | None, Exception | None]
        try:
            answer = (told(function, task), None)
        except Exception as error:  # noqa: BLE001 - a ThermoError or a TaskError, both of which can be sent
            answer = (None, error)
        pipe.send(answer)


def _receive(pipe: Connection, tasks: "queue.SimpleQueue[Any]") -> None:
    try:
        while True:
            tasks.put(pipe.recv())
    except (EOFError, OSError):
        os._exit(1)
