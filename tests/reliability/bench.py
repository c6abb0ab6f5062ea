"""What is attacked: a small run of every kind, in this process or by the command, and the bytes that it promises.

bench = bench_of("networks")            # a spec, and an undisturbed run of it, made once in a process
attacked = bench.copy(folder / "1")     # the same again, to be disturbed
bench.again(attacked)                   # the same command, in this process; returns what it said
bench.differences(attacked)             # must be empty
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from tests.conftest import ROOT, SERIAL
from tests.kinds.scripts.toy import SCRIPT
from thermo_cli.study import Nobody, execute

NETWORKS: Final = """\
name: bench
data:     {use: wine}
system:   {use: mlp, with: {hidden: [8]}}
dynamics: {use: sgd, with: {lr: 0.05, momentum: 0.9}, batch_size: 16, steps: 400}
ensemble: {replicas: 6, seed: 3, subsample: {fraction: 0.6}, controls: {same_bath: 2, twin: 1}}
"""
SPECS: Final = {
    "networks": NETWORKS,
    "growing": NETWORKS.replace("steps: 400", "steps: {from: 100, to: 200}").replace(
        "replicas: 6", "replicas: {from: 4, to: 8}"
    ),
    "sweep": NETWORKS.replace("steps: 400", "steps: 100") + "sweep: {dynamics.with.lr: [0.01, 0.1]}\n",
    "physical": """\
name: bench
system: {use: double_well, with: {height: 1.0}}
dynamics: {use: langevin, with: {lr: 0.02, temperature: 0.5}, steps: 2000}
ensemble: {replicas: 4, seed: 3, vary: [init, noise]}
equilibrium: {margins: {energy: 1.0}}
""",
    "estimators": """\
name: bench
data: {use: wine}
system: {use: "sklearn.ensemble:RandomForestClassifier", with: {n_estimators: 5}}
ensemble: {replicas: 4, seed: 3, subsample: {fraction: 0.6}}
""",
    "scripts": """\
name: bench
system:
  use: command
  with:
    run: [python, toy.py, --seed, "{seed}", --order, "{order_seed}", --out, "{output}", --steps, "{steps}",
      --replica, "{replica}", --examples, "{subsample}"]
    pool: 50
dynamics: {use: process, steps: 32}
ensemble: {replicas: 3, seed: 3, controls: {same_bath: 0, twin: 0}}
""",
    "recorded": """\
