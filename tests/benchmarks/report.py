"""What the HTML report costs: its size, the time to write it, and when a browser first shows it and has drawn all in sight.

    python tests/benchmarks/report.py [ROUNDS]

Each page is written by a fresh process, from a view in memory to a file, what it imports included. Debian's chromium, headless,
opens the file from disk, each time in a new context; first paint is what the browser itself reports.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPLICAS = (64, 1024)
WRITE = """\
import sys, time
from pathlib import Path
from tests.reports.synthetic import run_view, trajectories
view = run_view(trajectories(int(sys.argv[1]), 200, 10))
begun = time.perf_counter()
from thermo_cli.reports.html import text
Path(sys.argv[2]).write_text(text([view]), encoding="utf-8")
print(time.perf_counter() - begun)
"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')"
DRAWN = """() => [...document.querySelectorAll('.plot')].filter((plot) => plot.getBoundingClientRect().top < innerHeight)
  .every((plot) => plot.dataset.state === 'drawn')"""


def written(replicas: int, path: Path) -> float:
    """Write a page in a fresh process and return the seconds."""
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(replicas), str(path)], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def opened(browser: Any, path: Path) -> tuple[float, float]:
    """Open a page and return the seconds to its first paint and until the charts in sight are drawn."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    begun = time.perf_counter()
    page.goto(path.as_uri(), wait_until="commit")
    while not page.evaluate("document.readyState === 'complete'") or not page.evaluate(DRAWN):
        time.sleep(0.01)
    drawn = time.perf_counter() - begun
    page.wait_for_function(f"{PAINTED}.length > 0")  # the entry may come after the drawing
    paint = page.evaluate(f"{PAINTED}[0].startTime")
    context.close()
    return paint / 1000, drawn


def main() -> None:
    """Print the table."""
    from playwright.sync_api import sync_playwright

    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print("| report, 200 times x 10 observables | size, MB | written in, s | first paint, s | drawn in sight, s |")
    print("| --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for replicas in REPLICAS:
            path = Path(folder, f"{replicas}.html")
            times = [written(replicas, path) for _ in range(rounds)]
            paints, drawn = zip(*(opened(browser, path) for _ in range(rounds)), strict=True)
            cells = (f"{statistics.median(one):.2f} ({min(one):.2f}-{max(one):.2f})" for one in (times, paints, drawn))
            print(
                f"| {replicas:,} replicas | {path.stat().st_size / 1e6:.2f} | " + " | ".join(cells) + " |", flush=True
            )
        print(f"\nchromium {browser.version}, headless; {rounds} rounds.")
        browser.close()


if __name__ == "__main__":
    main()
