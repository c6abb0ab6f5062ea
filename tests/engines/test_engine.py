"""What every engine of the table does, and that its module is imported no earlier than it is asked for."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.tasks import work
from thermo_cli.engines.dask import DaskEngine
from thermo_cli.engines.engine import ENGINES, Engine, open_engine

BEFORE = f"{os.environ.get('PYTHONSAFEPATH')} {os.environ.get('PYTHONPATH')}"


@pytest.fixture(params=ENGINES, scope="module")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Each engine, with two workers where it has workers."""
    one = open_engine(request.param, 2)
    yield one
    if isinstance(one, DaskEngine):
        one.close()
    assert f"{os.environ.get('PYTHONSAFEPATH')} {os.environ.get('PYTHONPATH')}" == BEFORE


def begun(folder: Path) -> Counter[str]:
    """Count how often each task was begun."""
    return Counter(path.name.partition("-")[0] for path in folder.iterdir())


def test_every_task_runs_once_and_errors_stay_with_their_task(engine: Engine, tmp_path: Path) -> None:
    """One task that raises, or would end the process, sinks no other."""
    tasks = [(kind, str(tmp_path)) for kind in ("a", "raise", "exit", "leave", "b", "c")]
    outcome = engine.run(work, tasks, lambda: None, lambda: None)
    assert outcome.returned == {(kind, str(tmp_path)): f"done {kind}" for kind in ("a", "b", "c")}
    said = {kind: str(error).splitlines() for (kind, _), error in outcome.failed.items()}
    assert {kind: lines[-1] for kind, lines in said.items()} == {
        "raise": "ValueError: raise",
        "exit": "SystemExit: exit",
        "leave": "tests.engines.tasks.NoException: leave",
    }
    assert "in work" in said["raise"][-3], "the place in the task's code is told"
    assert not outcome.interrupted
    assert begun(tmp_path) == Counter(("a", "raise", "exit", "leave", "b", "c"))


def test_an_error_that_cannot_be_pickled_is_told_as_what_it_is(engine: Engine, tmp_path: Path) -> None:
    """Sent as it is, it would lose the pool, and be taken for a worker that died; its neighbours would be run again."""
    outcome = engine.run(
        work, [(kind, str(tmp_path)) for kind in ("unpicklable", "a", "b")], lambda: None, lambda: None
    )
    (error,) = outcome.failed.values()
    assert str(error).splitlines()[-1] == "tests.engines.tasks.Unpicklable: unpicklable and 2"
    assert begun(tmp_path) == Counter(("unpicklable", "a", "b"))


def test_an_interrupt_tells_the_tasks_and_begins_no_others(engine: Engine, tmp_path: Path) -> None:
    """What is running may finish, what has not begun is not begun."""
    stops: list[bool] = []

    def tick() -> None:
        if begun(tmp_path) and not stops:
            raise KeyboardInterrupt

    tasks = [(kind, str(tmp_path)) for kind in ("slow", "slow2", "never", "never2")]
    outcome = engine.run(work, tasks, tick, lambda: stops.append(True))
    assert outcome.interrupted
    assert stops == [True]
    assert not outcome.failed
    assert set(begun(tmp_path)) <= {"slow", "slow2"}


def test_an_interrupt_amid_a_task_breaks_a_serial_run_off(tmp_path: Path) -> None:
    """Where the task runs in this very process, the interrupt reaches it; it has neither returned nor failed."""
    stops: list[bool] = []
    tasks = [(kind, str(tmp_path)) for kind in ("a", "interrupt", "never")]
    outcome = open_engine("serial").run(work, tasks, lambda: None, lambda: stops.append(True))
    assert (outcome.interrupted, stops, outcome.failed) == (True, [True], {})
    assert list(outcome.returned.values()) == ["done a"]
    assert set(begun(tmp_path)) == {"a", "interrupt"}


def test_an_engine_is_imported_when_it_is_asked_for() -> None:
    """`execute` knows the table, not the engines: neither they nor what they need is loaded before."""
    script = (
        "import sys\nfrom thermo_cli.engines.engine import open_engine\n"
        "print([name for name in ('loky', 'thermo_cli.engines.pool', 'thermo_cli.engines.serial') if name in sys.modules])\n"
        "open_engine('serial')\nprint('thermo_cli.engines.serial' in sys.modules, 'loky' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\nTrue False\n"


def test_tasks_have_the_variables_of_whoever_asks(engine: Engine, tmp_path: Path) -> None:
    """What keeps workers from a stranger's modules is no matter of the programs that a user's spec starts."""
    outcome = engine.run(work, [("environment", str(tmp_path))], lambda: None, lambda: None)
    assert list(outcome.returned.values()) == [BEFORE]
