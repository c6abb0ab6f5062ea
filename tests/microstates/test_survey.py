"""Overlaps from parameter rows to findings: copies are one, noise is zero, and each null goes the same way."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.microstates.families import convolutional, dense, drawn
from thermo_cli.contracts import Findings, Symmetry
from thermo_cli.microstates.canonical import canonical, fold
from thermo_cli.microstates.material import Material
from thermo_cli.microstates.pairs import pair_mean, unit_mean
from thermo_cli.microstates.shuffling import random_element, self_test
from thermo_cli.microstates.summary import divergence, microscopic, overlaps_of
from thermo_cli.microstates.survey import examine, examine_particles
from thermo_cli.microstates.symmetry import rows_of, tensors_of

FAMILIES = {
    "relu": dense((10, 24, 16, 5), "relu"),
    "tanh": dense((10, 24, 16, 5), "tanh"),
    "linear": dense((20, 5), "relu"),
    "convolutional": convolutional(),
}
REPLICAS = 12


def generator(seed: int = 0) -> np.random.Generator:
    """A generator of its own."""
    return np.random.Generator(np.random.PCG64(seed))


def material(rows: NDArray[np.floating], partners: NDArray[np.floating], earlier: NDArray[np.floating]) -> Material:
    """Give rows the times that a run has; the first eight have partners."""
    count = len(rows)
    return Material(
        replicas=tuple(f"cold/{k}" for k in range(count)),
        pairs=tuple(f"cold/{k}" for k in range(8)),
        mains={25: earlier, 50: earlier, 100: rows},
        initial=generator(9).standard_normal(rows.shape),
        firsts=rows[:8],
        partners=partners[:8],
        earlier=earlier[:8],
        streams=[100 + k for k in range(count)],
        pair_streams=[(200 + k, 300 + k) for k in range(8)],
    )


def states(symmetry: Symmetry, seed: int, replicas: int = REPLICAS) -> NDArray[np.floating]:
    """Unrelated parameters, (replica, parameter)."""
    return rows_of(drawn(symmetry, replicas, generator(seed)), symmetry)


def noise(symmetry: Symmetry, seed: int) -> tuple[NDArray[np.floating], Symmetry]:
    """Pure noise: every entry of the canonical form by itself, as the null is."""
    plain = fold(drawn(symmetry, 1, generator(seed)), symmetry)[1]
    blocks = Symmetry(
        tuple(block for block in plain.blocks),
        tuple(dataclasses.replace(group, scale=False) for group in plain.groups),
        plain.axes,
    )
    return generator(seed).standard_normal((REPLICAS, sum(block.size for block in blocks.blocks))), blocks


def shuffled_copies(symmetry: Symmetry, seed: int) -> tuple[NDArray[np.floating], Symmetry]:
    """One network many times, each with its units relabelled, turned over and scaled; batch-norm folded first."""
    folded, plain = fold(drawn(symmetry, 1, generator(seed)), symmetry)
    many = {name: np.repeat(tensor, REPLICAS, axis=0) for name, tensor in folded.items()}
    names = [block.name for block in plain.blocks]
    shapes = tuple(dataclasses.replace(block, shape=many[block.name].shape[1:]) for block in plain.blocks)
    plain = dataclasses.replace(plain, blocks=shapes)
    assert set(names) == set(many)
    return rows_of(random_element(many, plain, generator(seed + 1)), plain), plain


def q_star(found: Findings) -> tuple[float, float]:
    """Overlap of the pairs, and its standard error."""
    one = unit_mean(1 - found.arrays["pair_distance"] / found.arrays["pair_null"].mean())
    return one.value, one.error


@pytest.mark.parametrize("family", FAMILIES)
def test_one_network_found_many_times_has_overlap_one(family: str) -> None:
    """Planted copies, for every family: Q* = 1 to 1e-4 for the pairs, and within the common frame."""
    rows, plain = shuffled_copies(FAMILIES[family][0], 3)
    found = examine(material(rows, rows[::-1], rows), plain, shared=False)
    assert 1 - found.arrays["pair_distance"].max() / found.arrays["pair_null"].mean() > 1 - 1e-4
    apart = divergence(found)
    assert apart is not None
    assert np.median(apart) < 1e-4  # a frame is found by a few sweeps only: a replica may miss it
    assert overlaps_of(found).own.max() < 1e-4 * found.arrays["pair_null"].mean()


@pytest.mark.parametrize("family", FAMILIES)
def test_pure_noise_has_overlap_zero(family: str) -> None:
    """Of numbers without any structure, matched pairs are as far apart as their null, within the interval."""
    rows, plain = noise(FAMILIES[family][0], 5)
    found = examine(material(rows, noise(FAMILIES[family][0], 6)[0], rows), plain, shared=False)
    value, error = q_star(found)
    null = found.arrays["pair_null"]
    both = np.hypot(error, null.std(ddof=1) / np.sqrt(len(null)) / null.mean())
    assert abs(value) < 4 * both
    assert abs(value) < 0.1
    if plain.groups:
        assert found.facts["null_cosine"] > 0.1, "matching manufactures similarity, in the null too"


def test_networks_of_the_standard_initialization_have_little_in_common() -> None:
    """Untrained networks are a little nearer than their shuffled copies: layers have scales of their own."""
    symmetry, _ = FAMILIES["relu"]
    rows = states(symmetry, 1)
    found = examine(material(rows, states(symmetry, 2), rows), symmetry, shared=False)
    assert -0.1 < q_star(found)[0] < 0.3


def test_layers_add_up_and_no_pair_depends_on_other_replicas() -> None:
    """Squared distances add over layers; another number of replicas changes neither a pair nor its shuffled copy."""
    symmetry, _ = FAMILIES["tanh"]
    rows = states(symmetry, 1)
    found = examine(material(rows, states(symmetry, 2), rows), symmetry, shared=False)
    np.testing.assert_allclose(found.arrays["main_layers"].sum(axis=0), found.arrays["main_distance"])
    fewer = dataclasses.replace(
        material(rows, states(symmetry, 2), rows),
        replicas=tuple("abcdefgh"),
        mains={25: rows[:8], 50: rows[:8], 100: rows[:8]},
        initial=rows[:8],
        streams=[100 + k for k in range(8)],
    )
    again = examine(fewer, symmetry, shared=False)
    for name in ("pair_distance", "pair_null", "main_distance", "main_null"):
        number = len(again.arrays[name])
        np.testing.assert_allclose(again.arrays[name], found.arrays[name][:number], rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("left", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_replicas_that_share_their_start_are_compared_by_what_they_learned(left: float, scale: float) -> None:
    """Whatever decay has left of the start, and however large it was: what was learned has nothing in common."""
    symmetry, _ = FAMILIES["relu"]
    start = scale * states(symmetry, 1, 1)
    size = 0.1 * states(symmetry, 1, 1).std()
    learned = [size * generator(seed).standard_normal((REPLICAS, start.shape[1])) for seed in (2, 3)]
    now = [left * start + one for one in learned]
    given = dataclasses.replace(material(now[0], now[1], now[0]), initial=np.repeat(start, REPLICAS, axis=0))
    found = examine(given, symmetry, shared=True)
    if left:
        assert pair_mean(found.arrays["raw_cosine"]).value > 0.9
    assert abs(q_star(found)[0]) < 0.1
    assert found.facts["displacement"]
    same = dataclasses.replace(given, partners=now[0][:8] + 0.01 * learned[1][:8])
    assert q_star(examine(same, symmetry, shared=True))[0] > 0.99


def test_what_is_said_of_findings() -> None:
    """Estimate, interval, null and self; a distribution over as many pairs as there are; memory; twins and their floor."""
    symmetry, _ = FAMILIES["relu"]
    rows = states(symmetry, 1)
    twin = rows[:2] * (1 + 1e-9)
    given = dataclasses.replace(
        material(rows, states(symmetry, 2), rows), initial=rows, twins={1: (twin, rows[:2]), 100: (rows[2:4], rows[:2])}
    )
    said = microscopic(examine(given, symmetry, shared=False), 0.95)
    overlap = said["overlap"]
    low, high = overlap["interval"]
    assert low < overlap["estimate"] < high
    assert (overlap["null"], overlap["self"]) == (0.0, pytest.approx(1.0))
    assert overlap["frame"]["interval"][0] < overlap["frame"]["estimate"]
    assert sum(overlap["distribution"]["counts"]) == REPLICAS * (REPLICAS - 1) / 2
    assert set(overlap["layers"]) == {"layer0", "layer1", "layer2"}
    assert said["memory"]["estimate"] == pytest.approx(1.0, abs=0.1)
    floor = np.linalg.norm(1e-9 * rows[:2], axis=1)
    assert 0 < said["chaos"]["null"] < 1e-7
    assert overlaps_of(examine(given, symmetry, shared=False)).floor == pytest.approx(np.sqrt(np.mean(floor**2)))
    assert said["chaos"]["estimate"] == pytest.approx(1.0, abs=0.5)
    raw = examine(given, symmetry, shared=False).arrays["raw_cosine"][np.triu_indices(REPLICAS, 1)]
    assert said["participation_ratio"]["estimate"] == pytest.approx(1 / raw.var(ddof=1))
    assert said["dispersion"]["estimate"] == pytest.approx(0.0, abs=0.5)


def test_particles_are_held_against_their_law() -> None:
    """Gaussian states around any centre have Q* = 0, a crystal at (1, 1, ...) has 1."""

    def law(draw: np.random.Generator, count: int) -> NDArray[np.floating]:
        return 7.0 + draw.standard_normal((count, 64))

    wide = [7.0 + generator(seed).standard_normal((REPLICAS, 64)) for seed in (1, 2, 3)]
    found = examine_particles(material(*wide), law)
    assert abs(q_star(found)[0]) < 0.3
    narrow = [1.0 + 1e-3 * generator(seed).standard_normal((REPLICAS, 64)) for seed in (1, 2, 3)]
    assert q_star(examine_particles(material(*narrow), law))[0] > 0.999
    assert "untested" in examine_particles(material(*narrow), lambda draw, count: None).facts


def test_a_partner_that_diverged_is_no_pair() -> None:
    """Its distance is not a number; the other seven stay."""
    symmetry, _ = FAMILIES["relu"]
    rows, partners = states(symmetry, 1), states(symmetry, 2)
    partners[3, 5] = np.nan
    found = examine(material(rows, partners, rows), symmetry, shared=False)
    assert np.isfinite(found.arrays["pair_distance"]).tolist() == [True] * 3 + [False] + [True] * 4
    none = examine(material(rows, np.full_like(rows, np.inf), rows), symmetry, shared=False)
    assert not np.isfinite(none.arrays["pair_distance"]).any()
    assert none.facts["null_cosine"] is None


@pytest.mark.parametrize("family", ["relu", "tanh", "linear"])
def test_the_self_test_passes_a_symmetry_and_fails_what_is_none(family: str) -> None:
    """A tanh network whose units are called scalable is found out, as are two layers mixed up."""
    symmetry, forward = FAMILIES[family]
    rows = states(symmetry, 1, 2)
    x = generator(3).standard_normal((20, 20 if family == "linear" else 10))

    def outputs(found: NDArray[np.floating]) -> NDArray[np.floating]:
        return forward(tensors_of(found, symmetry), x).transpose(0, 2, 1)

    assert self_test(rows, symmetry, outputs, 0) == ""
    if family == "tanh":
        wrong = dataclasses.replace(symmetry, groups=tuple(dataclasses.replace(g, scale=True) for g in symmetry.groups))
        assert "self-test failed" in self_test(rows, wrong, outputs, 0)
    if symmetry.groups:
        axes = dict(symmetry.axes) | {"layer1.bias": (None,)}
        assert "self-test failed" in self_test(rows, dataclasses.replace(symmetry, axes=axes), outputs, 0)


def test_folding_and_canonical_form_are_part_of_the_way() -> None:
    """Batch-norm networks are examined with their norms folded: one dimension per entry that is left."""
    symmetry, _ = FAMILIES["convolutional"]
    rows = states(symmetry, 1)
    found = examine(material(rows, states(symmetry, 2), rows), symmetry, shared=False)
    tensors, plain = fold(tensors_of(rows, symmetry), symmetry)
    left = canonical(tensors, plain)
    gauge = 8 + 10 + (8 + 1)  # scales of the channels, shifts of all logits
    assert found.facts["dimensions"] == sum(tensor[0].size for tensor in left.values()) - gauge
    assert set(found.facts["layers"]) == {"stem", "inner", "outer", "head"}
