"""Advice: what can change the verdict, the cheapest first, and nothing else."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from tests.equilibrium.ensembles import ensemble
from thermo_cli.contracts import Advice, CriterionName, Outcome, Row, Verdict, VerdictName
from thermo_cli.equilibrium.advice import advice
from thermo_cli.equilibrium.ensemble import Ensemble, Extent, Question, Settings
from thermo_cli.equilibrium.verdict import decide

T = 1000
EXTENT = Extent("thermo-run SPEC", (32, 32), (T, T))
HOLDING = {
    "stationarity": "holds",
    "agreement": "holds",
    "history": "holds",
    "diversity": "holds",
    "ergodicity": "holds",
}


def case(replicas: int = 32, extent: Extent | None = EXTENT, **question: Any) -> Ensemble:
    """An ensemble at rest of which the rows are made by hand."""
    asked = dataclasses.replace(Question(T, ("cold",), {}, "constant", ""), extent=extent, **question)
    values = {"x": np.zeros((replicas, 2))}
    return ensemble(values, np.array([0, T]), Settings(margins={"x": 1.0}), asked)


def row(criterion: CriterionName, outcome: Outcome, replicas: int | None = None, steps: int | None = None) -> Row:
    """A gating row with what it asks for."""
    letter = {"stationarity": "S2", "agreement": "A", "history": "H", "diversity": "D", "ergodicity": "E"}[criterion]
    why = "so it was seen; so it must be"
    return Row(criterion, letter, "x", "cold", True, outcome, None, None, 1.0, 0.95, why, replicas, steps)


def advised(
    *rows: Row, subject: Ensemble | None = None, given: VerdictName | None = None, **replicas: int
) -> tuple[Advice, ...]:
    """Advice on an ensemble with these rows; criteria that have none hold."""
    found = {**HOLDING, **{one.criterion: one.outcome for one in rows}}
    subject = subject or case()
    counts = {"planned": 32, "finished": 32, "diverged": 0, "crashed": 0, "controls": 0} | replicas
    word = given or decide(found, False)
    verdict = Verdict(word, "", "", "", rows, found, {}, {}, {}, counts)
    return advice(verdict, subject)


def test_replicas_and_steps_are_commands_with_their_work() -> None:
    """The larger of two requests for replicas; steps from where they began, doubled until they are enough."""
    (more,) = advised(row("agreement", "undecided", 64), row("history", "undecided", 48))
    assert (more.kind, more.to, more.chance, more.work) == ("replicas", 64, 0.8, 32 * T)
    assert more.command == "thermo-run SPEC --set ensemble.replicas=64"
    (longer,) = advised(row("stationarity", "undecided", None, 3 * T))
    assert (longer.kind, longer.to, longer.work) == ("steps", 4 * T, 32 * 3 * T)
    assert longer.command == "thermo-run SPEC --set 'dynamics.steps={from: 1000, to: 4000}'"
    growing = case(extent=Extent("thermo-run SPEC", (32, 64), (500, T)))
    (more,) = advised(row("agreement", "undecided", 100), subject=growing)
    assert more.command == "thermo-run SPEC --set 'ensemble.replicas={from: 32, to: 100}'"


def test_a_training_that_cannot_go_on_starts_again() -> None:
    """Another total, from the first step: all of its work is to be done."""
    closed = case(extent=dataclasses.replace(EXTENT, closed=True))
    (longer,) = advised(row("stationarity", "undecided", None, 3 * T), subject=closed)
    assert (longer.command, longer.to, longer.work) == ("thermo-run SPEC --set dynamics.steps=3000", 3 * T, 32 * 3 * T)


def test_alternatives_stand_in_the_order_of_their_work() -> None:
    """What either decides: two ways, the cheaper first; what needs both is one command."""
    ways = advised(row("stationarity", "undecided", 40, 2 * T))
    assert [(one.kind, one.to) for one in ways] == [("replicas", 40), ("steps", 2 * T)]
    ways = advised(row("stationarity", "undecided", 400, 2 * T))
    assert [one.kind for one in ways] == ["steps", "replicas"]
    both = advised(row("stationarity", "undecided", None, 2 * T), row("agreement", "undecided", 64))
    assert {one.command for one in both} == {
        "thermo-run SPEC --set ensemble.replicas=64 --set 'dynamics.steps={from: 1000, to: 2000}'"
    }
    assert [(one.kind, one.together, one.work) for one in both] == [
        ("replicas", False, 96 * T),
        ("steps", True, 96 * T),
    ]
    joined = advised(row("stationarity", "undecided", 500, 2 * T), row("agreement", "undecided", 64))
    assert [(one.kind, one.to) for one in joined] == [("replicas", 64), ("steps", 2 * T)]


def test_what_cannot_change_the_verdict_is_left_out() -> None:
    """Replicas when S fails or a glass is plain; pairs where H decides already that it is `settled`; rows that do not gate."""
    (longer,) = advised(row("stationarity", "fails", None, 2 * T), row("agreement", "undecided", 64))
    assert longer.kind == "steps"
    assert advised(row("agreement", "fails"), row("history", "undecided", 64)) == ()
    assert [one.kind for one in advised(row("diversity", "undecided", 16))] == ["pairs"]
    without = advised(row("history", "untested"), row("diversity", "undecided", 16))
    assert [one.kind for one in without] == ["setup"]
    assert advised(dataclasses.replace(row("agreement", "undecided", 64), gates=False)) == ()


def test_pairs_come_with_the_replicas_they_are_partners_of() -> None:
    """Sixteen of 32 replicas have partners; forty need forty replicas."""
    (some,) = advised(row("diversity", "undecided", 16))
    assert some.command == "thermo-run SPEC --set ensemble.controls.same_bath=16"
    (many,) = advised(row("diversity", "undecided", 40))
    assert many.command == "thermo-run SPEC --set ensemble.controls.same_bath=40 --set ensemble.replicas=40"


def test_what_no_number_decides_is_said() -> None:
    """Neither replicas nor steps, or steps beyond 64 T: not reachable this way, never thousands."""
    (lost,) = advised(row("agreement", "undecided"))
    assert (lost.to, lost.command) == (None, "")
    assert "not reachable this way" in lost.words
    assert all(one.to is None for one in advised(row("stationarity", "undecided", None, 65 * T)))


def test_what_is_untested_comes_first_where_nothing_else_would_do() -> None:
    """Without agreement there is no verdict, whatever else is decided: its reason comes first, replicas are left out."""
    some = advised(row("agreement", "untested"), row("stationarity", "undecided", 64))
    assert some[0].words.startswith("agreement is untested: ")
    settled = advised(row("history", "untested"), row("agreement", "undecided", 64))
    assert [one.kind for one in settled] == ["replicas", "setup"]


def test_few_replicas_are_offered_normality_with_its_price() -> None:
    """Where all of a few are alike it would answer; not of 32, not where they are too far apart, not where it is chosen."""
    few = case(8)
    kinds = [one.kind for one in advised(row("agreement", "undecided", 64), subject=few)]
    assert kinds == ["replicas", "tolerance"]
    (offer,) = (one for one in advised(row("agreement", "undecided", 64), subject=few) if one.kind == "tolerance")
    assert "stuck elsewhere would not be noticed" in offer.words
    assert offer.command == "thermo-report RUN --set equilibrium.tolerance=normal"
    spread = dataclasses.replace(
        few, recorded=dataclasses.replace(few.recorded, values={"x": np.tile([[1.0], [-1.0]], (4, 2))})
    )
    for other in (
        case(32),
        spread,
        dataclasses.replace(few, settings=Settings(margins={"x": 1.0}, tolerance="normal")),
    ):
        assert [one.kind for one in advised(row("agreement", "undecided", 64), subject=other)] == ["replicas"]


def test_words_alone_are_for_runs_made_elsewhere() -> None:
    """Nothing to type, and no work that thermo could count."""
    (more,) = advised(row("agreement", "undecided", 64), subject=case(extent=None))
    assert (more.words.partition(" decide")[0], more.command, more.work) == ("64 runs of each history", "", None)


@pytest.mark.parametrize("word", ["relaxing", "undecided"])
def test_past_its_best_the_advice_is_to_stop(word: VerdictName) -> None:
    """Never to train longer, whatever a row asks for."""
    steps = np.array([0, 400, T])
    values = {"x": np.tile([0.0, 9.0, 5.0], (32, 1))}
    question = Question(T, ("cold",), {}, "constant", "", higher={"x": True}, extent=EXTENT)
    subject = ensemble(values, steps, Settings(margins={"x": 1.0}), question)
    outcome: Outcome = "fails" if word == "relaxing" else "undecided"
    first, *rest = advised(row("stationarity", outcome, 64, 2 * T), subject=subject)
    assert (first.kind, first.to, first.command) == ("stop", 400, "thermo-run SPEC --set dynamics.steps=400")
    assert [one.kind for one in rest] == ([] if word == "relaxing" else ["replicas"])


def test_the_verdicts_that_need_no_larger_run() -> None:
    """Divergence needs a steadier training, a crossed design nothing, a part its rest."""
    (steady,) = advised(row("agreement", "undecided", 64), given="diverged", diverged=3)
    assert (steady.kind, steady.to) == ("stability", None)
    assert advised(row("agreement", "untested"), subject=case(independent=False)) == ()
    (rest,) = advised(row("agreement", "undecided", 64), finished=20)
    assert (rest.kind, rest.words) == (
        "finish",
        "the same thermo-run command: 12 of 32 replicas are still to be trained",
    )
    spread = dataclasses.replace(row("stationarity", "fails", None, 2 * T), statistic="S3 growth of the spread")
    (apart,) = advised(spread)
    assert (apart.kind, apart.to) == ("stability", None)
