"""A verdict in the hand: it prints as a box, is pickled and compared like any record, and can be required."""

import pickle

import pytest

import thermo_cli
from tests.reports.test_notebook import parsed
from tests.runs.test_arrays import ensemble, judged
from thermo_cli.errors import NotMet, ThermoError, UsageError


def test_it_prints_as_a_box_that_a_newcomer_can_read() -> None:
    """The answer, its sentence, a line for each question: short, within 80 columns, no colour codes, no letters to look up."""
    verdict = judged(ensemble())
    text = str(verdict)
    assert text == repr(verdict)
    lines = text.splitlines()
    assert lines[0].startswith("╭─ verdict ")
    assert lines[1].startswith("│ SETTLED ")
    assert max(map(len, lines)) <= 80
    assert len(text) < 2500
    assert "\x1b" not in text
    assert not [word for word in ("Q*", "R-hat", "S2", "Yuen", "4T") if word in text]
    assert [line.split()[0] for line in lines if "?" in line] == [name.capitalize() for name in verdict.outcomes]


def test_a_notebook_shows_the_same() -> None:
    """Well-formed, with the verdict first and an answer for each question."""
    verdict = judged(ensemble())
    words = " ".join(parsed(verdict._repr_html_()).itertext())
    assert words.startswith("SETTLED")
    assert verdict.summary in words
    assert "Has it stopped changing?" in words


def test_it_is_a_record_like_any_other() -> None:
    """A public Verdict, equal to what was judged the same way, whole after a journey between processes."""
    verdict = judged(ensemble())
    assert isinstance(verdict, thermo_cli.Verdict)
    assert verdict == judged(ensemble())
    assert verdict != judged(ensemble(31))
    assert pickle.loads(pickle.dumps(verdict)) == verdict


def test_what_is_met_raises_nothing() -> None:
    """`settled` admits what is more; of several words any will do."""
    verdict = judged(ensemble())
    for words in (("settled",), ("thermalized", "settled")):
        assert verdict.require(*words) is None  # type: ignore[func-returns-value]


def test_what_is_not_met_raises_the_sentence_of_the_report() -> None:
    """With what was required and what to do; undecided is told apart, and both are errors of thermo, whole after pickling."""
    few = judged(ensemble(8))
    with pytest.raises(NotMet) as caught:
        few.require("settled")
    error = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(error, ThermoError)
    assert str(error).startswith(f"required settled, received undecided: {few.summary}\n  remedy: ")
    assert error.undecided
    with pytest.raises(NotMet, match="Still changing") as moving:
        judged(-ensemble(memory=1.0)).require("settled")
    assert not moving.value.undecided
    with pytest.raises(NotMet, match="skill untested"):
        judged(ensemble()).require("skilled")


@pytest.mark.parametrize("words", [("setled",), (), ("equivalent",)])
def test_what_no_verdict_can_be_is_refused(words: tuple[str, ...]) -> None:
    """A misspelled gate would never be met; the nearest word is named, and what a comparison alone can answer is none."""
    with pytest.raises(UsageError, match="cannot be required of a verdict"):
        judged(ensemble()).require(*words)
