"""Distances between functions against plain loops and known answers; paths between parameters."""

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from thermo_cli.microstates.connectivity import barrier
from thermo_cli.microstates.outputs import (
    disagreement,
    error_consistency,
    expected_disagreement,
    jensen_shannon,
    root_mean_square,
)


def generator(seed: int = 0) -> np.random.Generator:
    """A generator of its own."""
    return np.random.Generator(np.random.PCG64(seed))


def test_disagreement_is_a_share_of_examples() -> None:
    """Against two loops; and what independent answers would give."""
    classes = generator().integers(0, 4, (5, 200))
    found, chance = disagreement(classes), expected_disagreement(classes)
    for a, b in itertools.product(range(5), range(5)):
        assert found[a, b] == pytest.approx((classes[a] != classes[b]).mean())
        shares = [(classes[a] == c).mean() * (classes[b] == c).mean() for c in range(4)]
        assert chance[a, b] == pytest.approx(1 - sum(shares))
    assert found[0, 1] == pytest.approx(chance[0, 1], abs=0.1)


def test_error_consistency_is_kappa() -> None:
    """1 for the same mistakes, 0 for independent ones, NaN where nobody is ever wrong (Geirhos 2020)."""
    wrong = generator().random((2, 40000)) < 0.3
    kappa = error_consistency(np.stack([wrong[0], wrong[0], wrong[1]]))
    assert kappa[0, 1] == pytest.approx(1.0)
    assert abs(kappa[0, 2]) < 0.02
    assert np.isnan(error_consistency(np.zeros((2, 10), dtype=bool))).all()
    opposite = np.stack([np.arange(10) < 5, np.arange(10) >= 5])
    assert error_consistency(opposite)[0, 1] == pytest.approx(-1.0)


def test_jensen_shannon_is_that_of_scipy() -> None:
    """The square of scipy's distance in base 2; 0 for equal answers, 1 bit for certain opposite ones."""
    logits = generator().standard_normal((3, 4, 6))
    p = softmax(logits, axis=1)
    found = jensen_shannon(logits)
    for a, b in itertools.combinations(range(3), 2):
        assert found[a, b] == pytest.approx(np.mean(jensenshannon(p[a], p[b], base=2, axis=0) ** 2))
    certain = np.array([[[50.0], [-50.0]], [[-50.0], [50.0]], [[50.0], [-50.0]]])
    assert jensen_shannon(certain)[0] == pytest.approx([0.0, 1.0, 0.0])


def test_distance_of_numbers() -> None:
    """Root mean square over the examples."""
    outputs = generator().standard_normal((4, 30)) + 100
    found = root_mean_square(outputs)
    assert found[1, 3] == pytest.approx(np.sqrt(((outputs[1] - outputs[3]) ** 2).mean()))
    assert (np.diag(found) == 0).all()


def test_barriers_of_known_landscapes() -> None:
    """None in a bowl; (x^2 - 1)^2 from -1 to 1 has one of 1; a slope and a ridge are measured from the chord."""
    first, second = generator().standard_normal((2, 6, 9))
    np.testing.assert_allclose(barrier(first, second, lambda rows: np.square(rows).sum(axis=1)), 0.0, atol=1e-12)
    wells = barrier(-np.ones((2, 1)), np.ones((2, 1)), lambda rows: (rows[:, 0] ** 2 - 1) ** 2)
    np.testing.assert_allclose(wells, 1.0)
    tilted = barrier(-np.ones((1, 1)), np.ones((1, 1)), lambda rows: (rows[:, 0] ** 2 - 1) ** 2 + 3 * rows[:, 0])
    np.testing.assert_allclose(tilted, 1.0)
