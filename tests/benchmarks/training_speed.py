"""Training throughput against a PyTorch loop, JAX and scikit-learn on two cores, all in one run: prints a Markdown table.

Peers take turns within each round, so that a noisy machine is noisy for all; ratios are formed within a round. Starting up
(imports, compilation, loading the data) counts for nobody: all processes of a peer warm up and wait for each other first.
"""

import argparse
import importlib.metadata
import importlib.util
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Barrier
from typing import Any, Final

from training_peers import FEW, PEERS, Case, Training, scikit

SIZES: Final = ((32, 32), (128, 64))  # units per hidden layer, examples per step
REPLICAS: Final = (8, 32, 64, 128)
ENVIRONMENT: Final = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}
# what is measured: peer, number of processes
CONTESTANTS: Final = (("thermo", 1), ("thermo", 2), ("PyTorch", 2), ("JAX", 1), ("scikit-learn", 2))
RATIOS: Final = ((("thermo", 2), ("PyTorch", 2)), (("thermo", 1), ("JAX", 1)), (("thermo", 2), ("scikit-learn", 2)))
NOTE: Final = f"""
Replica-steps per second (microseconds of wall time per replica-step), medians over rounds. Ratios are of throughput, each
within one round: median (least-most). Digits, float32, SGD with momentum and weight decay, one thread per process.
Shards of 16 replicas: at R = 8 half of the only shard is padding, which does not count, and the second process is idle.
PyTorch and scikit-learn train at most {FEW} replicas in each process: the cost of a replica-step does not depend on R.
JAX's batches are drawn before its clock starts, everybody else's while it runs. scikit-learn ends epochs with a smaller batch.
"""
Contestant = tuple[str, int]
Speeds = dict[tuple[Contestant, int, int], list[float]]


@dataclass(frozen=True)
class Worker:
    """A process that trains for one peer, the way to talk to it, and the barrier, kept for as long as it is used."""

    process: Any
    pipe: Connection
    barrier: Any


def serve(peer: str, core: int, part: int, barrier: Barrier, pipe: Connection) -> None:
    """Get cases ready and train them on request; the body of a worker process.

    Args:
        peer: A key of `PEERS`.
        core: Where to stay, from before the first heavy import.
        part: Which of the peer's processes this is.
        barrier: Where two processes meet before their clocks start.
        pipe: Requests come in, results go out.
    """
    os.sched_setaffinity(0, {core})
    ready: dict[tuple[Case, int], Training] = {}
    while (request := pipe.recv()) is not None:
        case, parts = request
        if request not in ready:
            ready[request] = PEERS[peer](case, part, parts)
            ready[request]()
            pipe.send(None)
            continue
        if parts > 1:
            barrier.wait()
        start = time.perf_counter()
        done = ready[request]()
        pipe.send((start, time.perf_counter(), done))


def start_workers(peer: str, cores: Sequence[int]) -> list[Worker]:
    """Start a peer's processes, one per core.

    Args:
        peer: A key of `PEERS`.
        cores: Where.
    """
    context = multiprocessing.get_context("spawn")
    barrier, workers = context.Barrier(len(cores)), []
    for part, core in enumerate(cores):
        here, there = context.Pipe()
        process = context.Process(target=serve, args=(peer, core, part, barrier, there), daemon=True)
        process.start()
        workers.append(Worker(process, here, barrier))
    return workers


def ask(workers: Sequence[Worker], case: Case) -> list[Any]:
    """Send a request to all workers of a peer at once and collect the answers.

    Args:
        workers: The peer's.
        case: What to get ready, or to train when it is ready.
    """
    for worker in workers:
        worker.pipe.send((case, len(workers)))
    return [worker.pipe.recv() for worker in workers]


def ask_joblib(case: Case, cores: Sequence[int]) -> list[Any]:
    """Train with scikit-learn in joblib's processes, one thread each.

    Args:
        case: The size.
        cores: One per process.
    """
    import joblib

    with joblib.parallel_config("loky", inner_max_num_threads=1, idle_worker_timeout=3600):
        tasks = (joblib.delayed(scikit)(case, part, len(cores), core) for part, core in enumerate(cores))
        return list(joblib.Parallel(n_jobs=len(cores), batch_size=1)(tasks))


