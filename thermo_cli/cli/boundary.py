"""The boundary between the program and the shell: options that both commands share, errors to messages and exit codes."""

import atexit
import contextlib
import ctypes
import errno
import io
import os
import platform
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import typer

from thermo_cli import __version__
from thermo_cli.characters import visible
from thermo_cli.engines.interrupts import stops
from thermo_cli.errors import Interrupted, StoreError, ThermoError, UsageError

RESULTS = Path("results")
BUG = 70
GRACE_SECONDS = 2.0  # for threads that outlive a command
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LOOP = "Symlink loop"  # how pathlib says ELOOP
SHORT = (
    "can't start new thread",
    "can't allocate memory",
    "cannot allocate memory",
    "failed to map segment",
)  # how libraries say MemoryError
UNUSABLE = (errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENOTDIR, errno.EISDIR)  # of a path
_asked_to_stop = threading.Event()


def run_app(app: typer.Typer, arguments: Sequence[str] | None = None, engine: Any = None) -> NoReturn:
    """Run a command and leave with its exit code; domain errors and a full disk become a message without a traceback.

    Args:
        app: The command.
        arguments: Instead of the process's own.
        engine: Where a command that trains does so, unless its options say where.
    """
    _open_streams()
    for number in stops():
        signal.signal(number, _interrupt)
    code, before = 0, threading.enumerate()
    try:
        app(args=arguments, obj=engine)
    except ThermoError as error:
        complain(str(error))
        code = error.exit_code
    except Exception as error:  # noqa: BLE001 - whatever nobody has thought of
        code = _failed(error)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    _end_threads(code, before)
    _forget_interrupt()
    atexit.register(_ignore_stops)
    sys.exit(code)


def _open_streams() -> None:
    """Have something behind the three standard streams where whoever started this has closed them (`2>&-`)."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w"))  # noqa: PTH123, SIM115 - a number, kept open


def _forget_interrupt() -> None:
    """Leave with the exit code of the command: an interrupt amid an import of C code has Python end itself by the signal.

    It remembers that some code ran by `PyRun_SimpleString` or its like was interrupted, until other such code was not.
    """
    ctypes.pythonapi.PyRun_SimpleString(b"")


def _ignore_stops() -> None:
    """Leave with the exit code of the command: nothing is left to stop, and Python's end takes away what answers signals."""
    for number in stops():
        signal.signal(number, signal.SIG_IGN)


def _end_threads(code: int, before: Sequence[threading.Thread]) -> None:
    """Leave at once where threads are left that user code has begun, and that Python would wait for."""
    others = [thread for thread in threading.enumerate() if not thread.daemon and thread not in before]
    for thread in others:
        thread.join(GRACE_SECONDS)
    if any(thread.is_alive() for thread in others):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)


def _failed(error: Exception) -> int:
    """Say that a path cannot be used, that the disk is full, or that this is a bug, and return the exit code."""
    if isinstance(error, OSError) and error.errno in UNUSABLE and error.filename is not None:
        complain(f"this path cannot be used: {error.strerror}\n  received: {error.filename}\n  remedy:   name another")
        return UsageError.exit_code
    if isinstance(error, RuntimeError) and str(error).startswith(LOOP):
        complain(
            f"this path cannot be used: a link that leads to itself\n  received: {error}\n  remedy:   name another"
        )
        return UsageError.exit_code
    if isinstance(error, MemoryError) or any(words in str(error).lower() for words in SHORT):
        complain(
            f"there is not enough memory\n  received: {type(error).__name__}: {error}\n"
            "  remedy:   give the command more memory, or fewer --workers; what is committed is kept"
        )
        return StoreError.exit_code
    if not isinstance(error, OSError) or error.errno not in FULL:
        return _bug(error)
    _mute()
    complain(f"the output cannot be written: {error.strerror}\n  remedy:   free space, or write somewhere else")
    return StoreError.exit_code


def _bug(error: Exception) -> int:
    """Show what was not thought of, and what of it is worth sending."""
    sys.stderr.writelines(f"{visible(line)}\n" for line in "".join(traceback.format_exception(error)).splitlines())
    complain(
        f"this is a bug of thermo: {type(error).__name__}: {error}\n"
        f"  received: thermo {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        "  remedy:   send all of the above, the command and the spec; what a run has committed is kept"
    )
    return BUG


def leave_with(work: Callable[[], int]) -> NoReturn:
    """Do a command's work and leave with the exit code it returns; an interrupt is 130 wherever it comes.

    Args:
        work: Returns the exit code.
    """
    try:
        code = work()
    except KeyboardInterrupt:
        raise _interrupted() from None
    except ThermoError as error:
        if _asked_to_stop.is_set() and not isinstance(
            error, Interrupted
        ):  # code that was tried has taken the interrupt for its own, and looked wrong for it
            raise _interrupted() from None
        raise
    except (EOFError, OSError) as error:  # for which the parser of options has exit codes of its own, 1 among them
        code = _failed(error)
    except SystemExit as left:  # nothing of thermo leaves from within
        raise UsageError(
            "code that the spec names has ended the process",
            received=f"exit code {left.code}",
            remedy="let it raise an error instead",
        ) from None
    except Exception:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever code of others leaves with
        raise UsageError(
            "code that the spec names has ended the command",
            received=f"{type(error).__name__}: {error}",
            remedy="let it raise an Exception instead",
        ) from None
    raise typer.Exit(code)


def _interrupted() -> Interrupted:
    return Interrupted("interrupted", remedy="give the same command again")


def complain(message: str) -> None:
    """Write an error to standard error.

    Args:
        message: One or more lines.
    """
    sys.stderr.write(f"error: {visible(message)}\n")


def write(text: str, encoding: str | None = None) -> None:
    """Write to standard output; a reader who has seen enough (`| head`) or a closed output changes no exit code.

    Args:
        text: What to write; `?` stands for what the output's encoding cannot hold.
        encoding: Of what another program reads, whatever that of the terminal is.
    """
    if sys.stdout is None:
        return
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding=encoding, errors="replace")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _mute()


def emit(text: str, output: Path | None, encoding: str | None = None) -> None:
    """Write a report to a file, or to standard output.

    Args:
        text: What to write.
        output: The file; None for standard output.
        encoding: Of what another program reads on standard output.

    Raises:
        UsageError: There is no folder for the file, or it is one.
    """
    if output is None:
        write(text, encoding)
        return
    from thermo_cli.store.files import write_device, write_text

    if not output.parent.is_dir():
        raise UsageError("the folder of --output does not exist", received=str(output), remedy="create it first")
    if output.is_dir():
        raise UsageError("--output is a folder", received=str(output), remedy="name a file")
    if output.exists() and not output.is_file():
        write_device(output, text)  # a file in its place would end /dev/null for everybody
    else:
        write_text(output.resolve(), text)  # what a link points at is written, the link stays


def _mute() -> None:
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - the interpreter flushes and closes it at its end


def made(folder: Path, what: str, option: str) -> Path:
    """Make a folder that a user named, and return it.

    Args:
        folder: Where.
        what: Is to go into it.
        option: With which another can be named.

    Raises:
        UsageError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the folder for the {what} cannot be made",
            received=f"{folder}: {error.strerror}",
            remedy=f"name another with {option} DIR",
        ) from None
    return folder


def note(message: str) -> None:
    """Write something worth knowing to standard error.

    Args:
        message: One sentence.
    """
    sys.stderr.write(f"note: {visible(message)}\n")


def _interrupt(number: int, frame: FrameType | None) -> None:
    _asked_to_stop.set()
    raise KeyboardInterrupt
