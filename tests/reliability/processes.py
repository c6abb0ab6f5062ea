"""Real processes that are killed or told to stop at any moment, and what the same command makes of what they leave."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

import numpy as np

from tests.reliability.bench import LONGER, TRAINED, Bench, bench_of, in_turn
from tests.reliability.tally import Tally
from thermo_cli.engines.interrupts import NAMES

WHOM: Final = ("the parent", "a worker", "all")
PATIENCE_SECONDS: Final = 300.0
LARGE: Final = ("steps: 400}\nensemble: {replicas: 6", "steps: 40000}\nensemble: {replicas: 64")


def killed(number: int, folder: Path, generator: np.random.Generator) -> Tally:
    """Kill -9 of the parent, a worker or all, at a moment drawn from start to end, every other one from when training begins.

    Runs of one kind go on from kill to kill, each by the same command, until one comes to an end; it is compared to the byte.

    Args:
        number: Of kills.
        folder: An empty one.
        generator: Draws moments and victims.
    """
    tally, kinds = Tally(), TRAINED[: max(number // 2, 1)]
    for place, kind in enumerate(kinds):
        share = number // len(kinds) + (place < number % len(kinds))
        bench, attempt = bench_of(kind, *LONGER.get(kind, ())), 0
        while share:
            results = folder / f"{kind}-{attempt}"
            process, in_training = bench.start(results), share % 2 == 1
            if in_training:
                _await_training(process, results)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(generator.uniform(0.0, bench.seconds / (4.0 if in_training else 1.0)))
            if process.poll() is None:
                _kill(process, str(generator.choice(WHOM)))
                share, tally.tried = share - 1, tally.tried + 1
            code, errors = ended(process)
            if code == 0 or not share:
                compare(tally, bench, results, f"{kind}, after {tally.tried} kills", errors)
                attempt += 1
    return tally


def told(number: int, folder: Path, generator: np.random.Generator) -> Tally:
    """SIGINT, SIGTERM, SIGHUP and SIGUSR1 to all processes at any moment: what is trained is committed, 130, how to go on.

    Args:
        number: Of signals.
        folder: An empty one.
        generator: Draws moments.
    """
    tally = Tally()
    for fault, bench in in_turn(number, TRAINED):
        name, results = NAMES[(fault + fault // len(TRAINED)) % len(NAMES)], folder / f"told-{fault}"
        process = caught(bench, results, generator)
        tally.tried += 1
        os.killpg(process.pid, signal.Signals[name])
        code, errors = ended(process)
        if code not in (0, 130) or (code == 130 and "the same command" not in errors):
            tally.silent.append(f"{bench.kind}, {name}: exit code {code}: {errors[-300:]}")
        tally.named += code == 130
        compare(tally, bench, results, f"{bench.kind}, {name}, exit code {code}", errors)
    return tally


def live(number: int, folder: Path, generator: np.random.Generator) -> Tally:
    """A second command, every other one with --fresh, beside one that is at work: it is refused, and disturbs nothing.

    Args:
        number: Of second commands.
        folder: An empty one.
        generator: Draws moments.
    """
    tally, bench = Tally(), bench_of("networks", "steps: 400", "steps: 120000")
    for fault in range(number):
        results = folder / f"live-{fault}"
        process = bench.start(results)
        _await_training(process, results)
        time.sleep(generator.uniform(0.0, 0.5))
        second = bench.start(results, *(["--fresh"] if fault % 2 == 0 else []))
        code, errors = ended(second)
        over = bool(list(results.glob("*/verdict.json")))  # it may end in its own time
        own, said = ended(process)
        tally.tried += 1
        if not over and (code, "another process trains this very run" in errors) != (2, True):
            tally.silent.append(f"exit code {code} beside a live run: {errors[-300:]}")
        if own != 0:
            tally.lost.append(f"exit code {own} of the first: {said[-300:]}")
        tally.named += code == 2
        compare(tally, bench, results, "beside a second command", said)
    return tally


def clustered(number: int, folder: Path, generator: np.random.Generator) -> Tally:
    """Kill -9 of workers of a Dask cluster with four of them, one after the other, under one ensemble of 64 replicas.

    Args:
        number: Of kills.
        folder: An empty one.
        generator: Draws moments and victims.
    """
    from distributed import LocalCluster

    tally, bench = Tally(), bench_of("networks", *LARGE)
    results = folder / "clustered"
    with LocalCluster(
        4, threads_per_worker=1, memory_limit=0, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as cluster:
        process = bench.start(results, "--scheduler", str(cluster.scheduler_address), "--workers", "4")
        while process.poll() is None and tally.tried < number:
            time.sleep(generator.uniform(0.5, 3.0))
            workers = [nanny.pid for nanny in cluster.workers.values() if nanny.pid]
            if workers and list(results.glob("*/shards/*/progress.json")):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(generator.choice(workers)), signal.SIGKILL)
                    tally.tried += 1
        code, errors = ended(process)
        if code != 0:
            tally.silent.append(f"exit code {code}: {errors[-300:]}")
        if not list(results.glob("*/verdict.json")):
            tally.lost.append("no verdict")
    compare(tally, bench, results, f"after {tally.tried} kills", errors)
    return tally


def caught(bench: Bench, results: Path, generator: np.random.Generator) -> "subprocess.Popen[str]":
    """Start the command, and return it while it is at work, at a moment drawn from when it begins to listen to its end.

    Args:
        bench: What is run.
        results: A results folder that is not there.
        generator: Draws the moment.
    """
    moment = generator.uniform(0.0, bench.seconds)
    while True:
        process = bench.start(results)
        while process.poll() is None and not _listens(process.pid):
            time.sleep(0.02)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        if process.poll() is None:
            return process
        ended(process)
        shutil.rmtree(results)
        moment *= 0.8  # it had come to its end


def _await_training(process: "subprocess.Popen[str]", results: Path) -> None:
    """Return when a shard of a process's run has begun to train, or the process has ended."""
    while not list(results.glob("*/shards/**/progress.json")) and process.poll() is None:
        time.sleep(0.05)


def _listens(pid: int) -> bool:
    """Say whether a process has begun to answer SIGTERM: before that, Python itself is not there to listen."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has ended
        return True
    caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait for a process, and return its exit code and what it said of itself."""
    try:
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return -1, "it did not come to an end"
    return process.returncode, errors


def _kill(process: "subprocess.Popen[str]", victim: str) -> None:
    """Kill -9; a parent that has no worker at the moment is killed itself."""
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        workers = [int(pid) for pid in children if b"popen_loky" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    except OSError:  # it has ended meanwhile
        workers = []
    if victim == "a worker" and workers:
        os.kill(workers[-1], signal.SIGKILL)
    elif victim == "all":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def compare(tally: Tally, bench: Bench, results: Path, fault: str, errors: str) -> None:
    """Give the same command until it ends, and compare what it promises."""
    try:
        bench.again(results)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run did not come to an end
        tally.lost.append(f"{fault}: {type(error).__name__}: {error} ({errors[-200:]})")
        return
    left = bench.differences(results)
    if left:
        tally.lost.append(f"{fault}: {', '.join(left)}")
