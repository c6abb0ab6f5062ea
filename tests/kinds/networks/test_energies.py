"""Clipped gradients, and energies beside the loss: as in a plain loop, measured as parts of the energy, refused where wrong."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.kinds.networks.test_stack import build, rows
from thermo_cli.errors import SpecError
from thermo_cli.experiment import prepare
from thermo_cli.kinds.networks import layout
from thermo_cli.kinds.networks.checks import plain_steps
from thermo_cli.kinds.networks.clipping import clip
from thermo_cli.kinds.networks.learner import Learner
from thermo_cli.spec import from_resolved, identity, load_spec, to_yaml
from thermo_cli.trust import Trust

FUNCTIONS = """
import torch


def smoothness(named, power=2.0):
    weight = named["layer0.weight"]
    return (weight[:, 1:] - weight[:, :-1]).abs().pow(power).sum()


def branching(named):
    bias = named["layer1.bias"]
    return bias.square().sum() if bias.sum() > 0 else 2 * bias.square().sum()


def rows(named):
    return named["layer0.bias"]


def number(named):
    return 3.0


def constant(named):
    return torch.zeros(())


def infinite(named):
    return (named["layer0.bias"] * 0).log().sum()


def steep(named):
    return (named["layer0.bias"] * 0).sqrt().sum()


def random(named):
    return (named["layer0.bias"] * torch.randn(8)).sum()


def absent(named):
    return named["layer9.bias"].sum()


value = 3
"""
ENERGY = "{l1: 1e-3, terms: {smoothness: {use: 'terms:smoothness', weight: 0.1, with: {power: 1.5}}, other: {use: 'terms:branching', weight: 0.2}}}"  # noqa: E501 - an override is one line


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with functions of somebody, whose code is allowed."""
    (tmp_path / "terms.py").write_text(FUNCTIONS)
    monkeypatch.setattr("thermo_cli.trust._TRUST", [Trust(("local",), tmp_path)])
    monkeypatch.delitem(sys.modules, "terms", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    "changes",
    [
        ["dynamics.clip=0.05"],
        ["dynamics.clip=0.3", "dynamics.use=adam", "dynamics.with={lr: 0.003}"],
        ["dynamics.clip=0.1", "system={use: cnn, with: {channels: 3}}", "data={use: digits}"],
        ["dynamics.energy={l1: 1e-2}"],
        [f"dynamics.energy={ENERGY}", "dynamics.clip=0.5"],
    ],
)
def test_a_stacked_replica_is_the_plain_torch_loop(functions: Path, changes: Sequence[str]) -> None:
    """Twenty-five steps in float64 with clip_grad_norm_, L1 and own functions, against autograd of the whole energy."""
    stack = build(functions, [*changes, "ensemble.precision=float64"])[2]
    plain = build(functions, [*changes, "ensemble.precision=float64", "dynamics.clip=null", "dynamics.energy=null"])[2]
    start = torch.from_numpy(rows(stack))
    stack.advance(25)
    plain.advance(25)
    for slot in (0, 3):
        expected = plain_steps(stack, slot, start[slot], 25).numpy()
        assert np.linalg.norm(rows(stack)[slot] - expected) < 1e-10 * np.linalg.norm(expected)
        assert np.linalg.norm(rows(plain)[slot] - expected) > 1e-4 * np.linalg.norm(expected), "it makes a difference"


def test_clipping_is_that_of_torch_and_each_replica_s_own() -> None:
    """Norms over all tensors of a replica; short gradients stay; a replica that has blown up touches nobody."""
    draw = torch.Generator().manual_seed(1)
    given = [torch.randn(4, *shape, generator=draw, dtype=torch.float64) for shape in ((3, 5), (3,), (2, 2, 2))]
    for one in given:
        one[1] *= 1e-3
        one[3] = float("nan")
    found = [one.clone() for one in given]
    clip(found, 1.0)
    for row in range(3):
        parameters = [torch.nn.Parameter(one[row].clone()) for one in given]
        for parameter in parameters:
            parameter.grad = parameter.detach().clone()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for parameter, one in zip(parameters, found, strict=True):
            torch.testing.assert_close(one[row], parameter.grad, rtol=1e-14, atol=0)
    assert torch.equal(found[0][1], given[0][1])


def test_energies_are_measured_and_their_gradient_is_that_of_the_energy(functions: Path) -> None:
    """`energy` is the sum of its parts, each what the function says; `gradient_norm` that of a difference quotient's energy."""
    spec, dataset, stack = build(functions, [f"dynamics.energy={ENERGY}", "ensemble.precision=float64"])
    learner = Learner(spec, dataset, stack.members)
    learner.advance(30)
    found, blocks = learner.measure(), learner.stack.protocol.system.blocks
    assert {"energy_loss", "energy_l1", "energy_l2", "energy_smoothness", "energy_other"} <= found.keys()
    total = sum(values for name, values in found.items() if name.startswith("energy_"))
    np.testing.assert_allclose(found["energy"], total, rtol=1e-12)
    np.testing.assert_allclose(found["energy_l1"], 1e-3 * np.abs(learner.vectors()).sum(axis=1), rtol=1e-12)
    weight = learner.vectors()[:, : blocks[0].size].reshape(-1, *blocks[0].shape)
    expected = 0.1 * (np.abs(np.diff(weight, axis=2)) ** 1.5).sum(axis=(1, 2))
    np.testing.assert_allclose(found["energy_smoothness"], expected, rtol=1e-12)
    now, kept = learner.stack.evaluate(), learner.stack.vectors().copy()
    direction = np.random.default_rng(0).standard_normal(kept.shape)
    energies = []
    for sign in (1, -1):
        moved = torch.from_numpy(kept + sign * 1e-6 * direction)
        learner.stack.parameters.copy_(layout.flatten(moved, blocks))
        energies.append(learner.measure()["energy"])
    slope = (energies[0] - energies[1]) / 2e-6
    np.testing.assert_allclose(slope, (now.gradient * direction).sum(axis=1)[: len(slope)], rtol=1e-4)


