"""The JUnit report: accepted by a parser, counted right, legal whatever names hold."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from junitparser import JUnitXml

from tests.reports.made import EVIL, hostile_view, run_view, sweep_view
from tests.reports.test_terminal import ensemble, shown
from thermo_cli.judging.record import Gate
from thermo_cli.reports.junit import text
from thermo_cli.reports.sweep_view import View

GOLDEN = Path(__file__).parent / "golden" / "junit.xml"
RESULT = {"type", "message"}
ATTRIBUTES = {  # what the schema of Jenkins' xUnit plugin (junit-10) knows of what is used here
    "testsuites": {"name", "tests", "failures", "errors", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"name", "classname", "time"},
    "property": {"name", "value"},
    "properties": set(),
    "system-out": set(),
    "failure": RESULT,
    "error": RESULT,
    "skipped": RESULT,
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped", "system-out"},
}


def checked(*views: View) -> ElementTree.Element:
    """Parse, and hold every element, attribute and count against what readers expect."""
    root = ElementTree.fromstring(text(views))
    for element in root.iter():
        assert element.tag in ATTRIBUTES
        assert set(element.attrib) <= ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
    for suite in root:
        assert suite[0].tag == "properties"
        cases = suite.findall("testcase")
        for result, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.attrib[count]) == len(suite.findall(f"testcase/{result}"))
        assert int(suite.attrib["tests"]) == len(cases)
        assert all(len(case) <= 1 for case in cases)
    for count in ("tests", "failures", "errors"):
        assert int(root.attrib[count]) == sum(int(suite.attrib[count]) for suite in root)
    return root


def test_the_report_is_what_it_was() -> None:
    """A run with a row of every outcome and a gate that is not met, character by character."""
    gate = Gate(("settled",), 1, "gate not met: required settled, received relaxing")
    assert text([run_view(gate=gate)]) == GOLDEN.read_text()


def test_a_parser_accepts_it_and_counts_the_same() -> None:
    """The package junitparser finds the suites, their properties and the same sums."""
    gate = Gate((), 3, "no verdict at dynamics.with.lr=0.3")
    document = text([run_view("crystallized"), sweep_view(gate)])
    found = JUnitXml.fromstring(document.encode())
    said = (found.tests, found.failures, found.errors)
    found.update_statistics()
    assert said == (found.tests, found.failures, found.errors) == (7 + 7 + 7 + 1 + 1, 1 + 2 + 1, 1 + 1)
    suites = {suite.name: suite for suite in found}
    assert list(suites) == [
        "demo-01234567",
        *(f"sweep-01234567 [dynamics.with.lr={rate}]" for rate in (0.1, 0.2, 0.3)),
        "sweep-01234567",
    ]
    assert suites["demo-01234567"].skipped == 4
    known = {one.name: one.value for one in suites["demo-01234567"].properties()}
    assert known["verdict"] == "crystallized"
    assert known["phase"] == "crystal"
    assert known["replicas"].startswith("64 planned, 64 finished")


@pytest.mark.parametrize(
    ("word", "gate", "name", "result"),
    [
        ("settled", None, "verdict", "system-out"),
        ("undecided", None, "verdict", "system-out"),
        ("diverged", None, "verdict", "failure"),
        ("settled", Gate(("settled",), 0, ""), "gate", None),
        ("relaxing", Gate(("settled",), 1, "not met"), "gate", "failure"),
        ("undecided", Gate(("settled",), 4, "undecided"), "gate", "error"),
        ("undecided", Gate((), 3, "no verdict"), "gate", "error"),
    ],
)
def test_the_last_case_is_the_gate_or_else_the_verdict(
    word: str, gate: Gate | None, name: str, result: str | None
) -> None:
    """Met passes, not met fails, undecided and not judged are errors; without a gate only `diverged` fails."""
    last = checked(run_view(word, gate=gate))[0][-1]
    assert last.attrib["name"] == name
    assert last.attrib["classname"] == f"demo-01234567.{name}"
    assert [child.tag for child in last] == ([result] if result else [])


def test_open_rows_and_identical_models_are_the_gates_to_judge() -> None:
    """They are skipped, with outcome and reason; a row that fails says its numbers; one that does not gate is no case."""
    suite = checked(run_view())[0]
    skipped = [one.attrib["message"] for one in suite.iter("skipped")]
    assert skipped == [
        "undecided: 28 of 32 replicas lie within",
        "untested: only one history",
        "fails: one model",
        "inapplicable: an ideal system",
    ]
    (failure,) = suite.iter("failure")
    assert failure.text is not None
    assert failure.text.splitlines() == [
        "fails: it moves by -0.0234 per doubling",
        "estimate: -0.0467",
        "interval: unbounded to 0.0571",
        "margin: 0.02",
    ]
    names = [case.attrib["name"] for case in suite.iter("testcase")]
    assert names[:2] == ["S1 each replica is still, test_accuracy, cold", "S2 projection to 4T, test_accuracy, cold"]
    assert not any("S3" in name for name in names)


def test_whatever_names_hold_the_document_is_legal() -> None:
    """Control characters, lone surrogates and the end of a CDATA section: parsed, ASCII, and visible."""
    written = text([hostile_view()])
    assert written.isascii()
    root = checked(hostile_view())
    name = root[0].attrib["name"]
    assert r"x\x00\x1b[31m\ud800]]><![CDATA[&amp;<b>" in name
    assert r"\uffff\x85" in name
    assert name.replace("\n", "").isprintable()
    assert str(JUnitXml.fromstring(written.encode()).tests) == root.attrib["tests"] == "7"
    assert EVIL not in written


def test_a_run_as_the_court_judges_it() -> None:
    """Every gating row of a real verdict is a case, beside the verdict's own."""
    view, _ = shown(ensemble(0.2, 0.0))
    suite = checked(view)[0]
    assert int(suite.attrib["tests"]) == sum(row.gates for row in view.verdict.criteria) + 1
    assert (
        int(suite.attrib["failures"]) == sum(row.gates and row.outcome == "fails" for row in view.verdict.criteria) > 0
    )
