"""The verdict table, the combination of rows, the gate, and what may be printed."""

import itertools
import json
from random import Random
from typing import get_args

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from thermo_cli.contracts import VERDICTS, CriterionName, Outcome, Row, Verdict, VerdictName
from thermo_cli.equilibrium.verdict import combine, decide, gate, phase_of
from thermo_cli.judging.verdict_json import document

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
GOOD = ("holds", "inapplicable")


def outcomes(
    s: Outcome, a: Outcome, h: Outcome, d: Outcome = "untested", e: Outcome = "untested"
) -> dict[CriterionName, Outcome]:
    """Outcomes by criterion."""
    return {"stationarity": s, "agreement": a, "history": h, "diversity": d, "ergodicity": e}


def row(outcome: Outcome) -> Row:
    """A gating row."""
    return Row("agreement", "A", None, "", True, outcome)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], "untested"),
        (["holds", "fails", "undecided"], "fails"),
        (["holds", "inapplicable"], "holds"),
        (["inapplicable"], "inapplicable"),
        (["holds", "undecided", "untested"], "undecided"),
        (["holds", "untested"], "untested"),
    ],
)
def test_rows_combine(given: list[Outcome], expected: str) -> None:
    """Fails if any fails, holds if all hold, undecided before untested."""
    assert combine([row(outcome) for outcome in given]) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (outcomes("fails", "fails", "fails"), "relaxing"),
        (outcomes("holds", "fails", "holds"), "glassy"),
        (outcomes("inapplicable", "fails", "untested"), "glassy"),
        (outcomes("holds", "holds", "fails", "fails"), "glassy"),
        (outcomes("undecided", "fails", "holds"), "undecided"),
        (outcomes("holds", "holds", "holds", "fails"), "crystallized"),
        (outcomes("holds", "holds", "holds", "holds"), "thermalized"),
        (outcomes("inapplicable", "holds", "inapplicable", "fails"), "crystallized"),
        (outcomes("holds", "holds", "untested", "holds"), "settled"),
        (outcomes("holds", "holds", "untested", "fails"), "settled"),
        (outcomes("holds", "holds", "undecided", "untested"), "settled"),
        (outcomes("holds", "undecided", "holds", "holds"), "undecided"),
        (outcomes("untested", "holds", "holds", "holds"), "undecided"),
    ],
)
def test_the_table(given: dict[CriterionName, Outcome], expected: str) -> None:
    """SCIENCE's table, row by row."""
    assert decide(given, too_many_diverged=False) == expected
    assert decide(given, too_many_diverged=True) == "diverged"


def test_no_good_word_without_stationarity_and_agreement() -> None:
    """Over all 625 combinations: a good verdict needs S and A good, and H not failing; unknown never reads as good."""
    for s, a, h, d in itertools.product(OUTCOMES, repeat=4):
        verdict = decide(outcomes(s, a, h, d), too_many_diverged=False)
        if verdict in ("settled", "thermalized", "crystallized"):
            assert s in GOOD
            assert a in GOOD
            assert h != "fails"
        if verdict in ("thermalized", "crystallized"):
            assert h in GOOD
            assert d == ("holds" if verdict == "thermalized" else "fails")


@pytest.mark.parametrize(
    ("verdict", "given", "required", "code"),
    [
        ("settled", outcomes("holds", "holds", "untested"), ["settled"], 0),
        ("thermalized", outcomes("holds", "holds", "holds", "holds"), ["settled"], 0),
        ("settled", outcomes("holds", "holds", "untested"), ["thermalized"], 4),
        ("settled", outcomes("holds", "holds", "untested"), ["glassy"], 1),
        ("undecided", outcomes("undecided", "holds", "untested"), ["settled"], 4),
        ("undecided", outcomes("undecided", "fails", "untested"), ["settled"], 1),
        ("relaxing", outcomes("fails", "holds", "untested"), ["settled", "thermalized"], 1),
        ("diverged", outcomes("holds", "holds", "untested"), ["settled"], 1),
        ("relaxing", outcomes("fails", "holds", "untested"), ["relaxing"], 0),
    ],
)
def test_the_gate(verdict: VerdictName, given: dict[CriterionName, Outcome], required: list[str], code: int) -> None:
    """0 met, 4 open, 1 otherwise."""
    assert gate(verdict, given, required) == code


