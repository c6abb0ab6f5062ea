"""Scores that are past their best: only in the good direction, only by more than a margin, only what is measured on others."""

import dataclasses

import numpy as np
import pytest

from tests.equilibrium.ensembles import ensemble
from thermo_cli.contracts import Array
from thermo_cli.equilibrium.ensemble import Question, Settings
from thermo_cli.equilibrium.past_best import PastBest, past_best

STEPS = np.arange(0, 1001, 100)
PEAK = np.minimum(STEPS, 400) / 1000.0  # rises until step 400


def fallen(name: str, fall: float, higher: bool = True, values: Array | None = None) -> PastBest | None:
    """Twenty replicas that rise until step 400 and then fall by so many margins, or the reverse."""
    course = PEAK - fall * np.maximum(STEPS - 400, 0) / 600
    course = (course if higher else -course) + 1e-9 * np.arange(20)[:, None] if values is None else values
    question = dataclasses.replace(Question(1000, ("cold",), {}, "constant", ""), higher={name: higher})
    return past_best(ensemble({name: course}, STEPS, Settings(margins={name: 1.0}), question))


@pytest.mark.parametrize("higher", [True, False])
def test_it_is_told_beyond_a_margin_and_in_the_good_direction(higher: bool) -> None:
    """A fall of 1.01 margins is told with its step, one of .99 is not; a rise of what should fall is the same."""
    found = fallen("test_score", 1.01, higher)
    assert found is not None
    assert (found.step, found.history) == (400, "cold")
    assert abs(found.best - found.last) == pytest.approx(1.01)
    assert "stop there, or regularize" in found.remedy
    assert fallen("test_score", 0.99, higher) is None


def test_what_training_pursues_and_what_has_no_direction_is_not_told() -> None:
    """Training scores, the energy, a score that was best before training, one that is lost, one of unknown direction."""
    assert fallen("train_accuracy", 3.0) is None
    assert fallen("energy", 3.0, higher=False) is None
    assert fallen("test_score", 0.0, values=np.tile(-STEPS / 100.0, (20, 1))) is None
    assert fallen("test_score", 0.0, values=np.full((20, 11), np.nan)) is None
    course = {"x": np.tile(PEAK - 3 * np.maximum(STEPS - 400, 0) / 600, (20, 1))}
    assert past_best(ensemble(course, STEPS, Settings(margins={"x": 1.0}))) is None


def test_a_few_that_collapse_do_not_make_it() -> None:
    """The trimmed mean is that of the middle: two of twenty that fall far are for counts to tell; a plain mean would fall."""
    course = np.tile(PEAK, (20, 1))
    course[:2, -1] = -30.0
    assert course.mean(axis=0)[-1] < PEAK[-1] - 1
    assert fallen("test_score", 0.0, values=course) is None
