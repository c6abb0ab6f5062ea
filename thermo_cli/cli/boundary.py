"""The boundary between the program and the shell: options that both commands share, errors to messages and exit codes."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import typer

from thermo_cli.errors import Interrupted, ThermoError, UsageError

RESULTS = Path("results")


def run_app(app: typer.Typer, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and leave with its exit code; domain errors become a message without a traceback.

    Args:
        app: The command.
        arguments: Instead of the process's own.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app(args=arguments)
    except ThermoError as error:
        complain(str(error))
        sys.exit(error.exit_code)
    sys.exit(0)


def leave_with(work: Callable[[], int]) -> NoReturn:
    """Do a command's work and leave with the exit code it returns; an interrupt is 130 wherever it comes.

    Args:
        work: Returns the exit code.
    """
    try:
        code = work()
    except KeyboardInterrupt:
        raise Interrupted("interrupted", remedy="give the same command again") from None
    raise typer.Exit(code)


def complain(message: str) -> None:
    """Write an error to standard error.

    Args:
        message: One or more lines.
    """
    sys.stderr.write(f"error: {message}\n")


def write(text: str) -> None:
    """Write to standard output; a reader who has seen enough (`| head`) or a closed output changes no exit code.

    Args:
        text: What to write.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - the interpreter flushes and closes it at its end


def note(message: str) -> None:
    """Write something worth knowing to standard error.

    Args:
        message: One sentence.
    """
    sys.stderr.write(f"note: {message}\n")


def required_verdicts(text: str | None) -> list[str]:
    """Read the value of `--require`.

    Args:
        text: Verdicts separated by commas, or None.

    Raises:
        UsageError: A word is no verdict.
    """
    if text is None:
        return []
    from thermo_cli.contracts import VERDICTS
    from thermo_cli.registry import nearest

    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words or [text]:
        if word not in VERDICTS:
            guess = nearest(word, VERDICTS)
            remedy = (f"did you mean {guess!r}? " if guess else "") + "verdicts: " + ", ".join(VERDICTS)
            raise UsageError("--require names no verdict", received=word, remedy=remedy)
    return words


def gated(run: Any, required: Sequence[str]) -> tuple[Any, int]:
    """Return what a report shows of a run, the gate's answer in it, and the exit code, saying why where it is not zero.

    Args:
        run: A judged run, or a sweep.
        required: Verdicts that are admitted; empty for no gate.
    """
    import dataclasses

    from thermo_cli.judging import gate_of, view

    gate = gate_of(run, required)
    if gate.code:
        for line in gate.words.split("; "):
            complain(line)
    return dataclasses.replace(view(run), gate=gate if required or gate.code else None), gate.code


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
