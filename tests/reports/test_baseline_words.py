"""A comparison with a baseline in every format: the same rows, the same words, hostile names as text."""

import dataclasses
import html
import re

import pytest
from junitparser import JUnitXml

from tests.reports.synthetic import HOSTILE, run_view, sweep_view
from thermo_cli.equilibrium.baseline import Comparison, Difference
from thermo_cli.judging.record import Baseline
from thermo_cli.reports.formats import rendered
from thermo_cli.reports.wording import difference, telling

OUTCOMES: tuple[Comparison, ...] = ("equivalent", "better", "worse", "undecided", "differs")


def baseline(observable: str = "test_accuracy", title: str = "old-01234567") -> Baseline:
    """One row of each outcome, and one that does not gate."""
    rows = tuple(
        Difference(
            observable,
            f"h{place}",
            True,
            outcome,
            outcome != "worse",
            0.01 * place,
            (0.01 * place - 0.001, 0.01 * place + 0.001),
            0.02,
            0.9,
            0.89,
            (32, 32),
            True,
            0.95,
            f"because {outcome}",
            77 if outcome == "undecided" else None,
            0.25,
        )
        for place, outcome in enumerate(OUTCOMES)
    )
    idle = Difference("energy", "h0", False, "worse", False, explanation="another quantity")
    return Baseline(
        title, "worse", False, f"worse than {title}", (*rows, idle), ("dynamics.with.lr: 1 (baseline: 2)",), ("a note",)
    )


@pytest.mark.parametrize("format", ["markdown", "html", "terminal"])
def test_people_see_every_row_and_what_differs(format: str) -> None:
    """Outcome, difference, margin, reasons, changes and notes, in the formats that are read."""
    text = rendered(format, [dataclasses.replace(run_view(small=True), partners=(baseline(),))])
    text = re.sub(r"\s+", " ", html.unescape(text).replace("\\", ""))
    for words in (
        "old-01234567",
        *OUTCOMES,
        "0.02 [0.019, 0.021]",
        "differs in dynamics.with.lr: 1 (baseline: 2)",
        "a note",
    ):
        assert words in text, words
    assert "because undecided" in text
    assert "beats one of the baseline in 25% of pairs" in text


def test_machines_fail_on_worse_alone() -> None:
    """JUnit: a case per gating row; worse is a failure, undecided and differs are skipped, equivalent and better pass."""
    document = rendered("junit", [dataclasses.replace(run_view(small=True), partners=(baseline(),))])
    (suite,) = JUnitXml.fromstring(document.encode())
    results = {
        case.name: [type(result).__name__ for result in case.result]
        for case in suite
        if (case.classname or "").endswith(".baseline")
    }
    assert results == {
        "test_accuracy, h0": [],
        "test_accuracy, h1": [],
        "test_accuracy, h2": ["Failure"],
        "test_accuracy, h3": ["Skipped"],
        "test_accuracy, h4": ["Skipped"],
    }


@pytest.mark.parametrize("format", ["markdown", "html", "junit", "csv", "terminal"])
def test_points_are_compared_one_by_one(format: str) -> None:
    """A sweep of which one point has no baseline: in every format the others are there."""
    sweep = sweep_view()
    points = tuple(
        dataclasses.replace(point, partners=() if place == 0 else (baseline(),))
        for place, point in enumerate(sweep.points)
    )
    text = rendered(format, [dataclasses.replace(sweep, points=points)])
    assert format == "csv" or "worse" in text
    if format in ("markdown", "html", "terminal"):
        plain = html.unescape(text).replace("\\", "")
        assert "0.02 [0.019, 0.021]" in plain
        assert plain.count("differs in dynamics.with.lr: 1 (baseline: 2)") == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_baselines_are_text(name: str) -> None:
    """No name of an observable or a run opens a tag or breaks a table."""
    view = dataclasses.replace(run_view(small=True), partners=(baseline(name, name),))
    assert "<script>alert" not in rendered("html", [view])
    JUnitXml.fromstring(rendered("junit", [view]).encode())
    for block in re.findall(r"(?:^\|.*\n)+", rendered("markdown", [view]), flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_the_row_that_decided() -> None:
    """Of the outcome of the whole the one furthest from zero in margins; what is not known is a dash."""
    one = telling(baseline())
    assert one is not None
    assert one.history == "h2"
    assert difference(Difference("x", "h", True, "undecided", False)) == "-"
    assert difference(dataclasses.replace(one, estimate=1e-12, interval=(-1e-12, 1e-12))) == "0 [0, 0]"
