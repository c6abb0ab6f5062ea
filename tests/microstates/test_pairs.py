"""Averages over pairs and their intervals: against leave-one-out by hand, and by coverage."""

import numpy as np
import pytest

from thermo_cli.microstates.pairs import pair_mean, unit_mean


def generator(seed: int = 0) -> np.random.Generator:
    """A generator of its own."""
    return np.random.Generator(np.random.PCG64(seed))


def products(x: np.ndarray) -> np.ndarray:
    """A kernel of pairs whose mean is known: x_r x_s, of mean mu^2."""
    return x[:, None] * x[None, :]


def test_the_error_is_the_jackknife_over_replicas() -> None:
    """Leave out one replica at a time."""
    matrix = products(1 + generator().standard_normal(7))
    found = pair_mean(matrix)
    upper = np.triu_indices(7, 1)
    without = [np.delete(np.delete(matrix, r, 0), r, 1)[np.triu_indices(6, 1)].mean() for r in range(7)]
    assert found.value == pytest.approx(matrix[upper].mean())
    assert found.error == pytest.approx(np.sqrt(6 / 7 * ((np.array(without) - np.mean(without)) ** 2).sum()))


def test_intervals_cover_and_those_over_pairs_would_not() -> None:
    """About 95 % of 400 intervals hold mu^2; taking pairs for independent ones, half as many."""
    covered = naive = 0
    for seed in range(400):
        matrix = products(1 + 0.5 * generator(seed).standard_normal(20))
        low, high = pair_mean(matrix).interval(0.95)
        covered += low <= 1.0 <= high
        pairs = unit_mean(matrix[np.triu_indices(20, 1)]).interval(0.95)
        naive += pairs[0] <= 1.0 <= pairs[1]
    assert 360 <= covered <= 396
    assert naive < 280


def test_a_replica_without_values_is_left_out_and_few_give_no_interval() -> None:
    """Two replicas have a mean and no error; one has neither."""
    matrix = products(np.array([1.0, 2.0, 3.0, 4.0]))
    broken = matrix.copy()
    broken[1], broken[:, 1] = np.nan, np.nan
    one_pair = matrix.copy()
    one_pair[0, 2] = one_pair[2, 0] = np.nan
    assert pair_mean(one_pair).value == pytest.approx((2 + 4 + 6 + 8 + 12) / 5)
    assert np.isfinite(pair_mean(one_pair).error)
    assert pair_mean(broken).value == pytest.approx((3 + 4 + 12) / 3)
    assert pair_mean(matrix[:2, :2]).interval(0.95) == [None, None]
    assert np.isnan(pair_mean(matrix[:1, :1]).value)
    assert unit_mean(np.array([np.nan])).interval(0.95) == [None, None]
