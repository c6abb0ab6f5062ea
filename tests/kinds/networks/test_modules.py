"""Torch modules as stacks: equal to plain torch step by step, with their running statistics, and reproducible from a stream."""

from pathlib import Path

import numpy as np
import pytest
import torch

import thermo_cli
from tests.conftest import SERIAL
from thermo_cli import rng
from thermo_cli.contracts import Symmetry
from thermo_cli.data.split import load_dataset
from thermo_cli.errors import SpecError
from thermo_cli.kinds.networks import layout
from thermo_cli.kinds.networks.checks import plain_steps
from thermo_cli.kinds.networks.cnn import cnn
from thermo_cli.kinds.networks.learner import build_stack
from thermo_cli.kinds.networks.modules import ModuleSystem
from thermo_cli.kinds.networks.probing import probe
from thermo_cli.microstates.canonical import fold, unfolded
from thermo_cli.microstates.shuffling import self_test
from thermo_cli.microstates.symmetry import rows_of, tensors_of
from thermo_cli.replicas import main_rows, replica_table
from thermo_cli.spec import load_spec

SPEC = """\
name: images
data:     {use: digits}
system:   {use: cnn, with: {channels: 3, blocks: 1}}
dynamics: {use: sgd, with: {lr: 0.05, momentum: 0.9, weight_decay: 1.0e-2}, batch_size: 16, steps: 12}
ensemble: {replicas: 3, seed: 3, subsample: {fraction: 0.3}, precision: float64}
"""


def system(channels: int = 3, blocks: int = 1) -> ModuleSystem:
    """A small network for 8 x 8 images."""
    return cnn(64, 10, "classification", channels, blocks, None)


def states(found: ModuleSystem, replicas: int = 3) -> np.ndarray:
    """Parameters with running statistics that are not those of the start, (replica, parameter)."""
    rows = np.stack([found.initial(rng.generator(k), 1.0) for k in range(replicas)])
    draw = rng.generator(9)
    kept = np.concatenate([np.full(block.size, block.trained) for block in found.blocks])
    rows[:, ~kept] += 0.3 * draw.random((replicas, int((~kept).sum())))
    rows[:, kept] *= 1 + 0.3 * draw.standard_normal((replicas, int(kept.sum())))
    return rows


