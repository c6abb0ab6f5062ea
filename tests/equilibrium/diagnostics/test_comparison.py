"""Mantel correlation: found where it was planted, and its null kept where there is none."""

import numpy as np
import pytest

from tests.equilibrium.ensembles import ensemble
from thermo_cli.equilibrium.diagnostics.comparison import comparison, mantel
from thermo_cli.equilibrium.ensemble import Settings


def generator(seed: int = 0) -> np.random.Generator:
    """A generator of its own."""
    return np.random.Generator(np.random.PCG64(seed))


def distances(points: np.ndarray) -> np.ndarray:
    """Squared distances of points, (replica, replica)."""
    return np.square(points[:, None] - points[None]).sum(axis=2)


def test_what_is_carried_is_found() -> None:
    """The observable is one of two coordinates that the distance is made of."""
    points = generator().standard_normal((40, 2))
    found = mantel(points[:, 0], distances(points), 0.05)
    assert found["correlation"] > found["interval"][1]
    assert found["p_value"] == pytest.approx(0.001)


def test_what_is_not_carried_is_outside_its_null_in_five_percent() -> None:
    """Independent observables: p below 0.05 in 5 % of 200 ensembles, though pairs share replicas."""
    low = 0
    for seed in range(200):
        draw = generator(seed)
        low += mantel(draw.standard_normal(16), distances(draw.standard_normal((16, 3))), 0.05)["p_value"] <= 0.05
    assert 2 <= low <= 20


def test_the_correlation_is_that_of_the_pairs() -> None:
    """Against numpy over the upper triangle, a replica without a value left out."""
    values, apart = generator().standard_normal(9), distances(generator(1).standard_normal((9, 4)))
    values[4] = np.nan
    kept = np.delete(np.arange(9), 4)
    upper = np.triu_indices(8, 1)
    x = np.abs(values[kept][:, None] - values[kept])[upper]
    expected = np.corrcoef(x, apart[np.ix_(kept, kept)][upper])[0, 1]
    assert mantel(values, apart, 0.05)["correlation"] == pytest.approx(expected)


def test_nothing_to_correlate_has_a_reason() -> None:
    """Three replicas, equal values, or one microstate."""
    apart = distances(generator().standard_normal((9, 4)))
    assert mantel(np.arange(3.0), apart[:3, :3], 0.05)["reason"] == "fewer than four replicas"
    for values, matrix in ((np.ones(9), apart), (np.arange(9.0), np.ones((9, 9)) - np.eye(9))):
        assert mantel(values, matrix, 0.05)["reason"] == "all pairs are equal"


def test_the_point_of_an_ensemble() -> None:
    """Spread over the margin and mean divergence."""
    points = generator().standard_normal((30, 5))
    apart = distances(points) / 10
    values = np.append(points[:29, 0], np.inf)
    known = ensemble({"A": values[:, None]}, np.array([1]), Settings(margins={"A": 2.0}))
    found = comparison(known, range(30), apart, 0.7)["A"]
    assert found["spread"] == pytest.approx(points[:29, 0].std(ddof=1) / 2)
    assert found["divergence"] == 0.7
    assert found["mantel"]["correlation"] is not None


def test_histories_that_are_apart_are_not_shuffled_together() -> None:
    """Two histories apart in both ways carry no correlation by that alone."""
    low = 0
    for seed in range(100):
        draw = generator(seed)
        offset = np.repeat([0.0, 5.0], 10)
        apart = distances(draw.standard_normal((20, 3)) + offset[:, None])
        labels = ["cold"] * 10 + ["hot"] * 10
        found = mantel(offset + draw.standard_normal(20), apart, 0.05, labels)
        low += found["p_value"] <= 0.05
        assert mantel(offset + draw.standard_normal(20), apart, 0.05)["p_value"] < 0.01
    assert low <= 13
