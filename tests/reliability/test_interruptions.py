"""Nothing finished is ever lost, and a resumed run is an uninterrupted one, byte for byte: with real processes killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import thermo_cli
from tests.conftest import ROOT, SERIAL, SMALL, Command
from thermo_cli import rng

KILLS = 20
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
LONG = SMALL.replace("steps: 400", "steps: 24000")


def arrays(results: Path) -> dict[str, bytes]:
    """Return everything of the only run whose bytes are promised, but its verdict."""
    (folder,) = results.glob("small-*")
    files = [*folder.glob("s*/*.safetensors"), folder / "microstates.safetensors", folder / "replicas.csv"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(files)}


def start(spec: Path, results: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start `thermo-run` in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "thermo_cli.cli.run", str(spec), "--results", str(results), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=ENVIRONMENT,
    )


def wait_for_training(process: "subprocess.Popen[bytes]", results: Path) -> None:
    """Return when a worker of this process has begun to train, or the process has ended."""
    begun = time.time()
    while process.poll() is None and time.time() < begun + 60:
        if any(path.stat().st_mtime > begun for path in results.glob("small-*/shards/*/progress.json")):
            return
        time.sleep(0.02)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A spec, and the arrays of a run of it that nobody disturbed, without worker processes."""
    folder = tmp_path_factory.mktemp("clean")
    (folder / "small.yaml").write_text(LONG)
    thermo_cli.run(folder / "small.yaml", results=folder / "results", engine=SERIAL)
    stored = arrays(folder / "results")
    assert len(stored) == 2 * 6 + 2, (
        "two shards for each history, partners, twins; their last states; microstates and table"
    )
    return folder / "small.yaml", stored


def test_one_worker_gives_the_same_bytes(clean: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    """The number of workers decides nothing, nor whether there are any."""
    spec, expected = clean
    assert start(spec, tmp_path, "--workers", "1").wait(timeout=300) == 0
    assert arrays(tmp_path) == expected


def test_killed_at_random_moments_it_ends_with_the_same_bytes(
    clean: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    """Twenty times kill -9 at a random moment of the training, the same command each time; then it is left alone.

    A run that finishes between two kills is compared, and another one begun, so that every kill hits a run in training.
    """
    spec, expected = clean
    generator = rng.generator(2026)
    killed, number = 0, 0
    while killed < KILLS:
        process = start(spec, tmp_path / str(number), "--workers", "2")
        wait_for_training(process, tmp_path / str(number))
        time.sleep(generator.uniform(0.0, 1.6))
        if process.poll() is None:
            process.kill()
            killed += 1
        else:
            assert process.returncode == 0
            assert arrays(tmp_path / str(number)) == expected
            number += 1
        process.wait()
    assert start(spec, tmp_path / str(number), "--workers", "2").wait(timeout=300) == 0
    assert arrays(tmp_path / str(number)) == expected
    assert not list(tmp_path.glob("*/small-*/shards/*/")), "a finished run keeps no commits"


def test_who_is_killed_between_a_segment_and_its_commits_leaves_nothing(small: Path, tmp_path: Path) -> None:
    """The same command removes what a finished shard no longer needs, and reads none of it; without `tidy` it stays."""
    thermo_cli.run(small, results=tmp_path, engine=SERIAL)
    expected = arrays(tmp_path)
    (folder,) = tmp_path.glob("small-*")
    for segment in folder.glob("shards/*.0.safetensors"):
        left = segment.with_name(segment.name.partition(".")[0])
        left.mkdir()
        (left / "commit-000000.safetensors").write_bytes(b"torn")
    assert len(list(folder.glob("shards/*/"))) == 6
    thermo_cli.run(small, results=tmp_path, engine=SERIAL)
    assert not list(folder.glob("shards/*/"))
    assert arrays(tmp_path) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"dynamics": "{use: adamw, with: {lr: 0.003}, batch_size: 32, steps: 10000}"},
        {
            "data": "{use: digits}",
            "system": "{use: cnn, with: {channels: 2}}",
            "dynamics": "{use: sgd, with: {lr: 0.01, momentum: 0.9}, batch_size: 16, steps: 600}",
        },
        {
            "system": "{use: double_well, with: {height: 1.0}}",
            "dynamics": "{use: langevin, with: {lr: 0.02, temperature: 0.5}, steps: 100000}",
        },
        {
            "system": "{use: random_energy, with: {spins: 12}}",
            "dynamics": "{use: metropolis, with: {temperature: 0.5}, steps: 100000}",
        },
        {
            "system": "{use: autoregressive, with: {phi: 0.9, sd: 0.1}}",
            "dynamics": "{use: recursion, steps: 1000000}",
            "equilibrium": "{margins: {level: 1.0}}",
        },
    ],
    ids=["adamw", "cnn", "langevin", "metropolis", "recursion"],
)
def test_every_dynamics_resumes_to_the_same_bytes(tmp_path: Path, changes: dict[str, str]) -> None:
    """Killed once in training and started again, against a run that nobody disturbed."""
    content = {
        "name": "small",
        "data": "{use: moons, test_fraction: 0.3}",
        "system": "{use: mlp, with: {hidden: [8]}}",
        "ensemble": "{replicas: 3, vary: [init, noise]}",
        "equilibrium": "{margins: {energy: 1.0}}",
        **changes,
    }
    if "system" in changes and "data" not in changes:
        del content["data"]
    (tmp_path / "small.yaml").write_text("".join(f"{key}: {value}\n" for key, value in content.items()))
    process = start(tmp_path / "small.yaml", tmp_path / "killed", "--workers", "1")
    wait_for_training(process, tmp_path / "killed")
    time.sleep(0.3)
    assert process.poll() is None, "it ended before it was killed"
    process.kill()
    process.wait()
    process = start(tmp_path / "small.yaml", tmp_path / "killed", "--workers", "1")
    assert process.wait(timeout=300) == 0
    thermo_cli.run(tmp_path / "small.yaml", results=tmp_path / "undisturbed", engine=SERIAL)
    assert arrays(tmp_path / "killed") == arrays(tmp_path / "undisturbed")
    assert arrays(tmp_path / "killed")


