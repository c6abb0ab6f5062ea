"""A 2 x 4 sweep whose points train in shared stacks, against eight runs one after the other: whole processes, two workers each.

python tests/benchmarks/sweep.py [ROUNDS]
"""

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEC = """\
name: sweep
data:     {use: digits}
system:   {use: mlp, with: {hidden: [32, 32]}}
dynamics: {use: sgd, with: {lr: 0.05, momentum: 0.9, weight_decay: 5.0e-4}, batch_size: 32, steps: 4000}
ensemble: {replicas: 8, seed: 1, controls: {same_bath: 0, twin: 0}}
observe:  {micro: [overlap]}
"""
RATES, DECAYS = (0.01, 0.03, 0.1, 0.2), (1e-4, 1e-3)


def seconds(folder: str, *words: str) -> float:
    """Run thermo-run to its end and return how long it took."""
    start = time.perf_counter()
    given = [sys.executable, "-m", "thermo_cli.cli.run", "sweep.yaml", "--workers", "2", *words]
    subprocess.run(given, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    together, apart = [], []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "sweep.yaml").write_text(SPEC)
            grid = f"sweep={{dynamics.with.lr: {list(RATES)}, dynamics.with.weight_decay: {list(DECAYS)}}}"
            points = [
                ["--set", f"dynamics.with.lr={rate}", "--set", f"dynamics.with.weight_decay={decay}"]
                for rate, decay in itertools.product(RATES, DECAYS)
            ]
            for side in (0, 1) if number % 2 else (1, 0):
                if side:
                    together.append(seconds(folder, "--set", grid))
                else:
                    apart.append(sum(seconds(folder, *point) for point in points))
    ratios = [a / b for a, b in zip(apart, together, strict=True)]
    print("| 2 x 4 sweep of learning rate and decay, 8 replicas a point, 4,000 steps | |")
    print("| --- | ---: |")
    print(f"| one sweep | {statistics.median(together):.1f} s |")
    print(f"| eight runs | {statistics.median(apart):.1f} s |")
    print(f"| ratio | **{statistics.median(ratios):.1f}** ({min(ratios):.1f}-{max(ratios):.1f}) |")


if __name__ == "__main__":
    main()
