"""A comparison of several in every format: ranks in words, pairs by number, the chart and its words, hostile names as text."""

import dataclasses
import html
import json
import re

import pytest
import vl_convert
from junitparser import JUnitXml

from tests.reports import synthetic
from thermo_cli.judging.record import Gate
from thermo_cli.reports.charts import charts
from thermo_cli.reports.charts.differences import MOST
from thermo_cli.reports.composition import document_of
from thermo_cli.reports.figures import still
from thermo_cli.reports.formats import FORMATS, rendered
from thermo_cli.reports.lineup import listed, ranked

PEOPLE = ("terminal", "markdown", "html")


def plain(text: str) -> str:
    """Words on one line."""
    return re.sub(r"[\s│\u2060]+", " ", html.unescape(text).replace("\\", ""))


@pytest.mark.parametrize("format", PEOPLE)
def test_the_first_sentence_says_who_ranks_where(format: str) -> None:
    """Neighbours 0.8 margins apart are equivalent, the others not: a chain of ranks, the best first."""
    text = plain(rendered(format, [synthetic.comparison_view()]))
    assert "Rank 1-2: run-2; rank 1-3: run-1; rank 2-3: run-0." in text
    assert text.index("Ranking") < text.index("Every pair") < text.index("What differs")
    for words in ("a note", "1 differs from 2 in lr: 1 (2: 2)", "1 - 3"):
        assert words in text, words


def test_a_lineup_is_made_once_for_each_view() -> None:
    """All sections and charts read the same one, whose order is counted once; a view that is changed has its own."""
    view, sweep = synthetic.comparison_view(), synthetic.ranked_sweep()
    assert view.lineups is view.lineups
    assert sweep.lineup is sweep.lineup
    assert dataclasses.replace(sweep, standings=None).lineup is None


def test_a_collapse_is_in_the_first_sentence() -> None:
    """Of whom, and how many; nothing of it where it decided nothing."""
    assert "of run-0 2 of 32 collapsed" in document_of(synthetic.comparison_view(2, collapsed=True)).head.lead
    assert "collapsed" not in document_of(synthetic.comparison_view(2)).head.lead


def test_the_word_of_the_whole() -> None:
    """Equivalent where all pairs are, ranked where one is ahead, undecided where nothing is shown."""
    assert document_of(synthetic.comparison_view(2)).head.word == "equivalent"
    assert document_of(synthetic.comparison_view(3)).head.word == "ranked"
    head = document_of(synthetic.comparison_view(2, collapsed=True)).head
    assert head.word == "undecided"
    assert head.lead.startswith(
        "None is shown to be ahead of another: both share rank 1-2, 0 of 1 pairs are equivalent"
    )
    assert ("1", "undecided", True) in head.facts


def test_the_chart_draws_every_difference_over_its_margin() -> None:
    """Estimate and interval in margins, what gates first, its words for who cannot see it."""
    chart = charts(synthetic.comparison_view())["differences"]
    rows = chart.data["rows"]
    assert [row["gates"] for row in rows] == [True] * 3 + [False] * 3
    assert [round(row["at"], 1) for row in rows[:3]] == [0.8, 1.6, 0.8]
    assert all(row["low"] < row["at"] < row["high"] for row in rows)
    assert [row["outcome"] for row in rows[:3]] == ["equivalent", "better", "equivalent"]
    for row in rows:
        assert row["name"] in chart.words
    assert "<svg" in vl_convert.vegalite_to_svg(json.dumps(still(chart)))


def test_what_lies_far_off_is_an_arrow() -> None:
    """Seven runs in a row: the ends lie beyond the axis."""
    rows = charts(synthetic.comparison_view(8))["differences"].data["rows"]
    assert any(row["right"] is not None and row["at"] is None for row in rows)
    assert all(abs(row["low"]) <= 5 and abs(row["high"]) <= 5 for row in rows)


def test_many_points_stay_readable() -> None:
    """Sixteen points, 120 pairs: the chart and the terminal have some, and say of how many."""
    view = synthetic.ranked_sweep(16)
    chart = charts(view)["differences"]
    assert len(chart.data["rows"]) == MOST
    assert f"{MOST} of 240 are drawn" in chart.caption
    text = rendered("terminal", [view])
    assert "72 more are in the HTML report" in text
    assert len(rendered("html", [view])) < 2_500_000


@pytest.mark.parametrize("format", PEOPLE)
def test_points_are_ranked_by_short_names_and_the_rest_says_why_not(format: str) -> None:
    """The last key of the field names a point; a point that cannot be judged is not compared, with the reason."""
    text = plain(rendered(format, [synthetic.ranked_sweep()]))
    assert "Rank 1-2: lr=0.003" in text
    assert "not compared: " in text
    assert "every replica failed" in text


@pytest.mark.parametrize("format", FORMATS)
def test_hostile_names_are_text(format: str) -> None:
    """In every format, whatever runs are called."""
    view = synthetic.comparison_view(3, synthetic.hostile)
    text = rendered(format, [view])
    assert "<script>alert" not in text or format in ("terminal", "markdown", "csv", "json")
    assert "\x1b[31mred" not in text
    if format == "junit":
        JUnitXml.fromstring(text.encode())
    if format == "markdown":
        for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    if format == "json":
        assert len(json.loads(text)) == 3


def test_the_answer_of_the_gate_stands_in_the_head() -> None:
    """Once for all runs."""
    gate = Gate(("equivalent",), 1, "gate not met by 2 of 3 runs: required equivalent")
    view = dataclasses.replace(synthetic.comparison_view(), gate=gate)
    assert document_of(view).head.gate == ("Gate not met by 2 of 3 runs: required equivalent", "bad")
    assert "not met by 2 of 3" in plain(rendered("terminal", [view]))


def test_ranks_and_lists_in_words() -> None:
    """One place, a range, none; the first few of many."""
    assert [ranked(rank) for rank in ((2, 2), (1, 3), None)] == ["2", "1-3", "-"]
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    assert listed([]) == ""
