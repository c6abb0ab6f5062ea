"""The exam's command: `python -m tests.exam`, or `--short` for a tenth of the trials.

It writes results/exam.md, results/reference/exam.svg and the lines between the marks in README.md. Counts are kept in
results/exam.jsonl and trained runs in results/exam: what was counted of the same court is not counted again, so an exam that
was interrupted goes on.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.exam import curves, kept, physics, tables
from tests.exam.cells import CELLS
from tests.exam.contests import CONTESTS
from tests.exam.forecasts import FORECASTS
from tests.exam.growing import AT_MARGINS, FIXED, GROWN
from tests.exam.identity import GROWING_PAIRS, PAIRS
from tests.exam.laws import LAWS
from tests.exam.tally import ASKED, SIZES, Question, Tally
from tests.exam.trained import TRAINED, groups, tally, train
from thermo_cli.engines.engine import Engine
from thermo_cli.engines.pool import PoolEngine

ROOT: Final = Path(__file__).resolve().parents[2]
COUNTS: Final = ROOT / "results" / "exam.jsonl"
TRIALS: Final = 2000
FULL: Final[Sequence[Question]] = [*CELLS, *LAWS, *PAIRS, *CONTESTS]
OPERATING: Final[Sequence[Question]] = [cell for curve in curves.CURVES for cell in curve.cells]
INTRODUCTION: Final = """\
# How often the verdict is wrong

Written by `python -m tests.exam`. Ensembles whose answer is known are drawn (2,000 of each law and number of replicas) or
trained, and judged. *Wrong* is a verdict of `settled` on what is not at equilibrium or exactly at a margin, or what a row
names; it may happen in 5 % of ensembles. Numbers in parentheses are no promises: what has not happened yet, or grows by less
than a margin behind frozen offsets, an ensemble of this size cannot know. Behind each share: 95 % bounds (Clopper-Pearson).
"""


def main() -> int:
    """Run the exam and return 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a tenth of the trials, nothing is written")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "exam")
    chosen = parser.parse_args()
    begun, count, few = time.monotonic(), TRIALS // 10 if chosen.short else TRIALS, 64 if chosen.short else 512
    file = None if chosen.short else COUNTS

    def asked(questions: Sequence[Question], trials: int = count) -> list[Tally]:
        return kept.counted(questions, trials, file, chosen.workers)

    arrays = asked(FULL)
    growing, grown, fixed = asked([*AT_MARGINS, *GROWING_PAIRS]), asked(GROWN), asked(FIXED)
    forecasts, operating = asked(FORECASTS, count // 4), asked(OPERATING, count // 4)
    engine = PoolEngine(chosen.workers)
    trained = _trained(chosen.short, chosen.results, engine)
    known = physics.laws(few, chosen.results, engine)
    wells = physics.crossover(few, chosen.results, engine)
    every = [*operating, *arrays, *growing, *grown, *fixed, *forecasts, *trained]
    problems = [f"{one.cell}, R = {one.replicas}: {problem}" for one in every if (problem := one.problem())]
    problems += [f"{one.name}: {one.low:.4g} to {one.high:.4g} misses {one.known:.4g}" for one in known if not one.kept]
    problems += [f"double well: {one.difference}" for one in wells if not one.difference.kept]
    sections = {
        "Error rates": tables.errors([*arrays, *trained]),
        "Power: the share of right answers": tables.power([*arrays, *trained]),
        "Ensembles that grow until they are decided": tables.looks(growing),
        "Calibration: what growing costs": tables.costs(grown, fixed),
        "Calibration: the forecast number of replicas": tables.forecasts(forecasts),
        "Curves: how often it is called settled": curves.table(operating),
        "Laws of the physical systems (512 replicas)": tables.laws(known),
        "Two wells, started from both sides, forget at Kramers' rate k": tables.crossover(wells),
        "Promises that are broken": "\n".join(f"- {problem}" for problem in problems) or "None.",
    }
    text = "\n\n".join([INTRODUCTION.rstrip(), *(f"## {title}\n\n{table}" for title, table in sections.items())])
    print(text)
    if file is not None:
        kept.tidy(
            file, {count: [*FULL, *AT_MARGINS, *GROWING_PAIRS, *GROWN, *FIXED], count // 4: [*FORECASTS, *OPERATING]}
        )
        curves.draw(operating, ROOT / "results" / "reference" / "exam.svg")
        (ROOT / "results" / "exam.md").write_text(text + "\n")
        outcome = (
            "no promise is broken" if not problems else f"{len(problems)} promises are broken, each is named there"
        )
        judged = sum(one.trials for one in every)
        summary = f"The last exam judged {judged:,} ensembles; {outcome}: [all tables](results/exam.md)."
        tables.write_readme(ROOT / "README.md", summary)
    print(f"{len(every)} cells in {time.monotonic() - begun:.0f} s; {len(problems)} promises are broken")
    return 1 if problems else 0


def _trained(short: bool, results: Path, engine: Engine) -> list[Tally]:
    found = []
    for cell in TRAINED:
        run = train(cell, max(cell.replicas // 10, ASKED) if short else cell.replicas, results, engine)
        found += [tally(cell, size, judged) for size in SIZES if (judged := groups(cell, run, size))]
        sys.stderr.write(f"{cell.name}: {found[-1].verdicts}\n")
    return found


if __name__ == "__main__":
    sys.exit(main())
