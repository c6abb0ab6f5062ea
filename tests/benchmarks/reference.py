"""Make the pictures and the verdict that the README shows: run the quickstart, keep its report in results/reference/."""

import argparse
import dataclasses
import json
import re
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright
from rich.console import Console

from thermo_cli.reports.formats import rendered
from thermo_cli.reports.terminal import render
from thermo_cli.reports.typed import Typed
from thermo_cli.runs.views import view
from thermo_cli.study import execute

CHROMIUM = "/usr/bin/chromium"
ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> None:
    """Train, draw, write quickstart.svg, quickstart.json and the top of the page in both themes as PNG."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "reference")
    output: Path = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = execute(ROOT / "experiments" / "quickstart.yaml", results=Path(folder), workers=2)
        console = Console(record=True, width=80, markup=False, highlight=False, emoji=False, quiet=False)
        typed = Typed("thermo-run experiments/quickstart.yaml", f"thermo-report results/{run.folder.name}")
        shown = dataclasses.replace(view(run.judged), typed=typed)  # as the README's reader types it
        console.print(render(shown))
        page = Path(folder) / "report.html"
        page.write_text(rendered("html", [shown]))
        for scheme in ("light", "dark"):
            picture(page, scheme, output / f"quickstart-{scheme}.png")
        svg = console.export_svg(title="thermo-run experiments/quickstart.yaml")
        content = run.as_dict()
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # no font is fetched: any monospace one will do
    svg = "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"
    (output / "quickstart.svg").write_text(svg)
    (output / "quickstart.json").write_text(json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def picture(page: Path, scheme: Literal["light", "dark"], target: Path) -> None:
    """Take a picture of the top of a page, as far down as the first chart, in Debian's chromium.

    Args:
        page: The HTML file.
        scheme: Of its colours.
        target: The PNG file.
    """
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 1280, "height": 1180}, color_scheme=scheme)
        shown.goto(page.as_uri())
        shown.wait_for_selector("#plot-plane[data-state=drawn]")
        shown.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    main()
