"""The pool with real processes: workers that die, and interrupts."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines.tasks import work
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
