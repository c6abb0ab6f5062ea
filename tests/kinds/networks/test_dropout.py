"""Dropout: masks of each replica's own, a plain loop with the same masks, and evaluation without them."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import thermo_cli
from tests.conftest import SERIAL, SMALL
from tests.kinds.networks.test_stack import build, rows
from thermo_cli.contracts import Site
from thermo_cli.errors import SpecError
from thermo_cli.experiment import prepare
from thermo_cli.kinds.networks.checks import plain_steps
from thermo_cli.kinds.networks.draws import draws
from thermo_cli.kinds.networks.dropout import masks
from thermo_cli.kinds.networks.learner import Learner
from thermo_cli.replicas import streams_used
from thermo_cli.spec import identity, load_spec
from thermo_cli.store.files import ArrayFile, read_arrays, write_arrays
from thermo_cli.trust import Trust

MODULES = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.body = nn.Sequential(nn.Dropout(0.1), nn.Linear(inputs, 12), nn.ReLU(), nn.Dropout(0.5), nn.Linear(12, 8))
        self.channels, self.none = nn.Dropout2d(0.4), nn.Dropout(0.0)
        self.head = nn.Linear(8, outputs)

    def forward(self, x):
        images = self.channels(self.body(x).view(-1, 2, 2, 2))
        return self.head(self.none(images.flatten(1)))


class Branching(Net):
    def forward(self, x):
        return super().forward(x) if x.sum() > -1e30 else x


class Twice(Net):
    def forward(self, x):
        return super().forward(self.none(x)) + 0 * self.channels(x.view(-1, 13, 1, 1)).sum()


class Functional(Net):
    def forward(self, x):
        return nn.functional.dropout(super().forward(x), 0.5, self.training)
"""
NETWORKS = {
    "relu": ["system.with={hidden: [8, 6], dropout: 0.3}"],
    "tanh": ["system.with={hidden: [8, 6], activation: tanh, dropout: 0.5}", "dynamics.clip=0.5"],
    "regression": ["data={use: diabetes}", "system.with={hidden: [8], dropout: 0.2}", "dynamics.with={lr: 0.01}"],
    "module": ["system={use: 'nets:Net'}"],
    "looped": ["system={use: 'nets:Branching'}"],
    "used twice": ["system={use: 'nets:Twice'}"],
    "functional": ["system={use: 'nets:Functional'}"],
    "other dropout first": [
        "system.with={hidden: [8], dropout: 0.3}",
        "histories={cold: {first: {steps: 17, system: {with: {dropout: 0.0}}, dynamics: {batch_size: 8}}}}",
    ],
}


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with modules of somebody, whose code is allowed."""
    (tmp_path / "nets.py").write_text(MODULES)
    monkeypatch.setattr("thermo_cli.trust._TRUST", [Trust(("local",), tmp_path)])
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", NETWORKS)
def test_a_stacked_replica_is_the_plain_torch_loop(nets: Path, name: str) -> None:
    """Thirty steps in float64 against autograd of a plain module with the same masks; without masks it ends elsewhere."""
    stack = build(nets, [*NETWORKS[name], "ensemble.precision=float64"])[2]
    start = torch.from_numpy(rows(stack))
    stack.advance(30)
    for slot in (0, 3):
        expected = plain_steps(stack, slot, start[slot], 30).numpy()
        assert np.linalg.norm(rows(stack)[slot] - expected) < 1e-10 * np.linalg.norm(expected)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_restored_stack_goes_on_and_a_replica_is_its_own(nets: Path, name: str) -> None:
    """No bit depends on an interruption, nor on how many replicas there are."""
    changes = [*NETWORKS[name]]
    whole, first, second = (build(nets, [*changes, "ensemble.replicas=12"])[2] for _ in range(3))
    whole.advance(90)
    first.advance(41)
    write_arrays(nets / "state", ArrayFile(first.state_arrays(slice(0, None))))
    second.restore(41, slice(0, None), dict(read_arrays(nets / "state").arrays))
    second.advance(90)
    np.testing.assert_array_equal(rows(second), rows(whole))
    few = build(nets, [*changes, "ensemble.replicas=3"])[2]
    few.advance(90)
    np.testing.assert_array_equal(rows(few)[:3], rows(whole)[:3])


def test_masks_are_those_of_dropout() -> None:
    """0 with probability p, else 1/(1 - p), of each replica and step its own; a channel is left out as a whole."""
    numbers = draws("uniform", [5, 6], 0, 5200, 3, 5)
    places = (Site("a", 0.3, (40, 100)), Site("b", 0.6, (30, 40, 1, 1)))
    found = masks(torch.from_numpy(numbers[0]), places, torch.float64)
    assert found["b"].shape == (2, 30, 40, 1, 1)
    for place in places:
        mask = found[place.name]
        assert set(mask.unique().tolist()) == {0.0, 1 / (1 - place.p)}
        share = float((mask == 0).double().mean())
        assert abs(share - place.p) < 4 * (place.p * (1 - place.p) / mask.numel()) ** 0.5
    assert (numbers[0, 0] != numbers[0, 1]).any()
    assert (numbers[0] != numbers[1]).any()
    assert (numbers != draws("uniform", [5, 6], 1, 5200, 3, 5)).any(), "another leg draws others"
    apart = [draws("uniform", [5, 6], 0, 700, step, step + 1) for step in range(20, 60)]
    np.testing.assert_array_equal(np.concatenate(apart), draws("uniform", [5, 6], 0, 700, 20, 60))


def test_evaluation_is_without_dropout_and_leaves_no_trace(nets: Path) -> None:
    """Outputs and gradient are those of the whole network, twice the same; what is tried at the end changes no bit."""
    for name in ("relu", "module"):
        spec, dataset, stack = build(nets, NETWORKS[name])
        learner = Learner(spec, dataset, stack.members)
        learner.advance(50)
        one, two = learner.stack.evaluate(), learner.stack.evaluate()
        np.testing.assert_array_equal(one.gradient, two.gradient)
        np.testing.assert_array_equal(one.train, two.train)
        module, theta = learner.stack.protocol.system.module().eval(), torch.from_numpy(rows(learner.stack)[2])
        parameters = list(module.parameters())
        for parameter, values in zip(parameters, torch.split(theta, [p.numel() for p in parameters]), strict=True):
            parameter.data.copy_(values.view_as(parameter))
        expected = module(torch.from_numpy(dataset.x_test).float()).detach().numpy().T
        np.testing.assert_allclose(one.test[2], expected, rtol=1e-4, atol=1e-5)
        before = {key: array.copy() for key, array in learner.state_arrays(slice(0, None)).items()}
        first, second = learner.finish(), learner.finish()
        for key, array in learner.state_arrays(slice(0, None)).items():
            np.testing.assert_array_equal(array, before[key])
        for key, array in first.items():
            np.testing.assert_array_equal(array, second[key])


def test_without_dropout_nothing_changes(small: Path) -> None:
    """Said or not, none is the same run; with it, it is another run."""
    plain, none, some = (
        load_spec(small, [f"system.with={{hidden: [8]{more}}}"]) for more in ("", ", dropout: 0", ", dropout: 0.1")
    )
    assert identity(plain, "f", "cpu") == identity(none, "f", "cpu") != identity(some, "f", "cpu")
    assert "noise" not in streams_used(plain, 74, 124)
    assert "noise" in streams_used(some, 74, 124)


def test_noise_alone_tells_replicas_apart(nets: Path) -> None:
    """Where nothing but `noise` varies: refused without dropout, accepted with it, and the scope names it."""
    (nets / "s.yaml").write_text(SMALL)
    for use, good in ((["system.with.dropout=0.2"], True), (["system={use: 'nets:Net'}"], True), ([], False)):
        spec = load_spec(nets / "s.yaml", [*use, "ensemble.vary=[noise]"])
        if good:
            assert prepare(spec, nets, nets, ("local",)).points[0].facts.noisy
            continue
        with pytest.raises(SpecError, match="copies"):
            prepare(spec, nets, nets, ("local",))
    changes = ["system.with.dropout=0.2", "ensemble.vary=[noise]", "dynamics.steps=30", "histories={cold: {}}"]
    run = thermo_cli.run(nets / "s.yaml", overrides=changes, results=nets / "results", engine=SERIAL)
    assert "varied: noise" in run.verdict.scope
    assert (run.parameters(0) == run.parameters(0)[0]).all()
    assert (run.parameters(30) != run.parameters(30)[0]).any(axis=1)[1:].all()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("system.with.dropout=1.0", ["system.with.dropout", "less than 1"]),
        ("system.with.dropout=-0.1", ["system.with.dropout"]),
        ("system={use: linear, with: {dropout: 0.1}}", ["unknown key"]),
    ],
)
def test_what_makes_no_sense_is_refused(nets: Path, change: str, expected: list[str]) -> None:
    """With the place and what to do."""
    with pytest.raises(SpecError) as caught:
        build(nets, [change])
    for words in expected:
        assert words in str(caught.value)
