"""What all tests share: small specs, real runs of them, and the command line as a user meets it."""

import contextlib
import importlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, ClassVar

import pytest

os.environ["OMP_NUM_THREADS"] = "1"  # set before torch is imported: test processes run side by side

from thermo_cli import study
from thermo_cli.engines.pool import LocalEngine
from thermo_cli.engines.schedule import Outcome, run_tasks
from thermo_cli.training import ShardTask

ROOT = Path(__file__).resolve().parent.parent

SMALL = """\
name: small
data:     {use: wine}
system:   {use: mlp, with: {hidden: [8]}}
dynamics: {use: sgd, with: {lr: 0.05, momentum: 0.9, weight_decay: 1.0e-3}, batch_size: 16, steps: 400}
ensemble: {replicas: 6, seed: 3, subsample: {fraction: 0.6}, controls: {same_bath: 2, twin: 1}}
histories:
  cold: {}
  hot: {init_scale: 2.0}
"""

LONG = (
    "test_interruptions.py",
    "test_exam.py",
    "test_experiments.py",
)  # a minute a test: begun last they would be waited for

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests, so that short ones are left to share when one of the workers has nothing more to do."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A spec that trains in a second or two."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run `thermo-run` or `thermo-report` in an empty folder; its results folder is there too.

    The command runs within the process of the test, which has imported torch already: same arguments, output and exit code.
    Modules that it imports from the folder are forgotten, as they are when a process ends.
    """

    def run(name: str, *arguments: str, cwd: Path = tmp_path) -> "subprocess.CompletedProcess[str]":
        main = importlib.import_module(f"thermo_cli.cli.{name.removeprefix('thermo-')}").main
        output, errors, code = io.StringIO(), io.StringIO(), None
        handler, known = signal.getsignal(signal.SIGTERM), set(sys.modules)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [name, *arguments])
            patch.setenv("COLUMNS", "80")
            patch.setenv("NO_COLOR", "1")
            patch.chdir(cwd)
            try:
                with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
                    main()
            except SystemExit as left:
                code = left.code
            finally:
                signal.signal(signal.SIGTERM, handler)
                for module in set(sys.modules) - known:
                    if str(getattr(sys.modules[module], "__file__", "")).startswith(str(cwd)):
                        del sys.modules[module]
        assert isinstance(code, int), "a command leaves with an exit code"
        return subprocess.CompletedProcess([name, *arguments], code, output.getvalue(), errors.getvalue())

    return run


@pytest.fixture
def process(tmp_path: Path) -> Command:
    """Run a command as `command` does, in a process of its own: where a shell, a kill or threads may make a difference."""

    def run(name: str, *arguments: str, cwd: Path = tmp_path, threads: int = 1) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", f"thermo_cli.cli.{name.removeprefix('thermo-')}", *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={
                **os.environ,
                "COLUMNS": "80",
                "NO_COLOR": "1",
                "PYTHONPATH": str(ROOT),
                "OMP_NUM_THREADS": str(threads),
            },
        )

    return run


class Kept(Executor):
    """A pool that outlives the run that it was started for."""

    def __init__(self, pool: Executor) -> None:
        self.pool = pool

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> "Future[Any]":
        """Give a worker something to do."""
        return self.pool.submit(function, *arguments, **named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the workers to the next run."""


class KeptWorkers(LocalEngine):
    """The engine at home with pools that are kept: its workers import torch and scikit-learn once, not once for each run."""

    pools: ClassVar[dict[int, Kept]] = {}

    def start(self, slots: int) -> Executor:
        """Return the pool of this size."""
        if slots not in self.pools:
            self.pools[slots] = Kept(super().start(slots))
        return self.pools[slots]

    def kill(self, executor: Executor) -> None:
        """End a pool that was lost, so that the next run starts another."""
        slots, kept = next((slots, kept) for slots, kept in self.pools.items() if kept is executor)
        del self.pools[slots]
        super().kill(kept.pool)


def run_on_kept_workers(
    engine: LocalEngine, function: Any, tasks: Sequence[ShardTask], *looks: Any
) -> Outcome[ShardTask]:
    """Run tasks as `run_tasks` does; code beside a spec gets fresh workers, as another module of its name may be loaded."""
    return run_tasks(
        engine if any(task.allow for task in tasks) else KeptWorkers(engine.slots), function, tasks, *looks
    )


@pytest.fixture(scope="session", autouse=True)
def kept_workers() -> Iterator[None]:
    """Runs within the process of the tests share worker processes; those of `process` have their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "run_tasks", run_on_kept_workers)
        yield
    for kept in KeptWorkers.pools.values():
        LocalEngine(1).kill(kept.pool)
