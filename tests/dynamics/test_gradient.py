"""Stacked training is the plain loop, replica by replica, and nobody's neighbours matter."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.conftest import SMALL
from thermo_cli.contracts import Dataset
from thermo_cli.data.split import load_dataset
from thermo_cli.design import replica_table, shards
from thermo_cli.dynamics import gradient
from thermo_cli.dynamics.checking import check_stacking, plain_steps
from thermo_cli.dynamics.gradient import Stack, protocol
from thermo_cli.errors import RunError
from thermo_cli.spec import Spec, load_spec
from thermo_cli.systems import layout
from thermo_cli.training import build_stack, draw_subsamples

VARIANTS = {
    "sgd": ["dynamics.with={lr: 0.05}"],
    "momentum": [],
    "nesterov": ["dynamics.with={lr: 0.05, momentum: 0.9, nesterov: true, weight_decay: 1e-3}"],
    "adam": ["dynamics.use=adam", "dynamics.with={lr: 0.003, weight_decay: 1e-3}"],
    "adamw": ["dynamics.use=adamw", "dynamics.with={lr: 0.003, weight_decay: 0.1, betas: [0.8, 0.95]}"],
    "cosine": ["dynamics.schedule=cosine"],
    "full batch": ["dynamics.batch_size=full"],
    "tanh, two layers": ["system.with={hidden: [7, 5], activation: tanh}"],
    "linear": ["system={use: linear}"],
    "regression": ["data={use: diabetes}"],
    "linear regression": ["data={use: diabetes}", "system={use: linear}", "dynamics.with={lr: 0.01}"],
    "detour": ["histories={cold: {first: {steps: 37, labels: shuffled}}}"],
    "bootstrap": ["ensemble.subsample={bootstrap: true}"],
}


def build(folder: Path, overrides: Sequence[str]) -> tuple[Spec, Dataset, Stack]:
    """Put the first shard of the small spec, changed by overrides, at step 0."""
    (folder / "s.yaml").write_text(SMALL)
    spec = load_spec(folder / "s.yaml", overrides)
    dataset = load_dataset(spec.data, folder)
    return spec, dataset, build_stack(spec, dataset, next(iter(shards(replica_table(spec)).values())))


def rows(stack: Stack) -> NDArray[np.floating]:
    """Return the parameters of a stack, (replica, parameters)."""
    return stack.vectors().copy()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_stacked_replica_is_the_plain_torch_loop(tmp_path: Path, variant: str) -> None:
    """After 100 steps in float64 parameters agree to 1e-10 relative, for every dynamics, system and task."""
    spec, _, stack = build(tmp_path, [*VARIANTS[variant], "ensemble.precision=float64"])
    start = torch.from_numpy(rows(stack))
    boundary = stack.shuffled_until
    stack.advance(100)
    for slot in (0, 3):
        if (
            boundary
        ):  # the reference takes one table of rows at a time: check the first phase, then that the second differs
            fresh = build(tmp_path, [*VARIANTS[variant], "ensemble.precision=float64"])[2]
            expected = plain_steps(fresh.protocol, fresh, slot, start[slot], boundary)
            fresh.advance(boundary)
            np.testing.assert_allclose(rows(fresh)[slot], expected.numpy(), rtol=0, atol=1e-10 * float(expected.norm()))
            assert np.abs(rows(stack)[slot] - rows(fresh)[slot]).max() > 1e-3
            continue
        expected = plain_steps(stack.protocol, stack, slot, start[slot], 100)
        difference = np.linalg.norm(rows(stack)[slot] - expected.numpy()) / float(expected.norm())
        assert difference < 1e-10, spec.dynamics


def test_the_check_at_the_start_sees_a_wrong_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that moves by a millionth too little is refused."""
    spec, dataset, stack = build(tmp_path, [])
    members = stack.members[:2]
    rule = protocol(spec, dataset, stack.size)
    subsamples = draw_subsamples(spec, len(dataset.y), members)
    assert check_stacking(rule, dataset, members, subsamples) < 1e-12
    right = rule.optimizer.update
    monkeypatch.setattr(rule.optimizer, "update", lambda p, g, s, lr: right(p, g, s, lr * (1 - 1e-6)))
    with pytest.raises(RunError, match="does not equal"):
        check_stacking(rule, dataset, members, subsamples)


