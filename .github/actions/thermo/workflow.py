"""What GitHub reads from a step: workflow commands in its log, outputs, and the summary; all text in it may be hostile."""

import os
import re
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SHOWN: Final = 10  # GitHub shows so many annotations of each kind per step and drops the others
SUMMARY_BYTES: Final = 900_000  # GitHub refuses a summary of more than 1 MiB as a whole
MESSAGE_CHARACTERS: Final = 4_000
TITLE_CHARACTERS: Final = 200

_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING: Final = re.compile(r"#{1,6} ")


@dataclass(frozen=True)
class Annotation:
    """A message beside the job and, with a file, beside its line.

    Attributes:
        kind: `notice`, `warning` or `error`.
        title: A few words.
        message: One or more lines.
        place: `file`, `line` and `col`, as far as they are known.
    """

    kind: str
    title: str
    message: str
    place: Mapping[str, str] = field(default_factory=dict)

    def command(self) -> str:
        """Return the workflow command, one line whatever the texts hold."""
        properties = {**self.place, "title": _shortened(self.title, TITLE_CHARACTERS)}
        written = ",".join(f"{name}={escape_property(value)}" for name, value in properties.items())
        return f"::{self.kind} {written}::{escape_message(_shortened(self.message, MESSAGE_CHARACTERS))}"


def escape_message(text: str) -> str:
    """Escape the message of a workflow command.

    Args:
        text: Any text.
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Escape the value of a property of a workflow command.

    Args:
        text: Any text.
    """
    return escape_message(text).replace(":", "%3A").replace(",", "%2C")


def within_limit(annotations: Iterable[Annotation]) -> list[Annotation]:
    """Keep as many of each kind as are shown; the last of them then says how many are not.

    Args:
        annotations: The most important ones first.
    """
    kinds: dict[str, list[Annotation]] = {}
    for one in annotations:
        kinds.setdefault(one.kind, []).append(one)
    for kind, several in kinds.items():
        more = len(several) - (SHOWN - 1)
        if more > 1:
            several[SHOWN - 1 :] = [Annotation(kind, f"thermo: {more} more", "The report has all of them.")]
    return [one for several in kinds.values() for one in several]


@contextmanager
def quoted(title: str) -> Iterator[None]:
    """Group what is written meanwhile under a title, and let no line of it be a workflow command.

    Args:
        title: Of the group, trusted.
    """
    token = secrets.token_hex(16)
    _say(f"::group::{title}", f"::stop-commands::{token}")
    try:
        yield
    finally:
        _say("", f"::{token}::", "::endgroup::")  # an empty line first: the text may have ended within one


def annotate(annotations: Iterable[Annotation]) -> None:
    """Write annotations into the log.

    Args:
        annotations: The most important ones first.
    """
    _say(*(one.command() for one in within_limit(annotations)))


def write_outputs(values: Mapping[str, str]) -> None:
    """Set outputs of this step; no value can end early or set another one.

    Args:
        values: Output to its value.
    """
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8", newline="\n") as file:
        for name, value in values.items():
            delimiter = f"end-{secrets.token_hex(16)}"
            file.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


def append_summary(markdown: str) -> None:
    """Append a report to the summary of this step, as much of it as fits.

    Args:
        markdown: The report.
    """
    path = Path(os.environ["GITHUB_STEP_SUMMARY"])
    used = path.stat().st_size if path.exists() else 0
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(shortened_report(markdown, SUMMARY_BYTES - used))


def shortened_report(markdown: str, limit: int) -> str:
    """Cut a report before a section, or before a line where that keeps more than twice as much, and say so.

    Args:
        markdown: The report.
        limit: Bytes of UTF-8 that it may have.
    """
    markdown = markdown.encode("utf-8", errors="replace").decode("utf-8")
    whole = len(markdown.encode("utf-8"))
    if whole <= limit:
        return markdown
    note = f"\n> The report has {whole:,} bytes and is cut here; the artifact has all of it.\n"
    lines = markdown.splitlines(keepends=True)
    cuts = [cut for cut in _cuts(lines) if cut.size + len(cut.closing) <= limit - len(note)]
    best = max(cuts, key=lambda cut: cut.lines)
    section = max((cut for cut in cuts if cut.section), key=lambda cut: cut.lines, default=best)
    if 2 * section.size >= best.size:
        best = section
    return "".join(lines[: best.lines]) + best.closing + note


@dataclass(frozen=True)
class _Cut:
    """A place where a report can end.

    Attributes:
        lines: So many are before it.
        size: And so many bytes.
        closing: What closes the fence and the folded sections that are open here.
        section: Whether a section ends here.
    """

    lines: int
    size: int
    closing: str
    section: bool


def _cuts(lines: Sequence[str]) -> Iterator[_Cut]:
    """Go through the places between the lines of a report."""
    size, fence, folded = 0, "", 0
    for number, line in enumerate(lines):
        closing = (f"\n{fence}\n" if fence else "") + "\n</details>\n" * folded
        yield _Cut(number, size, closing, not closing and _HEADING.match(line) is not None)
        size += len(line.encode("utf-8"))
        met = _FENCE.match(line)
        if fence:
            fence = "" if met and met[1].startswith(fence) and line.strip() == met[1] else fence
        elif met:
            fence = met[1]
        else:
            folded = max(folded + line.count("<details") - line.count("</details"), 0)


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _say(*lines: str) -> None:
    sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.flush()
