"""The quickstart from start to verdict: wall time, peak memory, the share of judging, and the start-up of `--help`.

    python tests/benchmarks/quickstart.py [--runs 3]

Prints a Markdown table. Memory is the largest sum of proportional set sizes over the process tree, sampled ten times a second:
pages that workers share are counted once.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent.parent
RUN = [sys.executable, "-m", "thermo_cli.cli.run"]


def children(pid: int) -> list[int]:
    """Return a process and everything below it that is still there.

    Args:
        pid: The process.
    """
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [below for child in task.read_text().split() for below in children(int(child))]
        except OSError:
            continue
    return found


def memory(pid: int) -> float:
    """Return the proportional set size of a process tree in MB.

    Args:
        pid: Its root.
    """
    total = 0
    for process in children(pid):
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024 / 1e6


def timed_run(results: str) -> tuple[float, float]:
    """Run the quickstart with two workers; return seconds and peak MB.

    Args:
        results: An empty results folder.
    """
    start, peak = time.perf_counter(), 0.0
    command = [*RUN, str(ROOT / "experiments" / "quickstart.yaml"), "--results", results, "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, memory(process.pid))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"the quickstart ended with exit code {process.returncode}")
    return time.perf_counter() - start, peak


def judging(results: str) -> float:
    """Return the median seconds of judging the stored run: reading, criteria, raw overlaps.

    Args:
        results: Folder of a finished run.
    """
    from thermo_cli import open_run

    times = []
    for _ in range(6):
        start = time.perf_counter()
        open_run("latest", results)
        times.append(time.perf_counter() - start)
    return median(times[1:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:2]))
    seconds, peaks, judged = [], [], 0.0
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as results:
            took, peak = timed_run(results)
            judged = judging(results)
        seconds.append(took)
        peaks.append(peak)
    helps = []
    for _ in range(11):
        start = time.perf_counter()
        subprocess.run([*RUN, "--help"], stdout=subprocess.DEVNULL, check=True)
        helps.append(time.perf_counter() - start)
    whole = median(seconds)
    print("| quickstart on two cores | |\n| --- | ---: |")
    spread = f"{whole:.1f} s ({min(seconds):.1f}-{max(seconds):.1f})"
    print(f"| start to verdict, 64 replicas x 16,000 steps and 10 controls | {spread} |")
    print(f"| peak memory, all processes | {max(peaks):.0f} MB |")
    print(f"| judging the stored run | {judged:.2f} s, {judged / whole:.1%} of the whole |")
    print(f"| `thermo-run --help` | {median(helps[1:]):.2f} s |")


if __name__ == "__main__":
    main()