def test_a_replica_has_the_same_bits_in_a_large_and_in_a_small_ensemble(tmp_path: Path) -> None:
    """Replica k of 3 (a padded shard) is replica k of 12, bit for bit, in float32."""
    few = build(tmp_path, ["ensemble.replicas=3", "ensemble.shard=8"])[2]
    many = build(tmp_path, ["ensemble.replicas=12", "ensemble.shard=8"])[2]
    for stack in (few, many):
        stack.advance(150)
    np.testing.assert_array_equal(rows(few)[:3], rows(many)[:3])
    assert np.abs(rows(few)[0] - rows(few)[1]).max() > 0.1


def test_a_replica_that_blows_up_leaves_its_neighbours_alone(tmp_path: Path) -> None:
    """NaN in slot 1 changes no bit of slots 0, 2 and 3."""
    clean, broken = (build(tmp_path, [])[2] for _ in range(2))
    layout.views(broken.parameters, broken.protocol.system.blocks, broken.width)[0][1].fill_(float("nan"))
    for stack in (clean, broken):
        stack.advance(20)
    assert np.isnan(rows(broken)[1]).any()
    np.testing.assert_array_equal(rows(broken)[[0, 2, 3]], rows(clean)[[0, 2, 3]])


@pytest.mark.parametrize("variant", ["momentum", "adam", "detour", "cosine"])
@pytest.mark.parametrize("stop", [1, 36, 37, 101, 256, 333])
def test_a_restored_stack_goes_on_with_the_same_bits(tmp_path: Path, variant: str, stop: int) -> None:
    """State and step are all there is: restoring them anywhere changes no bit of the end."""
    whole, first, second = (build(tmp_path, VARIANTS[variant])[2] for _ in range(3))
    whole.advance(400)
    first.advance(stop)
    second.restore(stop, {name: array.copy() for name, array in first.state_arrays().items()})
    second.advance(400)
    np.testing.assert_array_equal(rows(second), rows(whole))


def test_looking_does_not_disturb(tmp_path: Path) -> None:
    """Measuring along the way changes no bit of the training."""
    watched, alone = (build(tmp_path, [])[2] for _ in range(2))
    for step in (10, 50, 100):
        watched.advance(step)
        watched.evaluate()
    alone.advance(100)
    np.testing.assert_array_equal(rows(watched), rows(alone))


def test_the_gradient_is_that_of_the_energy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against autograd over the whole subsample plus the penalty, also when examples come in several pieces."""
    _, dataset, stack = build(tmp_path, ["ensemble.precision=float64"])
    stack.advance(30)
    monkeypatch.setattr(gradient, "CHUNK_EXAMPLES", 31)
    found = stack.evaluate()
    module = stack.protocol.system.module().to(torch.float64)
    parameters = list(module.parameters())
    theta = torch.from_numpy(rows(stack)[2])
    for parameter, values in zip(parameters, torch.split(theta, [p.numel() for p in parameters]), strict=True):
        parameter.data.copy_(values.view_as(parameter))
    x = torch.from_numpy(dataset.x[stack.subsamples[2]])
    loss = torch.nn.functional.cross_entropy(module(x), torch.from_numpy(dataset.y[stack.subsamples[2]]))
    energy = loss + 0.5 * 1e-3 * sum((p**2).sum() for p in parameters)
    expected = torch.cat([g.reshape(-1) for g in torch.autograd.grad(energy, parameters)])
    np.testing.assert_allclose(found.gradient[2], expected.numpy(), atol=1e-14)
    np.testing.assert_allclose(found.train[2], module(x).detach().numpy().T, atol=1e-12)
    np.testing.assert_allclose(found.test[2], module(torch.from_numpy(dataset.x_test)).detach().numpy().T, atol=1e-12)
