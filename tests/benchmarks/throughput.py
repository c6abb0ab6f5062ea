"""Training throughput against a PyTorch loop, JAX and scikit-learn, all in one run: prints a Markdown table.

    python tests/benchmarks/throughput.py [--rounds 5] [--steps 300]

Peers take turns within each round, so that a noisy machine is noisy for all; ratios are formed per round, then their median.
"""

import argparse
import importlib.metadata
import importlib.util
import multiprocessing
import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent))
from peers import BATCH, serve

from thermo_cli.environment import processor

WIDTHS: Final = (32, 128)
REPLICAS: Final = (8, 32, 64, 128)
Pair = tuple[Connection, Connection]


def start(peer: str, cores: tuple[int, int]) -> Pair:
    """Start a peer's two processes, one on each core.

    Args:
        peer: Its name.
        cores: Two cores.
    """
    context = multiprocessing.get_context("spawn")
    ends = []
    for core in cores:
        here, there = context.Pipe()
        context.Process(target=serve, args=(peer, core, there), daemon=True).start()
        ends.append(here)
    return ends[0], ends[1]


def rate(pair: Pair, width: int, shares: tuple[int, int], steps: int) -> float:
    """Return microseconds per replica-step of a peer whose processes train these shares at the same time.

    The slower process decides. A process that trains fewer replicas than its share is scaled up: its cost per replica-step
    does not depend on how many it trains.

    Args:
        pair: Its two processes.
        width: Units of each hidden layer.
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


def halves(replicas: int) -> tuple[int, int]:
    """Split whole shards of 16 over two processes, as the pool does.

    Args:
        replicas: In all.
    """
    first = min(replicas, 16 * -(-replicas // 32))
    return first, replicas - first


def measure(rounds: int, steps: int, pairs: dict[str, Pair]) -> dict[tuple[int, int, str], list[float]]:
    """Measure every peer at every size, peers interleaved, in microseconds per replica-step.

    Args:
        rounds: Repetitions.
        steps: Steps of each replica.
        pairs: Processes of each peer.
    """
    found: dict[tuple[int, int, str], list[float]] = {}
    for number in range(rounds):
        for width in WIDTHS:
            for replicas in REPLICAS:
                plans = {
                    "thermo, two processes": ("thermo", halves(replicas)), "thermo, one process": ("thermo", (replicas, 0)),
                    "PyTorch loop": ("PyTorch loop", (replicas // 2, replicas // 2)), "JAX": ("JAX", (replicas, 0)),
                    "scikit-learn": ("scikit-learn", (replicas // 2, replicas // 2)),
                }  # fmt: skip
                for name, (peer, shares) in plans.items():
                    if peer in pairs:
                        found.setdefault((width, replicas, name), []).append(rate(pairs[peer], width, shares, steps))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return found


def ratio(found: dict[tuple[int, int, str], list[float]], width: int, replicas: int, peer: str, own: str) -> str:
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


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    cores = tuple(sorted(os.sched_getaffinity(0))[:2])
    peers = ["thermo", "PyTorch loop", *(["JAX"] if importlib.util.find_spec("jax") else []), "scikit-learn"]
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    pairs = {peer: start(peer, (cores[0], cores[-1])) for peer in peers}
    found = measure(options.rounds, options.steps, pairs)
    print(
        "| width, batch | replicas | us per replica-step | replica-steps per second | x PyTorch loop | x scikit-learn | x JAX |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for width in WIDTHS:
        for replicas in REPLICAS:
            two = median(found[width, replicas, "thermo, two processes"])
            cells = [
                f"{width}, {BATCH[width]}", str(replicas), f"{two:.1f}", f"{1e6 / two:,.0f}",
                ratio(found, width, replicas, "PyTorch loop", "thermo, two processes"),
                ratio(found, width, replicas, "scikit-learn", "thermo, two processes"),
                ratio(found, width, replicas, "JAX", "thermo, one process"),
            ]  # fmt: skip
            print("| " + " | ".join(cells) + " |")
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("torch", "jax", "scikit-learn", "numpy")
        if importlib.util.find_spec(name.replace("scikit-learn", "sklearn"))
    )
    print(f"\n{processor()}, two cores, {versions}; {options.rounds} rounds of {options.steps} steps.")


if __name__ == "__main__":
    main()
