"""Functions as systems: what they take and are told, how each replica is alone, and what becomes of one that fails."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import thermo_cli
from tests.conftest import SERIAL
from tests.kinds.scripts.toy import reason
from thermo_cli.calls import Report
from thermo_cli.environment import manifest
from thermo_cli.errors import SpecError, SpecErrors
from thermo_cli.experiment import Experiment, prepare
from thermo_cli.spec import load_spec
from thermo_cli.store import RunFolder
from thermo_cli.training import ShardTask, train_shard

TRAIN = """
import random


def train(seed, subsample, report):
    private = random.Random(seed)
    for step in range(9):
        report(step, test_accuracy=0.9 + private.gauss(0, 0.001), examples=len(subsample))
"""
SPEC: dict[str, Any] = {
    "name": "own",
    "system": {"use": "function", "with": {"run": "mine:train", "pool": 20}},
    "dynamics": {"use": "process", "steps": 8},
    "ensemble": {"replicas": 2, "seed": 3},
}


def written(folder: Path, code: str = TRAIN, **arguments: Any) -> Path:
    """Write a module and a spec of its function; arguments replace those of the system."""
    (folder / "mine.py").write_text(code)
    given = {**SPEC["system"]["with"], **arguments}
    given = {name: value for name, value in given.items() if value is not None}
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({**SPEC, "system": {"use": "function", "with": given}}))
    return path


def prepared(path: Path, *overrides: str, allow: tuple[str, ...] = ("local",)) -> Experiment:
    """Check a spec, with its module allowed."""
    return prepare(load_spec(path, overrides), path.parent, path.parent / "results", allow)


def trained(path: Path, *overrides: str, shards: Sequence[str] = ()) -> RunFolder:
    """Train every replica, or those of some shards."""
    experiment = prepared(path, *overrides)
    folder = experiment.folder
    folder.make()
    folder.create(
        path.read_text(),
        experiment.spec,
        {"run": experiment.identity, **manifest({}, experiment.fingerprint, path.parent)},
    )
    for members in [folder.shards[name] for name in shards or folder.shards]:
        train_shard(ShardTask(folder.path, (members,), path.parent, ("local",)))
    return RunFolder(folder.path)


def test_a_function_is_called_with_what_it_takes(tmp_path: Path) -> None:
    """A seed and examples of its own for each replica, as the replica table says; what it reports is what is recorded."""
    folder = trained(written(tmp_path))
    found = folder.trajectories()
    assert found.steps.tolist() == list(range(9))
    assert set(found.values) == {"test_accuracy", "examples"}
    assert (found.values["examples"] == 10).all()
    assert len(set(found.values["test_accuracy"][:, 0])) == 2
    assert found.ended is not None
    assert not found.ended.any()


@pytest.mark.parametrize(
    "code",
    [
        "train = lambda report, **rest: [report(step, a=1.0) for step in (0, 8)]",
        "def train(seed, subsample, report, /):\n    report(0, {'a': 1.0})\n    report(8, {'a': 1.0})",
        "import functools\ndef first(factor, report):\n    report(0, a=factor)\n    return {'a': factor}\n"
        "train = functools.partial(first, 1.0)",
        "class Trainer:\n    def __call__(self, report, steps):\n        report(0, a=1.0)\n        report(steps, a=1.0)\n"
        "train = Trainer()",
        "import os, sys, threading, time\ndef train(report, output):\n    os.chdir('/')\n    print('x' * 3_000_000)\n"
        "    threading.Thread(target=time.sleep, args=(300,)).start()\n    report(0, a=1.0)\n"
        "    report(8, a=1.0)\n    sys.exit(0)",
        "import os\ndef train(report):\n    report(0, a=1.0)\n    report(8, a=1.0)\n    os._exit(0)",
    ],
)
def test_whatever_can_be_called_is(tmp_path: Path, code: str) -> None:
    """Lambdas, parts, instances; ends of the process, threads, megabytes and other folders take nothing away."""
    folder = trained(written(tmp_path, code, pool=None), "ensemble.replicas=2")
    found = folder.trajectories()
    assert (found.steps.tolist(), found.values["a"].tolist()) == ([0, 8], [[1.0, 1.0]] * 2)


def test_shared_generators_are_seeded_for_each_replica(tmp_path: Path) -> None:
    """Those of torch, NumPy and the standard library: another seed draws otherwise, the same one the same, late imports too."""
    code = """
import random
import numpy as np
drawn = random.random(), np.random.rand()
def train(seed, report):
    import torch
    report(np.int64(8), seed=seed, a=random.random(), b=np.random.rand(), c=torch.rand(1), d=np.float32(drawn[0]))
