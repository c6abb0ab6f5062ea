"""Numbers as people have them: alike in any container and orientation; what is uncertain is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

import thermo_cli
from tests.exam.cell import STEPS
from tests.runs.test_arrays import ensemble, judged, outcomes
from thermo_cli.contracts import Array
from thermo_cli.errors import DataError, UsageError

FINALS = 0.9 + 0.004 * np.random.Generator(np.random.PCG64(1)).standard_normal(64)
FORMS: dict[str, Callable[[Array], Any]] = {
    "lists": lambda values: values.tolist(),
    "masked": np.ma.masked_invalid,
    "tensor": lambda values: torch.tensor(values, requires_grad=True),
    "frame": pd.DataFrame,
    "frame with steps": lambda values: pd.DataFrame(values, columns=STEPS),
    "frame the other way": lambda values: pd.DataFrame(values, columns=STEPS).T,
    "time first": lambda values: values.T,
    "objects": lambda values: np.where(np.isnan(values), None, values.astype(object)),  # type: ignore[call-overload]
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_numbers_are_judged_alike(form: str) -> None:
    """Whatever holds them, with a missing value among them and a replica that has diverged."""
    values = ensemble(46)
    values[3, 4] = np.nan
    values[5, -8:] = np.nan
    expected = judged(values, diverged=1)
    assert (expected.verdict, expected.replicas["diverged"]) == ("settled", 1)
    assert judged(FORMS[form](values), diverged=1) == expected


@pytest.mark.parametrize(
    "form", [np.asarray, list, torch.tensor, pd.Series, lambda values: values[:, None], np.ma.asarray]
)
def test_final_scores_alone_serve_agreement_and_targets(form: Callable[[Any], Any]) -> None:
    """One row or one column, without steps: A and targets are answered, S is untested and says what would tell."""
    verdict = thermo_cli.judge({"test_accuracy": form(FINALS)}, targets={"test_accuracy": {"at_least": 0.89}})
    assert verdict.verdict == "undecided"
    assert outcomes(verdict)["agreement"] == "holds"
    assert outcomes(verdict)["target"] == "holds"
    assert outcomes(verdict)["stationarity"] == outcomes(verdict)["history"] == "untested"
    (reason,) = {row.explanation for row in verdict.criteria if row.criterion == "stationarity"}
    assert reason.startswith("final scores alone do not tell")
    assert verdict.macroscopic["test_accuracy"]["mean"] == pytest.approx(FINALS.mean())
    assert not [step for step in verdict.advice if step.kind == "steps"], (
        "no step is known of which there could be more"
    )
    verdict.require("target")


@pytest.mark.parametrize("count", [40, 64])
def test_a_column_is_final_scores_whatever_the_number_of_steps(count: int) -> None:
    """Of as many replicas as there are steps too: one replica in time is a row, or a frame whose index is the steps."""
    scores, steps = FINALS[:count], list(range(100, 4100, 100))
    verdict = thermo_cli.judge({"test_accuracy": scores[:, None]}, steps=steps)
    assert verdict.replicas["finished"] == count
    assert verdict.macroscopic["test_accuracy"]["mean"] == pytest.approx(scores.mean())
    row = thermo_cli.judge({"test_accuracy": FINALS[None, :40]}, steps=steps)
    assert row.replicas["finished"] == 1
    assert thermo_cli.judge({"test_accuracy": pd.DataFrame(FINALS[:40], index=steps)}, steps=steps) == row


class Container:
    """Numbers in a library that is not pandas: its to_numpy takes no type, and it is an array to NumPy."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def to_numpy(self) -> Array:
        """Return the numbers."""
        return self.values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self.values, dtype)


@pytest.mark.parametrize("form", [Container, pa.array])
def test_containers_of_other_libraries_are_arrays(form: Callable[[Array], Any]) -> None:
    """Whatever `to_numpy` and `index` mean to them."""
    expected = thermo_cli.judge({"test_accuracy": FINALS})
    assert thermo_cli.judge({"test_accuracy": form(FINALS)}) == expected


def test_a_frame_of_final_scores_has_an_observable_in_each_column() -> None:
    """As a table of runs is read: one row a run."""
    frame = pd.DataFrame({"test_accuracy": FINALS, "test_r2": FINALS - 0.1})
    verdict = thermo_cli.judge(frame)
    assert set(verdict.macroscopic) == {"test_accuracy", "test_r2"}


