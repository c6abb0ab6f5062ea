"""Planted copies are found, and nothing that is called a symmetry changes an output."""

import numpy as np
import pytest

from tests.microstates.families import convolutional, dense, drawn
from thermo_cli.contracts import Symmetry, Tensors
from thermo_cli.microstates.canonical import canonical, fold
from thermo_cli.microstates.matching import align, match
from thermo_cli.microstates.shuffling import random_element, scrambled
from thermo_cli.microstates.symmetry import rows_of, select, tensors_of

FAMILIES = {
    "relu": dense((10, 24, 16, 5), "relu"),
    "tanh": dense((10, 24, 16, 5), "tanh"),
    "tanh regression": dense((6, 12, 1), "tanh", softmax=False),
    "linear": dense((10, 5), "relu"),
    "convolutional": convolutional(),
}
INPUTS = {"convolutional": 36, "tanh regression": 6}


def generator(seed: int = 0) -> np.random.Generator:
    """A generator of its own."""
    return np.random.Generator(np.random.PCG64(seed))


def distance(a: Tensors, b: Tensors, symmetry: Symmetry) -> np.ndarray:
    """Squared distance of each replica to its partner."""
    return ((rows_of(a, symmetry) - rows_of(b, symmetry)) ** 2).sum(axis=1)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_symmetry_changes_an_output(family: str) -> None:
    """Folding, canonical form, random elements and matching: all leave the function as it is, up to softmax shifts."""
    symmetry, forward = FAMILIES[family]
    tensors = drawn(symmetry, 6, generator())
    x = generator(1).standard_normal((20, INPUTS.get(family, 10)))

    def function(found: Tensors) -> np.ndarray:
        out = forward(found, x)
        return out - out.mean(axis=2, keepdims=True) if symmetry.shifts else out

    before = function(tensors)
    folded, plain = fold(tensors, symmetry)
    turned = random_element(folded, plain, generator(2))
    aligned, _ = align(canonical(turned, plain), plain, generator(3))
    for changed in (folded, canonical(folded, plain), turned, canonical(turned, plain), aligned):
        np.testing.assert_allclose(function(changed), before, atol=1e-9)
    if plain.groups or plain.shifts:
        assert distance(turned, folded, plain).min() > 0.1, "the random element did something"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_planted_copy_has_overlap_one(family: str) -> None:
    """Q* = 1 to 1e-4 with its original, units permuted, signs flipped and scales changed; its shuffled twin is far away."""
    symmetry, _ = FAMILIES[family]
    folded, plain = fold(drawn(symmetry, 8, generator()), symmetry)
    original = canonical(folded, plain)
    copy = canonical(random_element(folded, plain, generator(4)), plain)
    matched, _ = match(copy, original, plain, generator(5))
    null, _ = match(scrambled(copy, range(60, 68)), original, plain, generator(7))
    overlap = 1 - distance(matched, original, plain) / distance(null, original, plain).mean()
    np.testing.assert_allclose(overlap, 1.0, atol=1e-4)


def test_signs_are_needed_for_tanh() -> None:
    """Permutations alone leave a perfect tanh copy far from its original."""
    symmetry, _ = FAMILIES["tanh"]
    original = canonical(drawn(symmetry, 8, generator()), symmetry)
    copy = canonical(random_element(original, symmetry, generator(4)), symmetry)
    blind = Symmetry(
        symmetry.blocks, tuple(type(g)(g.name, g.size) for g in symmetry.groups), symmetry.axes, symmetry.shifts
    )
    seeing = distance(match(copy, original, symmetry, generator(5))[0], original, symmetry)
    blinded = distance(match(copy, original, blind, generator(5))[0], original, symmetry)
    assert seeing.max() < 1e-20
    assert blinded.min() > 0.2 * (rows_of(original, symmetry) ** 2).sum(axis=1).mean()


def test_many_copies_come_into_one_frame() -> None:
    """Sixteen relabelled copies of one network, with a little noise, are aligned to their common centroid."""
    symmetry, _ = FAMILIES["relu"]
    one = canonical(drawn(symmetry, 1, generator()), symmetry)
    many = {name: np.repeat(tensor, 16, axis=0) for name, tensor in one.items()}
    noisy = {name: tensor + 0.02 * generator(8).standard_normal(tensor.shape) for name, tensor in many.items()}
    noisy = random_element(
        noisy,
        Symmetry(symmetry.blocks, tuple(type(g)(g.name, g.size) for g in symmetry.groups), symmetry.axes),
        generator(9),
    )
    rows = rows_of(align(noisy, symmetry, generator(10))[0], symmetry)
    spread = ((rows - rows.mean(axis=0)) ** 2).sum() / 15
    assert spread == pytest.approx(0.02**2 * rows.shape[1], rel=0.1)


def test_matching_manufactures_similarity() -> None:
    """Of two networks of pure noise, 128 wide, the matched ones have a cosine of about 0.36 (SCIENCE, section 6)."""
    symmetry, _ = dense((64, 128, 128, 10), "relu", softmax=False)
    noise = {block.name: generator(3).standard_normal((2, *block.shape)) for block in symmetry.blocks}
    a, b = select(noise, slice(0, 1)), select(noise, slice(1, 2))
    raw, matched = (
        float(
            (rows_of(side, symmetry) * rows_of(a, symmetry)).sum()
            / np.sqrt((rows_of(side, symmetry) ** 2).sum() * (rows_of(a, symmetry) ** 2).sum())
        )
        for side in (b, match(b, a, symmetry, generator(1))[0])
    )
    assert abs(raw) < 0.03
    assert 0.15 < matched < 0.5


def test_dead_and_duplicated_units_and_zero_layers_are_no_trouble() -> None:
    """A unit that nobody reads keeps its scale; equal units and a layer of zeros give finite numbers."""
    symmetry, _ = FAMILIES["relu"]
    tensors = drawn(symmetry, 4, generator())
    tensors["layer0.weight"][:, 3] = tensors["layer0.weight"][:, 4]
    tensors["layer1.weight"][:, :, 5] = 0.0
    tensors["layer0.weight"][:, 6], tensors["layer0.bias"][:, 6] = 0.0, 0.0
    for zero in ((), ("layer1.weight", "layer1.bias")):
        found = tensors | {name: np.zeros_like(tensors[name]) for name in zero}
        rows = rows_of(align(canonical(found, symmetry), symmetry, generator(1))[0], symmetry)
        assert np.isfinite(rows).all()


def test_rows_and_tensors_are_inverse() -> None:
    """Parameters come back as they went."""
    symmetry, _ = FAMILIES["convolutional"]
    rows = generator().standard_normal((3, sum(block.size for block in symmetry.blocks)))
    np.testing.assert_array_equal(rows_of(tensors_of(rows, symmetry), symmetry), rows)
