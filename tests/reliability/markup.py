"""Markup in every string that comes from users, through the front door: no report in any format takes it for its own."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import numpy as np
from junitparser import JUnitXml

from tests.reliability.bench import beside
from tests.reliability.tally import Tally
from tests.reports.synthetic import HOSTILE

FORMATS: Final = ("html", "markdown", "terminal", "junit", "json", "csv")
STRINGS: Final = [text for text in HOSTILE if text.isprintable() and "/" not in text] + [
    "</td><svg onload=alert(1)>".replace("/", "\N{DIVISION SLASH}"),
    '"><script>alert("x")<\\script>',
    "=cmd|' \\c calc'!A0",
    "javascript:alert(1)",
    "]]><x>",
    "\x1b[31mred\x07",
]
REFUSED: Final = "error: "


class Seen(HTMLParser):
    """Elements of a page and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts, self.tags, self.handlers = 0, set[str](), set[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.scripts += tag == "script"
        self.tags.add(tag)
        self.handlers |= {
            name for name, value in attrs if name.startswith("on") or (value or "").startswith("javascript")
        }


def injected(number: int, folder: Path, generator: np.random.Generator) -> Tally:
    """Files, histories, replicas and observables of runs made elsewhere with such names: judged, and compared, in all formats.

    Args:
        number: Of reports.
        folder: An empty one.
        generator: Draws names.
    """
    tally, plain = Tally(), _page(folder / "plain", "name", generator, "html", True)
    known = Seen(plain)
    for fault in range(number):
        format, both = FORMATS[fault % len(FORMATS)], fault % 2 == 0
        word = STRINGS[fault // 2 % len(STRINGS)]
        text = _page(folder / f"injected-{fault}", word, generator, format, both)
        tally.tried += 1
        if text.startswith(REFUSED):
            tally.named += 1
            format = "terminal"
        wrong = _taken(format, text, word, known)
        if wrong:
            tally.silent.append(f"{word!r} in {format}: {wrong}")
    return tally


def _page(folder: Path, word: str, generator: np.random.Generator, format: str, both: bool) -> str:
    """Write two logs whose every name is a word, and return the report of one, or of both compared, or why there is none."""
    folder.mkdir(parents=True)
    cell = '"' + word.replace('"', '""') + '"'
    names = [f"{word[:40]} {place}.csv" for place in range(2)]
    for name in names:
        rows = [
            f'{cell[:-1]}{replica}",{step},{observable},{generator.normal(1 - 2.0**-step, 0.01)}\n'
            for replica in range(6)
            for step in range(12)
            for observable in ("test_accuracy", cell)
        ]
        (folder / name).write_text("replica,step,observable,value\n" + "".join(rows))
    words = [*(names if both else names[:1]), *(["--compare"] if both else []), "--margin", "test_accuracy=0.02"]
    done = subprocess.run(
        [sys.executable, "-m", "thermo_cli.cli.report", *words, "--format", format, "--details"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": beside(), "NO_COLOR": "1", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode in (0, 2, 4), done.stderr
    return done.stdout if done.returncode != 2 else done.stderr


def _taken(format: str, text: str, word: str, known: Seen) -> str:
    """Say where a report takes a name for its own markup; empty where it does not."""
    if format == "html":
        seen = Seen(text)
        new = (seen.tags - known.tags) | (seen.handlers - known.handlers)
        return f"{sorted(new)}" if new or seen.scripts > known.scripts else ""
    if format == "junit":
        JUnitXml.fromstring(text.encode())
    elif format == "json":
        json.loads(text)
    elif format == "csv":
        return next((line for line in text.splitlines() if line.startswith(("=", "+", "@"))), "")
    elif format == "markdown":
        outside = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        return next((found for found in re.findall(r"<(?:img|script|svg)[^>]*", outside)), "")
    elif re.search(r"[\x00-\x08\x0b-\x1f]", text):
        return "a control character"
    return ""
