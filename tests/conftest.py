"""What all tests share: small specs, real runs of them, and the command line as a user meets it."""

import contextlib
import importlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

os.environ["OMP_NUM_THREADS"] = "1"  # set before torch is imported: test processes run side by side

from thermo_cli.engines.interrupts import stops
from thermo_cli.engines.serial import SerialEngine

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # a machine that does other things at the same time is no failure

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

SERIAL: Final = SerialEngine()  # where processes are not the point: torch and scikit-learn are imported already
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

    The command runs, and trains, within the process of the test: same arguments, output and exit code. Modules that it
    imports from the folder are forgotten, as they are when a process ends.
    """

    def run(name: str, *arguments: str, cwd: Path = tmp_path) -> "subprocess.CompletedProcess[str]":
        main = importlib.import_module(f"thermo_cli.cli.{name.removeprefix('thermo-')}").main
        engine = [SERIAL] if name == "thermo-run" else []
        output, errors, code = io.StringIO(), io.StringIO(), None
        handlers, before = {number: signal.getsignal(number) for number in stops()}, set(sys.modules)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [name, *arguments])
            patch.setenv("COLUMNS", "80")
            patch.setenv("NO_COLOR", "1")
            patch.chdir(cwd)
            try:
                with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
                    main(*engine)
            except SystemExit as left:
                code = left.code
            finally:
                for number, handler in handlers.items():
                    signal.signal(number, handler)
                for module in set(sys.modules) - before:
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
            timeout=300,
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
