"""Optimizers of torch.optim, and of users, on stacks: equal to the class itself, resumable, refused where they cannot serve."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

import thermo_cli
from tests.conftest import SERIAL
from tests.kinds.networks.test_stack import build, rows
from thermo_cli.errors import SpecError
from thermo_cli.experiment import prepare
from thermo_cli.kinds.networks.checks import plain_steps
from thermo_cli.kinds.networks.learner import Learner
from thermo_cli.kinds.networks.torch_optim import torch_optimizer
from thermo_cli.spec import load_spec
from thermo_cli.store.files import ArrayFile, read_arrays, write_arrays
from thermo_cli.trust import Trust

OPTIMIZERS = {
    "Adadelta": "{lr: 0.5, weight_decay: 1e-3}",
    "Adagrad": "{lr: 0.05, initial_accumulator_value: 0.1, lr_decay: 0.01}",
    "Adam": "{lr: 0.003, amsgrad: true, weight_decay: 1e-3}",
    "AdamW": "{lr: 0.003, betas: [0.8, 0.95], amsgrad: true}",
    "Adamax": "{lr: 0.003}",
    "NAdam": "{lr: 0.003, weight_decay: 0.01, decoupled_weight_decay: true}",
    "RAdam": "{lr: 0.003}",
    "RMSprop": "{lr: 0.003, centered: true, momentum: 0.9, alpha: 0.9}",
    "Rprop": "{lr: 0.003, step_sizes: [1e-5, 1.0]}",
    "ASGD": "{lr: 0.05, t0: 10.0, lambd: 0.01}",
    "SGD": "{lr: 0.05, momentum: 0.9, dampening: 0.1, weight_decay: 1e-3}",
}
OWN = """
import torch


