"""Observables of the user: scorers against scikit-learn on real estimators, functions, and everything that is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer, get_scorer_names

import thermo_cli
from tests.conftest import SERIAL
from thermo_cli import rng
from thermo_cli.contracts import Dataset, Task
from thermo_cli.errors import SpecError
from thermo_cli.metric import label
from thermo_cli.observables import scorers
from thermo_cli.observables.own import check_own, own_formula
from thermo_cli.spec import load_spec
from thermo_cli.trust import Trust, set_trust

FUNCTIONS = """
import random

import numpy as np


def top2(outputs, targets):
    return float((np.argsort(outputs, axis=1)[:, -2:] == targets[:, None]).any(axis=1).mean())


class Scores:
    @staticmethod
    def mean(outputs, targets=None):
        return outputs.mean()


def raising(outputs, targets):
    raise RuntimeError("no such luck")


def nan(outputs, targets):
    return float("nan")


def word(outputs, targets):
    return "0.5"


def several(outputs, targets):
    return outputs.mean(axis=0)


def nothing(outputs, targets):
    return None


def drawing(outputs, targets):
    return random.random()


def own(outputs, targets, generator=np.random.default_rng()):
    return generator.random()


def writing(outputs, targets):
    outputs[0] = 0
    return 1.0


def alone(outputs):
    return 1.0


def accuracy(outputs, targets):
    return 1.0


number = 3
"""
MULTICLASS = (
    "balanced_accuracy",
    "f1_macro",
    "f1_weighted",
    "precision_macro",
    "recall_micro",
    "jaccard_macro",
    "matthews_corrcoef",
    "roc_auc_ovr",
    "roc_auc_ovo_weighted",
    "neg_log_loss",
    "d2_log_loss_score",
    "top_k_accuracy",
    "adjusted_rand_score",
)
BINARY = ("f1", "precision", "recall", "roc_auc", "average_precision", "neg_brier_score", "jaccard", "neg_log_loss")
NUMBERS = (
    "explained_variance",
    "neg_mean_absolute_error",
    "neg_median_absolute_error",
    "neg_max_error",
    "d2_absolute_error_score",
)


@pytest.fixture
def functions(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of functions that may be imported; its name is its own in every test."""
    name = f"functions_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(FUNCTIONS)
    monkeypatch.setattr("thermo_cli.trust._TRUST", [Trust(("local",), tmp_path)])
    return name


def check(name: str, task: Task, y: Any, outputs: int, unit: float = 1.0, centred: bool = False) -> None:
    """Try one observable on a test set of these targets."""
    labels = tuple("abc"[:outputs]) if task == "classification" else ()
    check_own([name], Dataset(y[:, None], y, y[:, None], y, task, labels, unit, ""), centred)


def stacked(*estimators: Any, x: Any) -> Any:
    """Return the outputs of fitted estimators as a stack has them, (replica, output, example)."""
    if hasattr(estimators[0], "decision_function"):
        found = [estimator.decision_function(x) for estimator in estimators]
        found = [np.stack([-z / 2, z / 2], axis=1) if z.ndim == 1 else z for z in found]
        return np.stack([z.T for z in found])
    return np.stack([estimator.predict(x)[None] for estimator in estimators])


@pytest.mark.parametrize(
    ("load", "names"), [(load_wine, MULTICLASS), (load_breast_cancer, BINARY)], ids=["three classes", "two classes"]
)
def test_scorers_of_classes_are_those_of_scikit_learn(load: Any, names: tuple[str, ...]) -> None:
    """On two fitted logistic regressions, one strong and one weak penalty, to the last digits."""
    data = load()
    x = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    estimators = [LogisticRegression(C=c, max_iter=1000).fit(x[::2], data.target[::2]) for c in (1e-3, 1.0)]
    outputs = stacked(*estimators, x=x[1::2])
    y = np.broadcast_to(data.target[1::2], (2, len(data.target[1::2])))
    for name in names:
        expected = [get_scorer(name)(estimator, x[1::2], data.target[1::2]) for estimator in estimators]
        np.testing.assert_allclose(
            own_formula(name, "classification")(outputs, y, 1.0), expected, rtol=1e-9, err_msg=name
        )


def test_scorers_of_numbers_are_those_of_scikit_learn_in_the_target_s_unit() -> None:
    """On two ridge regressions whose targets have been scaled."""
    data = load_diabetes()
    estimators = [Ridge(alpha=alpha).fit(data.data[::2], data.target[::2]) for alpha in (0.1, 10.0)]
    unit = float(data.target.std())
    x, target = data.data[1::2], data.target[1::2]
    y = np.broadcast_to(target / unit, (2, len(target)))
    for name in NUMBERS:
        expected = [get_scorer(name)(estimator, x, target) for estimator in estimators]
        found = own_formula(name, "regression")(stacked(*estimators, x=x) / unit, y, unit)
        np.testing.assert_allclose(found, expected, rtol=1e-9, err_msg=name)


