"""Trains an ensemble on a file of 8 GiB, and prints the largest resident memory of any of its processes, and the time.

    python tests/benchmarks/large_data.py [GIB] [FOLDER]

The file (float32, n x 256, with a linear target) is written in pieces into FOLDER, and deleted afterwards.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FEATURES = 256
PIECE = 2**16  # examples
SPEC = """\
name: large
data:     {use: npy, with: {x: x.npy, y: y.npy}, test_fraction: 0.0005}
system:   {use: linear}
dynamics: {use: sgd, with: {lr: 0.02}, batch_size: 32, steps: 400}
ensemble: {replicas: 8, seed: 1, subsample: {size: 2000}}
"""


def write(folder: Path, gib: float) -> int:
    """Write features and targets, y = w . x + noise, and return the number of examples."""
    examples = int(gib * 2**30 / (4 * FEATURES))
    weights = np.random.Generator(np.random.PCG64(0)).standard_normal(FEATURES) / FEATURES**0.5
    y = np.empty(examples, np.float32)
    header = {"descr": "<f4", "fortran_order": False, "shape": (examples, FEATURES)}
    with (folder / "x.npy").open("wb") as handle:
        np.lib.format.write_array_header_1_0(handle, header)
        for start in range(0, examples, PIECE):
            draw = np.random.Generator(np.random.PCG64(start + 1))
            x = draw.standard_normal((min(PIECE, examples - start), FEATURES), np.float32)
            y[start : start + len(x)] = x @ weights + 0.3 * draw.standard_normal(len(x))
            handle.write(x.tobytes())
    np.save(folder / "y.npy", y)
    return examples


def family(parent: int) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                above = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it has ended
            children.setdefault(above, []).append(int(entry.name))
    found, rest = [], [parent]
    while rest:
        found.append(rest.pop())
        rest += children.get(found[-1], [])
    return found


def peak(process: int) -> int:
    """Return the largest resident memory that a process ever had, in bytes; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """Write, train, print, delete."""
    gib = float(sys.argv[1]) if len(sys.argv) > 1 else 8.0
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as name:
        folder = Path(name)
        start = time.perf_counter()
        examples = write(folder, gib)
        print(
            f"{gib:g} GiB, {examples} x {FEATURES} float32, written in {time.perf_counter() - start:.0f} s", flush=True
        )
        (folder / "s.yaml").write_text(SPEC)
        start, peaks = time.perf_counter(), {}
        run = subprocess.Popen([sys.executable, "-m", "thermo_cli.cli.run", "s.yaml"], cwd=folder, env=dict(os.environ))
        while run.poll() is None:
            for process in family(run.pid):
                peaks[process] = max(peaks.get(process, 0), peak(process))
            time.sleep(0.05)
        print(f"\nexit code {run.returncode}, {time.perf_counter() - start:.1f} s")
        shown = ", ".join(f"{value / 2**30:.2f}" for value in sorted(peaks.values(), reverse=True))
        print(f"peak resident memory of each process, GiB: {shown}; the largest {max(peaks.values()) / 2**30:.2f}")


if __name__ == "__main__":
    main()