"""
    path = written(tmp_path, code, pool=None)
    first = trained(path)
    (tmp_path / "again").mkdir()
    again = trained(written(tmp_path / "again", code, pool=None), shards=["cold-0001"])
    for name, values in first.trajectories().values.items():
        assert values[0, 0] != values[1, 0], name
        np.testing.assert_array_equal(values[1], again.trajectories().values[name][1])


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "def train(report, replica):\n    report(0, a=1)\n    1 / (1 - replica)\n    report(8, a=1)",
            [
                "replica cold/1: ",
                "mine.py, line 3: the function failed",
                "ZeroDivisionError: division by zero (exit code 1)",
            ],
        ),
        (
            "def train(report):\n    print('busy')",
            ["replica cold/1: nothing was logged", "report(step, test_accuracy=0.93)"],
        ),
        ("def train(report):\n    report(0, a='low')", ["mine.py, line 2", "a number is reported, and a is str (low)"]),
        (
            "def train(seed):\n    return {'a': [1, 2]}",
            ["what the function returns are no scores", "mine.py, line 1, in train: TypeError", "a is list ([1, 2])"],
        ),
        ("import os\ndef train(report):\n    report(8, a=1)\n    os._exit(3)", ["the function failed", "exit code 3"]),
    ],
)
def test_a_failure_names_replica_and_line(tmp_path: Path, code: str, expected: list[str]) -> None:
    """It is one replica's; whoever did not fail has finished."""
    folder = trained(written(tmp_path, code, pool=None))
    for words in expected:
        assert words in reason(folder, "cold-0001")
    assert folder.shard("cold-0000").finished == ("replica" in code)


@pytest.mark.parametrize(
    ("code", "arguments", "expected"),
    [
        ("def train(sead, report): ...", {}, ["takes sead", "did you mean seed?"]),
        ("def train(report): ...", {"pool": 20}, ["system.with.pool", "let it take subsample"]),
        ("def train(report): ...", {"pool": None, "values": {"lr": 1}}, ["values.lr", "let it take lr"]),
        ("def train(report): ...", {"pool": None, "values": {"seed": 1}}, ["this name is taken"]),
        ("class train: ...", {}, ["this is a class", "an instance"]),
        ("train = 3", {}, ["this is no function"]),
        ("def other(): ...", {}, ["mine has no train"]),
        ("import nowhere", {}, ["cannot be imported", "nowhere"]),
        ("1 / 0", {}, ["raises an error when it is imported", "division by zero"]),
    ],
)
def test_what_cannot_be_called_as_the_spec_says_is_refused(
    tmp_path: Path, code: str, arguments: dict[str, Any], expected: list[str]
) -> None:
    """Before anything is trained."""
    with pytest.raises(SpecError) as caught:
        prepared(written(tmp_path, code, **arguments))
    for words in expected:
        assert words in str(caught.value)
    sys.modules.pop("mine", None)


def test_nothing_is_imported_before_it_is_allowed(tmp_path: Path) -> None:
    """The refusal names the flag, and the module has not run."""
    path = written(tmp_path, "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n" + TRAIN)
    with pytest.raises(SpecError, match="--allow local"):
        prepared(path, allow=("command",))
    assert not (tmp_path / "ran").exists()


def test_reports_of_threads_are_whole_lines(tmp_path: Path) -> None:
    """And missing values, infinities and whole numbers stay what they are."""
    report = Report(tmp_path / "log", 8)
    report(1, {"a": None}, b=float("inf"), c=2)
    assert json.loads((tmp_path / "log").read_text()) == {"step": 1, "a": None, "b": float("inf"), "c": 2}


def test_a_replica_does_not_depend_on_those_before_it(tmp_path: Path) -> None:
    """What the module keeps between calls reaches nobody: alone or after another, in the same bytes; a finished one is kept."""
    code = "calls = []\n" + TRAIN.replace("    private", "    calls.append(0)\n    seed += len(calls)\n    private")
    (tmp_path / "again").mkdir()
    both, alone = trained(written(tmp_path, code)), trained(written(tmp_path / "again", code), shards=["cold-0001"])
    assert both.name == alone.name
    file = Path("shards") / "cold-0001.0.safetensors"
    assert (both.path / file).read_bytes() == (alone.path / file).read_bytes()
    before = (alone.path / file).stat().st_mtime_ns
    whole = trained(tmp_path / "again" / "own.yaml")
    assert (whole.path / file).stat().st_mtime_ns == before
    first = Path("shards") / "cold-0000.0.safetensors"
    assert (both.path / first).read_bytes() == (whole.path / first).read_bytes()


def test_a_dict_is_a_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rehearsed, trained and judged; what draws without its seed is refused, and what cannot stand in a file is named."""
    written(tmp_path, TRAIN)
    monkeypatch.chdir(tmp_path)
    given: dict[str, Any] = {"allow": ["local"], "engine": SERIAL}
    spec = {**SPEC, "dynamics": {"use": "process", "steps": np.int64(8)}}
    run = thermo_cli.run(spec, **given)
    assert run.verdict.scope.startswith("for rerunning this function with fresh seeds; varied: init")
    assert any(words.startswith("subsample changes nothing") for words in run.verdict.warnings), (
        "its size alone is used"
    )
    assert run.folder.spec == load_spec("own.yaml")
    assert yaml.safe_load((run.folder.path / "spec.yaml").read_text()) == SPEC
    (tmp_path / "mine.py").write_text(TRAIN.replace("random.Random(seed)", "random.Random()"))
    with pytest.raises(SpecError, match=r"(?s)called twice with the same seed.*test_accuracy at step 0"):
        thermo_cli.run({**spec, "name": "unseeded"}, **given)
    with pytest.raises(SpecError, match=r"(?s)spec: system\.with\.run: a spec holds.*module:object"):
        thermo_cli.run({"system": {"use": "function", "with": {"run": len}}})
    with pytest.raises(SpecErrors, match="did you mean 'system'"):
        thermo_cli.run({"systm": {}})
