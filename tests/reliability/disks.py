"""Disks that are full, folders that vanish, and memory that is short, at any write and any moment."""

import contextlib
import errno
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tests.reliability.bench import SPECS, Bench, bench_of, in_turn
from tests.reliability.processes import caught, compare, ended
from tests.reliability.tally import Tally
from thermo_cli.errors import StoreError

KIB = 1 << 10
MIB = 1 << 20


def full(number: int, folder: Path, generator: np.random.Generator) -> Tally:
    """The disk is full at one write, drawn among all: it is said, nothing torn stays, and the same command goes on from there.

    Args:
        number: Of full disks.
        folder: An empty one.
        generator: Draws the write.
    """
    tally, benches = Tally(), {kind: bench_of(kind) for kind in list(SPECS)[:number]}
    writes = {kind: _writes(bench, folder / f"counted-{kind}") for kind, bench in benches.items()}
    for fault in range(number):
        bench = list(benches.values())[fault % len(benches)]
        which, results = int(generator.integers(writes[bench.kind])), folder / f"full-{fault}"
        tally.tried += 1
        try:
            with _syncs(lambda count, which=which: count == which):
                bench.again(results)
        except StoreError as error:
            tally.named += "the disk is full" in str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no answer
            tally.silent.append(f"{bench.kind}, write {which}: {type(error).__name__}: {error}")
        if list(results.rglob("*.tmp")):
            tally.silent.append(f"{bench.kind}, write {which}: a torn file is left")
        compare(tally, bench, results, f"{bench.kind}, write {which}", "")
    return tally


def limited(number: int, folder: Path, generator: np.random.Generator) -> Tally:
    """Files may not grow beyond a limit, or processes not beyond some memory, as the system says: exit 3, and no traceback.

    Args:
        number: Of limits.
        folder: An empty one.
        generator: Draws limits.
    """
    tally = Tally()
    for fault, bench in in_turn(number):
        results = folder / f"limited-{fault}"
        what, size = (
            (resource.RLIMIT_FSIZE, int(generator.integers(0, 32 * KIB)))
            if fault % 2 == 0
            else (resource.RLIMIT_AS, int(generator.integers(300 * MIB, 3000 * MIB)))
        )
        process = bench.start(results, before=lambda what=what, size=size: resource.setrlimit(what, (size, size)))
        code, errors = ended(process)
        tally.tried += 1
        name = f"{bench.kind}, {'files' if fault % 2 == 0 else 'memory'} up to {size / MIB:.3f} MiB, exit code {code}"
        tally.named += code == 3
        own_words = fault % 2 and "Memory allocation still failed" in errors  # OpenBLAS ends processes by itself
        if code not in (0, 3) and (fault % 2 == 0 or code in (1, 70)) and not own_words:
            tally.silent.append(f"{name}: {errors[-300:]}")
        compare(tally, bench, results, name, errors)
    return tally


def vanished(number: int, folder: Path, generator: np.random.Generator) -> Tally:
    """The run folder is removed at any moment: no bug is reported, and the same command begins anew.

    Args:
        number: Of removals.
        folder: An empty one.
        generator: Draws moments.
    """
    tally = Tally()
    for fault, bench in in_turn(number):
        results = folder / f"vanished-{fault}"
        process = caught(bench, results, generator)
        tally.tried += 1
        for run in results.glob("bench-*"):
            shutil.rmtree(run, ignore_errors=True)
        code, errors = ended(process)
        if code not in (0, 3):
            tally.silent.append(f"{bench.kind}, exit code {code}: {errors[-300:]}")
        tally.named += code == 3
        compare(tally, bench, results, f"{bench.kind}, exit code {code}", errors)
    return tally


@contextlib.contextmanager
def _syncs(fails: Callable[[int], bool]) -> Iterator[list[int]]:
    """Count files that are synced to the disk, in this process; of some of them the disk has no room left."""
    real, seen = os.fsync, [0]

    def fsync(handle: int) -> None:
        seen[0] += 1
        if fails(seen[0] - 1):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    os.fsync = fsync
    try:
        yield seen
    finally:
        os.fsync = real


def _writes(bench: Bench, results: Path) -> int:
    """Return how many files and folders an undisturbed run syncs."""
    with _syncs(lambda count: False) as seen:
        bench.again(results)
    return seen[0]
