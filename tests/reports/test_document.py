"""What a report says is said once: every format draws the words, the tables and the order of one document."""

import dataclasses
import html
import re

import pytest

from tests.reports import made, synthetic
from tests.reports.test_baseline_words import baseline
from thermo_cli.judging.record import Gate
from thermo_cli.reports.composition import document_of
from thermo_cli.reports.document import Blocks, Bullets, Details, Figures, Listing, Sentence
from thermo_cli.reports.formats import FORMATS, rendered
from thermo_cli.reports.sweep_view import View
from thermo_cli.reports.text_table import TextTable
from thermo_cli.reports.tones import tone, tone_of
from thermo_cli.reports.view import Unjudged

VIEWS: dict[str, View] = {
    "full": dataclasses.replace(synthetic.run_view(synthetic.trajectories(24, 60, 6)), partners=(baseline(),)),
    "small": synthetic.run_view(synthetic.trajectories(8, 30, 4), small=True),
    "gated": made.run_view("relaxing", gate=Gate(("settled",), 1, "gate not met: required settled")),
    "sweep": synthetic.sweep_view(2),
    "curve": synthetic.sweep_view(1),
    "compared": synthetic.comparison_view(),
    "ranked": synthetic.ranked_sweep(),
    "unjudged": Unjudged("lost-01234567", "failed", "a shard is damaged", Gate(("settled",), 3, "no verdict")),
}
FULL = ("terminal", "markdown", "html")


def bare(text: str) -> str:
    """Letters, digits and what stands between them, without markup, escapes, frames and folds."""
    words = re.sub(r"<[^>]*>", " ", text) if "<html" in text else text
    return re.sub(r"[\s\\`*|─│╭╮╰╯\u2060]+", "", html.unescape(words))


def told(blocks: Blocks, pictures: bool, room: bool) -> list[str]:
    """All sentences and cells of some blocks, where figures are drawn or not and wide columns have room or not."""
    words: list[str] = []
    for block in blocks:
        match block:
            case Sentence():
                words.append(block.text)
            case Bullets():
                words += block.lines
            case Listing():
                words += block.text.splitlines()
            case Details():
                shown = block.blocks if room else tuple(one for one in block.blocks if not _filed(one))
                words += told(shown, pictures, room)
            case Figures():
                instead = (block.instead,) if block.instead is not None and not pictures else ()
                words += told(instead, pictures, room)
            case TextTable():
                words += cells(block, pictures, room)
    return words


def _filed(block: object) -> bool:
    return isinstance(block, Listing) and block.language != "sh"


def cells(table: TextTable, pictures: bool, room: bool) -> list[str]:
    """Caption, heads and cells of a table; of those behind the key only where pictures are drawn."""
    places = range(len(table.columns)) if room else table.narrow
    lines = table.lines if pictures else table.lines[: table.key]
    words = [table.caption] if lines else []
    for line in lines:
        words += [cell for place in places if isinstance(cell := line.cells[place], str)] if room else []
        words += [line.said] if room else []
    return words


@pytest.mark.parametrize("format", FULL)
@pytest.mark.parametrize("name", VIEWS)
def test_every_format_says_all_of_it(name: str, format: str) -> None:
    """Head, titles in their order, sentences and cells; only figures and what has no room differ."""
    view = VIEWS[name]
    document = document_of(view)
    text = bare(rendered(format, [view], details=True))
    head = document.head
    for word in (head.title, head.word, head.lead, head.compared, head.scope, *(head.gate or ())[:1]):
        assert bare(word).lower() in text.lower(), word
    for value, fact, _ in head.facts:
        assert bare(f"{value} {fact}") in text or bare(f"{fact} {value}") in text
    place = 0
    for section in document.sections:
        words = told(section.blocks, format == "html", format != "terminal")
        if format != "html" and not (words or section.intro):
            continue
        place = text.index(bare(section.title), place)
        for word in (section.intro, *words):
            assert bare(word) in text, word


@pytest.mark.parametrize("name", ["full", "gated", "sweep", "unjudged"])
def test_the_terminal_is_short_unless_every_row_is_asked_for(name: str) -> None:
    """The box, an answer a line, what comes first, where the rest is; nothing else, within 80 columns."""
    view = VIEWS[name]
    document = document_of(view)
    short, long = (rendered("terminal", [view], details=details) for details in (False, True))
    assert document.head.title in short
    for question in document.head.questions:
        if question.asked:
            line = next(line for line in short.splitlines() if line.startswith(question.name))
            assert question.asked in line
            assert question.answer in line
    titles = [line.strip() for line in short.splitlines()]
    for section in document.sections:
        assert (section.title in titles) == section.first, section.title
    if name != "unjudged":
        assert f"thermo-report {document.head.title} --details" in " ".join(short.split())
        assert "--details" not in long
        assert len(short.splitlines()) < len(long.splitlines())
    assert max(map(len, short.splitlines())) <= 80


def test_other_formats_are_whole_without_being_asked() -> None:
    """Asking for every row changes nothing where every row is there anyhow."""
    view = VIEWS["small"]
    for format, writer in FORMATS.items():
        same = rendered(format, [view], details=True) == rendered(format, [view])
        assert same != writer.details, format


def test_a_section_without_content_is_left_out() -> None:
    """No warnings, no partners, no facts: no empty heads."""
    keys = [section.key for section in document_of(VIEWS["small"]).sections]
    assert "warnings" not in keys
    assert "baseline" not in keys
    assert "baseline" in [section.key for section in document_of(VIEWS["full"]).sections]


def test_tones_follow_from_words() -> None:
    """In brackets or not; one model is no failure; what decides nothing is no alarm, but may be good."""
    assert [tone(word) for word in ("settled", "(fails)", "better", "undecided", "not judged")] == [
        "good",
        "bad",
        "good",
        "open",
        "none",
    ]
    assert tone_of("diversity", "fails", True) == "cold"
    assert [tone_of("stationarity", outcome, False) for outcome in ("holds", "fails", "undecided")] == [
        "good",
        "none",
        "none",
    ]