class Signs(torch.optim.Optimizer):
    def __init__(self, params, lr=0.01, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                count = self.state[p]["count"] = self.state[p].get("count", 0) + 1
                p.sub_(p.grad.sign() / count**0.5, alpha=group["lr"]).mul_(1 - group["lr"] * group["weight_decay"])


def smoothness(named):
    return named["layer0.weight"].diff(dim=1).square().sum()


class Normed(Signs):
    def step(self, closure=None):
        for p in self.param_groups[0]["params"]:
            p.data.sub_(p.grad / p.grad.norm(), alpha=self.param_groups[0]["lr"])


class Noisy(Signs):
    def step(self, closure=None):
        for p in self.param_groups[0]["params"]:
            p.data.sub_(torch.randn_like(p), alpha=self.param_groups[0]["lr"])


class Rows(Signs):
    def step(self, closure=None):
        super().step()
        for p in self.param_groups[0]["params"]:
            self.state[p]["rows"] = torch.zeros(7, 2)
"""


def change(use: str, arguments: str) -> list[str]:
    """Overrides that name an optimizer."""
    return [f"dynamics.use='{use}'", f"dynamics.with={arguments}"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_stacked_replica_is_the_plain_torch_loop(tmp_path: Path, name: str) -> None:
    """Forty steps in float64, past a first phase with another rate, agree to 1e-10 with the class on one replica."""
    first = "histories={cold: {first: {steps: 17, dynamics: {with: {lr: 0.01}}}}}"
    stack = build(tmp_path, [*change(f"torch.optim:{name}", OPTIMIZERS[name]), first, "ensemble.precision=float64"])[2]
    start = torch.from_numpy(rows(stack))
    stack.advance(40)
    for slot in (0, 3):
        expected = plain_steps(stack, slot, start[slot], 40)
        assert np.linalg.norm(rows(stack)[slot] - expected.numpy()) / float(expected.norm()) < 1e-10


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_restored_stack_goes_on_with_the_same_bits(tmp_path: Path, name: str) -> None:
    """All that an optimizer keeps is committed, single numbers too: stopped before the first step or later, on from disk."""
    whole, first = (build(tmp_path, change(f"torch.optim:{name}", OPTIMIZERS[name]))[2] for _ in range(2))
    whole.advance(30)
    for stop in (0, 13):
        first.advance(stop)
        write_arrays(tmp_path / "state", ArrayFile(first.state_arrays(slice(0, None))))
        second = build(tmp_path, change(f"torch.optim:{name}", OPTIMIZERS[name]))[2]
        second.restore(stop, slice(0, None), dict(read_arrays(tmp_path / "state").arrays))
        second.advance(30)
        np.testing.assert_array_equal(rows(second), rows(whole))


def test_a_replica_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    """Three replicas are the first three of eight, bit for bit."""
    few, many = (build(tmp_path, [*change("torch.optim:NAdam", "{}"), f"ensemble.replicas={n}"])[2] for n in (3, 12))
    for stack in (few, many):
        stack.advance(60)
    np.testing.assert_array_equal(rows(few)[:3], rows(many)[:3])


@pytest.mark.parametrize(
    ("use", "arguments", "penalty"),
    [
        ("Adam", {"weight_decay": 0.1}, 0.1),
        ("Adam", {"weight_decay": 0.1, "decoupled_weight_decay": True}, 0.0),
        ("AdamW", {}, 0.0),
        ("RAdam", {"weight_decay": 0.1}, 0.1),
        ("SGD", {"weight_decay": 0.1, "momentum": 0.9}, 0.1),
        ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}, 0.0),
        ("RMSprop", {"weight_decay": 0.1}, 0.1),
        ("Adadelta", {"weight_decay": 0.1}, 0.1),
        ("Adagrad", {"weight_decay": 0.1}, 0.1),
        ("Rprop", {}, 0.0),
        ("Adamax", {"weight_decay": 0.1}, 0.1),
        ("ASGD", {"weight_decay": 0.1}, 0.1),
    ],
)
def test_decay_is_an_energy_where_it_is_part_of_the_gradient(
    use: str, arguments: dict[str, float], penalty: float
) -> None:
    """Coupled decay is a penalty; decoupled decay belongs to no energy: found by trying, not by name."""
    assert torch_optimizer(f"torch.optim:{use}", arguments).penalty == penalty


def test_the_penalty_is_measured_and_quenched(tmp_path: Path) -> None:
    """`energy_l2` of RMSprop is lambda/2 |theta|^2, and what is tried at the end leaves no trace."""
    spec, dataset, stack = build(tmp_path, change("torch.optim:RMSprop", "{lr: 0.002, weight_decay: 0.01}"))
    learner = Learner(spec, dataset, stack.members)
    learner.advance(400)
    norms, found = (learner.vectors().astype(np.float64) ** 2).sum(axis=1), learner.measure()
    np.testing.assert_allclose(found["energy_l2"], 0.005 * norms)
    np.testing.assert_allclose(found["energy"], found["energy_loss"] + found["energy_l2"])
    before = {name: array.copy() for name, array in learner.state_arrays(slice(0, None)).items()}
    assert np.isfinite(learner.finish()["quench_gap"]).all()
    for name, array in learner.state_arrays(slice(0, None)).items():
        np.testing.assert_array_equal(array, before[name])


def test_where_the_rate_means_nothing_there_is_no_quench(tmp_path: Path) -> None:
    """Rprop uses its rate at the first step alone: annealing it tells nothing, which is not a gap of some size."""
    for name, known in (("Rprop", False), ("ASGD", True)):
        spec, dataset, stack = build(tmp_path, [*change(f"torch.optim:{name}", "{}"), "dynamics.steps=40"])
        learner = Learner(spec, dataset, stack.members)
        learner.advance(40)
        assert (np.isfinite(learner.finish()["quench_gap"]) == known).all()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (change("torch.optim:LBFGS", "{}"), ["not elementwise", "searches along a line"]),
        (change("torch.optim:Adafactor", "{}"), ["not elementwise", "rows and columns"]),
        (change("torch.optim:Muon", "{}"), ["not elementwise", "orthogonalizes"]),
        (change("torch.optim:SparseAdam", "{}"), ["not elementwise", "sparse gradients"]),
        (change("torch.optim:RMSprop", "{maximize: true}"), ["maximize: the energy is minimized", "leave it out"]),
        (change("torch.optim:Adam", "{fused: true}"), ["fused", "leave it out"]),
        (change("torch.optim:RMSprop", "{alfa: 0.9}"), ["cannot be built", "alfa", "it takes lr, alpha, eps"]),
        (change("torch.optim:RMSprop", "{lr: fast}"), ["dynamics.with", "lr"]),
        (change("torch.optim:RMSprop", "{lr: 0}"), ["no learning rate above 0"]),
        (change("torch.optim:RMSProp", "{}"), ["did you mean 'RMSprop'"]),
        (change("torch.optim:Optimizer", "{}"), ["dynamics.with"]),
        (change("torch.nn:Linear", "{}"), ["no optimizer of torch"]),
        (change("steps:Signs", "{}"), ["--allow steps"]),
        (
            [*change("torch.optim:Rprop", "{}"), "dynamics.schedule=cosine"],
            ["at the first step only", "schedule: constant"],
        ),
        (["dynamics.use=rmsprop"], ["unknown name", "sgd, adam, adamw"]),
        (["system={use: harmonic}", "dynamics={use: 'torch.optim:SGD', steps: 9}"], ["harmonic goes with"]),
    ],
)
def test_what_cannot_serve_is_refused_before_training(
    tmp_path: Path, changes: Sequence[str], expected: Sequence[str]
) -> None:
    """With what was received and what to do."""
    (tmp_path / "steps.py").write_text(OWN)
    with pytest.raises(SpecError) as caught:
        build(tmp_path, changes)
    for words in expected:
        assert words in str(caught.value)


def test_an_optimizer_of_your_own(tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Allowed, it trains, with an energy of your own, and is part of the run's identity; what is not elementwise is refused."""
    (tmp_path / "steps.py").write_text(OWN)
    monkeypatch.setattr("thermo_cli.trust._TRUST", [Trust(("local",), tmp_path)])
    monkeypatch.delitem(sys.modules, "steps", raising=False)
    for use, words in (("Normed", "depends on others"), ("Noisy", "is random"), ("Rows", "rows is a Tensor")):
        with pytest.raises(SpecError, match=words):
            build(tmp_path, change(f"steps:{use}", "{}"))
    assert torch_optimizer("steps:Signs", {"weight_decay": 0.1}).penalty == 0, "its decay is decoupled"
    changes = [
        *change("steps:Signs", "{lr: 0.02}"),
        "dynamics.steps=40",
        "ensemble.controls={same_bath: 0, twin: 0}",
        "histories={cold: {}}",
        "dynamics.energy={terms: {smoothness: {use: 'steps:smoothness', weight: 0.01}}}",
    ]
    run = thermo_cli.run(small, overrides=changes, results=tmp_path, engine=SERIAL, allow=("local",))
    assert run.verdict.diagnostics["energy_terms"]["energy_smoothness"]["mean"] > 0
    spec = load_spec(small, changes)
    assert prepare(spec, tmp_path, tmp_path, ("local",)).folder.name == run.folder.name
    (tmp_path / "steps.py").write_text(OWN + "# changed")
    assert prepare(spec, tmp_path, tmp_path, ("local",)).folder.name != run.folder.name
