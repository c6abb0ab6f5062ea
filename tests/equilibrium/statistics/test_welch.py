"""Welch's interval against SciPy's."""

import numpy as np
import pytest
from scipy import stats

from thermo_cli import rng
from thermo_cli.equilibrium.statistics.welch import welch


def test_welch_is_scipys() -> None:
    """Against ttest_ind's confidence interval; lost replicas are left out; false holds at the margin stay below 5 %."""
    generator = rng.generator(3)
    one, other = generator.normal(0, 1, 9), generator.normal(0.5, 3, 20)
    expected = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.9)
    difference, half = welch(np.append(one, np.nan), other, 0.05)
    assert (difference - half, difference + half) == pytest.approx(tuple(expected))
    held = 0
    for _ in range(1000):
        difference, half = welch(generator.normal(1.0, 0.5, 32), generator.normal(0.0, 1.0, 32), 0.05)
        held += bool(abs(difference) + half < 1.0)
    assert stats.binomtest(held, 1000, 0.05, alternative="greater").pvalue > 0.001
