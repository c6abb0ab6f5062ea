"""Examining microstates: seconds and memory by width and number of replicas, and the share of a whole run.

    python tests/benchmarks/microstates.py [--rounds 3]

Each row is a process of its own: an ensemble on digits is trained for a moment, then all micro observables are measured at T/4,
T/2 and T, of all replicas (a run looks at 64 at most). Prints a Markdown table.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent.parent
SPEC = ROOT / "experiments" / "digits-mlp.yaml"
CASES = ((128, 16), (128, 32), (128, 64), (128, 128), (128, 256), (512, 64))


def one(width: int, replicas: int, rounds: int) -> dict[str, float]:
    """Train for a moment and examine, in this process.

    Args:
        width: Of both hidden layers.
        replicas: Of one history.
        rounds: How often it is examined; the median counts.
    """
    from thermo_cli.data.split import load_dataset
    from thermo_cli.examination import examine_run
    from thermo_cli.study import execute

    with tempfile.TemporaryDirectory() as results:
        overrides = [
            f"system.with.hidden=[{width}, {width}]",
            f"ensemble.replicas={replicas}",
            "histories={cold: {}}",
            f"dynamics.steps={400 if width < 512 else 40}",
            "observe.window_measurements=8",
        ]
        begun = time.perf_counter()
        run = execute(SPEC, overrides=overrides, results=results, workers=2)
        whole = time.perf_counter() - begun
        assert run.folder.spec.data is not None
        dataset, times = load_dataset(run.folder.spec.data, SPEC.parent), []
        for _ in range(rounds):
            run.folder.microstates_file.unlink()
            begun = time.perf_counter()
            examine_run(run.folder, dataset, most=replicas)
            times.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": median(times), "low": min(times), "high": max(times), "bytes": peak, "whole": whole}


def share() -> tuple[float, float]:
    """Return the seconds of the quickstart from start to verdict, and those of its examination."""
    from thermo_cli.data.split import load_dataset
    from thermo_cli.examination import examine_run
    from thermo_cli.study import execute

    spec = ROOT / "experiments" / "quickstart.yaml"
    with tempfile.TemporaryDirectory() as results:
        begun = time.perf_counter()
        run = execute(spec, results=results, workers=2)
        whole = time.perf_counter() - begun
        assert run.folder.spec.data is not None
        dataset = load_dataset(run.folder.spec.data, spec.parent)
        run.folder.microstates_file.unlink()
        begun = time.perf_counter()
        examine_run(run.folder, dataset)
        return whole, time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", type=int, nargs=2, metavar=("WIDTH", "REPLICAS"))
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(one(*chosen.one, chosen.rounds)))
        return
    print("| width | replicas | seconds | seconds per replica | peak memory |\n| ---: | ---: | ---: | ---: | ---: |")
    for width, replicas in CASES:
        command = [
            sys.executable,
            __file__,
            "--rounds",
            str(chosen.rounds if width < 512 else 1),
            "--one",
            str(width),
            str(replicas),
        ]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        print(
            f"| {width} | {replicas} | {found['seconds']:.1f} ({found['low']:.1f}-{found['high']:.1f}) | "
            f"{found['seconds'] / replicas:.3f} | {found['bytes'] / 1e9:.1f} GB |"
        )
    whole, examined = share()
    print(f"\nOf the quickstart ({whole:.1f} s) the microstates take {examined:.1f} s, {examined / whole:.0%}.")


if __name__ == "__main__":
    main()
