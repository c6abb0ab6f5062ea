"""Stacked training is the plain loop, replica by replica, and nobody's neighbours matter."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.conftest import SMALL
from thermo_cli.contracts import Dataset, Optimizer
from thermo_cli.data.split import load_dataset
from thermo_cli.data.subsample import draw_subsamples
from thermo_cli.errors import RunError
from thermo_cli.kinds.networks import layout
from thermo_cli.kinds.networks import stack as gradient
from thermo_cli.kinds.networks.adam import Adam, adamw
from thermo_cli.kinds.networks.checks import check_stacking, plain_steps
from thermo_cli.kinds.networks.learner import Learner, build_stack
from thermo_cli.kinds.networks.protocols import protocol
from thermo_cli.kinds.networks.sgd import Sgd
from thermo_cli.kinds.networks.stack import Stack
from thermo_cli.replicas import Replica, replica_table
from thermo_cli.spec import Spec, load_spec
from thermo_cli.store.files import ArrayFile, read_arrays, write_arrays

VARIANTS = {
    "sgd": ["dynamics.with={lr: 0.05}"],
    "momentum": [],
    "nesterov": ["dynamics.with={lr: 0.05, momentum: 0.9, nesterov: true, weight_decay: 1e-3}"],
    "adam": ["dynamics.use=adam", "dynamics.with={lr: 0.003, weight_decay: 1e-3}"],
    "adamw": ["dynamics.use=adamw", "dynamics.with={lr: 0.003, weight_decay: 0.1, betas: [0.8, 0.95]}"],
    "cosine": ["dynamics.schedule=cosine"],
    "warmup": ["dynamics.schedule={use: warmup, steps: 30}"],
    "warmup, cosine": ["dynamics.schedule={use: warmup_cosine, steps: 30}"],
    "drops": ["dynamics.schedule={use: step, at: [0.1, 0.2], factor: 0.5}"],
    "full batch": ["dynamics.batch_size=full"],
    "tanh, two layers": ["system.with={hidden: [7, 5], activation: tanh}"],
    "linear": ["system={use: linear}"],
    "regression": ["data={use: diabetes}"],
    "linear regression": ["data={use: diabetes}", "system={use: linear}", "dynamics.with={lr: 0.01}"],
    "detour": ["histories={cold: {first: {steps: 37, labels: shuffled}}}"],
    "curriculum": ["histories={cold: {first: {steps: 37, examples: {fraction: 0.5}}}}"],
    "schedule": [
        "histories={cold: {first: {steps: 37, dynamics: {with: {lr: 0.2}, schedule: cosine, batch_size: 8}}}}"
    ],
    "other system first": ["histories={cold: {first: {steps: 37, system: {with: {activation: tanh}}}}}"],
    "everything first": [
        "histories={cold: {first: {steps: 37, labels: shuffled, examples: {fraction: 0.4}, dynamics: {with: {momentum: 0}}}}}"
    ],
    "adam with a first phase": [
        "dynamics.use=adam",
        "dynamics.with={lr: 0.003}",
        "histories={cold: {first: {steps: 37, dynamics: {with: {lr: 0.01}}}}}",
    ],
    "bootstrap": ["ensemble.subsample={bootstrap: true}"],
}


def build(folder: Path, overrides: Sequence[str]) -> tuple[Spec, Dataset, Stack]:
    """Put up to eight replicas of the small spec, changed by overrides, at step 0."""
    (folder / "s.yaml").write_text(SMALL)
    spec = load_spec(folder / "s.yaml", overrides)
    dataset = load_dataset(spec.data, folder)
    return spec, dataset, build_stack(spec, dataset, first(spec, 8))


def first(spec: Spec, count: int) -> list[Replica]:
    """Return replicas of the first history."""
    return [row for row in replica_table(spec) if row.role == "main" and row.history == next(iter(spec.histories))][
        :count
    ]


def rows(stack: Stack) -> NDArray[np.floating]:
    """Return the parameters of a stack, (replica, parameters)."""
    return stack.vectors().copy()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_stacked_replica_is_the_plain_torch_loop(tmp_path: Path, variant: str) -> None:
    """After 100 steps in float64 parameters agree to 1e-10 relative, for every dynamics, system, task and history."""
    spec, _, stack = build(tmp_path, [*VARIANTS[variant], "ensemble.precision=float64"])
    start = torch.from_numpy(rows(stack))
    stack.advance(100)
    for slot in (0, 3):
        expected = plain_steps(stack, slot, start[slot], 100)
        difference = np.linalg.norm(rows(stack)[slot] - expected.numpy()) / float(expected.norm())
        assert difference < 1e-10, spec.dynamics


@pytest.mark.parametrize(
    ("rule", "known", "arguments"),
    [
        (Sgd(0.1, 0.0, False, 0.01), torch.optim.SGD, {"momentum": 0.0, "weight_decay": 0.01}),
        (Sgd(0.1, 0.9, False, 0.01), torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.01}),
        (Sgd(0.1, 0.9, True, 0.0), torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        (
            Adam(0.1, (0.8, 0.95), 1e-6, 0.01),
            torch.optim.Adam,
            {"betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.01},
        ),
        (
            adamw(0.1, (0.8, 0.95), 1e-6, 0.2),
            torch.optim.AdamW,
            {"betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.2},
        ),
    ],
    ids=["sgd", "momentum", "nesterov", "adam", "adamw"],
)
def test_the_plain_rule_is_the_class_of_torch_optim(
    rule: Optimizer, known: type[torch.optim.Optimizer], arguments: dict[str, object]
) -> None:
    """Bit for bit over ten steps of a falling rate, from the same gradients."""
    start = torch.linspace(-1.0, 2.0, 7)
    both = [torch.nn.Parameter(start.clone()) for _ in range(2)]
    plain, other = rule.plain([both[0]]), known([both[1]], lr=0.1, **arguments)  # type: ignore[call-arg]
    for step in range(10):
        for parameter, optimizer in zip(both, (plain, other), strict=True):
            parameter.grad = torch.cos(1.3 * step + torch.arange(7.0))
            optimizer.param_groups[0]["lr"] = 0.1 / (1 + step)
            optimizer.step()
        assert torch.equal(both[0], both[1])
    assert not torch.equal(both[0], start)


def test_the_check_at_the_start_sees_a_wrong_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that moves by a millionth too little is refused."""
    spec, dataset, stack = build(tmp_path, [])
    members = stack.members[:2]
    rule = protocol(spec.system, spec.dynamics, dataset, stack.size, 400, "float32")
    subsamples = draw_subsamples(spec, len(dataset.y), members)
    assert check_stacking(rule, dataset, members, subsamples) < 1e-12
    right = rule.optimizer.update
    monkeypatch.setattr(rule.optimizer, "update", lambda p, g, s, lr: right(p, g, s, lr * (1 - 1e-6)))
    with pytest.raises(RunError, match="does not equal"):
        check_stacking(rule, dataset, members, subsamples)


