"""Beside every score stands the constant answer's and the test set's own error, in every format; what was asked for appears."""

import dataclasses

import numpy as np
import pytest

from tests.reports.test_terminal import QUESTION, ensemble
from thermo_cli.contracts import Trajectories
from thermo_cli.equilibrium.court import judge
from thermo_cli.equilibrium.ensemble import Ensemble, Settings
from thermo_cli.judging.verdict_json import document
from thermo_cli.reports.formats import FORMATS, rendered
from thermo_cli.reports.scores import scores
from thermo_cli.reports.sweep_view import SweepView, View, point_view
from thermo_cli.reports.view import Reproduction, RunView
from thermo_cli.reports.wording import nothing_to_do

CONSTANT, OWN_ERROR = "0.8625", "0.013"  # sqrt(.9 .1 / 500)


def trajectories() -> Trajectories:
    """The accuracy, a score without a margin, and a norm."""
    plain = ensemble(0.005, 0.0)
    area = np.full_like(plain.values["energy"], 0.7812)
    return dataclasses.replace(plain, values={**plain.values, "test_roc_auc": area, "parameter_norm": area + 11})


def view_of(constant: float = 0.8625) -> RunView:
    """A run of which the constant predictor is known."""
    known = {"test_accuracy": constant, "test_roc_auc": 0.5}
    higher = {"test_accuracy": True, "test_roc_auc": True}
    question = dataclasses.replace(QUESTION, constants=known, higher=higher, resolutions={"test_accuracy": 1 / 500})
    told = trajectories()
    verdict = judge(Ensemble(told, question, Settings()))
    record = document("demo-01234567", "complete", verdict)
    asked = ("test_roc_auc", "parameter_norm", "energy")
    return RunView("demo-01234567", "", "complete", verdict, told, record=record, asked=asked)


def sweep_of(view: RunView) -> SweepView:
    """Two points of it."""
    points = tuple(point_view({"dynamics.with.lr": rate}, view.verdict, "") for rate in (0.1, 0.2))
    record = {"points": [{**view.record, "point": point.values} for point in points]}
    return SweepView("sweep-01234567", "", "complete", "a scope", points, Reproduction(), record)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("swept", [False, True])
def test_skill_and_the_own_error_stand_beside_the_score(format: str, swept: bool) -> None:
    """In the short form of the terminal too; of a sweep beside the points."""
    view = view_of()
    shown: View = sweep_of(view) if swept else view
    text = rendered(format, [shown])
    assert CONSTANT in text, text
    assert OWN_ERROR in text


@pytest.mark.parametrize("format", FORMATS)
def test_what_was_asked_for_appears(format: str) -> None:
    """Whether it has a margin or not, and whether it has a split or not."""
    text = rendered(format, [view_of()])
    for name, value in {"roc_auc": "0.78", "parameter_norm": "11.", "energy": "1.1"}.items():
        assert name in text, name
        assert value in text, value


def test_scores_say_what_is_better() -> None:
    """By the margin of the court; without a margin it is not said."""
    first = {score.observable: score for score in scores(view_of().verdict)}
    assert first["test_accuracy"].better is True
    assert first["test_roc_auc"].better is None
    assert "better than that by its margin: yes" in first["test_accuracy"].words
    assert "test_accuracy" in first
    assert not any(name.startswith("train_") for name in first)


def test_what_is_no_better_than_one_answer_is_not_told_to_do_nothing() -> None:
    """More of the same would not help; what may is said."""
    words = nothing_to_do(view_of(0.9).verdict)
    assert "no better than always answering the most frequent class (0.9)" in words
    assert "balanced_accuracy" in words
    assert nothing_to_do(view_of().verdict).startswith("Nothing")
