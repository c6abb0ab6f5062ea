"""Make the picture and the verdict that the README shows: run the quickstart, keep its report in results/reference/."""

import argparse
import json
import re
import tempfile
from pathlib import Path

from rich.console import Console

from thermo_cli.judging import run_view
from thermo_cli.reports.terminal import render
from thermo_cli.study import execute

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> None:
    """Train, draw, write quickstart.svg and quickstart.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "reference")
    output: Path = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = execute(ROOT / "experiments" / "quickstart.yaml", results=Path(folder), workers=2)
        console = Console(record=True, width=80, markup=False, highlight=False, emoji=False, quiet=False)
        console.print(render(run_view(run)))
        svg = console.export_svg(title="thermo-run experiments/quickstart.yaml")
        content = run.as_dict()
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # no font is fetched: any monospace one will do
    svg = "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"
    (output / "quickstart.svg").write_text(svg)
    (output / "quickstart.json").write_text(json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
