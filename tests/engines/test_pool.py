"""The pool with real processes: workers that die, and interrupts."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines.tasks import work
from thermo_cli.engines.interrupts import NAMES
from thermo_cli.engines.pool import PoolEngine


def run(folder: Path, *kinds: str, tick: Callable[[], None] = lambda: None) -> tuple[dict[str, str], dict[str, str]]:
    """Run tasks on two workers; return results and errors by kind."""
    outcome = PoolEngine(2).run(work, [(kind, str(folder)) for kind in kinds], tick, lambda: None)
    returned = {task[0]: value for task, value in outcome.returned.items()}
    return returned, {task[0]: repr(error) for task, error in outcome.failed.items()}


def test_a_task_that_kills_its_worker_is_blamed_alone(tmp_path: Path) -> None:
    """The pool is lost with it; innocent neighbours are run again and finish, the culprit has two more tries alone."""
    returned, failed = run(tmp_path, "die", "slow", "a", "b")
    assert set(returned) == {"slow", "a", "b"}
    assert list(failed) == ["die"]
    assert "died" in failed["die"]
    assert len(list(tmp_path.glob("die-*"))) == 3


THREADS = """
import sys
from tests.engines.tasks import work
from thermo_cli.engines.pool import PoolEngine

print(PoolEngine(1).run(work, [("thread", sys.argv[1])], lambda: None, lambda: None).returned)
"""


def test_a_thread_that_a_task_leaves_holds_nobody_up(tmp_path: Path) -> None:
    """A worker ends two seconds after its work; without that it, and who waits for it, would stay for ever."""
    done = subprocess.run(
        [sys.executable, "-c", THREADS, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, "done thread" in done.stdout) == (0, True), done.stderr


@pytest.fixture
def heard() -> Iterator[None]:
    """Ignore nothing, as a shell or nohup may have had these tests do."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in map(signal.Signals.__getitem__, NAMES[2:])}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_sent_to_all_processes_is_left_to_the_parent(tmp_path: Path, name: str, heard: None) -> None:
    """A terminal or a batch system sends it to workers too: they go on until the parent tells them; caught by none it kills."""
    number, stops, sent = signal.Signals[name], list[bool](), list[int]()

    def tick() -> None:
        if len(list(tmp_path.iterdir())) == 2 and not sent:
            children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
            sent.extend(int(pid) for pid in children if b"popen_loky" in Path(f"/proc/{pid}/cmdline").read_bytes())
            for pid in [*sent, os.getpid()]:
                os.kill(pid, number)

    tasks = [(kind, str(tmp_path)) for kind in ("slow", "slow2", "never")]
    outcome = PoolEngine(2).run(work, tasks, tick, lambda: stops.append(True))
    assert len(sent) >= 2
    assert (outcome.interrupted, stops, outcome.failed) == (True, [True], {})
    assert sorted(outcome.returned.values()) == ["done slow", "done slow2"]
    assert len(list(tmp_path.iterdir())) == 2, "each was begun once"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_comes_inside_a_finalizer_is_not_lost(tmp_path: Path, number: signal.Signals) -> None:
    """Python drops an exception that a finalizer raises; the signal is counted all the same, and the handler given back."""
    stops: list[bool] = []

    class Dropped:
        def __del__(self) -> None:
            signal.raise_signal(number)

    def tick() -> None:
        if any(tmp_path.iterdir()) and not stops:
            Dropped()

    before = signal.getsignal(number)
    tasks = [(kind, str(tmp_path)) for kind in ("slow", "slow2", "never", "never2")]
    outcome = PoolEngine(2).run(work, tasks, tick, lambda: stops.append(True))
    assert outcome.interrupted
    assert not list(tmp_path.glob("never*"))
    assert signal.getsignal(number) is before


def test_workers_that_are_held_ready_have_imported_and_serve_every_call(tmp_path: Path) -> None:
    """One process for two calls, with the module there before its first task; at the end of the context it is gone."""
    engine = PoolEngine(1)
    with engine.ready(["wave"], 4):
        seen = [engine.run(work, [("imported", str(tmp_path))], lambda: None, lambda: None) for _ in range(2)]
    (first,), (second,) = (tuple(outcome.returned.values()) for outcome in seen)
    assert first == second
    pid, there = first.split()
    assert there == "True"
    assert not Path(f"/proc/{pid}").exists()


def test_workers_that_are_held_ready_and_lost_are_replaced(tmp_path: Path) -> None:
    """Whoever kills the pool is blamed alone, in later calls too; for more tasks than it has workers there is a wider one."""
    engine = PoolEngine(2)
    with engine.ready(["wave"], 1):
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            tasks = [(kind, str(tmp_path / name)) for kind in ("die", "a", "b")]
            outcome = engine.run(work, tasks, lambda: None, lambda: None)
            assert {task[0] for task in outcome.returned} == {"a", "b"}
            assert [task[0] for task in outcome.failed] == ["die"]
