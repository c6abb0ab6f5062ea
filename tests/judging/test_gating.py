"""The gate: commas are alternatives, repetition means all; each word has its answer, and what cannot be answered is open."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from thermo_cli.cli.gate import required_words
from thermo_cli.contracts import Row, Skill, Trajectories, Verdict
from thermo_cli.equilibrium.baseline import Comparison, Difference
from thermo_cli.equilibrium.ensemble import Settings
from thermo_cli.errors import UsageError
from thermo_cli.judging.gating import LOST, gate_of, worst
from thermo_cli.judging.record import Baseline, Judged, JudgedPoint, JudgedRun
from thermo_cli.store import RunFolder

FOLDER = RunFolder(Path("demo-01234567"))
COUNTS = {"planned": 4, "finished": 4, "diverged": 0, "crashed": 0, "controls": 0}


def point(word: Any, targets: tuple[Any, ...] = (), values: dict[str, Any] | None = None, **counts: int) -> JudgedPoint:
    """Return a point with a verdict, rows of targets, and as many replicas as it is said."""
    outcomes: Any = dict.fromkeys(("stationarity", "agreement", "history", "diversity", "ergodicity"), "undecided")
    outcomes["stationarity"] = "fails" if word == "relaxing" else "undecided"
    rows = tuple(
        Row("target", "target", f"m{n}", "all", False, one, explanation="why") for n, one in enumerate(targets)
    )
    verdict = Verdict(word, "undecided", "so", "for fun", rows, outcomes, {}, {}, {}, COUNTS | counts)
    nothing: Any = Trajectories
    return JudgedPoint(values or {}, FOLDER, Judged(FOLDER, verdict, nothing, Settings(), {}))


def partner(outcome: Comparison, kept: bool) -> Baseline:
    """Return a comparison of one row."""
    return Baseline("old", outcome, kept, f"{outcome} than old", (Difference("x", "cold", True, outcome, kept),))


@pytest.mark.parametrize(
    ("word", "required", "code"),
    [
        ("settled", [], 0),
        ("settled", ["settled"], 0),
        ("thermalized", ["settled"], 0),
        ("settled", ["thermalized"], 4),
        ("relaxing", ["settled"], 1),
        ("undecided", ["settled"], 4),
        ("settled", ["relaxing,settled"], 0),
        ("settled", ["settled", "relaxing"], 1),
        ("undecided", ["undecided", "settled"], 4),
        ("relaxing", ["settled", "skilled"], 1),
        ("settled", ["skilled"], 4),
        ("settled", ["skilled,settled"], 0),
        ("settled", ["target"], 4),
        ("relaxing", ["settled,target"], 4),
    ],
)
def test_words_of_a_gate(word: str, required: list[str], code: int) -> None:
    """The kindest alternative counts, then the worst of what must all be met."""
    gate = gate_of(JudgedRun(FOLDER, (point(word),)), required_words(required))
    assert gate.code == code
    assert bool(gate.words) == bool(code)
    assert gate.required == tuple(text.replace(",", " or ") for text in required)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [(("holds",), 0), (("holds", "fails"), 1), (("holds", "untested"), 4), (("fails", "undecided"), 1), ((), 4)],
)
def test_targets_gate_where_they_are_asked_for(outcomes: tuple[str, ...], code: int) -> None:
    """All of them must hold; without any, or with an open one, nothing is decided."""
    run = JudgedRun(FOLDER, (point("settled", outcomes),))
    assert gate_of(run, [["target"]]).code == code
    assert gate_of(run, [["settled"]]).code == 0


@pytest.mark.parametrize(
    ("partners", "word", "code"),
    [
        ([partner("equivalent", True)], "equivalent", 0),
        ([partner("better", True)], "equivalent", 1),
        ([partner("better", True)], "not-worse", 0),
        ([partner("equivalent", True), partner("worse", False)], "not-worse", 1),
        ([partner("equivalent", True), partner("undecided", False)], "not-worse", 4),
        ([], "not-worse", 4),
    ],
)
def test_every_partner_must_meet_a_comparison(partners: list[Baseline], word: str, code: int) -> None:
    """One bad comparison is enough, and it is the one that is named."""
    gate = gate_of(JudgedRun(FOLDER, (point("settled"),)), [[word]], [partners])
    assert gate.code == code
    assert not code or gate.words.endswith(f"received {partners[-1].words if partners else 'no comparison'}")


def test_points_that_cannot_be_judged_come_first() -> None:
    """3 before 1 before 4 before 0; each point that does not meet the gate is named with its values, twelve at most."""
    lost, waiting = JudgedPoint({"lr": 3}, FOLDER, None, "gone"), point("undecided", values={"lr": 2}, planned=6)
    points = (point("relaxing", values={"lr": 1}), lost, waiting)
    gate = gate_of(JudgedRun(FOLDER, points), [["settled"]])
    assert (gate.code, gate.words.split("; ")) == (
        3,
        [
            "gate not met at lr=1: required settled, received relaxing",
            "no verdict at lr=3",
            "not judged at lr=2: 2 replicas are still to be trained",
        ],
    )
    many = tuple(point("relaxing", values={"lr": number}) for number in range(20))
    assert gate_of(JudgedRun(FOLDER, many), [["settled"]]).words.endswith("; and 8 more points")
    assert [worst(codes) for codes in ((0, 4, 1, 3), (4, 1), (4, 0), ())] == [3, 1, 4, 0]


@pytest.mark.parametrize(
    ("texts", "compared", "expected"),
    [
        (["thermalised"], False, "did you mean 'thermalized'"),
        (["settled,"], False, None),
        ([""], False, "is no verdict"),
        (["equivalent"], False, "needs a baseline"),
        (["equivalent"], True, None),
    ],
)
def test_what_is_required_is_read(texts: list[str], compared: bool, expected: str | None) -> None:
    """Unknown words and comparisons with nothing are refused, with the nearest word."""
    if expected is None:
        assert required_words(texts, compared) == [[texts[0].strip(",")]]
    else:
        with pytest.raises(UsageError) as refusal:
            required_words(texts, compared)
        assert expected in str(refusal.value)


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ([True], 0, ""),
        ([True, None], 4, "m1 may be better than the constant predictor by less than a margin"),
        ([None, False], 1, "no better in m1 than always answering the mean (0.5)"),
        ([False], 1, "no better than always answering the mean (0.5)"),
        ([], 4, "skill untested"),
    ],
)
def test_skill_is_refused_where_there_is_none(answers: list[bool | None], code: int, said: str) -> None:
    """Every score with a margin must be better; a gate on something else is met, and its last words say so all the same."""
    one = point("settled")
    assert one.judged is not None
    skills = {f"m{place}": Skill(0.5, better, "the mean") for place, better in enumerate(answers)}
    verdict = dataclasses.replace(one.judged.verdict, skill=skills)
    run = JudgedRun(FOLDER, (dataclasses.replace(one, judged=dataclasses.replace(one.judged, verdict=verdict)),))
    gate, other = gate_of(run, [["skilled"]]), gate_of(run, [["settled"]])
    assert (gate.code, said in gate.words, gate.aside, other.code) == (code, True, "", 0)
    assert other.aside == (f"settled, but {said}" if False in answers else "")
    assert gate_of(run, []).aside == ""


@pytest.mark.parametrize(("word", "code"), [("settled", 0), ("diverged", 4)])
def test_neither_target_nor_skill_is_met_by_an_ensemble_that_diverged(word: str, code: int) -> None:
    """The mean leaves out whoever was lost; what fails without them fails."""
    met = point(word, ("holds",))
    assert met.judged is not None
    verdict = dataclasses.replace(met.judged.verdict, skill={"m0": Skill(0.1, True, "")})
    met = dataclasses.replace(met, judged=dataclasses.replace(met.judged, verdict=verdict))
    for required in ("target", "skilled"):
        gate = gate_of(JudgedRun(FOLDER, (met,)), [[required]])
        assert (gate.code, gate.words.endswith(LOST)) == (code, bool(code))
    assert gate_of(JudgedRun(FOLDER, (point(word, ("fails",)),)), [["target"]]).code == 1