@pytest.mark.parametrize(
    "dynamics",
    [
        "sgd, with: {lr: 0.05, momentum: 0.9, weight_decay: 1.0e-2}",
        "adam, with: {lr: 0.01}",
        "adamw, with: {lr: 0.01, weight_decay: 0.1}",
    ],
)
def test_a_stacked_step_is_a_plain_step(tmp_path: Path, dynamics: str) -> None:
    """Twelve steps of every replica against torch.nn, autograd and torch.optim: parameters and running statistics to 1e-10."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("sgd, with: {lr: 0.05, momentum: 0.9, weight_decay: 1.0e-2}", dynamics))
    spec = load_spec(path)
    assert spec.data is not None
    stack = build_stack(spec, load_dataset(spec.data, tmp_path), main_rows(replica_table(spec)))
    blocks = stack.protocol.system.blocks
    start = layout.vectors(stack.parameters, blocks, stack.width).clone()
    stack.advance(12)
    moved = layout.vectors(stack.parameters, blocks, stack.width)
    for slot in range(3):
        expected = plain_steps(stack, slot, start[slot], 12)
        assert float((moved[slot] - expected).norm() / expected.norm()) < 1e-10
    for part, block in zip(layout.views(stack.parameters, blocks, stack.width), blocks, strict=True):
        assert block.trained or float((part - part[:1]).abs().max()) > 0, "each replica has statistics of its own"


def test_the_start_is_a_function_of_the_stream_and_nobody_s_generator_moves() -> None:
    """Equal streams, equal parameters; torch's global generator is where it was; the scale leaves statistics alone."""
    found = system()
    before = torch.random.get_rng_state()
    one, again, other = (found.initial(rng.generator(seed), 1.0) for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert (one == again).all()
    assert (one != other).any()
    scaled, place = found.initial(rng.generator(1), 2.0), 0
    for block in found.blocks:
        part = slice(place, place + block.size)
        np.testing.assert_allclose(scaled[part], one[part] * (2.0 if block.trained else 1.0))
        place += block.size


def test_statistics_are_no_parameters(tmp_path: Path) -> None:
    """The energy's penalty, the norm and the gradient know nothing of them, and decay does not shrink them."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    run = thermo_cli.run(path, results=tmp_path / "results", engine=SERIAL)
    found = system()
    rows, values = run.parameters(12), run.observables.values
    kept = np.concatenate([np.full(block.size, block.trained) for block in found.blocks])
    norms = np.linalg.norm(rows[:, kept], axis=1)
    np.testing.assert_allclose(values["parameter_norm"][:, -1], norms)
    np.testing.assert_allclose(values["energy_l2"][:, -1], 0.5 * 1e-2 * norms**2)
    assert rows[:, ~kept].max() > 0.9**12, "what is left of the variance of 1 at the start"


def test_evaluation_is_that_of_the_plain_module() -> None:
    """Outputs with running statistics, and with those of the examples themselves."""
    found = system()
    rows, x = states(found), rng.generator(5).standard_normal((40, 64))
    for anew in (False, True):
        outputs = probe(found, rows, x, anew=anew).outputs
        for row, out in zip(rows, outputs, strict=True):
            module = found.module().double().train(anew)
            state = dict(module.named_parameters()) | dict(module.named_buffers())
            parts = np.split(row, np.cumsum([block.size for block in found.blocks])[:-1])
            for block, part in zip(found.blocks, parts, strict=True):
                state[block.name].data.copy_(torch.from_numpy(part).view(block.shape))
            with torch.no_grad():
                np.testing.assert_allclose(module(torch.from_numpy(x))[0].T.numpy(), out, atol=1e-12)


@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_what_it_calls_symmetries_are_some(blocks: int) -> None:
    """Folding and random elements leave the outputs as they are; a channel that is left out is found."""
    found = system(4, blocks)
    symmetry, rows, x = found.symmetry(), states(found, 2), rng.generator(5).standard_normal((30, 64))
    assert symmetry is not None

    def outputs(given: np.ndarray) -> np.ndarray:
        return probe(found, given, x).outputs

    folded, _ = fold(tensors_of(rows, symmetry), symmetry)
    np.testing.assert_allclose(outputs(rows_of(unfolded(folded, symmetry), symmetry)), outputs(rows), atol=1e-10)
    assert self_test(rows, symmetry, outputs, 0) == ""
    wrong = Symmetry(
        symmetry.blocks,
        symmetry.groups,
        dict(symmetry.axes) | {"head.weight": (None, None)},
        symmetry.shifts,
        symmetry.norms,
    )
    assert "self-test failed" in self_test(rows, wrong, outputs, 0)


def test_a_trained_network_is_judged_with_its_symmetries(tmp_path: Path) -> None:
    """Eight pairs: diversity has an answer, layers are named, barriers are measured with statistics of their own."""
    path = tmp_path / "spec.yaml"
    path.write_text(
        SPEC.replace("replicas: 3", "replicas: 8").replace("float64", "float32").replace("steps: 12", "steps: 40")
    )
    verdict = thermo_cli.run(path, results=tmp_path / "results", engine=SERIAL).verdict
    assert verdict.outcomes["diversity"] in ("holds", "undecided")
    said = verdict.microscopic
    assert set(said["overlap"]["layers"]) >= {"stem", "inner0", "outer0", "head"}
    assert list(said["similarity"]["layers"]) == ["stem", "block0", "output"]
    assert said["similarity"]["layer"] == "block0"
    assert said["barrier"]["estimate"] is not None


def test_features_that_are_no_image_are_refused(tmp_path: Path) -> None:
    """Thirteen columns are no square; the remedy names the field."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("digits", "wine"))
    with pytest.raises(SpecError, match="no image of this shape") as error:
        thermo_cli.run(path, results=tmp_path / "results")
    assert "system.with.image" in str(error.value)
