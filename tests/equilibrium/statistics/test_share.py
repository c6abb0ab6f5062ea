"""Shares: bounds against the binomial law, and the same as bounds of a quantile."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from thermo_cli import rng
from thermo_cli.equilibrium.statistics.interval import Interval
from thermo_cli.equilibrium.statistics.share import (
    count_not_to_fail,
    count_to_hold,
    least_replicas,
    share_bounds,
    size_quantile,
    spanned_share,
)

ALPHA = 0.05


@settings(deadline=None)
@given(st.integers(1, 200), st.data())
def test_share_bounds_are_where_the_binomial_tails_are_alpha(n: int, data: st.DataObject) -> None:
    """Clopper-Pearson by its definition: P(K >= k | lower) = alpha = P(K <= k | upper)."""
    k = data.draw(st.integers(0, n))
    lower, upper = share_bounds(k, n, ALPHA)
    assert lower == 0.0 if k == 0 else stats.binom.sf(k - 1, n, lower) == pytest.approx(ALPHA, abs=1e-9)
    assert upper == 1.0 if k == n else stats.binom.cdf(k, n, upper) == pytest.approx(ALPHA, abs=1e-9)


@pytest.mark.parametrize(("content", "smallest"), [(0.85, 19), (0.90, 29), (0.95, 59)])
def test_the_smallest_number_that_can_hold(content: float, smallest: int) -> None:
    """With all inside, content^n <= alpha is needed."""
    assert count_to_hold(smallest, content, ALPHA) == smallest
    assert count_to_hold(smallest - 1, content, ALPHA) is None
    assert least_replicas(content, ALPHA) == smallest


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 2**30])
def test_the_smallest_number_for_almost_all_is_found_at_once(alpha: float) -> None:
    """Where a share of 0.9999 is asked for: ln(alpha) / ln(content), without a look at every number below."""
    assert least_replicas(0.9999, alpha) == math.ceil(math.log(alpha) / math.log(0.9999))
    assert count_to_hold(10**12, 1 - 1e-15, alpha) is None


@settings(deadline=None)
@given(st.integers(2, 80), st.sampled_from([0.5, 0.85, 0.9]), st.integers(0, 2**32 - 1))
def test_bounds_on_the_quantile_are_bounds_on_the_share(n: int, content: float, seed: int) -> None:
    """Comparing the quantile's interval with a margin answers as the Clopper-Pearson count does, for every margin."""
    sizes = rng.generator(seed).exponential(1.0, n)
    interval = size_quantile(sizes, content, ALPHA)
    for margin in np.concatenate([sizes * (1 + 1e-6), sizes * (1 - 1e-6), [0.01, 100.0]]):
        lower, upper = share_bounds(int((sizes <= margin).sum()), n, ALPHA)
        expected = "holds" if lower >= content else "fails" if upper < content else "undecided"
        assert interval.below(float(margin)) == expected


@settings(deadline=None)
@given(st.integers(1, 120), st.sampled_from([0.5, 0.85, 0.95]))
def test_failing_needs_fewer_inside_than_holding(n: int, content: float) -> None:
    """The two thresholds never cross, whatever n."""
    hold, fail = count_to_hold(n, content, ALPHA), count_not_to_fail(n, content, ALPHA)
    assert 0 <= fail <= n
    assert hold is None or fail < hold or n == hold == fail
    assert share_bounds(fail, n, ALPHA)[1] >= content
    assert fail == 0 or share_bounds(fail - 1, n, ALPHA)[1] < content


@settings(deadline=None, max_examples=80)
@given(
    st.integers(0, 60),
    st.integers(0, 8),
    st.integers(0, 30),
    st.integers(0, 30),
    st.sampled_from([0.5, 0.85, 0.9]),
    st.integers(0, 1000),
)
def test_ties_and_diverged_replicas_keep_the_count_form(
    below: int, tied: int, above: int, gone: int, content: float, seed: int
) -> None:
    """Sizes at the margin are inside, infinite ones are not; the answer is the binomial test's, in any order of replicas."""
    inside, n = below + tied, below + tied + above + gone
    assume(n > 0)
    sizes = rng.generator(seed).permutation(np.repeat([0.5, 1.0, 1.5, np.inf], [below, tied, above, gone]))
    holds = inside > 0 and stats.binom.sf(inside - 1, n, content) <= ALPHA
    fails = inside < n and stats.binom.cdf(inside, n, content) < ALPHA
    expected = "holds" if holds else "fails" if fails else "undecided"
    assert size_quantile(sizes, content, ALPHA).below(1.0) == expected


@pytest.mark.parametrize("replicas", [1, 2, 18])
def test_few_replicas_never_hold(replicas: int) -> None:
    """With all of fewer than 19 sizes at zero there is no upper bound; one replica cannot fail either."""
    assert size_quantile(np.zeros(replicas), 0.85, ALPHA) == Interval(0.0, 0.0, np.inf)
    assert size_quantile(np.full(1, np.inf), 0.85, ALPHA).below(1.0) == "undecided"


def test_the_share_spanned_by_a_few() -> None:
    """All of ten: 61 %, with U_(n) - U_(1) smaller in one of twenty; none of what one or two replicas span."""
    share = spanned_share(10, 10, ALPHA)
    assert share == pytest.approx(0.606, abs=1e-3)
    assert 10 * share**9 - 9 * share**10 == pytest.approx(ALPHA)
    assert spanned_share(9, 10, ALPHA) < share
    assert spanned_share(1, 1, ALPHA) == 0.0


@pytest.mark.parametrize("width", [0.4, 0.5, 0.6, 0.7])
def test_the_share_spanned_is_too_large_in_one_of_twenty(width: float) -> None:
    """Uniform replicas, of which an interval of a width holds just that share, whichever of them lie in the best one."""
    generator, wrong = rng.generator(5), 0
    for _ in range(1500):
        values = np.sort(generator.random(12))
        inside = int((np.searchsorted(values, values + width, side="right") - np.arange(12)).max())
        wrong += spanned_share(inside, 12, ALPHA) > width
    assert stats.binomtest(wrong, 1500, ALPHA, alternative="greater").pvalue > 0.001
