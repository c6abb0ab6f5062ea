"""What a report says, said once: a head, then sections of blocks; each format draws the same document in its own way.

A document knows no format: no markup, no widths, no colours but the names of tones. What a format cannot draw it leaves out
(figures, where there is only text: `instead` stands in their place), and what has no room (columns that are `wide`, lines
behind `key`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from thermo_cli.contracts import CriterionName, Outcome
from thermo_cli.equilibrium.criteria import CRITERIA
from thermo_cli.reports.view import Curve

TONES: Final = {
    "thermalized": "good",
    "settled": "good",
    "crystallized": "cold",
    "relaxing": "warm",
    "undecided": "open",
    "glassy": "odd",
    "diverged": "bad",
    "not judged": "none",
    "holds": "good",
    "fails": "bad",
    "untested": "none",
    "inapplicable": "none",
    "equivalent": "good",
    "better": "good",
    "worse": "bad",
}

KINDS: Final = {criterion.name for criterion in CRITERIA if not criterion.macroscopic}  # about what replicas are


@dataclass(frozen=True)
class ShortAnswer:
    """One of the questions that a report answers first, with its answer in a few words."""

    name: str
    asked: str
    answer: str
    tone: str
    aside: str = ""


@dataclass(frozen=True)
class Head:
    """What is read first.

    Attributes:
        title: The run's name with its hash.
        word: The answer.
        beside: What stands beside it, smaller.
        verdict: The verdict that gives it its colour.
        facts: Counts and states: how many, of what, and whether that is alarming.
        lead: The reason in one sentence.
        compared: How it compares with a baseline; empty where it was not compared.
        scope: For what it holds.
        description: What the experiment is for.
        gate: What was asked of it and the answer, with its tone; None where nothing was.
        questions: In short, what was asked and found.
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
    """Sentences one below the other; `alarm` where they warn."""

    lines: tuple[str, ...]
    alarm: bool = False


@dataclass(frozen=True)
class ColumnHead:
    """The head of a column.

    Attributes:
        text: Its name.
        kind: What the cells are: a `name` is the user's, an `outcome` has a tone.
        own: Whether a user chose the column's name.
        wide: Whether the column is left out where a line holds 80 characters.
        brief: What is left of a cell there.
        narrow: What is left of its name there; None for all of it.
    """

    text: str
    kind: Literal["words", "name", "number", "outcome", "curve"] = "words"
    own: bool = False
    wide: bool = False
    brief: Callable[[str], str] = str
    narrow: str | None = None


@dataclass(frozen=True)
class TableLine:
    """A line of a table.

    Attributes:
        cells: One per column; a dash is a number that does not exist.
        tone: Of its outcome; by default that of the word.
        idle: Whether it decides nothing.
        said: What is to be said of it in a sentence.
        group: What is answered by this line and those that follow.
    """

    cells: tuple[str | Curve, ...]
    tone: str = ""
    idle: bool = False
    said: str = ""
    group: ShortAnswer | None = None


@dataclass(frozen=True)
class TextTable:
    """A table; formats without room draw its first `key` lines."""

    caption: str
    columns: tuple[ColumnHead, ...]
    lines: tuple[TableLine, ...]
    key: int | None = None


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
    """A part of a report; `first` where a short report has it too."""

    key: str
    title: str
    blocks: Blocks
    intro: str = ""
    first: bool = False


@dataclass(frozen=True)
class Document:
    """A report."""

    head: Head
    sections: tuple[Section, ...]


def tone(word: str) -> str:
    """Return the name of the colour of a verdict or an outcome.

    Args:
        word: A verdict or an outcome, in brackets where it does not gate.
    """
    return TONES.get(word.strip("()"), "none")


def tone_of(criterion: CriterionName, outcome: Outcome, gates: bool) -> str:
    """Return the name of the colour of a criterion's outcome: one model is no failure, what decides nothing no alarm."""
    if outcome == "fails" and criterion in KINDS:
        return "cold"
    return tone(outcome) if gates or outcome == "holds" else "none"


def absent(what: str, reason: str) -> str:
    """Say why there is none of something."""
    return f"No {what}: {reason}."
