"""The exam's command: `python -m tests.exam`, or `--short` for a smaller number of trials.

It writes results/reference/exam.json and exam.svg, and the tables between the marks in README.md. Trained runs are kept in
results/exam and reused.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from joblib import Parallel, delayed

from tests.exam import curves, tables
from tests.exam.cells import CELLS
from tests.exam.tally import Tally, array_trials
from tests.exam.trained import TRAINED, groups, tally, train

ROOT = Path(__file__).resolve().parents[2]
SIZES = (8, 16, 32, 64)


def main() -> int:
    """Run the exam and return 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a tenth of the trials, nothing is written")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "exam")
    chosen = parser.parse_args()
    begun = time.monotonic()
    trials = 200 if chosen.short else 2000
    arrays: list[Tally] = Parallel(chosen.workers)(
        delayed(array_trials)(cell, size, trials) for cell in CELLS for size in SIZES
    )
    array_seconds = time.monotonic() - begun
    trained: list[Tally] = []
    for cell in TRAINED:
        replicas = cell.replicas // 10 // 64 * 64 if chosen.short else cell.replicas
        run = train(cell, replicas, chosen.results, chosen.workers)
        trained += [tally(cell, size, groups(run, size)) for size in SIZES]
        sys.stderr.write(f"{cell.name}: {trained[-2].verdicts} at R = 32\n")
    seconds = time.monotonic() - begun
    print(tables.confusion(arrays, trained))
    problems = [
        f"{one.cell}, R = {one.replicas}: {problem}" for one in [*arrays, *trained] if (problem := one.problem())
    ]
    if not chosen.short:
        operating = curves.operating_curves(trials // 4, chosen.workers)
        reference = ROOT / "results" / "reference"
        curves.draw(operating, reference / "exam.svg")
        tables.write_readme(ROOT / "README.md", arrays, trained, operating, seconds)
        content = {
            "schema_version": 1, "seconds": round(seconds), "array_seconds": round(array_seconds), "workers": chosen.workers,
            "cells": [one.as_dict() for one in [*arrays, *trained]], "curves": operating, "problems": problems,
        }  # fmt: skip
        (reference / "exam.json").write_text(json.dumps(content, indent=1) + "\n")
    print(f"{len(arrays) + len(trained)} cells in {seconds:.0f} s; " + ("; ".join(problems) or "every promise is kept"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
