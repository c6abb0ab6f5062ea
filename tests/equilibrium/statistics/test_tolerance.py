"""Tolerance intervals without a law: Wilks ranks and their dual, the count in the best interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from thermo_cli import rng
from thermo_cli.equilibrium.statistics.share import share_bounds
from thermo_cli.equilibrium.statistics.tolerance import half_width, most_inside, tolerance_interval

ALPHA, CONTENT = 0.05, 0.85


@pytest.mark.parametrize(("content", "smallest"), [(0.85, 30), (0.90, 46), (0.95, 93)])
def test_wilks_numbers(content: float, smallest: int) -> None:
    """The whole range is a tolerance interval from 30, 46 and 93 replicas on (SCIENCE's and every table's figures)."""
    values = rng.generator(0).normal(size=smallest)
    assert tolerance_interval(values, content, ALPHA) == (values.min(), values.max())
    assert tolerance_interval(values[:-1], content, ALPHA) is None


@pytest.mark.parametrize("n", [30, 64, 200])
def test_tolerance_intervals_hold_what_they_promise(n: int) -> None:
    """2,000 samples of a skewed law: at least 85 % of it is inside in 95 % of them."""
    law = stats.expon()
    samples = law.rvs(size=(2000, n), random_state=rng.generator(n))
    short = 0
    for sample in samples:
        interval = tolerance_interval(sample, CONTENT, ALPHA)
        assert interval is not None
        short += law.cdf(interval[1]) - law.cdf(interval[0]) < CONTENT
    assert stats.binomtest(short, 2000, ALPHA, alternative="greater").pvalue > 0.001


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 90), st.integers(0, 2**32 - 1))
def test_failing_is_the_clopper_pearson_count_of_the_best_interval(n: int, seed: int) -> None:
    """The lower bound of the half-width and the count in the best interval of width 2 delta give one answer."""
    values = rng.generator(seed).normal(size=n)
    interval = half_width(values, CONTENT, ALPHA)
    for margin in np.linspace(0.01, 3.0, 40):
        inside = max(int(((values >= low) & (values <= low + 2 * margin)).sum()) for low in values)
        assert most_inside(values, 2 * float(margin)) == inside
        assert (interval.below(float(margin)) == "fails") == (share_bounds(inside, n, ALPHA)[1] < CONTENT)


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 90), st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.85, 0.9]))
def test_holding_is_the_width_between_wilks_ranks(n: int, seed: int, content: float) -> None:
    """P(coverage >= content) = P(Binomial(n, content) < j - i); smallest such spacing, ties and divergence included."""
    generator = rng.generator(seed)
    values = generator.integers(0, 6, n).astype(float)
    values[generator.random(n) < 0.03] = np.nan
    spacings = [s for s in range(1, n) if stats.binom.cdf(s - 1, n, content) >= 1 - ALPHA]
    ordered = np.sort(np.where(np.isnan(values), np.inf, values))
    for margin in (0.5, 1.0, 1.5, 2.0, 2.5):
        holds = False
        if spacings:
            first = (n - 1 - spacings[0]) // 2
            holds = bool(ordered[first + spacings[0]] <= ordered[first] + 2 * margin)
        assert (half_width(values, content, ALPHA).below(margin) == "holds") == holds


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 90), st.integers(0, 2**32 - 1))
def test_the_bounds_are_in_order(n: int, seed: int) -> None:
    """Lower bound, estimate and upper bound of the half-width never cross."""
    interval = half_width(rng.generator(seed).standard_t(2, n), CONTENT, ALPHA)
    assert interval.lower <= interval.estimate <= interval.upper
