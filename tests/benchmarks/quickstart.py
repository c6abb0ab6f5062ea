"""What a user waits for: the quickstart on two cores, judging alone, and --help; prints a Markdown table."""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
COMMAND: Final = (sys.executable, "-m", "thermo_cli.cli.run")
SAMPLE_SECONDS: Final = 0.2
MIB: Final = 1024.0  # kB, the unit of /proc, in a MiB


@dataclass(frozen=True)
class Whole:
    """The run as a user sees it.

    Attributes:
        seconds: From the command to the verdict.
        memory: Highest memory of all its processes together, pages that they share counted once, in MiB.
        resident: The same with shared pages counted for each process.
        processes: The most processes seen at once.
    """

    seconds: float
    memory: float
    resident: float
    processes: int


def process_tree(root: int) -> list[int]:
    """Return a process and all its descendants.

    Args:
        root: Its id.
    """
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for process in found:  # grows while it is read
        found += children.get(process, [])
    return found


def memory(process: int) -> tuple[float, float]:
    """Return a process's proportional share of memory and its resident size, in MiB; zeros when it has ended.

    Args:
        process: Its id.
    """
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    sizes = {words[0]: float(words[1]) / MIB for words in map(str.split, lines) if words[-1] == "kB"}
    return sizes.get("Pss:", 0.0), sizes.get("Rss:", 0.0)


def run_whole(results: Path, cores: set[int], everywhere: set[int]) -> Whole:
    """Run the quickstart as a process on some cores and watch its memory from the others.

    Args:
        results: Where the run folder goes.
        cores: Where it runs.
        everywhere: Where this process may run.
    """
    os.sched_setaffinity(0, cores)
    start = time.perf_counter()
    command = [*COMMAND, str(ROOT / "experiments" / "quickstart.yaml"), "--results", str(results), "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    os.sched_setaffinity(0, (everywhere - cores) or everywhere)
    highest = resident = 0.0
    most = 0
    while process.poll() is None:
        tree = process_tree(process.pid)
        shares = [memory(member) for member in tree]
        highest, resident = max(highest, sum(pss for pss, _ in shares)), max(resident, sum(rss for _, rss in shares))
        most = max(most, len(tree))
        try:
            process.wait(SAMPLE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"the quickstart ended with exit code {process.returncode}: {process.communicate()[1]}")
    return Whole(seconds, highest, resident, most)


def judging_seconds(folder: Path, repetitions: int) -> list[float]:
    """Time judging a finished run again, imports excluded.

    Args:
        folder: The run.
        repetitions: How often.
    """
    import thermo_cli

    thermo_cli.open_run(folder)  # imports what it needs
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        thermo_cli.open_run(folder)
        seconds.append(time.perf_counter() - start)
    return seconds


def help_seconds(repetitions: int) -> list[float]:
    """Time `thermo-run --help` as a process.

    Args:
        repetitions: How often.
    """
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        subprocess.run([*COMMAND, "--help"], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgings", type=int, default=5, help="How often the run is judged again.")
    parser.add_argument("--helps", type=int, default=10, help="How often --help is asked for.")
    options = parser.parse_args()
    everywhere = os.sched_getaffinity(0)
    cores = set(sorted(everywhere)[:2])
    with tempfile.TemporaryDirectory() as temporary:
        results = Path(temporary)
        whole = run_whole(results, cores, everywhere)
        os.sched_setaffinity(0, cores)
        (folder,) = (path.parent for path in results.glob("*/verdict.json"))
        judging = judging_seconds(folder, options.judgings)
    helping = help_seconds(options.helps)
    judged = statistics.median(judging)
    rows = [
        ("whole run, from command to verdict", f"{whole.seconds:.1f} s"),
        (f"peak memory of its {whole.processes} processes, shared pages once (PSS)", f"{whole.memory:,.0f} MiB"),
        ("the same, shared pages counted in each (RSS)", f"{whole.resident:,.0f} MiB"),
        (f"judging alone, median of {len(judging)} (least-most)", spread(judging)),
        ("judging / whole run", f"{judged / whole.seconds:.1%}"),
        (f"`thermo-run --help`, median of {len(helping)} (least-most)", spread(helping)),
    ]
    print(
        f"`thermo-run experiments/quickstart.yaml --workers 2` on {len(cores)} cores, Python {platform.python_version()}\n"
    )
    print("| Quantity | Value |\n| --- | ---: |")
    print("\n".join(f"| {quantity} | {value} |" for quantity, value in rows))


def spread(seconds: list[float]) -> str:
    """Write the median and range of some times.

    Args:
        seconds: The times.
    """
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f}-{max(seconds):.2f})"


if __name__ == "__main__":
    main()
