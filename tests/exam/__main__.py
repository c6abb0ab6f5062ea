"""The exam's command: `python -m tests.exam`, or `--short` for a smaller number of trials.

It writes results/reference/exam.json and exam.svg, and the tables between the marks in README.md. Trained runs are kept in
results/exam and reused.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from joblib import Parallel, delayed

from tests.exam import curves, physics, tables
from tests.exam.cells import CELLS
from tests.exam.tally import Tally, array_trials
from tests.exam.trained import TRAINED, groups, tally, train
from thermo_cli.engines.pool import PoolEngine

ROOT = Path(__file__).resolve().parents[2]
SIZES = (8, 16, 32, 64)


def main() -> int:
    """Run the exam and return 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a tenth of the trials, nothing is written")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "exam")
    chosen = parser.parse_args()
    begun, reused = time.monotonic(), chosen.results.exists() and any(chosen.results.iterdir())
    trials = 200 if chosen.short else 2000
    arrays: list[Tally] = Parallel(chosen.workers)(
        delayed(array_trials)(cell, size, trials) for cell in CELLS for size in SIZES
    )
    array_seconds = time.monotonic() - begun
    engine, trained = PoolEngine(chosen.workers), list[Tally]()
    for cell in TRAINED:
        replicas = cell.replicas // 10 // 64 * 64 if chosen.short else cell.replicas
        run = train(cell, replicas, chosen.results, engine)
        trained += [tally(cell, size, groups(run, size)) for size in SIZES]
        sys.stderr.write(f"{cell.name}: {trained[-2].verdicts} at R = 32\n")
    known = physics.laws(64 if chosen.short else 512, chosen.results, engine)
    wells = physics.crossover(64 if chosen.short else 512, chosen.results, engine)
    seconds = time.monotonic() - begun
    print(tables.confusion(arrays, trained), tables.laws(known), tables.crossover(wells), sep="\n\n")
    problems = [
        f"{one.cell}, R = {one.replicas}: {problem}" for one in [*arrays, *trained] if (problem := one.problem())
    ]
    problems += [f"{one.name}: {one.low:.4g} to {one.high:.4g} misses {one.known:.4g}" for one in known if not one.kept]
    problems += [f"double well: {one.difference}" for one in wells if not one.difference.kept]
    if not chosen.short:
        operating = curves.operating_curves(trials // 4, chosen.workers)
        reference = ROOT / "results" / "reference"
        curves.draw(operating, reference / "exam.svg")
        parts = (tables.confusion(arrays, trained), tables.laws(known), tables.crossover(wells))
        tables.write_readme(ROOT / "README.md", parts, sum(one.trials for one in [*arrays, *trained]), seconds, reused)
        content = {
            "schema_version": 1,
            "seconds": round(seconds),
            "array_seconds": round(array_seconds),
            "workers": chosen.workers,
            "trained_by_an_earlier_exam": reused,
            "cells": [one.as_dict() for one in [*arrays, *trained]],
            "curves": operating,
            "problems": problems,
            "laws": [asdict(one) for one in known],
            "double_well": [asdict(one) for one in wells],
        }
        (reference / "exam.json").write_text(json.dumps(content, indent=1) + "\n")
    print(f"{len(arrays) + len(trained)} cells in {seconds:.0f} s; " + ("; ".join(problems) or "every promise is kept"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
