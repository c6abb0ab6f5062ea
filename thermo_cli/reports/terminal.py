"""The report on a terminal: rich renderables that read well at 80 columns and without colour."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from thermo_cli.characters import visible
from thermo_cli.contracts import Verdict
from thermo_cli.reports.composition import document_of
from thermo_cli.reports.document import Blocks, Bullets, Details, Figures, Head, Listing, Section, Sentence
from thermo_cli.reports.numerals import sparkline
from thermo_cli.reports.sweep_view import View, reported
from thermo_cli.reports.text_table import ColumnHead, TableLine, TextTable
from thermo_cli.reports.tones import tone
from thermo_cli.reports.verdict_document import verdict_document
from thermo_cli.reports.view import Curve, Unjudged

STYLES: Final = {
    "good": "green",
    "cold": "cyan",
    "warm": "yellow",
    "open": "yellow",
    "odd": "magenta",
    "bad": "red",
    "none": "bright_black",
}
ROOM: Final = 80  # characters; columns that need more stand closer
EXPLAINED: Final = ("bad", "open", "warm", "cold")  # outcomes that are explained below their table


def text(views: Sequence[View], details: bool = False) -> str:
    """Draw runs and sweeps for this terminal.

    Args:
        details: Whether every row and table is printed.
    """
    return "\n".join(drawn(render(view, details)) for view in views)


def box(verdict: Verdict) -> str:
    """Draw a verdict alone: the answer, a line for each question, what to do next; the same wherever it is printed."""
    document = verdict_document(verdict)
    parts: list[RenderableType] = [_head(document.head), _questions(document.head)]
    for section in document.sections:
        parts += _section(section, section.blocks)
    console = Console(width=ROOM, color_system=None, force_jupyter=False, markup=False, highlight=False, emoji=False)
    with console.capture() as capture:
        console.print(Group(*parts), crop=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def drawn(renderable: RenderableType) -> str:
    """Draw a rich renderable as text for this terminal; no markup is read from text."""
    console = Console(markup=False, highlight=False, emoji=False)
    with console.capture() as capture:
        console.print(renderable, crop=False)  # what is longer than a line is there to be copied
    return capture.get()


def render(view: View, details: bool = False) -> Group:
    """Draw a run or a sweep: the answer, what to do next and where the rest is; or everything.

    Args:
        details: Whether every row and table is printed.
    """
    document = document_of(view)
    parts: list[RenderableType] = [_head(document.head)]
    if any(question.asked for question in document.head.questions):
        parts.append(_questions(document.head))
    for section in document.sections:
        if details or section.first:
            parts += _section(section, section.blocks if details else section.brief or section.blocks)
    if not details and not isinstance(view, Unjudged):
        rest = {"Every row and table": "--details", "With charts": "--format html"}
        parts += [Text(), *(_typed(f"{what}: {reported(view)} {how}", "dim") for what, how in rest.items())]
    return Group(*parts, Text())


def _text(words: str, style: str = "") -> Text:
    return Text(visible(words), style)


def _head(head: Head) -> Panel:
    colour = STYLES[tone(head.verdict)]
    words = _text(head.word.upper(), f"bold {colour}")
    if head.beside:
        words.append(visible(f"   {head.beside}"))
    for place, (value, name, alarm) in enumerate(head.facts):
        words.append(visible(f"{', ' if place else '   '}{value} {name}"), "red" if alarm else "")
    scope = head.scope and f"Scope: {head.scope}."
    answer, mood = head.gate or ("", "none")
    for line, style in ((head.lead, ""), (head.compared, ""), (scope, "dim"), (answer and f"{answer}.", STYLES[mood])):
        if line:
            words.append(visible(f"\n\n{line}"), style)
    return Panel(words, title=_text(head.title), title_align="left", border_style=colour)


def _questions(head: Head) -> Table:
    """Answer each question in a line."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for question in head.questions:
        aside = f" ({question.aside})" if question.aside else ""
        table.add_row(question.name, question.asked, Text(question.answer + aside, STYLES[question.tone]))
    return table


def _typed(words: str, style: str = "") -> Text:
    """Return a line that is not broken, for what is copied of two lines is two commands."""
    return Text(visible(words), style, no_wrap=True, overflow="ignore")


def _section(section: Section, blocks: Blocks) -> Iterator[RenderableType]:
    body = list(_blocks(blocks))
    if body or section.intro:
        yield Padding(_text(section.title, "bold"), (1, 0, 0, 0))
    if section.intro:
        yield _text(section.intro, "dim")
    yield from body


def _blocks(blocks: Blocks) -> Iterator[RenderableType]:
    for block in blocks:
        match block:
            case Sentence():
                yield _indented(block.text)
            case Bullets():
                yield from (_indented(line, "yellow" if block.alarm else "") for line in block.lines)
            case TextTable():
                yield from _table(block)
            case Figures():
                yield from _table(block.instead) if block.instead is not None else ()
            case Listing(language="sh"):
                yield from (_typed(f"    {line}", "bold") for line in block.text.splitlines())
            case Listing():
                yield _indented(block.text)
            case Details():  # without what is a file in the run's folder
                body = list(_blocks(tuple(part for part in block.blocks if not _filed(part))))
                if body:
                    yield Padding(_text(f"{block.summary}  {block.more}", STYLES[tone(block.verdict)]), (1, 0, 0, 0))
                yield from body


def _filed(block: object) -> bool:
    return isinstance(block, Listing) and block.language != "sh"


def _indented(words: str, style: str = "") -> Padding:
    return Padding(_text(words, style), (0, 0, 0, 2))


def _table(table: TextTable) -> Iterator[RenderableType]:
    """Draw a table, then explain the outcomes that need it."""
    lines = table.lines[: table.key]
    if not lines:
        return
    columns = [table.columns[place] for place in table.narrow]
    rows = [[_cell(line.cells[place], table.columns[place]) for place in table.narrow] for line in lines]
    heads = [column.text if column.narrow is None else column.narrow for column in columns]
    widths = [max(map(len, cells)) for cells in zip(heads, *rows, strict=True)]
    sheet = Table(box=None, padding=(0, 2 if sum(widths) + 2 * len(widths) <= ROOM else 1, 0, 0))
    for column, head, width in zip(columns, heads, widths, strict=True):
        folds = column.kind in ("words", "name")  # names, which a user chooses, give way where the line is too long
        sheet.add_column(visible(head), no_wrap=not folds, min_width=None if folds else width, overflow="fold")
    for line, row in zip(lines, rows, strict=True):
        styles = [
            _style(cell, line) if column.kind == "outcome" else "" for cell, column in zip(row, columns, strict=True)
        ]
        sheet.add_row(*map(_text, row, styles), style="dim" if line.idle else "")
    yield _text(table.caption, "dim")
    yield sheet
    for line, row in zip(lines, rows, strict=True):
        if line.said and line.tone in EXPLAINED and not line.idle:
            outcome = next(place for place, column in enumerate(columns) if column.kind == "outcome")
            yield _indented(f"{' '.join(filter(None, row[:outcome]))}: {line.said}")
    if len(lines) < len(table.lines):
        yield _indented(f"{len(table.lines) - len(lines)} more are in the HTML report.", "dim")


def _cell(cell: str | Curve, column: ColumnHead) -> str:
    return sparkline(cell.means) if isinstance(cell, Curve) else column.brief(cell)


def _style(cell: str, line: TableLine) -> str:
    return "dim" if line.idle else STYLES[line.tone or tone(cell)]
