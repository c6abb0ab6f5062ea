"""Training throughput against a PyTorch loop, JAX and scikit-learn, all in one run: prints a Markdown table.

    python tests/benchmarks/throughput.py [--rounds 5] [--steps 300]

The first table has thermo and how many times faster it is, the second everyone's own figures. Peers take turns within each
round, so that a noisy machine is noisy for all; ratios are formed per round, then their median.
"""

import argparse
import importlib.metadata
import importlib.util
import itertools
import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent))
from peers import BATCH, MOST_ALONE, serve

from thermo_cli.rounding import processor

WIDTHS: Final = (32, 128)
REPLICAS: Final = (8, 32, 64, 128)
CONTESTANTS: Final = (
    "thermo, two processes",
    "thermo, one process",
    "PyTorch loop",
    "scikit-learn",
    "JAX, one process",
    "JAX, two processes",
)
NOTE: Final = f"""
Digits, float32, SGD with momentum and weight decay; each process has one thread and one core, and the slower one decides.
Start-up (imports, data, compilation, warm-up) counts for nobody. thermo trains as many shards of 4 in one stack as pay, half of
the replicas in each process. PyTorch and scikit-learn train {MOST_ALONE} replicas per process, as the cost of each does not
depend on how many there are. JAX's mini-batches are drawn before its clock starts, everyone else's while it runs. scikit-learn
trains in the same kind of processes as the others (no dispatch by joblib), its steps are those of whole epochs, and its time
includes the checks of `fit`.
"""
Pair = tuple[Connection, Connection]
Found = dict[tuple[int, int, str], list[float]]


def start(peer: str, cores: tuple[int, int], target: Callable[..., None] = serve) -> Pair:
    """Start a peer's two processes, one on each core.

    Args:
        peer: Its name.
        cores: Two cores.
        target: Answers requests in each.
    """
    context = multiprocessing.get_context("spawn")
    ends = []
    for core in cores:
        here, there = context.Pipe()
        context.Process(target=target, args=(peer, core, there), daemon=True).start()
        there.close()  # so that a peer that dies ends the benchmark
        ends.append(here)
    return ends[0], ends[1]


def rate(pair: Pair, width: object, shares: tuple[int, int], steps: int) -> float:
    """Return microseconds per replica-step of a peer whose processes train these shares at the same time.

    The slower process decides. A process that trains fewer replicas than its share is scaled up: its cost per replica-step
    does not depend on how many it trains.

    Args:
        pair: Its two processes.
        width: Units of each hidden layer, or whatever else says what is trained.
        shares: Replicas of each process; 0 leaves it idle.
        steps: Steps of each replica.
    """
    for end, share in zip(pair, shares, strict=True):
        end.send((width, share, steps))
    for end in pair:
        end.recv()
    for end in pair:
        end.send("go")
    seconds = []
    for end, share in zip(pair, shares, strict=True):
        took, real = end.recv()
        seconds.append(took * share / real if real else 0.0)
    return max(seconds) / (sum(shares) * steps) * 1e6


def measure(rounds: int, steps: int, pairs: dict[str, Pair]) -> Found:
    """Measure every peer at every size, peers interleaved, in microseconds per replica-step.

    Args:
        rounds: Repetitions.
        steps: Steps of each replica.
        pairs: Processes of each peer.
    """
    found: Found = {}
    for number in range(rounds):
        for width in WIDTHS:
            for replicas in REPLICAS:
                even, alone = (replicas // 2, replicas // 2), (replicas, 0)
                plans = (
                    ("thermo", even),
                    ("thermo", alone),
                    ("PyTorch loop", even),
                    ("scikit-learn", even),
                    ("JAX", alone),
                    ("JAX", even),
                )
                for name, (peer, shares) in zip(CONTESTANTS, plans, strict=True):
                    if peer in pairs:
                        found.setdefault((width, replicas, name), []).append(rate(pairs[peer], width, shares, steps))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return found


def ratio(found: Found, width: int, replicas: int, peer: str, own: str) -> str:
    """Write how many times faster thermo is than a peer: median over rounds, range in brackets.

    Args:
        found: Measurements.
        width: Units.
        replicas: In all.
        peer: Name of the peer's row.
        own: Name of thermo's row.
    """
    theirs = found.get((width, replicas, peer))
    if theirs is None:
        return "not installed"
    ratios = [a / b for a, b in zip(theirs, found[width, replicas, own], strict=True)]
    return f"**{median(ratios):.1f}** ({min(ratios):.1f}-{max(ratios):.1f})"


def speedups(found: Found) -> str:
    """Write thermo's throughput and how many times faster it is than each peer.

    Args:
        found: Measurements.
    """
    titles = ("width, batch", "replicas", "us per replica-step", "replica-steps per second")
    lines = [[*titles, "x PyTorch loop", "x scikit-learn", "x JAX"], ["---"] + ["---:"] * 6]
    for width, replicas in itertools.product(WIDTHS, REPLICAS):
        two = median(found[width, replicas, "thermo, two processes"])
        lines.append(
            [
                f"{width}, {BATCH[width]}",
                str(replicas),
                f"{two:.1f}",
                f"{1e6 / two:,.0f}",
                ratio(found, width, replicas, "PyTorch loop", "thermo, two processes"),
                ratio(found, width, replicas, "scikit-learn", "thermo, two processes"),
                ratio(found, width, replicas, "JAX, one process", "thermo, one process"),
            ]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def figures(found: Found) -> str:
    """Write everyone's replica-steps per second, with microseconds per replica-step in brackets, medians over rounds.

    Args:
        found: Measurements.
    """
    last = "x JAX, both in two processes"
    lines = [["width, batch", "replicas", *CONTESTANTS, last], ["---"] + ["---:"] * (len(CONTESTANTS) + 2)]
    for width, replicas in itertools.product(WIDTHS, REPLICAS):
        cells = [f"{width}, {BATCH[width]}", str(replicas)]
        for name in CONTESTANTS:
            times = found.get((width, replicas, name))
            cells.append(f"{1e6 / median(times):,.0f} ({median(times):.1f})" if times else "not installed")
        lines.append([*cells, ratio(found, width, replicas, "JAX, two processes", "thermo, two processes")])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    cores = tuple(sorted(os.sched_getaffinity(0))[:2])
    if len(cores) < 2:
        parser.error("two cores are needed")
    os.sched_setaffinity(0, cores)
    peers = ["thermo", "PyTorch loop", *(["JAX"] if importlib.util.find_spec("jax") else []), "scikit-learn"]
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    pairs = {peer: start(peer, (cores[0], cores[1])) for peer in peers}
    found = measure(options.rounds, options.steps, pairs)
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("torch", "jax", "scikit-learn", "numpy")
        if importlib.util.find_spec(name.replace("scikit-learn", "sklearn"))
    )
    machine = f"{processor()}, two cores, {versions}; {options.rounds} rounds of {options.steps} steps."
    print(speedups(found), machine, figures(found), NOTE.strip(), sep="\n\n")


if __name__ == "__main__":
    main()
