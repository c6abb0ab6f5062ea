"""The terminal report: readable at 80 columns, without colour, with user text as plain text."""

import dataclasses
import io

import numpy as np
import pytest
from rich.console import Console

from thermo_cli.contracts import Trajectories
from thermo_cli.equilibrium.baseline import Comparison, Difference
from thermo_cli.equilibrium.court import judge
from thermo_cli.equilibrium.ensemble import Ensemble, Extent, Question, Settings
from thermo_cli.judging.record import Baseline, Gate
from thermo_cli.metric import default_margins
from thermo_cli.reports.charts import charts
from thermo_cli.reports.html import text as html
from thermo_cli.reports.numerals import number, sparkline
from thermo_cli.reports.sweep_view import PointView, View, means, point_view, reasons
from thermo_cli.reports.terminal import render
from thermo_cli.reports.view import RunView
from thermo_cli.reports.wording import Step, comparison, diagnostics, lasting, next_steps

STEPS = np.unique(np.concatenate([[0, 1, 2, 4, 8, 16, 32, 64, 128, 256], np.linspace(500, 1000, 64).astype(np.int64)]))
QUESTION = Question(
    1000,
    ("cold", "hot"),
    default_margins(500),
    "constant",
    "for resampling this pool of 1000 examples, with this test set",
    0.1,
)


def ensemble(spread: float, drift: float, replicas: int = 32) -> Trajectories:
    """Two histories that rise to 0.9 with a spread over replicas and a drift at the end, without noise."""
    rise = 0.9 * (1 - np.exp(-STEPS / 50.0)) + drift * STEPS / 1000.0
    offsets = np.concatenate([np.linspace(-spread, spread, replicas) + apart for apart in (0, 1e-9)])  # no copies
    values = {"test_accuracy": rise + offsets[:, None], "energy": 2.0 - rise - 0.1 * offsets[:, None]}
    names = tuple(f"{history}/{i}" for history in ("cold", "hot") for i in range(replicas))
    histories = tuple(name.partition("/")[0] for name in names)
    return Trajectories(STEPS, values, names, histories, np.zeros(2 * replicas, dtype=bool))


def printed(view: View, details: bool = False) -> str:
    """Draw as plain text."""
    console = Console(file=io.StringIO(), width=80, markup=False, highlight=False, emoji=False, color_system=None)
    console.print(render(view, details))
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def shown(trajectories: Trajectories, title: str = "demo-01234567") -> tuple[RunView, str]:
    """Judge and draw as plain text, in full."""
    verdict = judge(Ensemble(trajectories, QUESTION, Settings()))
    view = RunView(title, "", "complete", verdict, trajectories)
    return view, printed(view, details=True)


@pytest.mark.parametrize(
    ("spread", "drift", "verdict"),
    [(0.005, 0.0, "settled"), (0.2, 0.0, "glassy"), (0.005, 0.5, "relaxing"), (0.005, 0.004, "settled")],
)
def test_the_verdict_comes_first_and_every_row_fits(spread: float, drift: float, verdict: str) -> None:
    """80 columns hold every criterion with its outcome, interval and margin."""
    view, text = shown(ensemble(spread, drift))
    assert view.verdict.verdict == verdict
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert verdict.upper() in lines[1]
    assert "…" not in text
    for letter in ("S1", "S2", "S3", "A ", "H ", "D ", "E "):
        assert any(line.startswith(letter) for line in lines)


