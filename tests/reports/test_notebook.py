"""The fragment for notebooks: well formed, escaped, without scripts, the same in every theme."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

from tests.reports.made import EVIL, hostile_view, run_view, sweep_view
from tests.reports.test_terminal import ensemble, shown
from thermo_cli.characters import visible
from thermo_cli.reports.notebook import MOST, fragment, sparkline
from thermo_cli.reports.sweep_view import point_view
from thermo_cli.reports.view import Curve


def parsed(text: str) -> ElementTree.Element:
    """Parse, and refuse whatever acts, loads or styles the page around it."""
    root = ElementTree.fromstring(text)
    for element in root.iter():
        assert element.tag in {
            "div",
            "strong",
            "code",
            "table",
            "caption",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "svg",
            "title",
            "polyline",
        }
        assert not [name for name in element.attrib if name.startswith("on") or name in ("href", "src", "id")]
        style = element.attrib.get("style", "")
        assert "url(" not in style
        assert not re.search(
            r"(?<!-)\bbackground|(?<![-\w])color:(?!inherit)", style
        )  # the notebook's own theme decides
    return root


def test_the_verdict_comes_first_with_its_reason_scope_and_criteria() -> None:
    """Everything that the row of a criterion says, and a curve for each history."""
    view, _ = shown(ensemble(0.005, 0.0))
    root = parsed(fragment(view))
    words = " ".join(root.itertext())
    assert words.startswith("SETTLED")
    for expected in ("64 of 64 replicas finished", "demo-01234567", view.verdict.summary, view.verdict.scope):
        assert expected in words
    scores, criteria, macroscopic = root.iter("table")
    assert len(list(scores.iter("tr"))) == 2
    assert len(list(criteria.iter("tr"))) == len(view.verdict.criteria) + 1
    assert len(list(macroscopic.iter("svg"))) == len(view.curves) == 4
    assert all(table.find("caption") is not None for table in (criteria, macroscopic))


def test_a_curve_has_a_text() -> None:
    """Its title says where it begins and ends; what is nowhere is a dash; what is flat lies in the middle."""
    picture = parsed(sparkline(Curve("energy", "hot", (2.0, 1.0, 0.5))))
    assert picture.attrib["aria-label"] == "energy of hot: from 2 to 0.5"
    assert picture.findtext("title") == picture.attrib["aria-label"]
    line = picture.find("polyline")
    assert line is not None
    assert line.attrib["points"] == "2.0,2.0 60.0,15.3 118.0,22.0"
    assert "12.0" in sparkline(Curve("energy", "hot", (1.0, 1.0)))
    for nowhere in ((), (1.0, float("nan"))):
        assert sparkline(Curve("energy", "hot", nowhere)) == "-"


def test_hostile_names_are_text() -> None:
    """Nothing a user names becomes an element, an attribute or math."""
    view = hostile_view()
    histories = tuple(EVIL + history for history in view.trajectories.histories)
    macroscopic = {
        name: {**state, "histories": {EVIL + history: part for history, part in state["histories"].items()}}
        for name, state in view.verdict.macroscopic.items()
    }
    view = replace(
        view,
        trajectories=replace(view.trajectories, histories=histories),
        verdict=replace(view.verdict, macroscopic=macroscopic),
    )
    root = parsed(fragment(view))
    assert visible(EVIL).replace("\r", "") in "".join(root.itertext())
    assert any(EVIL[-4:-3] in (picture.findtext("title") or "") for picture in root.iter("svg"))
    assert "<b>" not in fragment(view)
    assert {"tex2jax_ignore", "mathjax_ignore"} <= set(root.attrib["class"].split())
    sweep = sweep_view()
    point = point_view({EVIL: EVIL}, None, EVIL)
    parsed(fragment(replace(sweep, title=EVIL, scope=EVIL, points=(point,))))


def test_a_run_that_is_not_whole_says_so() -> None:
    """Status, diverged and crashed replicas are named beside the verdict."""
    view = run_view("diverged")
    counts = dict(view.verdict.replicas) | {"diverged": 3, "crashed": 2, "finished": 59}
    words = "".join(
        parsed(fragment(replace(view, status="partial", verdict=replace(view.verdict, replicas=counts)))).itertext()
    )
    for expected in ("59 of 64", "3 diverged", "2 crashed", "partial run"):
        assert expected in words


def test_a_sweep_is_a_table_of_points_and_a_long_one_is_cut() -> None:
    """Counts first; a point that cannot be judged gives its reason; a thousand points say how many are shown."""
    root = parsed(fragment(sweep_view()))
    words = " ".join(root.itertext())
    assert "1 diverged, 1 crystallized, 1 not judged." in words
    assert "not judged: dynamics.with.lr=0.3: every replica failed" in words
    many = replace(sweep_view(), points=sweep_view().points * 100)
    root = parsed(fragment(many))
    assert len(list(root.iter("tr"))) == MOST + 1
    assert f"The first {MOST} of 300" in "".join(root.itertext())
