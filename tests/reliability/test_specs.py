"""Malformed specs are refused with their place, and huge values answered with what they would cost."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies

from tests.conftest import ROOT, SMALL
from tests.reliability import specs
from tests.reliability.malformed import malformed
from tests.reliability.specs import Answer, answer, faults

DATA = "name: huge\ndata: {use: wine}\n"
NET = "dynamics: {use: sgd, with: {lr: 0.1}, batch_size: 16, steps: 400}\n"
MLP = f"{DATA}system: {{use: mlp}}\n{NET}"
BOOSTING, SGD = "sklearn.ensemble:GradientBoostingClassifier", "sklearn.linear_model:SGDClassifier"
FOREST = f"{DATA}system: {{use: 'sklearn.ensemble:RandomForestClassifier', with: {{n_estimators: 1000000000}}}}\n"
STAGED = f"{DATA}system: {{use: '{BOOSTING}'}}\ndynamics: {{with: {{time: staged}}, steps: 1000000000}}\n"
PARTIAL = f"{DATA}system: {{use: '{SGD}'}}\ndynamics: {{with: {{time: partial}}, steps: 1000000000}}\n"
LAYERS = ", ".join(["8"] * 10_000)
LONG = ", ".join(map(str, range(1, 30_001)))


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what experiments name."""
    folder = tmp_path_factory.mktemp("malformed")
    specs.with_experiments(folder)
    return folder


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(draw=strategies.randoms(use_true_random=False), allowed=strategies.booleans())
def test_no_malformed_spec_ends_in_a_traceback(beside: Path, draw: random.Random, allowed: bool) -> None:
    """150 of them, drawn from the schema and made of experiments; the long form of tests/reliability tries 5,000."""
    answered = specs.planned(beside, malformed(draw), allowed)
    assert not faults(answered), answered.errors


def planned(folder: Path, text: str, *options: str) -> Answer:
    """Plan a spec within limits of time and memory."""
    spec = folder / "spec.yaml"
    spec.write_text(text)
    return answer(str(spec), "--plan", "--results", str(folder / "results"), *options)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{MLP}ensemble: {{replicas: 100000}}\n", "100000 replicas"),
        (FOREST, "GB in"),
        (STAGED, "GB in"),
        (PARTIAL, "1000000000 steps"),
        (MLP.replace("400", "1000000000") + "observe: {window_measurements: 10000}\n", "10000 of them"),
        (MLP.replace("400", "{from: 1, to: 536870912}"), "look 30"),
        (f"{MLP}equilibrium: {{content: 0.9999}}\n", "at least 29956 are needed"),
    ],
    ids=["replicas", "trees", "stages", "partial", "measurements", "looks", "content"],
)
def test_huge_values_are_answered_with_what_they_cost(tmp_path: Path, text: str, words: str) -> None:
    """In seconds: what is tried is small, and what it says is multiplied."""
    given = planned(tmp_path, text)
    assert not faults(given), given.errors
    assert given.code == 0, given.errors
    assert words in given.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MLP.replace("use: mlp", "use: mlp, with: {hidden: [30000, 30000]}"), "900,540,003 parameters: about 86.6 GB"),
        (MLP.replace("use: mlp", f"use: mlp, with: {{hidden: [{LAYERS}]}}"), "at most 64"),
        (
            MLP.replace("wine", "digits").replace("use: mlp", "use: cnn, with: {channels: 4096, blocks: 64}"),
            "weights: about",
        ),
        (MLP.replace("use: wine", "use: modular_addition, with: {modulus: 997}"), "about 47.6 GB"),
        (MLP.replace("use: wine", "use: teacher, with: {inputs: 100000, examples: 10000000}"), "does not fit"),
        (MLP.replace("400", "1000000000000000"), "dynamics.steps"),
        (f"{MLP}observe: {{window_measurements: 1000000000}}\n", "window_measurements"),
        (
            f"{MLP}ensemble: {{replicas: 100000}}\nsweep: {{dynamics.with.lr: [{', '.join(map(str, range(1, 101)))}]}}\n",
            "10,000,000",
        ),
        (f"{MLP}sweep: {{dynamics.with.lr: [{LONG}]}}\n", "at most 1024"),
        (f"{MLP}ensemble: {{seed: {'9' * 5000}}}\n", "too large"),
        (f"{MLP}ensemble: {{replicas: -{'9' * 5000}}}\n", "too large"),
    ],
)
def test_huge_values_that_nothing_can_hold_are_refused_where_they_stand(tmp_path: Path, text: str, words: str) -> None:
    """With how much they would take, before anything of that size is made."""
    given = planned(tmp_path, text)
    assert not faults(given), given.errors
    assert given.code == 2
    assert words in given.errors


RECORDED = "system: {{use: recorded, with: {{path: {}}}}}\n"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (f"{MLP}ensemble: {{subsample: {{size: 1000}}}}\n", ":5:24: ensemble.subsample.size", "larger than the pool"),
        (RECORDED.format("[absent.csv]"), ":1:1", "no such file"),
        (RECORDED.format("absent.csv"), ":1:", "no such file"),
        (
            "data: {use: 'own:data', with: {size: {a: 1}}}\n" + MLP.partition("\n")[2].partition("\n")[2],
            ":1:8",
            "TypeError",
        ),
    ],
)
def test_what_only_the_data_show_has_its_place_too(tmp_path: Path, text: str, place: str, words: str) -> None:
    """Errors that a schema cannot know: of sizes, of files, of a function of the user's."""
    (tmp_path / "own.py").write_text("def data(size):\n    return size - 1\n")
    given = planned(tmp_path, text, "--allow", "local")
    assert not faults(given), given.errors
    assert (given.code, f"spec.yaml{place}" in given.errors, words in given.errors) == (2, True, True), given.errors


@pytest.mark.parametrize("name", ["/dev/stdin", "<(cat spec.yaml)"])
@pytest.mark.parametrize("options", ["--plan", "--workers 1 --results r"])
def test_a_spec_is_read_once_from_a_pipe_too(tmp_path: Path, name: str, options: str) -> None:
    """A plan and a real run take it, and a mistake in it has its place."""
    text = SMALL.replace("steps: 400", "steps: 20").replace("replicas: 6", "replicas: 2")
    for spec, code in ((text, 0), (text.replace("seed: 3", "seed: x"), 2)):
        (tmp_path / "spec.yaml").write_text(spec)
        line = f"{sys.executable} -m thermo_cli.cli.run {name} {options} < <(cat spec.yaml)"
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        )
        assert done.returncode == code, done.stderr
        assert code == 0 or ":5:31: ensemble.seed" in done.stderr, done.stderr
