"""All benchmarks by one command, on one page: results/benchmarks.md.

    python -m tests.benchmarks [NAME ...]

Each prints its table; a section of the page is written anew when its benchmark has come to an end, so that they can be run one
by one. The machine should do nothing else meanwhile.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from thermo_cli.rounding import capability, processor

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "results" / "benchmarks.md"
SCRIPTS: Final = (
    "commands",
    "quickstart",
    "throughput",
    "deep",
    "fits",
    "sweep",
    "microstates",
    "judging",
    "report",
    "large_data",
)
INTRODUCTION: Final = """\
# How fast it is

Written by `python -m tests.benchmarks`, a section for each script of tests/benchmarks. Ratios are of the same round, peers run
in the same process count; medians, with ranges where a number is measured more than once.
"""


def main() -> int:
    """Run the benchmarks that are named, or all, and write what they print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SCRIPTS)}")
    chosen = parser.parse_args().names or SCRIPTS
    unknown = [name for name in chosen if name not in SCRIPTS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}")
    for name in chosen:
        script = [sys.executable, str(ROOT / "tests" / "benchmarks" / f"{name}.py")]
        done = subprocess.run(script, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            return done.returncode
        sections = {**_sections(), name: _section(name, done.stdout)}
        PAGE.write_text("\n".join([INTRODUCTION, *(sections[each] for each in SCRIPTS if each in sections)]))
        print(sections[name], flush=True)
    return 0


def _sections() -> dict[str, str]:
    """Return the sections of the page, by the name of their benchmark."""
    text = PAGE.read_text() if PAGE.exists() else ""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {part.split()[1]: part for part in parts}


def _section(name: str, printed: str) -> str:
    """Return a section of the page: what was run where, and what it printed."""
    return f"## {name}\n\n`python tests/benchmarks/{name}.py`; {processor()}, {capability()}\n\n{printed.strip()}\n"


if __name__ == "__main__":
    sys.exit(main())
