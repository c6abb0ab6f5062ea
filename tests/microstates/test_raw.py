"""Raw overlaps against brute force, and their jackknife against the spread over fresh ensembles."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thermo_cli import rng
from thermo_cli.microstates.raw import raw_overlaps


def test_averages_are_over_all_pairs() -> None:
    """Against two plain loops; `self` is towards the own start."""
    generator = rng.generator(0)
    final, start = generator.normal(size=(7, 20)), generator.normal(size=(7, 20))
    found = raw_overlaps(final, start)
    pairs = list(itertools.combinations(final, 2))
    cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairs]
    assert found["raw_cosine"]["estimate"] == pytest.approx(np.mean(cosines))
    assert found["raw_distance"]["estimate"] == pytest.approx(np.mean([np.linalg.norm(a - b) for a, b in pairs]))
    assert found["raw_distance"]["self"] == pytest.approx(np.linalg.norm(final - start, axis=1).mean())
    assert found["raw_cosine"]["null"] is None


def test_the_interval_covers_the_mean_over_fresh_ensembles() -> None:
    """Replicas around a common centre: about 95 % of 300 intervals hold the value that large ensembles agree on."""
    generator = rng.generator(1)
    centre = generator.normal(size=30)
    truth = raw_overlaps(centre + generator.normal(size=(3000, 30)), np.ones((3000, 30)))["raw_cosine"]["estimate"]
    covered = 0
    for _ in range(300):
        low, high = raw_overlaps(centre + generator.normal(size=(20, 30)), np.ones((20, 30)))["raw_cosine"]["interval"]
        covered += low <= truth <= high
    assert 265 <= covered <= 297


def test_too_few_or_broken_replicas_give_nothing_or_are_left_out() -> None:
    """Two replicas give no interval; a replica with NaN is not averaged."""
    generator = rng.generator(2)
    final, start = generator.normal(size=(5, 4)), generator.normal(size=(5, 4))
    assert raw_overlaps(final[:2], start[:2]) == {}
    broken = np.vstack([final, np.full((1, 4), np.nan)])
    assert raw_overlaps(broken, np.vstack([start, start[:1]])) == raw_overlaps(final, start)


def test_the_jackknife_leaves_out_replicas_one_at_a_time() -> None:
    """Against the estimates of the six ensembles of five, and t standard errors of five degrees of freedom."""
    generator = rng.generator(3)
    final, start = generator.normal(size=(6, 9)), generator.normal(size=(6, 9))
    found = raw_overlaps(final, start)
    for name in ("raw_cosine", "raw_distance"):
        without = [raw_overlaps(np.delete(final, r, 0), np.delete(start, r, 0))[name]["estimate"] for r in range(6)]
        error = np.sqrt(5 / 6 * ((np.array(without) - np.mean(without)) ** 2).sum())
        estimate = found[name]["estimate"]
        assert found[name]["interval"] == pytest.approx(
            [estimate - 2.5706 * error, estimate + 2.5706 * error], rel=1e-4
        )


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 12), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_order_of_replicas_and_rotations_change_nothing(replicas: int, parameters: int, seed: int) -> None:
    """Averages over pairs do not know the order of replicas or the axes of parameter space."""
    generator = rng.generator(seed)
    final, start = generator.normal(size=(2, replicas, parameters))
    order = generator.permutation(replicas)
    turn = np.linalg.qr(generator.normal(size=(parameters, parameters)))[0]
    expected = raw_overlaps(final, start)
    for changed in (raw_overlaps(final[order], start[order]), raw_overlaps(final @ turn, start @ turn)):
        for name, values in expected.items():
            assert changed[name]["estimate"] == pytest.approx(values["estimate"], abs=1e-6)
            assert changed[name]["interval"] == pytest.approx(values["interval"], abs=1e-6)
            assert changed[name]["self"] == pytest.approx(values["self"], abs=1e-6)


def test_known_geometries() -> None:
    """Orthogonal unit vectors: cosine 0 and distance sqrt 2; one model three times: 1 and 0."""
    apart = raw_overlaps(np.eye(4), np.eye(4))
    assert (apart["raw_cosine"]["estimate"], apart["raw_cosine"]["self"]) == (0.0, 1.0)
    assert apart["raw_distance"]["estimate"] == pytest.approx(np.sqrt(2))
    same = raw_overlaps(np.tile([3.0, 4.0], (3, 1)), np.tile([4.0, -3.0], (3, 1)))
    assert same["raw_cosine"]["estimate"] == pytest.approx(1.0)
    assert same["raw_cosine"]["self"] == pytest.approx(0.0)
    assert (same["raw_distance"]["estimate"], same["raw_distance"]["interval"]) == (0.0, [0.0, 0.0])
