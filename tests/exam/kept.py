"""Counts of earlier exams: a question is not asked again while the court, the question and what it draws are what they were."""

import dataclasses
import hashlib
import inspect
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

import thermo_cli
from tests.exam.tally import Question, Tally, trials

PACKAGE: Final = Path(thermo_cli.__file__).parent
COURT: Final = ("contracts", "equilibrium", "runs", "metric.py")


def counted(question: Question, replicas: int, count: int, folder: Path) -> Tally:
    """Ask a question of so many ensembles, unless that has been done.

    Args:
        question: Which.
        replicas: Per history.
        count: How many trials.
        folder: Of the kept counts; one file for each question and number of replicas.
    """
    path = folder / f"{key(question, replicas, count)}.json"
    if path.exists():
        return Tally(**json.loads(path.read_text()))
    given = trials(question, replicas, count)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(f".{replicas}.tmp")
    written.write_text(json.dumps(dataclasses.asdict(given)))
    written.replace(path)
    return given


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
