"""A real Dask cluster of processes, with workers that are killed, and tasks that kill themselves."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.engines.tasks import work
from thermo_cli.engines import dask
from thermo_cli.engines.dask import DaskEngine
from thermo_cli.errors import UsageError


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers with their nannies, and a scheduler at an address."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, memory_limit=0, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as it:
        yield it


def run(
    engine: DaskEngine, folder: Path, *kinds: str, tick: Callable[[], None] = lambda: None
) -> tuple[dict[str, str], dict[str, str]]:
    """Run tasks; return results and errors by kind."""
    with contextlib.closing(engine):
        outcome = engine.run(work, [(kind, str(folder)) for kind in kinds], tick, lambda: None)
    returned = {task[0]: value for task, value in outcome.returned.items()}
    return returned, {task[0]: str(error) for task, error in outcome.failed.items()}


def test_a_task_that_kills_its_process_is_blamed_alone(cluster: Any, tmp_path: Path) -> None:
    """Its worker lives; innocent neighbours run once."""
    engine = DaskEngine(scheduler=cluster.scheduler_address)
    returned, failed = run(engine, tmp_path, "die", "slow", "a", "raise", "b")
    assert set(returned) == {"slow", "a", "b"}
    assert set(failed) == {"die", "raise"}
    assert "died" in failed["die"]
    begun = [path.name.partition("-")[0] for path in tmp_path.iterdir()]
    assert {kind: begun.count(kind) for kind in ("die", "slow", "a", "b", "raise")} == {
        "die": 3,
        "slow": 1,
        "a": 1,
        "b": 1,
        "raise": 1,
    }


def test_a_worker_that_is_lost_costs_a_task_another_try(cluster: Any, tmp_path: Path) -> None:
    """Killed with its process amid a task; its nanny starts another, and all tasks return."""
    killed: list[int] = []

    def tick() -> None:
        if not killed and list(tmp_path.glob("slow-*")):
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    engine = DaskEngine(scheduler=cluster.scheduler_address)
    returned, failed = run(engine, tmp_path, "slow", "slow2", "slow3", tick=tick)
    assert (set(returned), failed, len(killed)) == ({"slow", "slow2", "slow3"}, {}, 1)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_worker_that_rounds_otherwise_is_refused(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its first task, unless the spec takes mixed workers."""
    monkeypatch.setattr(dask, "rounding", lambda: {"torch": "1.0", "processor": "another"})
    with pytest.raises(UsageError, match=r"(?s)rounds otherwise.*torch .*, here 1\.0; processor .*, here another"):
        run(DaskEngine(scheduler=cluster.scheduler_address), tmp_path, "a")
    assert not list(tmp_path.iterdir())
    returned, _ = run(DaskEngine(scheduler=cluster.scheduler_address, mixed=True), tmp_path, "a")
    assert set(returned) == {"a"}


def test_a_cluster_that_is_not_there_is_told() -> None:
    """With what was asked for."""
    with pytest.raises(UsageError, match="there is no Dask cluster"):
        DaskEngine(scheduler="tcp://127.0.0.1:9")._client()


def test_a_worker_without_this_package_says_so(tmp_path: Path) -> None:
    """A scheduler and a worker of an environment in which it cannot be imported."""
    (tmp_path / "thermo_cli").mkdir()
    (tmp_path / "thermo_cli" / "__init__.py").write_text("raise ImportError('not here')\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    port = tmp_path / "scheduler.json"
    options = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1"]
    with (
        subprocess.Popen([*scheduler, "--scheduler-file", str(port)], **options) as first,  # type: ignore[call-overload]
        subprocess.Popen([*worker, "--scheduler-file", str(port)], **options) as second,  # type: ignore[call-overload]
    ):
        try:
            while not port.exists():
                time.sleep(0.1)
            address = json.loads(port.read_text())["address"]
            with pytest.raises(UsageError, match=r"(?s)cannot import thermo.*not here"):
                run(DaskEngine(scheduler=address), tmp_path, "a")
        finally:
            second.kill()
            first.kill()


SPEC = """\
name: small
data: {use: wine}
system: {use: mlp, with: {hidden: [8]}}
dynamics: {use: sgd, with: {lr: 0.05, momentum: 0.9}, batch_size: 16, steps: 400}
ensemble: {replicas: 6, seed: 3, controls: {same_bath: 2, twin: 1}}
"""


def test_the_command_trains_on_a_cluster_of_its_own_and_at_an_address(cluster: Any, tmp_path: Path) -> None:
    """The same bytes as here; what a stranger's module in the working directory says is not asked."""
    (tmp_path / "small.yaml").write_text(SPEC)
    (tmp_path / "random.py").write_text("raise SystemExit('a stranger')\n")
    found = {}
    for place, options in {
        "here": (),
        "local": ("--scheduler", "local"),
        "address": ("--scheduler", cluster.scheduler_address),
    }.items():
        done = subprocess.run(
            [
                sys.executable,
                "-P",
                "-m",
                "thermo_cli.cli.run",
                "small.yaml",
                "--workers",
                "2",
                "--results",
                place,
                *options,
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        files = [path for path in (tmp_path / place).rglob("*") if path.suffix in (".safetensors", ".csv")]
        found[place] = {str(path.relative_to(tmp_path / place)): path.read_bytes() for path in files}
    assert found["here"] == found["local"] == found["address"]
    assert len(found["here"]) > 4
