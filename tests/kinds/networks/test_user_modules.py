"""`use: module:Class`: what may be imported, what is refused before a step is taken, and modules that cannot be stacked."""

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT, Command

MODULES = """
from pathlib import Path

import torch
from torch import nn

Path("imported").touch()


class Net(nn.Module):
    def __init__(self, inputs, outputs, width=8):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, outputs))

    def forward(self, x):
        return self.body(x)


class Branching(Net):
    def forward(self, x):
        return self.body(x) if x.sum() > -1e30 else -self.body(x)


class Narrow(Net):
    def forward(self, x):
        return self.body(x)[:, :1]


class Same(Net):
    def __init__(self, inputs, outputs, width=8):
        torch.manual_seed(7)
        super().__init__(inputs, outputs, width)


class Empty(nn.Module):
    def forward(self, x):
        return x


number = 3
"""
SPEC = """\
name: own
data:     {use: wine}
system:   {use: "nets:Net"}
dynamics: {use: adam, with: {lr: 0.01}, batch_size: 16, steps: 40}
ensemble: {replicas: 8, seed: 3, subsample: {fraction: 0.6}}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A spec and, beside it, modules of somebody."""
    (tmp_path / "nets.py").write_text(MODULES)
    (tmp_path / "own.yaml").write_text(SPEC)
    return tmp_path


def test_nothing_is_imported_before_it_is_allowed(own: Path, process: Command) -> None:
    """The refusal names the flag, and the module has not run; with the flag it trains, and alignment is unsupported."""
    done = process("thermo-run", "own.yaml")
    assert done.returncode == 2
    assert "--allow local" in done.stderr
    assert not (own / "imported").exists()
    done = process("thermo-run", "own.yaml", "--allow", "local")
    assert done.returncode == 0, done.stderr
    (file,) = (own / "results").glob("*/verdict.json")
    found = json.loads(file.read_text())
    (row,) = [row for row in found["criteria"] if row["criterion"] == "diversity"]
    assert (row["outcome"], "alignment unsupported" in row["explanation"]) == ("untested", True)
    assert found["microscopic"]["disagreement"]["estimate"] is not None
    assert found["microscopic"]["similarity"]["layer"] == "output"
    assert "overlap" not in found["microscopic"], "raw distances are not called an overlap"
    assert found["microscopic"]["memory"]["estimate"] is not None
    shared = ("--set", "ensemble.vary=[subsample, order]", "--results", "shared")
    assert process("thermo-run", "own.yaml", "--allow", "local", *shared).returncode == 0
    (file,) = (own / "shared").glob("*/verdict.json")
    found = json.loads(file.read_text())
    assert found["outcomes"]["diversity"] != "untested", (
        "from one start the labels are kept, and no alignment is needed"
    )


@pytest.mark.parametrize(("use", "idle"), [("nets:Same", True), ("nets:Net", False)])
def test_a_constructor_that_ignores_its_seed_is_named(own: Path, command: Command, use: str, idle: bool) -> None:
    """It begins with the same parameters whatever the init stream: init is not among what varied, and a warning says so."""
    assert command("thermo-run", "own.yaml", "--allow", "local", "--set", f"system.use={use}").returncode == 0
    (file,) = (own / "results").glob("*/verdict.json")
    found = json.loads(file.read_text())
    assert found["scope"].endswith("varied: subsample, order" if idle else "varied: init, subsample, order")
    assert any(words.startswith("init changes nothing") for words in found["diagnostics"]["warnings"]) == idle
    assert found["run"]["replicas"]["independent"] == 8, "their data and batches differ"


def test_other_code_is_another_run(own: Path, command: Command) -> None:
    """The hash of the run holds the module's file; the same file is the same run."""
    assert command("thermo-run", "own.yaml", "--allow", "local").returncode == 0
    assert command("thermo-run", "own.yaml", "--allow", "local").returncode == 0
    assert len(list((own / "results").iterdir())) == 1
    (own / "nets.py").write_text(MODULES + "# changed")
    assert command("thermo-run", "own.yaml", "--allow", "local").returncode == 0
    assert len(list((own / "results").iterdir())) == 2


@pytest.mark.parametrize(
    ("use", "arguments", "expected"),
    [
        ("os:system", "{}", "--allow os"),
        ("nets:Nett", "{}", "did you mean 'Net'?"),
        ("nets:number", "{}", "no torch module"),
        ("nets:Net", "{widht: 3}", "it takes inputs, outputs, width"),
        ("nets:Narrow", "{}", "nets.py, line 25, in forward: ValueError: the module returned (8, 1) for 8 examples"),
        ("nets:Empty", "{}", "no parameters"),
        ("torch.nn:Linear", "{in_features: 5, out_features: 3}", "does not map features to outputs"),
        ("torch.nn.functional:relu", "{}", "no torch module"),
        ("nets:", "{}", "system.use"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    own: Path, command: Command, use: str, arguments: str, expected: str
) -> None:
    """Exit code 2, what was received, and what to do."""
    change = ("--set", f"system={{use: '{use}', with: {arguments}}}")
    done = command("thermo-run", "own.yaml", "--allow", "local", *change)
    assert done.returncode == 2, done.stderr
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert not (own / "results").exists()


def test_a_module_of_torch_needs_no_flag(own: Path, command: Command) -> None:
    """Names below `torch.` are trusted."""
    change = "system={use: 'torch.nn:Linear', with: {in_features: 13, out_features: 3}}"
    assert command("thermo-run", "own.yaml", "--set", change).returncode == 0


def test_a_module_that_cannot_be_stacked_is_looped_over_and_says_why(own: Path, command: Command) -> None:
    """Control flow that depends on the data: the plan gives the reason, and it trains to what the stacked one does."""
    change = ("--allow", "local", "--set", "system.use=nets:Branching")
    plan = command("thermo-run", "own.yaml", *change, "--plan")
    assert "looped over: vmap" in plan.stdout
    assert "looped" not in command("thermo-run", "own.yaml", "--allow", "local", "--plan").stdout
    verdicts = []
    for results, extra in (("looped", change), ("stacked", ("--allow", "local"))):
        assert command("thermo-run", "own.yaml", "--results", results, *extra).returncode == 0
        (file,) = (own / results).glob("*/verdict.json")
        verdicts.append(json.loads(file.read_text())["macroscopic"]["test_loss"]["mean"])
    assert verdicts[0] == pytest.approx(verdicts[1], rel=1e-4)


def test_the_example_is_a_user_s_module(tmp_path: Path, command: Command) -> None:
    """experiments/own-module.yaml with the file beside it, in a small form."""
    small = ("--set", "dynamics.steps=100", "--set", "ensemble.replicas=8")
    done = command("thermo-run", str(ROOT / "experiments" / "own-module.yaml"), "--allow", "local", *small)
    assert done.returncode == 0, done.stderr
    (file,) = (tmp_path / "results").glob("*/verdict.json")
    assert json.loads(file.read_text())["microscopic"]["similarity"]["layer"] == "hidden"
