"""The report as Markdown, rendered by GitHub's own renderer: it reads as meant, whatever things are called."""

import dataclasses
import re
from html.parser import HTMLParser

import cmarkgfm
import numpy as np
import pytest
from cmarkgfm.cmark import Options

from tests.reports.test_terminal import QUESTION, STEPS, ensemble
from thermo_cli.contracts import Trajectories
from thermo_cli.equilibrium.court import judge
from thermo_cli.equilibrium.ensemble import Ensemble, Settings
from thermo_cli.judging.record import Gate
from thermo_cli.reports.markdown import MOST_BYTES, code, limited, plain, table, text
from thermo_cli.reports.view import Reproduction, RunView

HOSTILE = (
    "<script>alert(1)</script>",
    "a|b",
    "`ticks`",
    "**bold**",
    "[link](http://evil)",
    "![i](x)",
    "::error::x",
    "[red]x[/red]",
    "</td></table>",
    "@everyone",
    "#12",
    "http://evil.example",
    "www.evil.example",
    ":tada:",
    "$x$",
    "_a_",
    "\x1b[31m",
    "a\nb",
    "- x",
    "&lt;",
    "~~x~~",
    "1. x",
    "``",
    "\u202eabc",
    "\\",
    "===",
    "# x",
)


class Seen(HTMLParser):
    """Tags and text of rendered HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attributes: object) -> None:
        """Note a tag."""
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.words.append(data)


def rendered(markdown: str) -> Seen:
    """Render as GitHub does; raw HTML comes through, so that what slips past shows."""
    seen = Seen()
    seen.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE))
    return seen


def view(trajectories: Trajectories, title: str = "demo-01234567", **changes: object) -> RunView:
    """Judge and choose what to show."""
    histories = tuple(dict.fromkeys(trajectories.histories))
    verdict = judge(Ensemble(trajectories, dataclasses.replace(QUESTION, histories=histories), Settings()))
    made = Reproduction(("thermo-run spec.yaml",), "name: x\n# ```\n", {"torch": "2"}, "Same bytes.", ("one caution",))
    shown = RunView(title, "What for.", "complete", verdict, trajectories, {"test_accuracy": 0.02}, reproduction=made)
    return dataclasses.replace(shown, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_nothing_but_a_name(name: str) -> None:
    """As a code span and in a sentence, in a paragraph and in a cell, it renders as itself and as no markup."""
    clean = re.sub(r"[\x00-\x1f\x7f\u202e]+", " ", name).strip()
    for written in (plain(name), code(name)):
        seen = rendered("\n".join([written, "", *table((written, "x"), [(written, "y")])]))
        assert set(seen.tags) <= {"p", "code", "table", "thead", "tbody", "tr", "th", "td"}, seen.tags
        assert seen.tags.count("td") == seen.tags.count("th") == 2
        words = "".join(seen.words).replace("\u2060", "")
        assert words.count(clean) == 3


def test_hostile_runs_render_as_tables_of_one_width() -> None:
    """Histories, replicas, observables and the title are hostile; nothing breaks a table or opens a tag."""
    calm = ensemble(0.2, 0.0)
    names = {"cold": HOSTILE[0], "hot": "x | **y** `z`\n::error::"}
    histories = tuple(names[word] for word in calm.histories)
    replicas = tuple(f"{names[one.partition('/')[0]]}/{one.partition('/')[2]}" for one in calm.replicas)
    values = {**calm.values, "test_<img src=x>|": calm.values["energy"]}
    hostile = Trajectories(STEPS, values, replicas, histories, calm.crashed)
    written = text([view(hostile, title="<b>x</b>|`y`", gate=Gate(("settled",), 1, "gate not met: <i>x</i>"))])
    seen = rendered(written)
    assert not {"script", "img", "a", "b", "i", "em", "del"} & set(seen.tags)
    for block in re.findall(r"(?:^\|.*\n)+", written, flags=re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block


def test_what_is_said_first_is_the_verdict() -> None:
    """Verdict, counts, reason, scope; then criteria, replicas that stand apart, reproduction with an intact fence."""
    values = ensemble(0.005, 0.0)
    values.values["test_accuracy"][3] += 0.05
    written = text([view(values)])
    assert written.startswith("## ")
    order = [
        "settled",
        "64 of 64",
        "Scope:",
        "### Criteria",
        "### Macroscopic",
        "1 of 64 stand apart",
        "How to reproduce",
    ]
    places = [written.index(word) for word in order]
    assert places == sorted(places)
    assert "cold/3" in written
    seen = rendered(written)
    assert seen.tags.count("pre") == 2
    assert "details" in seen.tags


def test_numbers_that_do_not_exist_are_dashes() -> None:
    """NaN everywhere: still a report, and no nan in it."""
    calm = ensemble(0.005, 0.0)
    nothing = Trajectories(
        STEPS,
        {name: np.full_like(v, np.nan) for name, v in calm.values.items()},
        calm.replicas,
        calm.histories,
        calm.crashed,
    )
    written = text([view(nothing)])
    assert "diverged" in written
    assert not re.search(r"\bnan\b|\bNone\b", written)


def test_a_summary_is_never_too_long() -> None:
    """10,000 replicas that all stand apart: the first are listed, the rest counted; a longer text is cut and says so."""
    many = ensemble(0.005, 0.0, replicas=5000)
    many.values["test_accuracy"][::2, -1] = np.nan
    written = text([view(many)])
    assert len(written.encode()) < MOST_BYTES
    assert "more are in the HTML report" in written
    cut = limited("é" * 50 + "\n\n" + "é" * 5000, 300)
    assert len(cut.encode()) <= 300
    assert "left out" in cut
    assert limited("short\n", 300) == "short\n"


def test_several_runs_are_one_text() -> None:
    """Each with its heading."""
    one = view(ensemble(0.005, 0.0))
    assert text([one, one]).count("\n## ") + 1 == 2