def test_every_scorer_is_checked_or_refused_with_a_reason() -> None:
    """Whatever scikit-learn has: an answer for these targets, or an error that says what to do."""
    y = np.arange(60) % 3
    taken, remedies = set(), set()
    for name in get_scorer_names():
        try:
            check(name, "classification", y, 3)
            taken.add(name)
        except SpecError as error:
            remedies.add(error.remedy)
    assert taken >= set(MULTICLASS)
    assert all("leave" in remedy or "must be" in remedy for remedy in remedies)
    assert not taken & {"neg_mean_squared_error", "r2", "f1", "roc_auc", "explained_variance"}


def test_a_function_sees_one_replica(functions: str) -> None:
    """Rows are examples; a replica that is not finite has no value; numbers are in the target's own unit."""
    outputs = rng.generator(0).normal(size=(3, 4, 50))
    y = rng.generator(1).integers(0, 4, (3, 50))
    expected = [
        (np.argsort(z.T, axis=1)[:, -2:] == t[:, None]).any(axis=1).mean() for z, t in zip(outputs, y, strict=True)
    ]
    outputs[1, 2, 7] = np.inf
    found = own_formula(f"{functions}:top2", "classification")(outputs, y, 1.0)
    assert (found[0], found[2]) == (expected[0], expected[2])
    assert np.isnan(found[1])
    numbers = own_formula(f"{functions}:Scores.mean", "regression")(outputs[:1, :1], outputs[:1, 0], 10.0)
    assert numbers[0] == pytest.approx(10 * outputs[0, 0].mean())
    assert label(f"{functions}:Scores.mean") == "mean"


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("raising", "RuntimeError: no such luck"),
        ("nan", "has no finite value"),
        ("word", "no number"),
        ("several", "no number"),
        ("nothing", "no number"),
        ("drawing", "draws random numbers"),
        ("own", "not always the same"),
        ("writing", "read-only"),
        ("alone", "takes other arguments"),
        ("number", "no function"),
        ("Scores", "no function"),
        ("top3", "did you mean 'top2'?"),
    ],
)
def test_functions_that_cannot_serve_are_refused(functions: str, function: str, expected: str) -> None:
    """Tried on the targets of the test set before anything is trained."""
    with pytest.raises(SpecError, match=r"(?s)remedy") as caught:
        check(f"{functions}:{function}", "classification", np.arange(9) % 3, 3)
    assert expected in str(caught.value)
    assert caught.value.where == "observe.macro"


@pytest.mark.parametrize(
    ("name", "task", "expected"),
    [
        ("f1_makro", "classification", "did you mean 'f1_macro'?"),
        ("acuracy", "classification", "did you mean 'accuracy'?"),
        ("neg_mean_squared_error", "classification", "this scorer is for numbers, and the task is classification"),
        ("f1_macro", "regression", "this scorer is for classes, and the task is regression"),
        ("f1", "classification", "Target is multiclass"),
        ("os:getpid", "classification", "--allow os"),
    ],
)
def test_names_that_do_not_fit_are_refused(name: str, task: Any, expected: str) -> None:
    """Unknown, for another task, or not allowed."""
    set_trust(Trust((), Path("/nowhere")))
    with pytest.raises(SpecError) as caught:
        check(name, task, np.arange(9) % 3, 3 if task == "classification" else 1)
    assert expected in str(caught.value)


def test_what_depends_on_the_origin_needs_targets_as_they_are() -> None:
    """A relative error of centred targets means nothing; an absolute one does."""
    y = rng.generator(3).normal(size=40)
    with pytest.raises(SpecError, match=r"data\.scale: none"):
        check("neg_mean_absolute_percentage_error", "regression", y, 1, 2.0, True)
    check("neg_mean_absolute_percentage_error", "regression", y, 1, 1.0, False)
    check("neg_mean_absolute_error", "regression", y, 1, 2.0, True)


SPEC = """\
name: own
data:     {{use: wine}}
system:   {{use: linear}}
dynamics: {{use: sgd, with: {{lr: 0.1}}, batch_size: 16, steps: 64}}
ensemble: {{replicas: 3, seed: 3, controls: {{same_bath: 0, twin: 0}}}}
observe:  {{macro: [accuracy, f1_macro, "{module}:top2"]}}
equilibrium: {{margins: {{test_f1_macro: 0.03}}}}
"""