def test_replicas_are_clipped_and_penalized_each_by_itself(functions: Path) -> None:
    """Three replicas are the first three of eight, bit for bit, and a restored stack goes on the same."""
    changes = [f"dynamics.energy={ENERGY}", "dynamics.clip=0.1"]
    few, many = (build(functions, [*changes, f"ensemble.replicas={count}"])[2] for count in (3, 12))
    for stack in (few, many):
        stack.advance(60)
    np.testing.assert_array_equal(rows(few)[:3], rows(many)[:3])
    again = build(functions, [*changes, "ensemble.replicas=12"])[2]
    again.advance(31)
    kept = {name: array.copy() for name, array in again.state_arrays(slice(0, None)).items()}
    last = build(functions, [*changes, "ensemble.replicas=12"])[2]
    last.restore(31, slice(0, None), kept)
    last.advance(60)
    np.testing.assert_array_equal(rows(last), rows(many))


def test_what_is_said_of_them_is_resolved_and_decides_the_run(small: Path) -> None:
    """Nothing is added where nothing is said; what is said is read back."""
    spec = load_spec(small)
    dynamics = spec.model_dump(mode="json")["dynamics"]
    assert (dynamics["clip"], dynamics["energy"]) == (None, None)
    given = load_spec(small, ["dynamics.clip=1", "dynamics.energy={l1: 1e-4}"])
    assert from_resolved(to_yaml(given), "resolved") == given
    assert identity(given, "f", "cpu") != identity(spec, "f", "cpu")
    first = "{first: {steps: 10, labels: shuffled}}"
    phase = load_spec(small, ["dynamics.clip=1", f"histories.hot={first}"])
    assert phase.first_parts(phase.histories["hot"].first)[1].clip == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ("clip=0", ["dynamics.clip", "greater than 0"]),
        ("energy={}", ["dynamics.energy", "l1, or terms"]),
        ("energy={l1: -1}", ["dynamics.energy.l1"]),
        ("energy={l2: 1}", ["dynamics.energy.l2", "did you mean 'l1'"]),
        ("energy={terms: {l1: {use: 'terms:rows', weight: 1}}}", ["l1 is the name of another energy"]),
        ("energy={terms: {A-b: {use: 'terms:rows', weight: 1}}}", ["dynamics.energy.terms"]),
        ("energy={terms: {a: {use: smooth, weight: 1}}}", ["dynamics.energy.terms.a.use"]),
        ("energy={terms: {a: {use: 'os:getcwd', weight: 1}}}", ["--allow os", "dynamics.energy.terms.a.use"]),
        ("energy={terms: {a: {use: 'terms:rowz', weight: 1}}}", ["did you mean 'rows'"]),
        ("energy={terms: {a: {use: 'terms:value', weight: 1}}}", ["no function"]),
        ("energy={terms: {a: {use: 'terms:rows', weight: 1}}}", ["returned (8,), not one number"]),
        ("energy={terms: {a: {use: 'terms:number', weight: 1}}}", ["returned float"]),
        ("energy={terms: {a: {use: 'terms:constant', weight: 1}}}", ["without a gradient"]),
        ("energy={terms: {a: {use: 'terms:infinite', weight: 1}}}", ["returned -inf"]),
        ("energy={terms: {a: {use: 'terms:steep', weight: 1}}}", ["gradient is not finite"]),
        ("energy={terms: {a: {use: 'terms:random', weight: 1}}}", ["random numbers"]),
        ("energy={terms: {a: {use: 'terms:absent', weight: 1}}}", ["KeyError", "layer9.bias"]),
        ("energy={terms: {a: {use: 'terms:smoothness', weight: 1, with: {x: 1}}}}", ["unexpected keyword argument"]),
    ],
)
def test_what_is_no_energy_is_refused(functions: Path, changes: str, expected: Sequence[str]) -> None:
    """Before training, with the field, what was received and what to do."""
    with pytest.raises(SpecError) as caught:
        build(functions, [f"dynamics.{changes}"])
    for words in expected:
        assert words in str(caught.value)


def test_the_code_of_an_energy_is_part_of_the_identity(functions: Path, small: Path) -> None:
    """Another function is another run."""
    spec, names = load_spec(small, [f"dynamics.energy={ENERGY}"]), []
    for text in (FUNCTIONS, FUNCTIONS + "# changed"):
        (functions / "terms.py").write_text(text)
        names.append(prepare(spec, functions, functions, ("local",)).folder.name)
    assert names[0] != names[1]
