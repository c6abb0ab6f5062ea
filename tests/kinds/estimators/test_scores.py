"""Scores that a spec asks for: shown wherever scores are, their cost told before the run; and what crashed is named."""

import re
import shutil
from pathlib import Path

import pytest

from tests.kinds.estimators.test_guests import SPEC
from thermo_cli.errors import DataError
from thermo_cli.experiment import prepare
from thermo_cli.kinds.estimators.pipeline import pipeline
from thermo_cli.metric import NAMES, asked_for
from thermo_cli.replicas import replica_table
from thermo_cli.spec import load_spec
from thermo_cli.trust import Trust, set_trust

LOGISTIC = '{use: "sklearn.naive_bayes:GaussianNB"}'


def written(tmp_path: Path, system: str, *changes: tuple[str, str]) -> Path:
    """Write a spec."""
    text = SPEC.replace("SYSTEM", system)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = tmp_path / "scores.yaml"
    path.write_text(text)
    return path


def test_scores_that_are_asked_for_are_on_the_terminal(tmp_path, command):
    """By default as with --details, in the run as in the report; what was not asked for is not."""
    macro = ("{micro: []}", "{micro: [], macro: [brier, f1_macro]}")
    path = written(tmp_path, LOGISTIC, macro)
    done = command("thermo-run", str(path))
    assert done.returncode == 0, done.stderr
    for output in (done.stdout, command("thermo-report", "latest").stdout):
        assert re.search(r"test_f1_macro +0\.9", output), output
        assert re.search(r"test_brier +0\.", output), output
        assert "test_loss" not in output
    assert asked_for([*NAMES, "f1_macro"]) == ["test_f1_macro"]
    assert asked_for(NAMES) == []


def test_the_plan_tells_what_scores_cost(tmp_path, command):
    """Each with its time for a replica, and all of them together."""
    path = written(tmp_path, LOGISTIC, ("{micro: []}", "{micro: [], macro: [accuracy, f1_macro, roc_auc_ovr]}"))
    done = command("thermo-run", str(path), "--plan")
    assert re.search(r"metrics +f1_macro [\d.]+ ms, roc_auc_ovr [\d.]+ ms .* about [\d.]+ s of one core", done.stdout)
    assert "metrics " not in command("thermo-run", str(path), "--plan", "--set", "observe.macro=[accuracy]").stdout


def test_replicas_that_crash_are_named_on_the_terminal(tmp_path, command):
    """Each with the file and line of the user's code; where all do, the reason is the same line."""
    shutil.copy(Path(__file__).with_name("guests.py"), tmp_path / "guest_models.py")
    path = written(tmp_path, '{use: "guest_models:Flaky"}')
    set_trust(Trust(("local",), tmp_path))
    try:
        spec = load_spec(path)
        states = [pipeline(spec.system, "classification", row.init).estimator for row in replica_table(spec)]
    finally:
        set_trust(Trust((), Path()))
    failing = [str(one.random_state) for one in states[1:]]
    done = command(
        "thermo-run", str(path), "--allow", "local", "--set", f"system.with={{failing: [{', '.join(failing[:2])}]}}"
    )
    assert done.returncode == 0
    line = r"error: replica cold/1 crashed: guest_models.py, line \d+, in fit: FloatingPointError: the means fell over"
    assert re.search(line, done.stderr), done.stderr
    assert "cold/2 crashed" in done.stderr


@pytest.mark.parametrize(
    ("rule", "words"),
    [("0.05", "{subsample: {fraction: 0.05, stratified: true}}"), ("{size: 2}", "larger subsamples, or remove")],
)
def test_a_class_that_is_missing_suggests_stratified(tmp_path, rule, words):
    """Ready to paste, where that would give the rarest class an example."""
    path = written(tmp_path, LOGISTIC, ("{fraction: 0.6}", rule), ("replicas: 4", "replicas: 32"))
    with pytest.raises(DataError, match="a class is absent") as caught:
        prepare(load_spec(path), tmp_path, tmp_path)
    assert words in caught.value.remedy
