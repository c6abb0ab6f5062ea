"""The study: every claim of the thermodynamic view of machine learning as specs, verdicts, figures and a sentence.

    python study.py                     train what is not trained yet, check it against reference/, say what was found
    python study.py --short             an eighth of it, in a quarter of an hour, against the same reference
    python study.py --only 04 jordan    what begins like this
    python study.py --keep              put what was found into reference/, and write study.md from it

Each spec is run as thermo-run does, so an interrupted study goes on where it was. For each spec reference/<claim>/ holds
verdict.json, the report in Markdown and a figure; study.md is written from these files alone, by findings.py beside this file.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contradictions import contradictions, level_of
from findings import FINDINGS, page, spec_of

import thermo_cli
from thermo_cli.errors import DataError, SpecError, StoreError

HERE = Path(__file__).resolve().parent
RESULTS = (HERE.parent if (HERE.parent / "pyproject.toml").exists() else HERE) / "results"  # of a checkout, or here
SHORT_REPLICAS, SHORT_POINTS = 8, 3
DIGITS = 6
FIGURES = (
    "order-parameters",
    "phase-diagram",
    "plane",
)  # the first that there is stands for a spec whose claim names none


def main() -> int:
    """Run the study and return 1 where something is not what the reference says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[""], metavar="NAME", help="specs whose names begin like this")
    parser.add_argument("--short", action="store_true", help="few replicas and points of each spec")
    parser.add_argument("--keep", action="store_true", help="write reference/ and study.md")
    parser.add_argument("--results", type=Path, default=RESULTS / "study", help="run folders")
    parser.add_argument("--reference", type=Path, default=RESULTS / "reference", help="what is kept")
    parser.add_argument("--workers", type=int, help="processes; all cores by default")
    chosen = parser.parse_args()
    if chosen.short and chosen.keep:
        parser.error("a short form is nothing to keep")
    problems: list[str] = []
    begun, level = time.monotonic(), level_of(chosen.reference)
    for finding in FINDINGS:
        for name in finding.specs:
            if not name.startswith(tuple(chosen.only)):
                continue
            start, folder = time.monotonic(), chosen.reference / finding.name
            given = {"results": chosen.results, "workers": chosen.workers}
            try:
                run = thermo_cli.run(spec_of(name), overrides=shorter(spec_of(name)) if chosen.short else (), **given)
            except (DataError, SpecError, StoreError) as error:  # the others are run all the same
                problems.append(f"{name}: {error}")
                print(problems[-1], flush=True)
                continue
            found = run.as_dict()
            known = folder / f"{name}.json"
            wrong = list(contradictions(json.loads(known.read_text()), found, level)) if known.exists() else []
            problems += [f"{name}: {words}" for words in wrong]
            said = found["verdict"] or found["summary"]
            print(f"{name}: {said} ({time.monotonic() - start:.0f} s)", *wrong, sep="\n  ", flush=True)
            if chosen.keep:
                keep(run, folder / name, (finding.picture, *FIGURES))
    if chosen.keep:
        (chosen.reference.parent / "study.md").write_text(page(chosen.reference))
    print(f"{time.monotonic() - begun:.0f} s; " + (f"{len(problems)} differences" if problems else "no difference"))
    return 1 if problems else 0


def shorter(spec: Path) -> list[str]:
    """Return what makes a spec short: a few replicas, and of each swept field the first, the middle and the last value.

    Args:
        spec: The file.
    """
    whole, changes = thermo_cli.load_spec(spec), []
    if whole.ensemble.crossed is None:
        pairs = whole.ensemble.controls.same_bath
        pairs = SHORT_REPLICAS if pairs is None else min(pairs, SHORT_REPLICAS)
        changes = [f"ensemble.replicas={SHORT_REPLICAS}", f"ensemble.controls={{same_bath: {pairs}, twin: 0}}"]
    if whole.sweep:
        changes.append(f"sweep={json.dumps({field: some(values) for field, values in whole.sweep.items()})}")
    return changes


def some(values: Sequence[Any]) -> list[Any]:
    """Return the first, the middle and the last of some values.

    Args:
        values: In order.
    """
    last = len(values) - 1
    return [
        values[place] for place in sorted({round(part * last / (SHORT_POINTS - 1)) for part in range(SHORT_POINTS)})
    ]


def keep(run: thermo_cli.Run, place: Path, pictures: Sequence[str]) -> None:
    """Put verdict.json, the report in Markdown and a figure of a run into the reference.

    Args:
        run: Of a spec.
        place: Folder of the claim, and name of the spec.
        pictures: Names of charts; the first that there is is kept.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    Path(f"{place}.json").write_text(json.dumps(_rounded(run.as_dict()), ensure_ascii=False) + "\n")
    report = Path(sys.executable).parent / "thermo-report"
    with tempfile.TemporaryDirectory() as drawn:
        command = [report, run.folder.path, "--format", "markdown", "--output", f"{place}.md", "--figures", drawn]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        _forget_place(Path(f"{place}.md"), run.folder.path.parent)
        drawings = [Path(drawn) / f"{name}.svg" for name in pictures]
        shutil.copy(next(path for path in drawings if path.exists()), f"{place}.svg")


def _forget_place(page: Path, results: Path) -> None:
    """Have the commands of a report say `results/`, not where the runs of this machine lie."""
    text = page.read_text().replace(f" --results {results}", "")
    page.write_text(text.replace(f"{results}/", f"{RESULTS.name}/"))


def _rounded(value: Any) -> Any:
    """Shorten numbers, so that files are small and no last digit of a processor stands in them."""
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
