"""The test set's own error: the bootstrap against closed forms, and what has none."""

import dataclasses

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import rankdata

from thermo_cli.contracts import Dataset
from thermo_cli.observables import own_error
from thermo_cli.observables.own_error import own_errors

EXAMPLES, REPLICAS = 400, 8
NAMES = ["loss", "accuracy", "roc_auc"]
RECORDED = ["energy", "test_loss", "test_accuracy", "test_roc_auc"]


def two_classes(count: int = EXAMPLES) -> tuple[Dataset, np.ndarray]:
    """A test set of two classes, a third of them positive, and answers of eight replicas that know something of it."""
    draws = np.random.default_rng(3)
    y = (draws.random(count) < 1 / 3).astype(np.int64)
    x = np.zeros((count, 1))
    outputs = draws.normal(size=(REPLICAS, 2, count))
    outputs[:, 1] += y
    return Dataset(x, y, x, y, "classification", ("a", "b"), 1.0, ""), outputs


def delong(outputs: np.ndarray, y: np.ndarray) -> float:
    """The standard error of the area under the curve: DeLong 1988, from the placements of either class in the other."""
    scores = outputs[1] - outputs[0]
    positive, negative = scores[y == 1], scores[y == 0]
    ranks, m, n = rankdata(np.concatenate([positive, negative])), len(positive), len(negative)
    above = (ranks[:m] - rankdata(positive)) / n
    below = 1 - (ranks[m:] - rankdata(negative)) / m
    return float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))


def test_the_bootstrap_finds_what_is_known() -> None:
    """The error of a mean over examples is sd / sqrt(n), that of an area under the curve DeLong's; a share has a formula."""
    data, outputs = two_classes()
    errors = own_errors(NAMES, RECORDED, data, outputs, 1)
    losses = -log_softmax(outputs, axis=1)[:, data.y_test, np.arange(EXAMPLES)]
    assert list(errors) == ["test_loss", "test_roc_auc"]
    assert errors["test_loss"] == pytest.approx(losses.std(axis=1).mean() / np.sqrt(EXAMPLES), rel=0.15)
    assert errors["test_roc_auc"] == pytest.approx(np.mean([delong(one, data.y_test) for one in outputs]), rel=0.15)
    assert errors == own_errors(NAMES, RECORDED, data, outputs, 1)


def test_answers_on_a_part_of_the_test_set_tell_the_error_on_all() -> None:
    """Where answers on the first quarter were kept, the error is that of the whole set: half as large as on the quarter."""
    data, outputs = two_classes()
    whole = own_errors(NAMES, RECORDED, data, outputs, 1)["test_loss"]
    part = own_errors(NAMES, RECORDED, data, outputs[:, :, : EXAMPLES // 4], 1)["test_loss"]
    assert part == pytest.approx(whole, rel=0.25)


def test_numbers_are_in_the_unit_of_the_target() -> None:
    """The error of RMSE is that of the mean square, sd(e^2) / (2 rmse sqrt(n)), in the target's own unit."""
    draws = np.random.default_rng(4)
    y = draws.normal(size=EXAMPLES)
    x = np.zeros((EXAMPLES, 1))
    data = Dataset(x, y, x, y, "regression", (), 10.0, "")
    outputs = (y + draws.normal(size=(REPLICAS, EXAMPLES)))[:, None]
    squares = (outputs[:, 0] - y) ** 2
    expected = 10 * (squares.std(axis=1) / np.sqrt(squares.mean(axis=1))).mean() / (2 * np.sqrt(EXAMPLES))
    assert own_errors(["rmse"], ["test_rmse"], data, outputs, 1)["test_rmse"] == pytest.approx(expected, rel=0.15)


def test_what_most_draws_do_not_define_has_none() -> None:
    """Without a positive there is no area under the curve; what was not recorded, or of no replica, has no error."""
    data, outputs = two_classes()
    y = np.zeros(EXAMPLES, dtype=np.int64)
    rare = dataclasses.replace(data, y_test=y)
    assert list(own_errors(NAMES, RECORDED, rare, outputs, 1)) == ["test_loss"]
    assert own_errors(NAMES, ["energy"], data, outputs, 1) == {}
    assert own_errors(NAMES, RECORDED, data, outputs[:0], 1) == {}


def test_a_function_that_fails_on_a_draw_leaves_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a user's function makes of other examples, the rest is known."""
    from thermo_cli.errors import Crashes

    def refuse(*_: object) -> np.ndarray:
        raise Crashes({0: "mine:score: no such example"})

    data, outputs = two_classes()
    known = own_error.formulas_of(["loss"], "classification")
    monkeypatch.setattr(own_error, "formulas_of", lambda *_: {"score": refuse, **known})
    assert list(own_errors(["score", "loss"], ["test_score", "test_loss"], data, outputs, 1)) == ["test_loss"]