name: bench
system: {use: recorded, with: {path: runs.csv}}
equilibrium: {margins: {test_accuracy: 0.05}}
""",
}
TRAINED: Final = tuple(kind for kind in SPECS if kind != "recorded")
LONGER: Final = {
    "networks": ("steps: 400", "steps: 80000"),
    "growing": ("steps: {from: 100, to: 200}", "steps: {from: 20000, to: 40000}"),
    "sweep": ("steps: 100", "steps: 20000"),
    "physical": ("steps: 2000", "steps: 800000"),
}
"""Words of a spec, and what makes it train for several seconds, with commits: a run of a moment has none."""
ALLOWED: Final = ("command",)
SCHEDULER: Final[list[str]] = []
"""`--scheduler ADDRESS` where processes are attacked that train on a cluster."""
UNPROMISED: Final = ("manifest.json", "rehearsal.json", "report.html", "report.html.tmp", "report.error.txt", ".lock")
"""Times, and what says where a run was made; the rest is equal to the byte."""


@dataclass
class Notes(Nobody):
    """What a run says while it is at work."""

    said: list[str] = field(default_factory=list)

    def note(self, message: str) -> None:
        """Keep it."""
        self.said.append(message)


class Bench:
    """A spec of one kind, and what an undisturbed run of it leaves.

    Args:
        kind: A key of `SPECS`.
        folder: Where; the run is in `clean`.
        changed: Words of the spec, and what stands in their place.
    """

    def __init__(self, kind: str, folder: Path, changed: Sequence[str] = ()) -> None:
        self.kind, self.folder = kind, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.spec = folder / "bench.yaml"
        self.spec.write_text(SPECS[kind].replace(*changed) if changed else SPECS[kind])
        (folder / "toy.py").write_text(SCRIPT)
        (folder / "runs.csv").write_text(recorded())
        self.again(folder / "clean")
        self.promised = promised(folder / "clean")

    def copy(self, results: Path) -> Path:
        """Copy the undisturbed run, and return the folder of the copy; what was there is removed.

        Args:
            results: A results folder.
        """
        shutil.rmtree(results, ignore_errors=True)
        shutil.copytree(self.folder / "clean", results)
        return run_of(results)

    def again(self, results: Path, fresh: bool = False) -> list[str]:
        """Give the command in this process, without worker processes, and return what was worth knowing.

        Args:
            results: A results folder.
            fresh: Whether a run that is there is set aside.
        """
        watcher = Notes()
        execute(self.spec, results=results, engine=SERIAL, watcher=watcher, allow=ALLOWED, fresh=fresh)
        return watcher.said

    def start(
        self, results: Path, *arguments: str, before: Callable[[], None] | None = None
    ) -> "subprocess.Popen[str]":
        """Give the command in a process group of its own, with two workers.

        Args:
            results: A results folder.
            arguments: Of the command.
            before: Called in the process before it begins.
        """
        command = [sys.executable, "-m", "thermo_cli.cli.run", str(self.spec), *SCHEDULER]
        return subprocess.Popen(
            [*command, "--results", str(results), "--allow", *ALLOWED, "--workers", "2", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=before,
            env={**os.environ, "PYTHONPATH": beside(), "OMP_NUM_THREADS": "1", "NO_COLOR": "1"},
        )

    @cached_property
    def seconds(self) -> float:
        """How long the command takes here when nobody disturbs it, as a process."""
        begun = time.monotonic()
        process = self.start(self.folder / "timed")
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        return time.monotonic() - begun

    def differences(self, results: Path) -> list[str]:
        """Return the names of promised files that differ from the undisturbed run's, are missing, or should not be there.

        Args:
            results: A results folder.
        """
        found = promised(results)
        return sorted(name for name in found | self.promised if found.get(name) != self.promised.get(name))


@cache
def bench_of(kind: str, *changed: str) -> Bench:
    """Return the bench of a kind, which all attacks of this process share: they disturb copies, and runs of their own.

    Args:
        kind: A key of `SPECS`.
        changed: Words of the spec, and what stands in their place.
    """
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Bench(kind, folder, changed)


def in_turn(number: int, kinds: Sequence[str] = tuple(SPECS)) -> Iterator[tuple[int, Bench]]:
    """Yield the number of each fault and the bench of its kind; of few faults, two of a kind, as a bench takes time to make.

    Args:
        number: Of faults.
        kinds: Keys of `SPECS`.
    """
    for fault in range(number):
        yield fault, bench_of(kinds[fault % min(len(kinds), max(number // 2, 1))])


def run_of(results: Path) -> Path:
    """Return the only run of a results folder.

    Args:
        results: The folder.
    """
    (run,) = results.glob("bench-????????")
    return run


def promised(results: Path) -> dict[str, bytes]:
    """Return all files of the only run but what was set aside, and what says when and where it was made.

    Args:
        results: A results folder.
    """
    run = run_of(results)
    paths = {str(path.relative_to(run)): path for path in sorted(run.rglob("*")) if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in paths.items()
        if name not in UNPROMISED and name.partition("/")[0] not in ("damaged", "logs", "outputs")
    }


def beside() -> str:
    """Return where processes that are started look for modules: where this one does, and in this checkout."""
    return os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(ROOT)])


def recorded() -> str:
    """Return six recorded runs as a long table."""
    rows = [
        f"{replica},{step},test_accuracy,{0.9 - 0.4 * 2.0**-step + 0.001 * ((replica * 7 + step * 3) % 5)}\n"
        for replica in range(6)
        for step in range(0, 41, 2)
    ]
    return "replica,step,observable,value\n" + "".join(rows)
