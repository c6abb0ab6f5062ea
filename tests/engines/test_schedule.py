"""Scheduling on real pools: results, errors, and workers that die."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from thermo_cli.engines.pool import LocalEngine
from thermo_cli.engines.schedule import run_tasks


def work(task: tuple[str, str]) -> str:
    """Do what the task says: return, raise, or die."""
    kind, folder = task
    (Path(folder) / f"{kind}-{time.monotonic_ns()}").touch()
    if kind.startswith("raise"):
        raise ValueError(kind)
    if kind.startswith("die"):
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    if kind.startswith("slow"):
        time.sleep(1.0)
    return f"done {kind}"


def run(folder: Path, *kinds: str, tick: Callable[[], None] = lambda: None) -> tuple[dict[str, str], dict[str, str]]:
    """Run tasks on two workers; return results and errors by kind."""
    outcome = run_tasks(LocalEngine(2), work, [(kind, str(folder)) for kind in kinds], tick, lambda: None)
    returned = {task[0]: value for task, value in outcome.returned.items()}
    return returned, {task[0]: repr(error) for task, error in outcome.failed.items()}


def test_every_task_runs_once_and_errors_stay_with_their_task(tmp_path: Path) -> None:
    """One task that raises sinks no other."""
    returned, failed = run(tmp_path, "a", "raise", "b", "c")
    assert returned == {"a": "done a", "b": "done b", "c": "done c"}
    assert list(failed) == ["raise"]
    assert "ValueError" in failed["raise"]
    assert len(list(tmp_path.iterdir())) == 4


def test_a_task_that_kills_its_worker_is_blamed_alone(tmp_path: Path) -> None:
    """The pool is lost with it; innocent neighbours are run again and finish, the culprit has two more tries alone."""
    returned, failed = run(tmp_path, "die", "slow", "a", "b")
    assert set(returned) == {"slow", "a", "b"}
    assert list(failed) == ["die"]
    assert "died" in failed["die"]
    assert len(list(tmp_path.glob("die-*"))) == 3


def test_an_interrupt_tells_the_workers_and_waits(tmp_path: Path) -> None:
    """What is running may finish, what has not begun is not begun."""
    told: list[bool] = []

    def tick() -> None:
        if any(tmp_path.iterdir()) and not told:
            raise KeyboardInterrupt

    tasks = [(kind, str(tmp_path)) for kind in ("slow", "slow2", "never", "never2")]
    outcome = run_tasks(LocalEngine(2), work, tasks, tick, lambda: told.append(True))
    assert outcome.interrupted
    assert told == [True]
    assert not list(tmp_path.glob("never*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_comes_inside_a_finalizer_is_not_lost(tmp_path: Path, number: signal.Signals) -> None:
    """Python drops an exception that a finalizer raises; the signal is counted all the same, and the handler given back."""
    told: list[bool] = []

    class Dropped:
        def __del__(self) -> None:
            signal.raise_signal(number)

    def tick() -> None:
        if any(tmp_path.iterdir()) and not told:
            Dropped()

    before = signal.getsignal(number)
    tasks = [(kind, str(tmp_path)) for kind in ("slow", "slow2", "never", "never2")]
    outcome = run_tasks(LocalEngine(2), work, tasks, tick, lambda: told.append(True))
    assert outcome.interrupted
    assert not list(tmp_path.glob("never*"))
    assert signal.getsignal(number) is before