def test_phases() -> None:
    """Crystal from diversity, fluid and amorphous from ergodicity."""
    assert phase_of(outcomes("holds", "holds", "holds", d="fails", e="holds")) == "crystal"
    assert phase_of(outcomes("holds", "holds", "holds", d="holds", e="holds")) == "fluid"
    assert phase_of(outcomes("holds", "holds", "holds", d="holds", e="fails")) == "amorphous"
    assert phase_of(outcomes("holds", "holds", "holds")) == "undecided"


def test_the_words_are_those_of_the_contract() -> None:
    """Names that others rely on."""
    assert json.dumps(VERDICTS) == json.dumps(get_args(VerdictName))


@drawn(st.lists(st.sampled_from(OUTCOMES), max_size=8), st.randoms(use_true_random=False))
def test_neither_order_nor_number_of_rows_changes_a_criterion(given: list[Outcome], random: Random) -> None:
    """Rows combine as a set; one more holding row never worsens or mends what is not all inapplicable."""
    shuffled = given.copy()
    random.shuffle(shuffled)
    combined = combine([row(outcome) for outcome in given])
    assert combine([row(outcome) for outcome in shuffled + given]) == combined
    if given and combined != "inapplicable":
        assert combine([row(outcome) for outcome in [*given, "holds"]]) == combined


def test_the_table_against_its_rules() -> None:
    """All 625 combinations against the rules written as predicates: the first that applies."""
    for s, a, h, d in itertools.product(OUTCOMES, repeat=4):
        still, alike, met = s in GOOD, a in GOOD, h in GOOD
        rules = (
            ("relaxing", s == "fails"),
            ("glassy", still and (a == "fails" or h == "fails")),
            ("crystallized", still and alike and met and d == "fails"),
            ("thermalized", still and alike and met and d == "holds"),
            ("settled", still and alike and h != "fails"),
            ("undecided", True),
        )
        assert decide(outcomes(s, a, h, d), False) == next(name for name, applies in rules if applies)


def test_the_gate_is_never_open_without_an_admitted_verdict() -> None:
    """Over all verdicts and every list of two: 0 needs a verdict that is listed, or a stronger one than `settled`."""
    for s, a, h in itertools.product(OUTCOMES, repeat=3):
        verdict = decide(outcomes(s, a, h), False)
        for required in itertools.combinations_with_replacement(VERDICTS, 2):
            stronger = "settled" in required and verdict in ("thermalized", "crystallized")
            code = gate(verdict, outcomes(s, a, h), required)
            assert (code == 0) == (verdict in required or stronger)
            assert code != 4 or verdict in ("undecided", "settled")


def test_numbers_that_do_not_exist_are_null() -> None:
    """NaN and infinities of rows, nested records and lists become null; what is finite stays."""
    odd = Row(
        "agreement", "A", "x", "all", True, "undecided", float("nan"), (float("-inf"), 1.0), 0.5, 0.95, "why", None, 7
    )
    verdict = Verdict(
        "undecided",
        "undecided",
        "",
        "",
        (odd,),
        outcomes("holds", "undecided", "untested"),
        {"x": {"mean": float("inf"), "ends": [float("nan"), 2.0]}},
        {},
        {"n": 3},
        {"planned": 2},
        ("careful",),
    )
    content = json.loads(json.dumps(document("run-01234567", "complete", verdict), allow_nan=False))
    assert content["criteria"][0]["estimate"] is None
    assert content["criteria"][0]["interval"] == [None, 1.0]
    assert content["criteria"][0]["steps_needed"] == 7
    assert content["macroscopic"] == {"x": {"mean": None, "ends": [None, 2.0]}}
    assert content["diagnostics"] == {"n": 3, "warnings": ["careful"]}
