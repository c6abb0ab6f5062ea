"""Raw overlaps against brute force, and their jackknife against the spread over fresh ensembles."""

import itertools

import numpy as np
import pytest

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
