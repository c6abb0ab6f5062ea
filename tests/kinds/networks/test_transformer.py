"""The transformer: torch's own attention, stacked steps, and symmetries that change no output and tell relabelled copies."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import thermo_cli
from tests.conftest import ROOT, SERIAL
from tests.kinds.networks.test_stack import build, rows
from thermo_cli import rng
from thermo_cli.contracts import Symmetry
from thermo_cli.errors import SpecError
from thermo_cli.kinds.networks.checks import plain_steps
from thermo_cli.kinds.networks.modules import ModuleSystem
from thermo_cli.kinds.networks.probing import probe
from thermo_cli.kinds.networks.transformer import transformer
from thermo_cli.microstates.canonical import dimensions, fold, prepared, unfolded
from thermo_cli.microstates.overlap import matched_pairs
from thermo_cli.microstates.shuffling import self_test
from thermo_cli.microstates.symmetry import permute, rows_of, tensors_of

DIGITS = ["data={use: digits}", "system={use: transformer, with: {width: 8, heads: 2, hidden: 12}}"]


def system(activation: str = "relu", layers: int = 2, heads: int = 2) -> ModuleSystem:
    """A small transformer for rows of five tokens of three features."""
    return transformer(15, 4, "classification", 5, 8, heads, layers, 6, activation)


def states(found: ModuleSystem, replicas: int = 2) -> np.ndarray:
    """Parameters away from the start, (replica, parameter)."""
    states = np.stack([found.initial(rng.generator(k), 1.0) for k in range(replicas)])
    return states + 0.3 * rng.generator(9).standard_normal(states.shape)


def test_it_is_attention_as_torch_does_it() -> None:
    """One block against nn.MultiheadAttention, nn.LayerNorm and nn.Linear with the same numbers."""
    module = system("gelu", layers=1).module().double()
    block, network = module.get_submodule("attention0"), module.get_submodule("network0")
    attention = nn.MultiheadAttention(8, 2, batch_first=True, bias=False, dtype=torch.float64)
    norm = nn.LayerNorm(8, elementwise_affine=False)
    with torch.no_grad():
        attention.in_proj_weight.copy_(
            torch.cat([getattr(block, name).reshape(8, 8) for name in ("query", "key", "value")])
        )
        attention.out_proj.weight.copy_(block.output.reshape(8, 8).T)
        block.bias.copy_(torch.linspace(-1, 1, 8))
        x = torch.from_numpy(rng.generator(1).standard_normal((7, 15)))
        stream = x.view(7, 5, 3) @ module.embedding.weight.T + module.embedding.position.T
        normed = norm(stream)
        stream = stream + attention(normed, normed, normed)[0] + block.bias
        inner = nn.functional.gelu(nn.functional.linear(norm(stream), network.inner, network.inner_bias))
        stream = stream + nn.functional.linear(inner, network.outer, network.outer_bias)
        torch.testing.assert_close(module(x)[0], module.head(norm(stream).mean(1)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "changes",
    [
        ["system.with.layers=2", "dynamics.use=adam", "dynamics.with={lr: 0.003}"],
        ["system.with.dropout=0.2"],
        ["system.with.activation=tanh", "dynamics.clip=0.5"],
    ],
)
def test_a_stacked_step_is_a_plain_step(tmp_path: Path, changes: list[str]) -> None:
    """Eight steps in float64, stacked and not looped over; a replica does not depend on how many there are."""
    stack = build(tmp_path, [*DIGITS, *changes, "ensemble.precision=float64"])[2]
    assert stack.protocol.system.looped == ""  # type: ignore[attr-defined]
    start = torch.from_numpy(rows(stack))
    stack.advance(8)
    for slot in (0, 3):
        expected = plain_steps(stack, slot, start[slot], 8).numpy()
        assert np.linalg.norm(rows(stack)[slot] - expected) < 1e-10 * np.linalg.norm(expected)
    few, many = (build(tmp_path, [*DIGITS, *changes, f"ensemble.replicas={n}"])[2] for n in (3, 9))
    for one in (few, many):
        one.advance(8)
    np.testing.assert_array_equal(rows(few)[:3], rows(many)[:3])


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
@pytest.mark.parametrize("heads", [1, 2, 4])
def test_what_it_calls_symmetries_are_some(activation: str, heads: int) -> None:
    """Products, shifts, orders, signs and scales leave the outputs; a claim too many is found."""
    found = system(activation, heads=heads)
    symmetry, given, x = found.symmetry(), states(found), rng.generator(5).standard_normal((30, 15))
    assert symmetry is not None

    def outputs(rows: np.ndarray) -> np.ndarray:
        return probe(found, rows, x).outputs

    folded, _ = fold(tensors_of(given, symmetry), symmetry)
    np.testing.assert_allclose(outputs(rows_of(unfolded(folded, symmetry), symmetry)), outputs(given), atol=1e-9)
    assert self_test(given, symmetry, outputs, 0) == ""
    kept = (symmetry.blocks, symmetry.groups)
    wrong = [
        Symmetry(
            *kept,
            dict(symmetry.axes) | {"network1.inner": ("hidden1", None)},
            symmetry.shifts,
            products=symmetry.products,
            centred=symmetry.centred,
        ),
        Symmetry(
            *kept,
            symmetry.axes,
            symmetry.shifts,
            products=symmetry.products,
            centred=dict(symmetry.centred) | {"network0.inner": 0},
        ),
        Symmetry(
            *kept,
            symmetry.axes,
            symmetry.shifts,
            products=symmetry.products[1:],
            centred=symmetry.centred | {"attention0.query": 0},
        ),
    ]
    for claim in wrong:
        assert "self-test failed" in self_test(given, claim, outputs, 0)


def test_a_relabelled_network_in_another_basis_is_the_same_one() -> None:
    """Heads in another basis, constants added to the stream, units and coordinates in another order: at distance 0."""
    found = system()
    symmetry, given = found.symmetry(), states(found, 3)
    assert symmetry is not None
    tensors, draw = tensors_of(given, symmetry), rng.generator(3)
    for product in symmetry.products:
        basis = draw.standard_normal((3, 2, 4, 4))
        inverse = np.linalg.inv(basis).transpose(0, 1, 3, 2)
        tensors[product.left], tensors[product.right] = basis @ tensors[product.left], inverse @ tensors[product.right]
    for name, axis in symmetry.centred.items():
        whole = tensors[name].shape
        tensors[name] = tensors[name] + draw.standard_normal((*whole[: axis + 1], 1, *whole[axis + 2 :]))
    for group in symmetry.groups:
        permute(tensors, symmetry, group.name, draw.random((3, group.size)).argsort(axis=1))
    turned = rows_of(tensors, symmetry)
    assert np.linalg.norm(turned - given) > 1
    (a, plain), (b, _), (c, _) = (prepared(rows, symmetry) for rows in (given, turned, given[[1, 2, 0]]))
    same, others = matched_pairs(b, a, plain, 0).distances, matched_pairs(c, a, plain, 0).distances
    assert same.max() < 1e-12
    assert others.min() > 1


def test_independent_numbers_are_counted() -> None:
    """As many as the rank of the canonical form's derivative."""
    found = system("relu", layers=1)
    symmetry, given = found.symmetry(), states(found, 1)
    assert symmetry is not None
    _, plain = fold(tensors_of(given, symmetry), symmetry)
    moved = given + 1e-6 * np.eye(given.shape[1])
    forms = [rows_of(prepared(one, symmetry)[0], plain) for one in (moved, given - 1e-6 * np.eye(given.shape[1]))]
    assert np.linalg.matrix_rank((forms[0] - forms[1]) / 2e-6, tol=1e-6) == dimensions(symmetry, plain)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (["system={use: transformer}"], ["13 features", "system.with.tokens"]),
        (["system={use: transformer, with: {tokens: 4}}"], ["13 features, 4 tokens"]),
        (["system={use: transformer, with: {width: 30, heads: 4}}"], ["the width (30) must be a multiple"]),
        (["system={use: transformer, with: {activation: swish}}"], ["relu, tanh, gelu"]),
        (["system={use: transformr}"], ["did you mean 'transformer'"]),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, changes: list[str], expected: list[str]) -> None:
    """With the field and what to do."""
    with pytest.raises(SpecError) as caught:
        build(tmp_path, changes)
    for words in expected:
        assert words in str(caught.value)


def test_the_example_is_examined_by_its_symmetries(tmp_path: Path) -> None:
    """A small form of experiments/transformer.yaml: overlaps by layer; no aligned barrier, as heads keep their own bases."""
    small = ["dynamics.steps=120", "ensemble.replicas=8", "histories={cold: {}}"]
    run = thermo_cli.run(ROOT / "experiments" / "transformer.yaml", overrides=small, results=tmp_path, engine=SERIAL)
    said = run.verdict.microscopic
    assert set(said["overlap"]["layers"]) == {"embedding", "attention0", "network0", "head"}
    assert list(said["similarity"]["layers"]) == ["block0", "output"]
    assert said["barrier_raw"]["estimate"] is not None
    assert "barrier" not in said
    (row,) = [row for row in run.verdict.criteria if row.criterion == "diversity"]
    assert "self-test" not in row.explanation
