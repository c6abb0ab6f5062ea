"""The boundary between the program and the shell: options that both commands share, errors to messages and exit codes."""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
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


def drawn(renderable: Any) -> str:
    """Draw a rich renderable as text for this terminal; no markup is read from text.

    Args:
        renderable: What to draw.
    """
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    with console.capture() as capture:
        console.print(renderable)
    text: str = capture.get()
    return text


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


def text_of(run: Any) -> str:
    """Draw a judged run, or a sweep, for this terminal.

    Args:
        run: What to draw.
    """
    from thermo_cli.judging import Sweep, sweep_view, view
    from thermo_cli.reports.phases import render_sweep
    from thermo_cli.reports.terminal import render

    return drawn(render_sweep(sweep_view(run)) if isinstance(run, Sweep) else render(view(run)))


def pass_gate(run: Any, required: Sequence[str]) -> int:
    """Return the exit code that a run's verdict gives, or those of all points of a sweep, saying why when it is not zero.

    Args:
        run: A judged run, or a sweep.
        required: Verdicts that are admitted; empty for no gate.
    """
    from thermo_cli.judging import Sweep

    if isinstance(run, Sweep):
        return worst([_gate(one, required, run.folder.points[place].swept) for place, one in enumerate(run.runs)])
    return _gate(run, required, {})


def _gate(run: Any, required: Sequence[str], point: Mapping[str, Any]) -> int:
    from thermo_cli.equilibrium.verdict import gate
    from thermo_cli.spec.sweeping import label_of

    where = f" at {label_of(dict(point))}" if point else ""
    if run is None:
        complain(f"no verdict{where}")
        return 3
    code = gate(run.verdict.verdict, run.verdict.outcomes, required) if required else 0
    if code:
        words = "undecided" if code == 4 else "not met"
        complain(f"gate {words}{where}: required {', '.join(required)}, received {run.verdict.verdict}")
    return code


def worst(codes: Sequence[int]) -> int:
    """Return the exit code of several runs: 3 before 1 before 4 before 0.

    Args:
        codes: One per run.
    """
    return next((code for code in (3, 1, 4) if code in codes), 0)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
