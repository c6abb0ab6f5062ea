"""Trimmed means and Yuen's intervals."""

import numpy as np
import pytest
from scipy import stats

from thermo_cli.equilibrium.statistics.trimmed import (
    difference_and_half,
    difference_interval,
    mean_and_half,
    mean_interval,
)

TRIM = 0.15


def test_a_difference_is_that_of_scipy() -> None:
    """Interval and p-value of scipy's trimmed t-test belong to the same statistic."""
    generator = np.random.default_rng(1)
    left, right = generator.standard_normal(32), 0.5 + 2 * generator.standard_normal(41)
    answer = stats.ttest_ind(left, right, equal_var=False, trim=TRIM)
    interval = difference_interval(left, right, 0.05, TRIM)
    bounds = answer.confidence_interval(0.90)
    assert (interval.lower, interval.upper) == pytest.approx((bounds.low, bounds.high), rel=1e-12)


def test_without_trimming_it_is_students_interval() -> None:
    """The plain mean, at the stated level from twenty values on, and at half of it below."""
    values = np.random.default_rng(2).standard_normal(20)
    for count, alpha in ((20, 0.05), (19, 0.025)):
        few = values[:count]
        low, high = stats.t.interval(1 - 2 * alpha, count - 1, few.mean(), stats.sem(few))
        interval = mean_interval(few, 0.05)
        assert (interval.lower, interval.upper) == pytest.approx((low, high), rel=1e-12)


def test_one_sample_is_tukey_and_mclaughlins() -> None:
    """By hand: ten values, one left out at each end; three replicas far away change nothing of a middle that has no spread."""
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 100])
    wins = np.array([2.0, 2, 3, 4, 5, 6, 7, 8, 9, 9])
    half = stats.t.ppf(0.975, 7) * np.sqrt(9 * wins.var(ddof=1) / (8 * 7))
    interval = mean_interval(values, 0.05, TRIM)
    assert interval.estimate == 5.5
    assert interval.upper - 5.5 == pytest.approx(half)
    still = mean_interval(np.r_[np.zeros(29), 50.0, 60.0, 70.0], 0.05, TRIM)
    assert (still.lower, still.upper) == (0.0, 0.0)


def test_fewer_than_five_values_give_no_interval() -> None:
    """On either side, what is not finite not being counted."""
    values = np.r_[np.arange(4.0), np.nan, np.inf]
    assert np.isnan(mean_interval(values, 0.05).lower)
    assert np.isnan(difference_interval(np.arange(9.0), values, 0.05).upper)
    assert np.isfinite(mean_interval(np.arange(5.0), 0.05).lower)


def test_rounding_leaves_a_variance() -> None:
    """Values that agree to the unit that they are counted in are not known better than that."""
    interval = mean_interval(np.full(32, 0.9), 0.05, least=0.01**2 / 12)
    assert interval.upper - 0.9 == pytest.approx(stats.t.ppf(0.95, 31) * 0.01 / np.sqrt(12 * 32))


def test_columns_are_bounded_one_by_one() -> None:
    """Also where they lack different replicas."""
    values = np.random.default_rng(3).standard_normal((32, 4))
    values[5, 1] = values[7:12, 2] = np.nan
    mean, half = mean_and_half(values, 0.05, TRIM)
    for column in range(4):
        interval = mean_interval(values[:, column], 0.05, TRIM)
        assert (mean[column], half[column]) == pytest.approx((interval.estimate, interval.upper - interval.estimate))
    difference, _ = difference_and_half(values, values[:20], 0.05, TRIM)
    assert difference[0] == pytest.approx(mean[0] - mean_interval(values[:20, 0], 0.05, TRIM).estimate)


@pytest.mark.parametrize(("trim", "shift", "least", "most"), [(TRIM, 1.0, 0.02, 0.075), (0.0, 0.0, 0.12, 1.0)])
def test_a_minority_far_away_is_left_to_counts(trim: float, shift: float, least: float, most: float) -> None:
    """One replica in twenty is stuck 20 margins away; trimmed means differ by a margin: the interval lies inside in 5 %.

    Where plain means do, nearly a fifth of the ensembles have no such replica, and the plain interval lies inside: it is blind.
    """
    generator, trials = np.random.default_rng(4), 800
    stuck = 20.0 * (generator.random((32, trials)) < 0.05)
    values = shift + 0.2 * generator.standard_normal((32, trials)) + stuck
    difference, half = difference_and_half(values, 0.2 * generator.standard_normal((32, trials)), 0.05, trim)
    held = np.mean((difference - half > -1) & (difference + half < 1))
    assert least <= held <= most
