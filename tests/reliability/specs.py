"""Malformed specs given to `thermo-run --plan`, within limits of time and memory.

It may accept one (a mutation can be valid) or refuse it with its place; never a traceback, never more than 10 s or 1 GB. A
spec is made from its seed and number alone, so that a failure can be had again.
"""

import contextlib
import dataclasses
import importlib
import io
import random
import re
import resource
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final
from unittest import mock

import numpy as np

from tests.reliability.malformed import EXPERIMENTS, malformed
from tests.reliability.tally import Tally
from thermo_cli.cli import run

SECONDS: Final = 10.0  # of the processor: a machine that does other things at the same time is no failure
PATIENCE: Final = 240.0
BYTES: Final = 10**9
LOCATED: Final = re.compile(r":\d+:\d+\b|--[a-z]+\b")
ANSWERS: Final = (0, 2)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command answered.

    Attributes:
        code: Its exit code; None where it left otherwise.
        memory: Most that it held beside what was held before, in bytes.
    """

    code: int | None
    output: str
    errors: str
    seconds: float
    memory: int


class _Hangs(BaseException):
    """The command takes longer than anybody waits."""


def _alarm(number: int, frame: FrameType | None) -> None:
    raise _Hangs


def answer(*arguments: str) -> Answer:
    """Give `thermo-run` these arguments within this process, with limits on time and memory."""
    for heavy in ("thermo_cli.plan", "thermo_cli.kinds.networks.checks", "thermo_cli.kinds.estimators.trial"):
        importlib.import_module(heavy)  # before the clock starts: torch is loaded once
    output, errors, code = io.StringIO(), io.StringIO(), None
    before, limits, terminated = (
        _held("VmRSS"),
        resource.getrlimit(resource.RLIMIT_DATA),
        signal.getsignal(signal.SIGTERM),
    )
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    resource.setrlimit(resource.RLIMIT_DATA, (_held("VmData") + 2 * BYTES, limits[1]))
    handler = signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    start = time.process_time()
    try:
        with (
            mock.patch.object(sys, "argv", ["thermo-run", *arguments]),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
        ):
            run.main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else None
    except _Hangs:
        errors.write("it hangs")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.signal(signal.SIGTERM, terminated)
        resource.setrlimit(resource.RLIMIT_DATA, limits)
    seconds, memory = time.process_time() - start, max(_held("VmHWM") - before, 0)
    return Answer(code, output.getvalue(), errors.getvalue(), seconds, memory)


def _held(what: str) -> int:
    """Return a line of this process's status, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{what}:")[2].split()[0]) * 1024


def faults(given: Answer, placed: bool = True) -> list[str]:
    """Say what an answer must not be; `placed`: with a place in the spec."""
    found = []
    if given.code not in ANSWERS:
        found.append(f"exit code {given.code}")
    if "Traceback" in given.errors or "Warning" in given.errors:
        found.append("a traceback or a warning")
    if given.seconds > SECONDS:
        found.append(f"{given.seconds:.0f} s")
    if given.memory > BYTES:
        found.append(f"{given.memory / 1e9:.1f} GB")
    if given.code == 2 and placed:
        found += [f"no place: {line}" for line in _first_lines(given.errors) if not LOCATED.search(line)]
    return found


def _first_lines(errors: str) -> Sequence[str]:
    """Return the line of each error that says what is wrong and where."""
    return [
        line for line in errors.splitlines() if not line.startswith("  ") and not re.match(r"and \d+ more error", line)
    ]


def refused(number: int, folder: Path, generator: np.random.Generator) -> Tally:
    """Malformed specs: each is refused with its place, or planned, in seconds.

    Args:
        number: Of specs.
        folder: An empty one.
        generator: Draws a seed for all of them.
    """
    tally, seed = Tally(), int(generator.integers(2**31))
    with_experiments(folder)
    for fault in range(number):
        given = planned(folder, malformed(random.Random(f"{seed}/{fault}")), allowed=fault % 2 == 1)
        wrong = faults(given)
        tally.tried += 1
        tally.named += given.code == 2
        if wrong:
            tally.silent.append(f"{seed}/{fault}: {'; '.join(wrong)}\n{given.errors[-1500:]}")
    return tally


def with_experiments(folder: Path) -> None:
    """Copy the code and the tables that experiments name."""
    for file in (*EXPERIMENTS.glob("*.py"), *EXPERIMENTS.glob("*.csv")):
        shutil.copy(file, folder)


def planned(folder: Path, spec: bytes, allowed: bool) -> Answer:
    """Plan a spec.

    Args:
        folder: Where it is written.
        spec: Its bytes.
        allowed: Whether local files of the spec are trusted.
    """
    file = folder / "spec.yaml"
    file.write_bytes(spec)
    return answer(str(file), "--plan", "--results", str(folder / "results"), *["--allow", "local"][: 2 * allowed])