def test_final_scores_that_disagree_are_no_less_so_for_being_alone() -> None:
    """A fails as it would at the end of trajectories; with histories that end apart H fails too."""
    wide = np.concatenate([FINALS[:32], FINALS[32:] - 0.2])
    verdict = thermo_cli.judge({"test_accuracy": wide}, histories=["a"] * 32 + ["b"] * 32)
    assert (outcomes(verdict)["agreement"], outcomes(verdict)["history"]) == ("fails", "fails")
    assert verdict.verdict == "undecided", "what has not been shown to be at rest is no glass"


def test_budgets_answer_stationarity_of_final_scores() -> None:
    """A column for each of T/4, T/2 and T, or a row; how long T is must be said, and where it all began."""
    budgets = FINALS[:, None] + 0.001 * np.random.default_rng(3).standard_normal((64, 3))
    whole = {"steps": 8000, "initial": {"test_accuracy": 0.1}}
    found = [
        thermo_cli.judge({"test_accuracy": FINALS}, budgets={"test_accuracy": table}, **whole)  # type: ignore[arg-type]
        for table in (budgets, budgets.T)
    ]
    assert found[0] == found[1]
    assert found[0].verdict == "settled"
    assert "assumed" not in found[0].scope
    with pytest.raises(DataError, match="how long the budgets are"):
        thermo_cli.judge({"test_accuracy": FINALS}, budgets={"test_accuracy": budgets})
    open_start = thermo_cli.judge({"test_accuracy": FINALS}, budgets={"test_accuracy": budgets}, steps=8000)
    assert "state where it began (initial)" in str([row.explanation for row in open_start.criteria])


def test_a_schedule_is_never_assumed_in_silence() -> None:
    """Where none is stated the scope says what was assumed; where one is, or nothing is read off a course, it does not."""
    words = "if the learning rate was constant in the window (assumed: no schedule was stated)"
    assert judged(ensemble()).scope == f"for the replicas given, {words}"
    assert judged(ensemble(), schedule="constant").scope == "for the replicas given"
    assert outcomes(judged(ensemble(), schedule="cosine"))["stationarity"] == "untested"
    assert thermo_cli.judge({"test_accuracy": FINALS}).scope == "for the replicas given"
    assert judged(ensemble()).criteria == judged(ensemble(), schedule="constant").criteria


@pytest.mark.parametrize(
    ("values", "steps", "what"),
    [
        (np.zeros((4, 4)), [1, 2, 3, 4], "is square"),
        (pd.DataFrame(np.zeros((2, 2))), [1, 2], "is square"),
        (np.zeros(4), [1, 2, 3, 4], "one row may be one replica in time"),
        (np.zeros((4, 3)), None, "the steps are missing"),
        (np.zeros((1, 8)), None, "the steps are missing"),
        (np.zeros((4, 3, 2)), [1, 2, 3], "wrong shape"),
        (["a", "b"], None, "no table of numbers"),
        (torch.zeros(4, 4), [1, 2, 3, 4], "is square"),
    ],
)
def test_what_is_not_certain_is_refused(values: Any, steps: Any, what: str) -> None:
    """With what was received and how to make it certain."""
    with pytest.raises(DataError, match=what) as caught:
        thermo_cli.judge({"test_accuracy": values}, steps=steps)
    assert caught.value.received
    assert caught.value.remedy


def test_a_square_frame_whose_labels_are_the_steps_is_certain() -> None:
    """In its columns or in its index."""
    values = ensemble(len(STEPS))
    with pytest.raises(DataError, match="is square"):
        judged(values)
    frame = pd.DataFrame(values, columns=STEPS)
    assert judged(frame) == judged(frame.T)
    assert judged(frame).verdict == "settled"


@pytest.mark.parametrize("target", [{}, {"at_least": 1, "at_most": 0}, {"least": 1}, {"at_least": "much"}, 0.9, None])
def test_a_target_has_one_bound(target: Any) -> None:
    """Anything else is refused, as is one of what is not observed."""
    with pytest.raises(UsageError, match="a target has one bound"):
        thermo_cli.judge({"test_accuracy": FINALS}, targets={"test_accuracy": target})
    with pytest.raises(UsageError, match="not observed"):
        thermo_cli.judge({"test_accuracy": FINALS}, targets={"test_loss": {"at_most": 1.0}})