def test_a_replica_has_the_same_bits_in_a_large_and_in_a_small_ensemble(tmp_path: Path) -> None:
    """Replica k of 3 is replica k of 8, bit for bit, in float32."""
    few = build(tmp_path, ["ensemble.replicas=3"])[2]
    many = build(tmp_path, ["ensemble.replicas=12"])[2]
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


def test_a_first_phase_is_what_it_says(tmp_path: Path) -> None:
    """A curriculum sees half the subsample, a detour other targets for the same examples, and both end with the phase."""
    detour = build(tmp_path, VARIANTS["detour"])[2]
    x_rows, targets = detour.rows(30, 37)
    assert not torch.equal(x_rows, targets)
    assert torch.equal(*detour.rows(37, 40))
    assert np.array_equal(np.sort(detour.legs[0].targets, axis=1), detour.subsamples)
    curriculum = build(tmp_path, VARIANTS["curriculum"])[2]
    part, whole = curriculum.legs[0].examples, curriculum.subsamples
    assert part.shape[1] == round(whole.shape[1] / 2)
    assert all(np.isin(mine, own).all() for mine, own in zip(part, whole, strict=True))
    schedule = build(tmp_path, VARIANTS["schedule"])[2]
    assert schedule.legs[0].protocol.rate(0) == pytest.approx(0.2)
    assert schedule.legs[0].protocol.rate(36) < 0.001
    assert schedule.legs[1].protocol.rate(37) == pytest.approx(0.05)


def test_what_is_tried_at_the_end_leaves_no_trace(tmp_path: Path) -> None:
    """Quench, input and parameter perturbations change no bit of the stack, and are numbers of the right sign."""
    (tmp_path / "s.yaml").write_text(SMALL)
    spec = load_spec(tmp_path / "s.yaml")
    learner = Learner(spec, load_dataset(spec.data, tmp_path), first(spec, 4))
    learner.advance(400)
    before = {name: array.copy() for name, array in learner.state_arrays(slice(0, None)).items()}
    found = learner.finish()
    for name, array in learner.state_arrays(slice(0, None)).items():
        np.testing.assert_array_equal(array, before[name])
    assert learner.step == 400
    accuracy = learner.measure()["test_accuracy"]
    np.testing.assert_allclose(1 - found["test_errors"].mean(axis=1), accuracy, atol=1e-6)
    assert (found["response"] > 0).all()
    assert (found["flatness"] > 0).all()
    assert found["quench_gap"].mean() > 0  # at a constant rate training settles above the minimum


@pytest.mark.parametrize("variant", ["momentum", "adam", "detour", "cosine", "everything first"])
@pytest.mark.parametrize("stop", [1, 36, 37, 101, 256, 333])
def test_a_restored_stack_goes_on_with_the_same_bits(tmp_path: Path, variant: str, stop: int) -> None:
    """State and step are all there is: restoring them anywhere, from disk, changes no bit of the end."""
    whole, first, second = (build(tmp_path, VARIANTS[variant])[2] for _ in range(3))
    whole.advance(400)
    first.advance(stop)
    write_arrays(tmp_path / "state", ArrayFile(first.state_arrays(slice(0, None))))
    second.restore(stop, slice(0, None), dict(read_arrays(tmp_path / "state").arrays))
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
