"""How long the court takes on arrays: `python tests/benchmarks/judging.py` prints one row per size, each in a fresh process."""

import resource
import statistics
import subprocess
import sys
import time

import numpy as np

import thermo_cli

SIZES = ((64, 200, 10), (1024, 200, 10), (4096, 400, 10))
ROUNDS = 3


def measure(replicas: int, times: int, observables: int) -> None:
    """Judge once and print seconds and peak memory of this process."""
    generator = np.random.Generator(np.random.PCG64(1))
    steps = np.unique(np.concatenate([[0, 1, 2, 5, 10], np.linspace(500, 1000, times - 5)]).astype(int))
    start = 10 * np.exp(-steps / 30)
    values = {f"a{k}": start + 0.2 * generator.standard_normal((replicas, len(steps))) for k in range(observables)}
    begun = time.perf_counter()
    verdict = thermo_cli.judge(
        values, steps=steps, margins=dict.fromkeys(values, 1.0), histories=["cold", "hot"] * (replicas // 2)
    )
    seconds = time.perf_counter() - begun
    assert verdict.outcomes["agreement"] == "holds"
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def main() -> None:
    """Print the table."""
    print(
        "| replicas x times x observables | seconds | peak memory of the process |", "| --- | ---: | ---: |", sep="\n"
    )
    for size in SIZES:
        command = [sys.executable, __file__, *map(str, size)]
        found = [
            tuple(map(float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()))
            for _ in range(ROUNDS)
        ]
        seconds, memory = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"| {' x '.join(map(str, size))} | {seconds:.2f} | {memory:.2f} GiB |")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(*map(int, sys.argv[1:]))
    else:
        main()
