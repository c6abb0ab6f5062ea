"""Whole commands against their peers: scripts against xargs, a Dask cluster against the pool; and what answers at once.

    python tests/benchmarks/commands.py [--rounds 3]

Each round times both in turns, start-up included; the ratio is that of the same round. The cluster is there before, as a
user's is: `--scheduler tcp://...` finds it.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
RUN: Final = [sys.executable, "-m", "thermo_cli.cli.run"]
REPORT: Final = [sys.executable, "-m", "thermo_cli.cli.report"]
SECONDS: Final = 10
SCRIPT: Final = f"""\
import json, pathlib, sys, time

out, seed, end = pathlib.Path(sys.argv[1]), int(sys.argv[2]), time.perf_counter() + {SECONDS}
out.mkdir(parents=True, exist_ok=True)
with (out / "metrics.jsonl").open("w") as log:
    for step in range(0, 101, 5):
        log.write(json.dumps({{"step": step, "test_accuracy": 0.9 - 0.4 / (1 + step) + 0.0001 * (seed % 7)}}) + "\\n")
while time.perf_counter() < end:
    sum(range(1000))
"""
SCRIPTS: Final = """\
name: scripts
system: {use: command, with: {run: [python, script.py, "{output}", "{seed}"]}}
dynamics: {use: process, steps: 100}
ensemble: {replicas: 8, seed: 1, vary: [init], controls: {same_bath: 0, twin: 0}}
"""
NETWORKS: Final = """\
name: networks
data: {use: digits}
system: {use: mlp, with: {hidden: [32]}}
dynamics: {use: sgd, with: {lr: 0.05, momentum: 0.9}, batch_size: 32, steps: 8000}
ensemble: {replicas: 32, seed: 1}
"""


def seconds(command: Sequence[str], folder: Path, code: int = 0) -> float:
    """Time a command from start to end.

    Args:
        command: Words.
        folder: Where it runs.
        code: Its exit code.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    took = time.perf_counter() - begun
    if done.returncode != code:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-500:]}")
    return took


def in_turns(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    """Time both in turns.

    Args:
        ours: Times this package once.
        theirs: Times the peer once.
        rounds: How often.
    """
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return [one for one, _ in pairs], [other for _, other in pairs]


def scripts(folder: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Eight scripts of ten seconds, by thermo-run with two workers, and by `xargs -P 2`."""
    (folder / "script.py").write_text(SCRIPT)
    (folder / "scripts.yaml").write_text(SCRIPTS)
    ours = [*RUN, "scripts.yaml", "--allow", "command", "--workers", "2", "--fresh"]
    shell = f"seq 8 | xargs -P 2 -I@ {sys.executable} script.py loop/@ @"
    return in_turns(lambda: seconds(ours, folder), lambda: seconds(["sh", "-c", shell], folder), rounds)


def cluster(folder: Path, rounds: int) -> tuple[list[float], list[float]]:
    """A network of width 32, 32 replicas, on a Dask cluster of two workers, and on a pool of two."""
    from distributed import LocalCluster

    (folder / "networks.yaml").write_text(NETWORKS)
    ours = [*RUN, "networks.yaml", "--workers", "2", "--fresh"]
    with LocalCluster(2, threads_per_worker=1, memory_limit=0, dashboard_address="127.0.0.1:0", silence_logs=50) as it:
        far = [*ours, "--scheduler", str(it.scheduler_address)]
        seconds(far, folder)  # its processes are warm afterwards, as a cluster's are
        return in_turns(lambda: seconds(far, folder), lambda: seconds(ours, folder), rounds)


def at_once(folder: Path, rounds: int) -> Iterator[tuple[str, list[float], str]]:
    """Yield what answers at once, its seconds, and what is wanted."""
    (folder / "networks.yaml").write_text(
        NETWORKS.replace("steps: 8000", "steps: 40").replace("replicas: 32", "replicas: 2")
    )
    seconds([*RUN, "networks.yaml", "--results", "one"], folder)
    (run,) = (folder / "one").glob("networks-????????")
    for number in range(500):
        shutil.copytree(run, folder / "many" / f"networks-{number:08x}")
    for what, command, code, aim in (
        ("`thermo-run --help`", [*RUN, "--help"], 0, "0.2 s"),
        ("a mistake in a spec", [*RUN, "networks.yaml", "--set", "dynamics.stepz=3"], 2, "0.5 s"),
        ("`thermo-report`, the list of 500 runs", [*REPORT, "--results", "many"], 0, "1 s"),
    ):
        yield what, [seconds(command, folder, code) for _ in range(2 * rounds + 1)][1:], aim


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:2]))
    print("| two cores | thermo | peer | ratio, median (range) | aim |\n| --- | ---: | ---: | ---: | ---: |")
    for measure, peer, aim in ((scripts, "xargs -P 2", 1.05), (cluster, "the pool", 1.1)):
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = measure(Path(folder), rounds)
        ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
        middle = f"{statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f})"
        what = str(measure.__doc__).partition(", and ")[0]
        times = f"{statistics.median(ours):.1f} s | {peer}: {statistics.median(theirs):.1f} s"
        print(f"| {what} | {times} | {middle} | {aim} |", flush=True)
    print("\n| at once | seconds, median (range) | aim |\n| --- | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for what, took, wanted in at_once(Path(folder), rounds):
            print(
                f"| {what} | {statistics.median(took):.2f} ({min(took):.2f}-{max(took):.2f}) | {wanted} |", flush=True
            )


if __name__ == "__main__":
    main()
