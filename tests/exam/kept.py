"""Counts of earlier exams: a question is not asked again while the court, the question and what it draws are what they were."""

import contextlib
import dataclasses
import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from joblib import Parallel, delayed

import thermo_cli
from tests.exam.tally import Question, Tally, trials

PACKAGE: Final = Path(thermo_cli.__file__).parent
COURT: Final = ("contracts", "equilibrium", "runs", "metric.py")


def counted(questions: Sequence[Question], count: int, file: Path | None, workers: int) -> list[Tally]:
    """Ask questions of so many ensembles at each of their sizes; what the file holds is not asked again.

    Args:
        questions: Which.
        count: How many trials.
        file: A line of JSON for each count, added as soon as it is known; None where nothing is kept.
        workers: Processes.
    """
    tasks = {key(question, size, count): (question, size) for question in questions for size in question.sizes}
    known = read(file)
    calls = (delayed(_asked)(name, *task, count) for name, task in tasks.items() if name not in known)
    for name, told in Parallel(workers, return_as="generator_unordered")(calls):
        known[name] = told
        if file is not None:
            with file.open("a") as lines:
                lines.write(_line(name, told))
    return [known[name] for name in tasks]


def read(file: Path | None) -> dict[str, Tally]:
    """Return the counts by their keys; a line that was cut off is none."""
    known = {}
    for line in file.read_text().splitlines() if file is not None and file.exists() else ():
        with contextlib.suppress(ValueError):
            name, facts = json.loads(line)
            known[name] = Tally(**facts)
    return known


def tidy(file: Path, questions: Mapping[int, Sequence[Question]]) -> None:
    """Leave the counts of today's court and questions alone in the file, in the order of the questions.

    Args:
        file: Of the counts.
        questions: Number of trials to the questions that are asked so often.
    """
    known = read(file)
    names = [key(one, size, count) for count, asked in questions.items() for one in asked for size in one.sizes]
    file.write_text("".join(_line(name, known[name]) for name in names if name in known))


def _asked(name: str, question: Question, replicas: int, count: int) -> tuple[str, Tally]:
    return name, trials(question, replicas, count)


def _line(name: str, told: Tally) -> str:
    return json.dumps([name, dataclasses.asdict(told)]) + "\n"


def key(question: Question, replicas: int, count: int) -> str:
    """Return a digest of the court, the file of the question's class, its facts, and the first thing that it draws."""
    digest = hashlib.sha256(court().encode())
    facts = {name: value for name, value in vars(question).items() if not callable(value)}
    digest.update(Path(inspect.getfile(type(question))).read_bytes())
    digest.update(repr((facts, replicas, count)).encode())
    for array in _arrays(question.sample(np.random.Generator(np.random.PCG64(0)))):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


@cache
def court() -> str:
    """Return a digest of all source files that a verdict on arrays depends on."""
    digest = hashlib.sha256()
    for part in COURT:
        for path in sorted([PACKAGE / part, *(PACKAGE / part).rglob("*.py")]):
            digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def _arrays(drawn: Any) -> list[Any]:
    parts = drawn.values() if isinstance(drawn, dict) else drawn
    return [np.asarray(part) for part in parts]
