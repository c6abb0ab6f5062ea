"""The boundary between the program and the shell: options that both commands share, errors to messages and exit codes."""

import errno
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import typer

from thermo_cli.characters import visible
from thermo_cli.errors import Interrupted, StoreError, ThermoError, UsageError

RESULTS = Path("results")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def run_app(app: typer.Typer, arguments: Sequence[str] | None = None, engine: Any = None) -> NoReturn:
    """Run a command and leave with its exit code; domain errors and a full disk become a message without a traceback.

    Args:
        app: The command.
        arguments: Instead of the process's own.
        engine: Where a command that trains does so, unless its options say where.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app(args=arguments, obj=engine)
    except ThermoError as error:
        complain(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in FULL:
            raise
        _mute()
        complain(f"the output cannot be written: {error.strerror}\n  remedy:   free space, or write somewhere else")
        sys.exit(StoreError.exit_code)
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


def required_verdicts(text: str | None, baseline: bool = False) -> list[str]:
    """Read the value of `--require`.

    Args:
        text: Verdicts, and comparisons with a baseline, separated by commas, or None.
        baseline: Whether there is a baseline.

    Raises:
        UsageError: A word is no verdict, or needs a baseline and there is none.
    """
    if text is None:
        return []
    from thermo_cli.contracts import COMPARISONS, VERDICTS
    from thermo_cli.registry import nearest

    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words or [text]:
        if word not in (*VERDICTS, *COMPARISONS):
            guess = nearest(word, (*VERDICTS, *COMPARISONS))
            remedy = f"did you mean {guess!r}? " if guess else ""
            remedy += f"verdicts: {', '.join(VERDICTS)}; with --baseline also {', '.join(COMPARISONS)}"
            raise UsageError("--require names no verdict", received=word, remedy=remedy)
        if word in COMPARISONS and not baseline:
            remedy = f"thermo-report RUN --baseline OTHER --require {word}"
            raise UsageError(f"{word} than what? it needs a baseline", received=f"--require {text}", remedy=remedy)
    return words


def gated(run: Any, required: Sequence[str], baseline: Any = None) -> tuple[Any, Any]:
    """Return what a report shows of a run, and the gate's answer, which is part of it where something was asked or is wrong.

    Args:
        run: A judged run, or a sweep.
        required: Verdicts and comparisons that are admitted; empty for no gate.
        baseline: Another judged run, or a sweep, that this one is compared with; None for none.

    Raises:
        UsageError: The two do not compare.
    """
    import dataclasses

    from thermo_cli.judging.comparing import compare
    from thermo_cli.judging.gating import gate_of
    from thermo_cli.runs.views import view, with_baselines

    baselines = compare(run, baseline) if baseline is not None else ()
    shown, gate = view(run), gate_of(run, required, baselines)
    shown = with_baselines(shown, baselines) if baselines else shown
    return dataclasses.replace(shown, gate=gate if required or gate.code else None), gate


def answer(gate: Any) -> int:
    """Return the exit code of a gate, saying why where it is not zero; last of all, so that nobody has to scroll for it.

    Args:
        gate: The gate's answer.
    """
    if gate.code:
        for line in gate.words.split("; "):
            complain(line)
    code: int = gate.code
    return code


def unjudged(folder: Any, required: Sequence[str], error: StoreError) -> Any:
    """Return what a report shows of a run that cannot be judged.

    Args:
        folder: The run's.
        required: Verdicts and comparisons that are admitted.
        error: Why not.
    """
    from thermo_cli.judging.record import Gate
    from thermo_cli.reports.points import Unjudged

    return Unjudged(folder.name, "failed", str(error), Gate(tuple(required), error.exit_code, "no verdict"))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
