"""Tolerance intervals without a law: the shortest, and its dual, the count in the best interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from thermo_cli import rng
from thermo_cli.equilibrium.statistics.share import share_bounds
from thermo_cli.equilibrium.statistics.tolerance import (
    chance_of_less,
    count_to_agree,
    half_width,
    most_inside,
    tolerance_interval,
)

ALPHA, CONTENT = 0.05, 0.85


@pytest.mark.parametrize(("content", "smallest"), [(0.85, 30), (0.90, 46), (0.95, 93)])
def test_the_whole_range(content: float, smallest: int) -> None:
    """The whole range is a tolerance interval from 30, 46 and 93 replicas on (SCIENCE's and Wilks's figures)."""
    values = rng.generator(0).normal(size=smallest)
    assert tolerance_interval(values, content, ALPHA) == (values.min(), values.max())
    assert tolerance_interval(values[:-1], content, ALPHA) is None


@pytest.mark.parametrize(
    ("n", "spare", "content"), [(32, 1, 0.85), (20, 6, 0.6), (9, 3, 0.5), (64, 2, 0.85), (12, 11, 0.9)]
)
def test_the_chance_of_less_is_that_of_uniform_order_statistics(n: int, spare: int, content: float) -> None:
    """Counted in 100,000 draws."""
    ordered = np.sort(rng.generator(n, spare).random((100_000, n)), axis=1)
    short = int(((ordered[:, n - 1 - spare :] - ordered[:, : spare + 1]).min(axis=1) < content).sum())
    assert stats.binomtest(short, 100_000, min(chance_of_less(n, spare, content), 1.0)).pvalue > 0.001


@pytest.mark.parametrize("n", [2, 5, 30, 200])
def test_without_spare_replicas_it_is_the_law_of_the_range(n: int) -> None:
    """P(range < c) = n c^(n-1) - (n-1) c^n."""
    for content in (0.5, 0.85, 0.99):
        assert chance_of_less(n, 0, content) == pytest.approx(n * content ** (n - 1) - (n - 1) * content**n, rel=1e-9)


@pytest.mark.parametrize(("n", "spare"), [(32, 0), (46, 1), (64, 2), (128, 9), (256, 24)])
def test_spare_replicas(n: int, spare: int) -> None:
    """As many as the error allows, and not one more."""
    assert count_to_agree(n, CONTENT, ALPHA) == n - spare
    assert chance_of_less(n, spare, CONTENT) <= ALPHA < chance_of_less(n, spare + 1, CONTENT)


def test_the_least_that_can_agree_at_the_level_of_each_look() -> None:
    """35, 40, 45, 50 and 55 replicas at alpha / 2^k; one fewer never."""
    for look, least in enumerate((30, 35, 40, 45, 50, 55)):
        assert count_to_agree(least, CONTENT, ALPHA / 2**look) == least
        assert count_to_agree(least - 1, CONTENT, ALPHA / 2**look) is None


@pytest.mark.parametrize(("n", "content"), [(50, 0.1), (200, 0.3), (40, 0.49), (4096, 0.45)])
def test_of_less_than_half_it_promises_no_more_than_it_keeps(n: int, content: float) -> None:
    """The bound there is larger than the chance itself, and not so large that nothing could hold."""
    count = count_to_agree(n, content, ALPHA)
    assert count is not None
    assert content * n < count < n
    ordered = np.sort(rng.generator(n).random((1000, n)), axis=1)
    short = int(((ordered[:, count - 1 :] - ordered[:, : n - count + 1]).min(axis=1) < content).sum())
    assert stats.binomtest(short, 1000, ALPHA, alternative="greater").pvalue > 0.001


@pytest.mark.parametrize("n", [30, 64, 200])
def test_tolerance_intervals_hold_what_they_promise(n: int) -> None:
    """2,000 ensembles of a skewed law: at least 85 % of it is inside in 95 % of them; fixed ranks' spares would be too many."""
    law, fixed = stats.expon(), [spare for spare in range(n) if stats.binom.sf(n - 2 - spare, n, CONTENT) <= ALPHA]
    count = count_to_agree(n, CONTENT, ALPHA)
    ordered = np.sort(law.rvs(size=(2000, n), random_state=rng.generator(n)), axis=1)
    short = 0
    for values in ordered:
        interval = tolerance_interval(values, CONTENT, ALPHA)
        assert interval is not None
        short += law.cdf(interval[1]) - law.cdf(interval[0]) < CONTENT
    assert stats.binomtest(short, 2000, ALPHA, alternative="greater").pvalue > 0.001
    assert count is not None
    assert n - count <= max(fixed)


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
def test_holding_is_the_count_of_the_best_interval(n: int, seed: int, content: float) -> None:
    """A holds when the best interval of width 2 delta holds n - s, ties and divergence included."""
    generator = rng.generator(seed)
    values = generator.integers(0, 6, n).astype(float)
    values[generator.random(n) < 0.03] = np.nan
    spares = [spare for spare in range(n - 1) if chance_of_less(n, spare, content) <= ALPHA]
    for margin in (0.5, 1.0, 1.5, 2.0, 2.5):
        holds = bool(spares) and most_inside(values, 2 * margin) >= n - max(spares)
        assert (half_width(values, content, ALPHA).below(margin) == "holds") == holds


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 90), st.integers(0, 2**32 - 1))
def test_the_bounds_are_in_order(n: int, seed: int) -> None:
    """Lower bound, estimate and upper bound of the half-width never cross."""
    interval = half_width(rng.generator(seed).standard_t(2, n), CONTENT, ALPHA)
    assert interval.lower <= interval.estimate <= interval.upper


def test_any_of_several_rows_fails_at_its_share_of_the_error() -> None:
    """Of 64, 45 inside fail alone and not as one of ten."""
    values = np.repeat([0.0, 10.0], [46, 18])
    alone, of_ten = (half_width(values, CONTENT, ALPHA, rows) for rows in (1, 10))
    assert (alone.below(1.0), of_ten.below(1.0)) == ("fails", "undecided")
    assert alone.upper == of_ten.upper
