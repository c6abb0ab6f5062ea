"""The report as GitHub-flavoured Markdown: a CI step summary, or a comment on a pull request.

What users name is hostile text here: in code spans it means nothing, in sentences what Markdown would read is escaped, and
mentions, references, emoji and links are broken by a joiner that nobody sees.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from thermo_cli.characters import visible
from thermo_cli.reports.composition import document_of
from thermo_cli.reports.document import Blocks, Bullets, Details, Document, Figures, Head, Listing, Section, Sentence
from thermo_cli.reports.numerals import sparkline
from thermo_cli.reports.sweep_view import View
from thermo_cli.reports.text_table import ColumnHead, TableLine, TextTable
from thermo_cli.reports.tones import tone
from thermo_cli.reports.view import Curve

MOST_BYTES: Final = 900_000  # a step summary holds 1 MiB, and others write to it too
MOST_SPEC: Final = 100_000  # characters of a listing
MARKS: Final = {
    "good": "✅",
    "cold": "🔷",
    "warm": "🟡",
    "open": "❔",
    "odd": "🟣",
    "bad": "❌",
    "none": "▫️",
}  # by tone
FOLD, UNFOLD = "<details>", "</details>"
_SPECIAL: Final = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")  # an underscore inside a word is none
_START: Final = re.compile(r"^(?=[+-]\s|#|>|[=-]+\s*$|\d+[.)]\s)")  # of a heading, a list, a quotation, a rule
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069]+")
_JOINER: Final = "\u2060"


def text(views: Sequence[View]) -> str:
    """Write runs and sweeps as Markdown, at most 900 kB of it."""
    lines = [line for view in views for line in _lines(document_of(view))]
    return limited("\n".join(lines) + "\n", MOST_BYTES)


def limited(markdown: str, most: int) -> str:
    """Cut a text that is too long at the end of a paragraph, and say so."""
    encoded = markdown.encode()
    if len(encoded) <= most:
        return markdown
    note = f"\n\n{UNFOLD}\n\n> The rest is left out here: it is in the HTML report.\n"
    kept = encoded[: most - len(note)].decode(errors="ignore")
    kept = kept[: kept.rfind("\n\n")]
    folded = kept.count(f"\n{FOLD}") > kept.count(f"\n{UNFOLD}\n")
    return kept + (note if folded else note.replace(f"{UNFOLD}\n\n", ""))


def plain(sentence: str) -> str:
    """Write a sentence so that no part of it is markup, a mention, a reference or a link.

    Args:
        sentence: Text with names of the user's in it.
    """
    words = _CONTROL.sub(" ", sentence).strip()
    words = re.sub(r"[@#:](?=[\w/+-])|\bwww(?=\.)", lambda place: place.group() + _JOINER, words)
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return _START.sub(_JOINER, _SPECIAL.sub(lambda place: "\\" + place.group(), words))


def code(name: str) -> str:
    """Write a name as a code span, which holds whatever it is.

    Args:
        name: A name of the user's.
    """
    word = _CONTROL.sub(" ", name).strip() or " "
    fence = _fence(word, 1)
    pad = " " if word.startswith("`") or word.endswith("`") else ""
    return f"{fence}{pad}{word}{pad}{fence}"


def _fence(text: str, least: int) -> str:
    """Return a fence of backticks that is longer than any in a text."""
    return "`" * max(least, max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)


def _lines(document: Document) -> Iterator[str]:
    yield from _head(document.head)
    for section in document.sections:
        yield from _section(section)


def _head(head: Head) -> Iterator[str]:
    facts = [f"**{plain(head.beside)}**"] if head.beside else []
    facts += [f"**{value} {name}**" if alarm else f"{value} {name}" for value, name, alarm in head.facts]
    answer, mood = head.gate or ("", "")
    questions = [
        f"- {MARKS[one.tone]} {one.asked or f'{one.name}:'} **{one.answer}**{f' ({one.aside})' if one.aside else ''}"
        for one in head.questions
    ]
    paragraphs = [
        f"## {MARKS[tone(head.verdict)]} {head.word} · {code(head.title)}",
        " · ".join(facts),
        head.lead and f"**{plain(head.lead)}**",
        plain(head.compared),
        head.scope and f"Scope: {plain(head.scope)}.",
        answer and f"{MARKS[mood]} {plain(answer)}",
        plain(head.description),
        "\n".join(questions),
    ]
    for paragraph in filter(None, paragraphs):
        yield from (paragraph, "")


def _section(section: Section) -> Iterator[str]:
    body = list(_blocks(section.blocks))
    if body or section.intro:
        yield from (f"### {plain(section.title)}", "")
    if section.intro:
        yield from (plain(section.intro), "")
    yield from body


def _blocks(blocks: Blocks) -> Iterator[str]:
    """Write blocks, each with an empty line behind it."""
    for block in blocks:
        match block:
            case Sentence():
                yield from (plain(block.text), "")
            case Bullets() if block.lines:
                yield from (*(f"- {plain(line)}" for line in block.lines), "")
            case TextTable():
                yield from _table(block)
            case Figures() if block.instead is not None:
                yield from _table(block.instead)
            case Listing():
                yield from (*_listing(block), "")
            case Details():
                summary = f"{plain(block.summary)}: {plain(block.more)}"
                yield from (f"{FOLD}<summary>{summary}</summary>", "", *_blocks(block.blocks), UNFOLD, "")


def _listing(listing: Listing) -> tuple[str, ...]:
    content = visible(listing.text)
    if len(content) > MOST_SPEC:
        content = content[:MOST_SPEC] + "\n# ... the rest is in resolved.yaml"
    fence = _fence(content, 3)
    return f"{fence}{listing.language}", content.rstrip(), fence


def _table(block: TextTable) -> Iterator[str]:
    lines = block.lines[: block.key]
    said = any(line.said for line in lines)
    heads = [code(column.text) if column.own else plain(column.text) for column in block.columns]
    rows = (
        (
            *(_cell(cell, column, line) for cell, column in zip(line.cells, block.columns, strict=True)),
            *([plain(line.said)] if said else []),
        )
        for line in lines
    )
    if lines:
        yield from (plain(block.caption), "", *table([*heads, "why"] if said else heads, rows), "")
    if len(lines) < len(block.lines):
        yield from (f"{len(block.lines) - len(lines)} more are in the HTML report.", "")


def _cell(cell: str | Curve, column: ColumnHead, line: TableLine) -> str:
    if isinstance(cell, Curve):
        return f"`{sparkline(cell.means)}`" if cell.means else ""
    if column.kind == "outcome":
        return f"{MARKS[line.tone or tone(cell)]} {plain(cell)}"
    return code(cell) if column.kind == "name" and cell else plain(cell)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Write a table, line by line.

    Args:
        heads: Cells of its head, Markdown.
        rows: Cells of its body.
    """
    return [_line(heads), _line(["---"] * len(heads)), *(_line(row) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in cells) + " |"  # in code spans too
