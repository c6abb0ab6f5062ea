"""Code of a user that fails on the way: its replica is counted as crashed and named, and no bit of the others changes."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import thermo_cli
from tests.conftest import SERIAL, SMALL, Command
from tests.kinds.networks.brought import MODULES
from thermo_cli.data.split import load_dataset
from thermo_cli.kinds.networks.learner import Learner
from thermo_cli.replicas import main_rows, replica_table
from thermo_cli.runs.judged_run import Run
from thermo_cli.spec import load_spec
from thermo_cli.trust import Trust

OBSERVABLES = """
import numpy as np


def sure(outputs, targets):
    if outputs[0, 0] > 0.2:
        raise LookupError("too sure")
    return 1.0
"""
FEW = [
    "ensemble.replicas=8",
    "ensemble.controls={same_bath: 0, twin: 0}",
    "dynamics.steps=20",
    "dynamics.with={lr: 0.01}",
    "histories={cold: {}}",
    "observe.micro=[]",
    "observe.window_measurements=8",
]


@pytest.fixture
def brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with modules and observables of somebody, whose code is allowed, and a spec."""
    for name, text in (("failing_nets.py", MODULES), ("failing_scores.py", OBSERVABLES), ("small.yaml", SMALL)):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("thermo_cli.trust._TRUST", [Trust(("local",), tmp_path)])
    for name in ("failing_nets", "failing_scores"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("failing_nets")
    return tmp_path


def run(folder: Path, use: str, given: str = "{}", *more: str, results: str = "results") -> Run:
    """Run a small ensemble of a module in this process."""
    changes = [*FEW, f"system={{use: 'failing_nets:{use}', with: {given}}}", *more]
    return thermo_cli.run(
        folder / "small.yaml", overrides=changes, results=folder / results, allow=["local"], engine=SERIAL
    )


def told(done: Run) -> str:
    """Return what is kept of failures."""
    return "\n".join(path.read_text() for path in sorted(done.folder.path.glob("shards/*.error.txt")))


@pytest.mark.parametrize(
    ("use", "given", "good", "words"),
    [
        ("Failing", "{}", "{after: 99}", r"forward: ArithmeticError: the mark is too high"),
        ("Failing", "{built: 0.955}", "{built: 2.0, after: 99}", r"__init__: OSError: no backbone for this seed"),
    ],
)
def test_one_replica_crashes_and_the_rest_goes_on(brought: Path, use: str, given: str, good: str, words: str) -> None:
    """Looped: those that fail are named with file and line; the values of the others are those of a run without failures."""
    done, whole = run(brought, use, given), run(brought, use, good, results="whole")
    states = done.folder.trajectories().states
    lost = np.array([state == "crashed" for state in states])
    assert 0 < lost.sum() < 8
    text = told(done)
    assert text.count("replica cold/") == lost.sum()
    assert "failing_nets.py, line " in text
    assert words in text
    for name, values in done.observables.values.items():
        np.testing.assert_array_equal(values[~lost], whole.observables.values[name][~lost])
        assert np.isnan(values[lost, -1]).all()
    assert done.verdict.verdict == "diverged"
    assert done.folder.status == "complete"


def test_a_stack_is_searched_for_the_replica_that_fails(brought: Path) -> None:
    """An index out of range in one of a stack that vmap moves; a state that is put back remembers it."""
    spec = load_spec(brought / "small.yaml", [*FEW, "system={use: 'failing_nets:Indexing'}", "dynamics.steps=30"])
    assert spec.data is not None
    dataset = load_dataset(spec.data, brought)
    members = main_rows(replica_table(spec))[:4]
    learner, again = (Learner(spec, dataset, members) for _ in range(2))
    assert learner.stack.protocol.system.looped == ""
    with pytest.raises(Exception, match="index out of range"):
        learner.advance(30)
    learner = Learner(spec, dataset, members)
    learner.stack.lose({2: "made to fail"})
    learner.advance(6)
    assert np.isnan(learner.vectors()[2]).all()
    state = learner.state_arrays(slice(0, 4))
    again.restore(6, slice(0, 4), state)
    assert again.stack.lost == {2: "made to fail"}
    learner.advance(9)
    again.advance(9)
    np.testing.assert_array_equal(again.vectors(), learner.vectors())


def test_an_observable_that_fails_costs_its_replica(brought: Path) -> None:
    """Counted and named, like a module that fails."""
    done = run(brought, "Base", "{}", 'observe.macro=[accuracy, loss, "failing_scores:sure"]')
    assert done.folder.trajectories().states.count("crashed") > 0
    assert "failing_scores.py, line 7, in sure: LookupError: too sure" in told(done)


def test_all_that_crash_leave_nothing_to_judge(brought: Path, command: Command) -> None:
    """Exit code 3 with the line; before training exit code 2."""
    given = "system={use: 'failing_nets:Failing', with: {built: -1}}"
    done = command("thermo-run", "small.yaml", "--allow", "local", "--set", given)
    assert done.returncode == 2, done.stderr
    assert "failing_nets.py, line" in done.stderr
    sets = [word for change in FEW for word in ("--set", change)]
    given = "system={use: 'failing_nets:Stopping'}"
    done = command("thermo-run", "small.yaml", "--allow", "local", *sets, "--set", given)
    assert done.returncode == 3, done.stderr
    assert "in forward: RuntimeError: enough" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_terminal_names_what_crashed(brought: Path, command: Command) -> None:
    """Replica, file and line."""
    sets = [word for change in FEW for word in ("--set", change)]
    given = "system={use: 'failing_nets:Failing'}"
    done = command("thermo-run", "small.yaml", "--allow", "local", *sets, "--set", given)
    assert done.returncode == 0, done.stderr
    assert re.search(r"error: replica cold/\d crashed: failing_nets.py, line \d+, in forward: Arithm", done.stderr)
