"""One start of a program: its folder, its examples, its process, and in what words it has failed."""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from thermo_cli.blame import OURS, PACKAGES, STANDARD
from thermo_cli.data.subsample import subsample
from thermo_cli.errors import RunError, ThermoError
from thermo_cli.kinds.scripts.process import OutOfTime, run_process
from thermo_cli.kinds.scripts.program import Program
from thermo_cli.kinds.scripts.reported import Metrics
from thermo_cli.replicas import Replica

SHOWN_LINES: Final = 20  # of the log, in the text of a failure
TRACEBACK: Final = "Traceback (most recent call last):"
_FRAME: Final = re.compile(r'^\s+File "([^"]+)", line (\d+)', re.MULTILINE)
_MESSAGE: Final = re.compile(r"^[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|Warning)\b.*", re.MULTILINE)


def launch(
    program: Program,
    member: Replica,
    place: Path,
    log: Path,
    time_limit: float | None,
    look: Callable[[Metrics], bool],
    attempt: int = 1,
    least: bool = False,
) -> Metrics | None:
    """Start the program of one replica in an empty output folder, and watch it until it has ended.

    Args:
        program: What is started.
        member: Its row of the replica table.
        place: Where its folder `output` is made.
        log: What it prints is appended here.
        time_limit: Seconds it may take, None for no limit.
        look: Called a few times a second with what has been logged; False ends it.
        attempt: How often it was started before, and this time.
        least: Whether it may log more steps than it is told of: where that is found out.

    Returns:
        What it may have logged, to be read to its end; None where `look` has ended it.

    Raises:
        RunError: It cannot be started, failed, or took too long.
        DataError: What it has logged cannot be used.
    """
    spec, output = program.spec, place / "output"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    start = program.start(member, output.resolve(), _examples(program, member, place))
    with log.open("a") as file:
        file.write(f"[attempt {attempt}: {start.shown}]\n")
    metrics = Metrics(output, sys.maxsize if least else member.steps, spec.equilibrium.margins)

    def watched() -> bool:
        metrics.read()
        return look(metrics)

    try:
        whole = run_process(start.words, start.folder, log, time_limit, watched, start.variables, noun=program.noun)
    except OutOfTime:
        if metrics.ended:
            raise
        whole = True  # all of its training is logged: that it did not end takes nothing away
    return Metrics(output, member.steps, spec.equilibrium.margins) if whole else None


def explained(error: ThermoError, log: Path, member: Replica) -> ThermoError:
    """Return an error with the replica, and with the line of the user's code where a traceback in the log names it.

    Args:
        error: What has gone wrong.
        log: What the program has printed.
        member: The replica.
    """
    replica = f"replica {member.name}"
    raised = _raised(log.read_text(errors="replace")) if isinstance(error, RunError) and log.exists() else None
    if raised is None:
        where = f"{replica}: {error.where}" if error.where else replica
        return type(error)(error.what, received=error.received, remedy=error.remedy, where=where)
    line, message = raised
    received, remedy = f"{message} ({error.received})", "mend it, and give the same command again"
    return type(error)(error.what, received=received, remedy=remedy, where=f"{replica}: {line}")


def failure(error: ThermoError, log: Path) -> str:
    """Write why a replica failed, with the last that it printed.

    Args:
        error: What has gone wrong.
        log: What the program has printed.
    """
    lines = log.read_text(errors="replace").splitlines()[-SHOWN_LINES:] if log.exists() else []
    return "\n".join([str(error), "", f"The end of {log.parent.name}/{log.name}:", *lines, ""])


def _examples(program: Program, member: Replica, place: Path) -> Path | None:
    """Write the indices of the replica's examples; None where there is no pool."""
    spec = program.spec
    pool, ensemble = spec.system.arguments.pool, spec.ensemble
    if pool is None:
        return None
    path = place / "subsample.txt"
    chosen = subsample(ensemble.subsample, pool, member.subsample, ensemble.seed, member.part)
    path.write_text("".join(f"{index}\n" for index in chosen))
    return path.resolve()


def _raised(text: str) -> tuple[str, str] | None:
    """Return file and line of the innermost frame of the user's in the last traceback of a log, and what was raised."""
    messages = list(_MESSAGE.finditer(text))
    frames = _FRAME.findall(text[: messages[-1].start()].rpartition(TRACEBACK)[2]) if messages else []
    if not frames:
        return None
    ours = (OURS, *STANDARD, "<")
    own = [frame for frame in frames if not frame[0].startswith(ours) and not set(PACKAGES) & set(Path(frame[0]).parts)]
    file, line = (own or frames)[-1]
    return f"{file}, line {line}", messages[-1][0].strip()[:300]