def test_too_few_replicas_say_how_many_are_needed() -> None:
    """Four per history can settle nothing: what eight can say comes first, then what to type and how long it takes."""
    trained = dataclasses.replace(QUESTION, extent=Extent("thermo-run SPEC", (4, 4), (1000, 1000)))
    some = ensemble(0.005, 0.0, replicas=4)
    verdict = judge(Ensemble(some, trained, Settings()))
    text = printed(RunView("demo-01234567", "", "complete", verdict, some, pace=1200.0))
    assert verdict.verdict == "undecided"
    assert "With 8 runs: at least 53% of fresh ones end within the margin" in " ".join(text.replace("│", " ").split())
    (first, *_) = next_steps(verdict, 1200.0)
    assert first.command == "thermo-run SPEC --set ensemble.replicas=40"
    assert first.words.startswith("40 replicas per history decide what is open ")
    assert first.words.endswith("; about 60 s")
    assert "thermo-run SPEC --set ensemble.replicas=40" in text


def test_recorded_runs_are_asked_for_what_can_be_done() -> None:
    """No field of the spec makes more of them, or makes them longer."""
    view, _ = shown(ensemble(0.005, 0.0, replicas=4))
    asked = next_steps(view.verdict)
    assert "40 runs of each history decide what is open in four of five cases" in [step.words for step in asked]
    assert not any(step.command for step in asked)


def test_an_unfinished_run_asks_for_its_end_alone() -> None:
    """What the rows of a part ask for (a smaller ensemble, even) is no advice; the page counts who is to come."""
    some = ensemble(0.005, 0.0, replicas=8)
    waiting = np.arange(16) >= 12
    view, text = shown(dataclasses.replace(some, unfinished=waiting))
    assert next_steps(view.verdict) == (Step("the same thermo-run command: 4 of 16 replicas are still to be trained"),)
    assert "ensemble.replicas=" not in text
    page = html([view])
    assert "None of 12 that have been trained stands apart. 4 are still to be trained." in page
    assert "every criterion that gates has its answer" not in page


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (5400, "2 h"), (200_000, "2 days")]
)
def test_times_are_said_in_words(seconds: float, words: str) -> None:
    """One number and one unit, never less than a second."""
    assert lasting(seconds) == words


def test_what_is_not_shown_is_not_denied() -> None:
    """A correlation inside its null is no proof of none; a negative variance is no spread of 0."""
    point = {"spread": 0.3, "divergence": 0.6, "mantel": {"correlation": 0.05, "interval": [-0.1, 0.1]}}
    (line,) = comparison({"comparison": {"test_accuracy": point}})
    assert "that pairs further apart differ more in it is not shown (Mantel r = 0.05" in line
    point["mantel"] = {"correlation": -0.2, "interval": [-0.1, 0.1]}
    assert "pairs further apart differ less in it" in comparison({"comparison": {"test_accuracy": point}})[0]
    noise = {"test_noise": {"variance": 4e-4, "test_set": 5e-4, "distribution_wise": -1e-4, "noise_share": 1.25}}
    (line,) = diagnostics(noise)
    assert "125%" in line
    assert line.endswith("(sd 0.02, what an infinite test set would leave is lost in it)")
    view, _ = shown(ensemble(0.005, 0.0))
    view = dataclasses.replace(view, verdict=dataclasses.replace(view.verdict, diagnostics=noise))
    assert view.noise_share is not None
    assert view.noise_share.distribution_wise is None
    chart = charts(view)["test-set-noise"]
    assert [row["row"] for row in chart.data["rows"]] == ["as measured"]
    assert "is lost in its noise" in chart.words


def test_points_that_show_different_observables_name_them() -> None:
    """A head speaks for its whole column: of the one observable that all judged points show, or of means in general."""
    known = PointView({"a": 1}, "settled", "fluid", "test_accuracy", 0.97, 0.3, None, None, None, "")
    lost = PointView({"a": 2}, "not judged", "", "", None, None, None, None, None, "why")
    other = dataclasses.replace(known, observable="test_r2", mean=0.5)
    assert means([lost, known]) == ("test_accuracy", ["-", "0.97"])
    assert means([lost, known, other]) == ("mean", ["-", "test_accuracy 0.97", "test_r2 0.5"])
    assert reasons([lost]) == ["a=2: why"]


