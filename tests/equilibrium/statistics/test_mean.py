"""Means: the t-interval against SciPy, and its error rates."""

import numpy as np
from scipy import stats

from thermo_cli import rng
from thermo_cli.equilibrium.statistics.interval import Interval
from thermo_cli.equilibrium.statistics.mean import mean_interval

ALPHA = 0.05


def test_mean_interval_is_the_t_interval() -> None:
    """Against SciPy at confidence 1 - 2 alpha; one value, or none that is finite, gives none."""
    values = rng.generator(3).normal(5, 2, 20)
    expected = stats.ttest_1samp(values, 0).confidence_interval(1 - 2 * ALPHA)
    found = mean_interval(values, ALPHA)
    np.testing.assert_allclose([found.lower, found.upper], [expected.low, expected.high])
    assert np.isnan(mean_interval(np.array([1.0]), ALPHA).estimate)
    assert np.isnan(mean_interval(np.array([np.nan, np.inf]), ALPHA).estimate)
    assert mean_interval(np.array([2.0, 2.0, np.nan]), ALPHA) == Interval(2.0, 2.0, 2.0)


def test_each_bound_of_a_mean_errs_as_often_as_it_says() -> None:
    """4,000 trials of twelve values: either bound is on the wrong side in 5 %, within binomial error."""
    values = rng.generator(4).normal(0, 1, (4000, 12))
    found = [mean_interval(row, ALPHA) for row in values]
    for wrong in (sum(i.upper < 0 for i in found), sum(i.lower > 0 for i in found)):
        assert stats.binomtest(wrong, 4000, ALPHA).pvalue > 0.001
