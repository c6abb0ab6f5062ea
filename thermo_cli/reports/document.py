"""What a report says, said once: a head, then sections of blocks; each format draws the same document in its own way.

A document knows no format: no markup, no widths, no colours but the names of tones. What a format cannot draw it leaves out
(figures, where there is only text: `instead` stands in their place), and what has no room (columns that are `wide`, lines
behind `key`).
"""

from dataclasses import dataclass

from thermo_cli.reports.text_table import ShortAnswer, TextTable


@dataclass(frozen=True)
class Head:
    """What is read first.

    Attributes:
        title: The run's name with its hash.
        word: The answer.
        verdict: The verdict that gives it its tone.
        beside: What stands beside it, smaller.
        facts: Counts and states: how many, of what, and whether that is alarming.
        lead: The reason in one sentence.
        compared: How it compares with others; empty where it was not compared.
        scope: For what it holds.
        description: What the experiment is for.
        gate: What was asked of it and the answer, with its tone; None where nothing was.
        questions: In short, what was asked and what the answers are.
    """

    title: str
    word: str
    verdict: str
    beside: str = ""
    facts: tuple[tuple[str, str, bool], ...] = ()
    lead: str = ""
    compared: str = ""
    scope: str = ""
    description: str = ""
    gate: tuple[str, str] | None = None
    questions: tuple[ShortAnswer, ...] = ()


@dataclass(frozen=True)
class Sentence:
    """A sentence."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """Sentences one below the other, or nothing; `alarm` where they warn."""

    lines: tuple[str, ...]
    alarm: bool = False


@dataclass(frozen=True)
class Figures:
    """Where the charts of a group stand.

    Attributes:
        group: Section of the charts.
        title: Above them.
        absent: Why there is none.
        lacking: Why some are missing.
        instead: A table that says the same where nothing can be drawn.
    """

    group: str
    title: str = ""
    absent: str = ""
    lacking: tuple[str, ...] = ()
    instead: TextTable | None = None


@dataclass(frozen=True)
class Listing:
    """Text to be copied as it is, with its language (`sh`, `yaml`, or none)."""

    label: str
    text: str
    language: str = ""


@dataclass(frozen=True)
class Details:
    """Blocks that are folded away at first."""

    summary: str
    more: str
    blocks: "Blocks"
    verdict: str = ""


Blocks = tuple[Sentence | Bullets | TextTable | Figures | Listing | Details, ...]


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        key: By which it is found.
        title: Above it.
        blocks: What it says.
        intro: Before them.
        first: Whether a short report has it too.
        brief: What it has there instead of the blocks.
    """

    key: str
    title: str
    blocks: Blocks
    intro: str = ""
    first: bool = False
    brief: Blocks = ()


@dataclass(frozen=True)
class Document:
    """A report."""

    head: Head
    sections: tuple[Section, ...]


def document(head: Head, *sections: Section) -> Document:
    """Return a report without the sections that have nothing in them: no line, no row."""
    return Document(head, tuple(section for section in sections if section.intro or any(map(_content, section.blocks))))


def _content(block: object) -> bool:
    if isinstance(block, Bullets | TextTable):
        return bool(block.lines)
    return bool(block.text) if isinstance(block, Listing) else True


def absent(what: str, reason: str) -> str:
    """Say why there is none of something."""
    return f"No {what}: {reason}."