def test_an_overlap_of_other_baths_is_not_shown_for_one_bath() -> None:
    """Without pairs on one bath Q* is not known there: that of replicas on other baths is another number."""
    view, _ = shown(ensemble(0.005, 0.0))
    between = {"estimate": 0.3, "interval": [0.2, 0.4], "null": 0.0, "self": 0.9}
    made = dataclasses.replace(view.verdict, microscopic={"overlap": between})
    assert point_view({"a": 1}, made, "").overlap is None
    made = dataclasses.replace(
        view.verdict, microscopic={"overlap": {**between, "same_bath": {**between, "estimate": 0.5}}}
    )
    assert point_view({"a": 1}, made, "").overlap == 0.5


def test_markup_in_names_is_text() -> None:
    """Brackets and emoji codes are printed as they are."""
    _, text = shown(ensemble(0.005, 0.0), title="[red]x[/red] :smile:")
    assert "[red]x[/red] :smile:" in text


def test_a_comparison_fits_whatever_its_names() -> None:
    """Long and hostile names are folded and printed as they are; numbers never give way."""
    name, history = "[red]an_observable_of_a_very_long_name[/red]_indeed", "a-history-with-a-long-name"
    outcomes: tuple[Comparison, ...] = ("equivalent", "better", "worse", "undecided")
    rows = [
        Difference(name, history, True, one, True, -0.0123, (-0.0456, 0.0123), 0.0203, explanation="why :smile:")
        for one in outcomes
    ]
    rows.append(Difference("finished replicas", "all", True, "worse", False, mean=0.0, explanation="all are lost"))
    baseline = Baseline(
        "[b]other[/b]-01234567", "worse", False, "worse", tuple(rows), ("x: 1 (baseline: 2)",), ("a note",)
    )
    text = printed(dataclasses.replace(shown(ensemble(0.005, 0.0))[0], partners=(baseline,)))
    lines = [line.rstrip() for line in text.splitlines()]
    assert max(map(len, lines)) <= 80
    for words in ("[b]other[/b]-01234567", "[red]", ":smile:", "all are lost", "differs in x: 1", "a note"):
        assert words in text
    rows_of_text = [line for line in lines if "-0.012 [-0.046, 0.012]" in line]
    assert [next(one for one in outcomes if f" {one} " in line) for line in rows_of_text] == list(outcomes)
    assert all(line.endswith(" 0.02") for line in rows_of_text)


def test_small_drawings() -> None:
    """Sparklines go from lowest to highest, numbers are brief, nothing is a dash."""
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([1, 1]) == "▄▄"
    assert sparkline([]) == ""
    assert sparkline([1e308, -1e308, float("nan")]) == "█▁ "
    assert [number(None), number(float("inf")), number(0.123456), number(1234.5, 4)] == ["-", "-", "0.123", "1234"]


def test_replicas_that_stand_apart_are_named_and_counted() -> None:
    """The first of them, with how far; a diverged one by its state; an ensemble without any has no such table."""
    odd = ensemble(0.004, 0.0)
    odd.values["test_accuracy"][3] += 0.09
    odd.values["test_accuracy"][40, -1] = np.nan
    view, text = shown(odd)
    assert [line.name for line in view.outliers] == ["cold/3", "hot/8"]
    assert "2 of 64 stand apart, have diverged or crashed" in text
    assert "test_accuracy +0.087 from the median" in text
    assert "diverged" in text.rpartition("hot/8")[2].splitlines()[0]
    assert "None of 64 that have been trained stands apart" in shown(ensemble(0.004, 0.0))[1]


def test_the_answer_of_the_gate_is_in_the_head() -> None:
    """Met, and not met with what was received."""
    view, _ = shown(ensemble(0.005, 0.0))
    for gate, words in (
        (Gate(("settled",), 0, ""), "Gate met"),
        (Gate(("settled",), 1, "gate not met: x"), "Gate not met: x."),
    ):
        assert words in printed(dataclasses.replace(view, gate=gate))
