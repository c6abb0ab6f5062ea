"""One record per metric: what follows from the table, and a metric that is added by one record and one function."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import thermo_cli
from thermo_cli.metric import METRICS, Answers, default_margins, higher_is_better, margin_problem, observed
from thermo_cli.registry import load

EVERY = [metric.name for metric in METRICS]


def test_every_formula_is_a_function() -> None:
    """A record that names nothing would fail in training only."""
    paths = [path for metric in METRICS for path in (metric.classification, metric.regression, metric.state) if path]
    assert len(paths) == 12
    assert all(callable(load(path)) for path in paths)


@pytest.mark.parametrize(
    ("answers", "names"),
    [
        ("probabilities", ["loss", "accuracy", "brier", "calibration_error", "margin"]),
        ("scores", ["accuracy", "margin"]),
        ("labels", ["accuracy"]),
    ],
)
def test_classifiers_are_asked_what_they_can_tell(answers: Answers, names: list[str]) -> None:
    """Without probabilities there is no calibration, without scores no margin; what is the user's own is always asked."""
    assert observed(EVERY, "classification", answers) == names
    assert observed(["f1_macro", "my.own:Class.score"], "classification", answers) == ["f1_macro", "score"]


def test_regressions_tell_what_is_of_numbers() -> None:
    """Whatever is said of classes does not concern them."""
    assert observed(EVERY, "regression") == observed(EVERY, "regression", "numbers") == ["loss", "r2", "rmse"]


@pytest.mark.parametrize(("examples", "accuracy"), [(None, 0.02), (1000, 0.02), (100, 0.02), (40, 0.05)])
def test_margins_that_nobody_states(examples: int | None, accuracy: float) -> None:
    """Two examples of a small test set are more than 0.02 of the accuracy; R2 knows no examples."""
    assert default_margins(examples) == {"test_accuracy": accuracy, "test_r2": 0.02}


@pytest.mark.parametrize(
    ("observable", "problem"),
    [
        ("energy", None),
        ("test_margin", None),
        ("test_f1_macro", None),
        ("test_score", None),
        ("train_loss", "only the test split gates: use test_loss"),
        ("shifted_accuracy", "only the test split gates: use test_accuracy"),
        (
            "parameter_norm",
            "margins go to energy, or to test_ with loss, accuracy, brier, calibration_error, margin, r2 or rmse",
        ),
        ("test_recall", "margins go to energy, or to test_ with loss"),
        ("accuracy", "margins go to energy"),
    ],
)
def test_what_may_carry_a_margin(observable: str, problem: str | None) -> None:
    """The energy, and metrics on the test set; the norms only warn."""
    message = margin_problem(observable, ["accuracy", "f1_macro", "my.own:Class.score"])
    assert message is None if problem is None else (message or "").startswith(problem)


def test_which_way_is_good() -> None:
    """By the metric's name, whatever the split; of scorers higher, of functions and of other names nothing is known."""
    up, down = ("test_accuracy", "test_r2", "train_margin", "val_f1"), ("energy", "test_loss", "test_brier", "rmse")
    assert [higher_is_better(name) for name in (*up, *down)] == [True] * 4 + [False] * 4
    assert higher_is_better("test_calibration_error") is False
    for name in ("my_number", "accuracy_of_nothing", "parameter_norm"):
        assert higher_is_better(name) is None
    own = ["neg_log_loss", "mine:accuracy"]
    assert [higher_is_better(f"test_{name}", own) for name in ("neg_log_loss", "accuracy", "loss")] == [
        True,
        None,
        False,
    ]


@pytest.mark.parametrize(
    "name", ["acc", "accuracy", "f1", "auc", "bleu", "rouge", "dice", "iou", "map", "reward", "return", "r2"]
)
def test_higher_is_better_of_usual_names(name: str) -> None:
    """After each split, with each separator, in small or large letters, and averaged over epochs."""
    for split in ("train", "val", "valid", "eval", "test"):
        for separator in "_/.":
            assert higher_is_better(f"{split}{separator}{name}") is True
    assert all(higher_is_better(word) is True for word in (name, name.upper(), f"val_{name}_epoch", "top1", "elo"))


@pytest.mark.parametrize("name", ["loss", "error", "rmse", "mae", "perplexity", "wer", "seconds"])
def test_lower_is_better_of_usual_names(name: str) -> None:
    """The same of what is to be small; a name that merely holds one of them is not known."""
    for split in ("train", "val", "valid", "eval", "test"):
        for separator in "_/.":
            assert higher_is_better(f"{split}{separator}{name}") is False
    assert higher_is_better(name.title()) is False
    assert all(higher_is_better(word) is None for word in (f"my_{name}", f"{name}_scaled", f"train-{name}"))


RECORD = 'Metric("worst", regression=f"{NUMBERS}:worst", direction="lower", unit=1, margin=5.0),\n)\nRECORDS'
FORMULA = '''

def worst(outputs: Array, y: Any) -> Array:
    """The largest error."""
    return np.abs(outputs[:, 0, :] - y).max(axis=1)
'''
SPEC = """\
name: added
data:     {{use: diabetes}}
system:   {{use: {system}}}
dynamics: {dynamics}
ensemble: {{replicas: 3, seed: 3, controls: {{same_bath: 0, twin: 0}}}}
"""
SYSTEMS = {
    "linear": "{use: sgd, with: {lr: 0.01}, batch_size: 32, steps: 16}",
    '"sklearn.linear_model:Ridge"': "{use: fit, with: {time: once}, steps: 1}",
}


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start thermo-run of the package in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "thermo_cli.cli.run", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_metric_is_one_record_and_one_function(tmp_path: Path) -> None:
    """In a copy of the package: it is in the schema, observed and gates, of networks and of estimators alike."""
    package = tmp_path / "thermo_cli"
    source = Path(thermo_cli.__file__).parent
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    for file, old, new in (
        ("metric.py", ")\nRECORDS", f"    {RECORD}"),
        ("observables/regression.py", "", FORMULA),
    ):
        text = (package / file).read_text()
        (package / file).write_text(text.replace(old, new) if old else text + new)
    schema: Any = json.loads(command(tmp_path, "--schema").stdout)
    macro = schema["$defs"]["Observe"]["properties"]["macro"]
    assert "worst" in macro["items"]["anyOf"][0]["enum"]
    for number, (system, dynamics) in enumerate(SYSTEMS.items()):
        (tmp_path / "added.yaml").write_text(SPEC.format(system=system, dynamics=dynamics))
        done = command(tmp_path, "added.yaml", "--results", str(number), "--workers", "1")
        assert done.returncode == 0, done.stderr
        (run,) = (tmp_path / str(number)).glob("added-*")
        verdict = json.loads((run / "verdict.json").read_text())
        values = verdict["macroscopic"]
        assert values["test_worst"]["mean"] > values["test_rmse"]["mean"]
        assert 5.0 in {row["margin"] for row in verdict["criteria"] if row["observable"] == "test_worst"}