def test_a_run_observes_them_and_a_margin_makes_one_gate(tmp_path: Path) -> None:
    """Both splits of both; the one with a margin gates, the other is reported; judged again the other way round."""
    (tmp_path / "own_metrics.py").write_text(FUNCTIONS)
    (tmp_path / "own.yaml").write_text(SPEC.format(module="own_metrics"))
    with pytest.raises(SpecError, match="--allow local"):
        thermo_cli.run(tmp_path / "own.yaml", results=tmp_path / "results")
    run = thermo_cli.run(tmp_path / "own.yaml", results=tmp_path / "results", allow=["local"], engine=SERIAL)
    assert {"train_f1_macro", "test_f1_macro", "train_top2", "test_top2"} <= set(run.observables.values)
    assert {row.observable for row in run.verdict.criteria if row.gates and row.observable} >= {"test_f1_macro"}
    assert "test_top2" not in {row.observable for row in run.verdict.criteria}
    assert 0.5 < run.verdict.macroscopic["test_top2"]["mean"] <= 1.0
    assert (run.observables.values["test_top2"] >= run.observables.values["test_accuracy"]).all()
    again = run.judge(margins={"test_top2": 0.1})
    assert "test_top2" in {row.observable for row in again.verdict.criteria if row.gates}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("observe.macro=[acuracy]", "did you mean 'accuracy'?"),
        ('observe.macro=[accuracy, "own_metrics:accuracy"]', "two observables have the same name"),
        ("equilibrium.margins={test_f1: 0.1}", "no margin can be set for 'test_f1'"),
        ("equilibrium.margins={train_f1_macro: 0.1}", "only the test split gates"),
        ('observe.macro=["own metrics:x"]', "observe.macro"),
        ("observe.macro=[f1_macro]", "test_accuracy is not observed"),
    ],
)
def test_a_spec_says_what_is_wrong(tmp_path: Path, change: str, expected: str) -> None:
    """And nothing is trained."""
    (tmp_path / "own_metrics.py").write_text(FUNCTIONS)
    text = SPEC.format(module="own_metrics").replace(
        "{margins: {test_f1_macro: 0.03}}", "{margins: {test_accuracy: 0.1}}"
    )
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        thermo_cli.run(tmp_path / "own.yaml", overrides=[change], results=tmp_path / "results", allow=["local"])
    assert expected in str(caught.value)
    assert not (tmp_path / "results").exists()


def test_systems_without_outputs_have_none(tmp_path: Path) -> None:
    """A physical system shows what it shows."""
    (tmp_path / "walk.yaml").write_text(
        "system: {use: harmonic}\ndynamics: {use: langevin, steps: 9}\nobserve: {macro: [f1_macro]}\n"
        "equilibrium: {margins: {energy_density: 1}}\n"
    )
    with pytest.raises(SpecError, match="has no outputs"):
        thermo_cli.run(tmp_path / "walk.yaml", results=tmp_path / "results")


def test_other_code_is_another_run_and_the_list_is_written_as_ever(tmp_path: Path) -> None:
    """The hash of the function's file counts; the list of observables alone is written as it always was."""
    from thermo_cli.experiment import prepare

    (tmp_path / "own.yaml").write_text(SPEC.format(module="own_metrics"))
    names = set()
    for text in (FUNCTIONS, FUNCTIONS + "# changed\n"):
        (tmp_path / "own_metrics.py").write_text(text)
        names.add(prepare(load_spec(tmp_path / "own.yaml"), tmp_path, tmp_path, ["local"]).folder.name)
    assert len(names) == 2
    spec = load_spec(tmp_path / "own.yaml")
    assert spec.observe.macro == ["energy", "accuracy", "f1_macro", "own_metrics:top2"]
    plain = load_spec(tmp_path / "own.yaml", ["observe={macro: [accuracy]}", "equilibrium.margins={}"])
    assert plain.model_dump(mode="json")["observe"]["macro"] == ["energy", "accuracy"]


def test_scorers_of_labels_are_asked_once_for_the_same_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other outputs with the same predictions cost nothing more; other predictions, or other targets, are another score."""
    calls = []
    real = scorers._model

    def counted(task: Any, outputs: int) -> Any:
        calls.append(outputs)
        return real(task, outputs)

    monkeypatch.setattr(scorers, "_model", counted)
    score = scorers.scorer("balanced_accuracy", "classification")
    outputs, y = np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 2, 1])
    first = [score(outputs * scale, y) for scale in (1.0, 2.0, 3.0)]
    assert first == [pytest.approx((1 + 0.5 + 1) / 3)] * 3
    assert len(calls) == 1
    assert score(outputs, np.array([0, 1, 2, 0])) == 1.0
    assert score(outputs[::-1], y) < 1.0
    assert len(calls) == 3
    score = scorers.scorer("neg_log_loss", "classification")  # sees more than labels
    assert score(outputs, y) != score(2 * outputs, y)