class Race:
    """All contestants, ready to be measured.

    Args:
        cores: Two of them.
        cases: Every size.
    """

    def __init__(self, cores: Sequence[int], cases: Sequence[Case]) -> None:
        self.cores = cores
        names = [name for name in PEERS if name != "JAX" or importlib.util.find_spec("jax")]
        self.workers = {name: start_workers(name, cores[:1] if name == "JAX" else cores) for name in names}
        for case in cases:
            for contestant in CONTESTANTS:
                self._answers(contestant, case)
                print(f"ready: {contestant[0]}, {contestant[1]} processes, {case}", file=sys.stderr)

    def speed(self, contestant: Contestant, case: Case) -> float:
        """Return replica-steps per second: all that was done, over the time from the first start to the last end.

        Args:
            contestant: Who.
            case: The size.
        """
        answers = self._answers(contestant, case)
        if not answers:
            return float("nan")
        starts, ends, done = zip(*answers, strict=True)
        return sum(done) / (max(ends) - min(starts))

    def close(self) -> None:
        """End all processes."""
        for workers in self.workers.values():
            for worker in workers:
                worker.pipe.send(None)
                worker.process.join()

    def _answers(self, contestant: Contestant, case: Case) -> list[Any]:
        name, processes = contestant
        if name == "scikit-learn":
            return ask_joblib(case, self.cores)
        return ask(self.workers[name][:processes], case) if name in self.workers else []


def measure(race: Race, cases: Sequence[Case], rounds: int) -> Speeds:
    """Measure everything in each round, in alternating order.

    Args:
        race: Who competes.
        cases: Every size.
        rounds: How often.

    Returns:
        Replica-steps per second of each round, by contestant, width and R.
    """
    speeds: Speeds = {}
    for number in range(rounds):
        began = time.monotonic()
        for case in cases:
            for contestant in CONTESTANTS[:: 1 if number % 2 == 0 else -1]:
                speed = race.speed(contestant, case)
                speeds.setdefault((contestant, case.width, case.replicas), []).append(speed)
        print(f"round {number + 1} of {rounds}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return speeds


def speed_cell(speeds: Sequence[float]) -> str:
    """Write a throughput, the median over rounds, with the wall time that one replica-step takes.

    Args:
        speeds: Replica-steps per second.
    """
    median = statistics.median(speeds)
    return "not installed" if median != median else f"{median:,.0f} ({1e6 / median:.2f})"


def ratio_cell(own: Sequence[float], other: Sequence[float]) -> str:
    """Write how many times faster the first is: the median of the rounds' ratios, and their range.

    Args:
        own: Replica-steps per second, by round.
        other: The same of a peer.
    """
    ratios = [mine / theirs for mine, theirs in zip(own, other, strict=True)]
    if ratios[0] != ratios[0]:
        return "not installed"
    return f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f}-{max(ratios):.2f})"


def table(speeds: Speeds, cases: Sequence[Case]) -> str:
    """Write the result as a Markdown table.

    Args:
        speeds: What was measured.
        cases: Its rows.
    """
    titles = ["Network", "Batch", "R", *(f"{name}, {count} proc." for name, count in CONTESTANTS)]
    titles += [f"thermo / {other}" for _, (other, _) in RATIOS]
    lines = [titles, ["---"] + ["---:"] * (len(titles) - 1)]
    for case in cases:
        at = {contestant: speeds[contestant, case.width, case.replicas] for contestant in CONTESTANTS}
        cells = [f"64-{case.width}-{case.width}-10", str(case.batch), str(case.replicas)]
        cells += [speed_cell(at[contestant]) for contestant in CONTESTANTS]
        lines.append(cells + [ratio_cell(at[own], at[other]) for own, other in RATIOS])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> str:
    """Describe the processor and the versions that were compared."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    found = [name for name in ("torch", "jax", "scikit-learn", "numpy", "joblib") if _installed(name)]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in found)
    return f"{model}, two cores; Python {platform.python_version()}, {versions}."


def _installed(name: str) -> bool:
    return bool(list(importlib.metadata.distributions(name=name)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="How often everything is measured.")
    parser.add_argument("--steps", type=int, default=512, help="Steps of each replica in a measurement.")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        parser.error("two cores are needed")
    os.sched_setaffinity(0, cores)
    os.environ.update(ENVIRONMENT)
    cases = [Case(width, batch, replicas, options.steps) for width, batch in SIZES for replicas in REPLICAS]
    race = Race(cores, cases)
    speeds = measure(race, cases, options.rounds)
    race.close()
    print(f"{machine()} {options.rounds} rounds of {options.steps} steps.\n")
    print(table(speeds, cases))
    print(NOTE)


if __name__ == "__main__":
    main()
