"""Commands of thermo, run for a step: their words go to the log and into the artifact, their errors are understood."""

import dataclasses
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from workflow import quoted

NOT_JUDGED: Final = 3
CODES: Final = (0, 1, 2, 3, 4, 70, 130)  # all that thermo leaves with; anything else is a crash
PLACE: Final = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?P<col>\d+): (?P<what>.+)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command answered.

    Attributes:
        code: Its exit code, one of those that thermo has.
        text: Standard output and error, together.
        complaints: The errors in it.
    """

    code: int
    text: str
    complaints: list[str]


def ask(command: str, arguments: Sequence[str], title: str, log: Path) -> Answer:
    """Run a command of thermo and show its words as they come.

    Args:
        command: `run` or `report`.
        arguments: Its arguments.
        title: Of its words in the log of the job.
        log: File that gets them too.
    """
    line = [sys.executable, "-P", "-m", f"thermo_cli.cli.{command}", *arguments]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    words = bytearray()
    with (
        quoted(title),
        log.open("ab") as file,
        subprocess.Popen(line, env={**os.environ, "PYTHONUTF8": "1"}, **pipes) as process,
    ):
        assert process.stdout is not None
        for part in process.stdout:
            for sink in (sys.stdout.buffer, file):
                sink.write(part)
                sink.flush()
            words += part
    code, text = process.returncode, words.decode("utf-8", errors="replace")
    found = complaints(text)
    crashed = code not in CODES or (code == 1 and not found)
    if code and not found:
        found = [f"thermo-{command} broke off with exit code {code}; see the log"]
    return Answer(NOT_JUDGED if crashed else code, text, found)


def complaints(text: str) -> list[str]:
    """Find the errors in what a command wrote: each has a first line, and indented ones below it.

    Args:
        text: Standard output and error.
    """
    found: list[str] = []
    within = False
    for line in text.splitlines():
        if line.lower().startswith("error: "):
            found.append(line[len("error: ") :])
            within = True
        elif within and line.startswith("  "):
            found[-1] += f"\n{line.strip()}"
        elif within and PLACE.fullmatch(line):  # a further error of the same spec
            found.append(line)
        else:
            within = False
    return found
