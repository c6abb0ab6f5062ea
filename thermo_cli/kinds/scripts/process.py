"""A process that trains by itself: started in a group of its own, watched, and never left running.

A guard, the leader of the group, waits for a word from whoever started the process. When that one ends without a word, killed
or not, the pipe between them closes, and the guard kills the group: nothing outlives the worker.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final

from thermo_cli.errors import RunError

LOOK_SECONDS: Final = 0.05
GRACE_SECONDS: Final = 0.4  # between asking a group to end and killing it
LOG_BYTES: Final = 2**19  # kept of a log's beginning, and of its end
PIECE: Final = 2**14
GUARD: Final = ("/bin/sh", "-c", "trap '' TERM; read word || kill -9 0")
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
ENVIRONMENT: Final = {"PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "0"}  # a hash seed is randomness that nobody named


class OutOfTime(RunError):
    """A program took longer than its time limit."""


def run_process(
    arguments: Sequence[str],
    folder: Path,
    log: Path,
    time_limit: float | None,
    look: Callable[[], bool],
    variables: Mapping[str, str] = NOTHING,
    noun: str = "script",
) -> bool:
    """Run a program to its end.

    Args:
        arguments: The program and its arguments.
        folder: Where it is started.
        log: What it prints is appended here; of a long log the middle is left out.
        time_limit: Seconds it may take, None for no limit.
        look: Called a few times a second; False ends the process. What it raises ends the process too.
        variables: Of its environment, besides those that there are.
        noun: What it is called in messages.

    Returns:
        Whether the program ended by itself, in success.

    Raises:
        RunError: It cannot be started, failed, or took too long.
    """
    end = None if time_limit is None else time.monotonic() + time_limit
    with _group() as leader, _started(arguments, folder, log, leader, variables) as process:
        while process.poll() is None:
            if not look():
                return False
            if end is not None and time.monotonic() > end:
                raise OutOfTime(
                    f"the {noun} took longer than its time limit, and was killed",
                    received=f"more than {time_limit:g} s",
                    remedy="raise dynamics.with.time_limit, or see in the log what it waits for",
                )
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_SECONDS)
    if process.returncode != 0:
        code = process.returncode
        how = f"exit code {code}" if code > 0 else f"killed by {signal.Signals(-code).name}"
        hint = " (out of memory?)" if code == -signal.SIGKILL else ""
        raise RunError(f"the {noun} failed", received=how + hint, remedy="see what it printed last")
    return True


@contextmanager
def _group() -> Iterator[int]:
    """Lead a process group by a guard, and end all of the group at last; yields its id."""
    guard = subprocess.Popen(
        GUARD, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
    )
    try:
        yield guard.pid
    finally:
        _signal(guard.pid, signal.SIGKILL)
        guard.communicate()


@contextmanager
def _started(
    arguments: Sequence[str], folder: Path, log: Path, group: int, variables: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a program in a group; at last ask the group to end, and end it."""
    try:
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=group,
            env={**os.environ, **ENVIRONMENT, **variables},
        )
    except OSError as error:
        raise RunError(
            "the script cannot be started",
            received=f"{arguments[0]}: {error.strerror}",
            remedy="correct system.with.run",
        ) from None
    assert process.stdout is not None
    copier = threading.Thread(target=_copy, args=(process.stdout, log), daemon=True)
    copier.start()
    try:
        yield process
    finally:
        if process.poll() is None:
            _signal(group, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
        _signal(group, signal.SIGKILL)
        process.wait()
        copier.join(GRACE_SECONDS)  # what has left the group may keep the pipe open


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # a group of the dead cannot be asked everywhere
        os.killpg(group, number)


def _copy(source: IO[bytes], log: Path) -> None:
    """Copy until there is no more; what a full disk does not take is lost, and the script is not held up by it."""
    with source:
        try:
            _write_log(source, log)
        except OSError:
            while os.read(source.fileno(), PIECE):
                continue


def _write_log(source: IO[bytes], log: Path) -> None:
    """Write the beginning as it comes; keep the end, and write it at the end."""
    tail: deque[bytes] = deque()
    written = held = left_out = 0
    with log.open("ab") as file:
        while piece := os.read(source.fileno(), PIECE):
            if written < LOG_BYTES:
                written += file.write(piece)
                file.flush()
                continue
            tail.append(piece)
            held += len(piece)
            while held > LOG_BYTES:
                lost = len(tail.popleft())
                held, left_out = held - lost, left_out + lost
        if left_out:
            file.write(f"\n[{left_out:,} bytes are left out here]\n".encode())
        file.write(b"".join(tail))