def test_a_killed_worker_is_replaced(clean: tuple[Path, dict[str, bytes]], tmp_path: Path) -> None:
    """Losing a worker loses the pool, not the run: its shard is trained again from its last commit."""
    spec, expected = clean
    process = start(spec, tmp_path, "--workers", "2")
    wait_for_training(process, tmp_path)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    workers = [int(pid) for pid in children if b"loky" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(workers[-1], signal.SIGKILL)
    assert process.wait(timeout=300) == 0
    assert arrays(tmp_path) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_commits_and_says_how_to_resume(
    clean: tuple[Path, dict[str, bytes]], tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C (to the whole group, as a terminal sends it) and SIGTERM end with 130; the same command goes on."""
    spec, expected = clean
    process = subprocess.Popen(
        [sys.executable, "-m", "thermo_cli.cli.run", str(spec), "--results", str(tmp_path), "--workers", "2"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
        env=ENVIRONMENT,
    )
    wait_for_training(process, tmp_path)
    time.sleep(0.5)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "give the same command again" in errors
    assert "Traceback" not in errors
    states = list(tmp_path.glob("small-*/shards/*/state.safetensors"))
    assert states, "what was trained is committed"
    assert start(spec, tmp_path, "--workers", "2").wait(timeout=300) == 0
    assert arrays(tmp_path) == expected


def test_two_runs_of_one_spec_do_not_mix(tmp_path: Path, small: Path, process: Command) -> None:
    """While one is at work, the second is told so."""
    long = ("--set", "dynamics.steps=20000000")
    first = start(small, tmp_path, *long, "--workers", "1")
    try:
        wait_for_training(first, tmp_path)
        second = process("thermo-run", str(small), "--results", str(tmp_path), *long)
        assert first.poll() is None
    finally:
        first.send_signal(signal.SIGTERM)
        assert first.wait(timeout=60) == 130
    assert second.returncode == 2
    assert "another process trains this very run" in second.stderr


STUBBORN = """\
import pathlib
import time

from sklearn.linear_model import LogisticRegression


class Stubborn(LogisticRegression):
    def fit(self, x, y):
        super().fit(x, y)
        pathlib.Path("fitting").touch()
        try:
            time.sleep(2)
        except KeyboardInterrupt:
            self.coef_ = 2 * self.coef_
        return self
"""


def test_an_interrupt_that_an_estimator_takes_for_its_own_is_heard(tmp_path: Path) -> None:
    """As scikit-learn's MLPClassifier does: it ends its fit early, and is not blamed for another answer."""
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    spec = "name: small\ndata: {use: wine}\nsystem: {use: 'stubborn:Stubborn'}\nensemble: {replicas: 4}\n"
    (tmp_path / "small.yaml").write_text(spec)
    process = subprocess.Popen(
        [sys.executable, "-m", "thermo_cli.cli.run", "small.yaml", "--plan", "--allow", "local"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=ENVIRONMENT,
    )
    while not (tmp_path / "fitting").exists() and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130, complaint
    assert b"the same command" in complaint
