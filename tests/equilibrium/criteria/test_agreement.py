"""Agreement: Wilks intervals and their dual, with their error rates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from thermo_cli import rng
from thermo_cli.equilibrium.criteria.agreement import agreement, half_width, most_inside, tolerance_interval
from thermo_cli.equilibrium.ensemble import Settings
from thermo_cli.equilibrium.margins import Margin
from thermo_cli.equilibrium.statistics.intervals import share_bounds

ALPHA, CONTENT = 0.05, 0.85
MARGIN = Margin(1.0, derived=False, full=True)


def outcome(values: np.ndarray, margin: float = 1.0) -> str:
    """Answer of the gating row."""
    return agreement("x", values, values, Margin(margin, derived=False, full=True), Settings(), 1)[0].outcome


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


def test_just_inside_and_just_outside() -> None:
    """32 replicas whose range is the margin's width hold; a hair more is open; a bimodal ensemble fails."""
    values = np.linspace(-1.0, 1.0, 32)
    assert outcome(values) == "holds"
    assert outcome(values, 0.999) == "undecided"
    assert outcome(np.repeat([-5.0, 5.0], 16)) == "fails"
    assert outcome(values[:29]) == "undecided"


def test_differences_of_exactly_the_margin_are_not_decided_by_rounding() -> None:
    """Accuracies 41/45 and 45/45 differ by 4/45 = 2 x (2/45), whatever their binary fractions."""
    values = np.repeat([41 / 45, 43 / 45, 45 / 45], [1, 62, 1])
    assert outcome(values, 2 / 45) == "holds"


def test_a_diverged_replica_counts_as_beyond_every_bound() -> None:
    """NaN or infinity in a final value is never dropped: one of 30 opens what held, half of them fail it."""
    values = np.zeros(30)
    assert outcome(values) == "holds"
    for bad in (np.nan, np.inf, -np.inf):
        spoiled = values.copy()
        spoiled[7] = bad
        assert outcome(spoiled) == "undecided"
    values[:15] = np.nan
    assert outcome(values) == "fails"


def test_the_replicas_asked_for_would_decide() -> None:
    """Too few and all alike: 30 in all are asked for, 15 for each of two histories."""
    row, reported = agreement("x", np.zeros(8), np.zeros(8), MARGIN, Settings(), 2)
    assert (row.outcome, row.replicas_needed, row.gates) == ("undecided", 15, True)
    assert not reported.gates
    assert row.interval == (0.0, np.inf)


@pytest.mark.parametrize("replicas", [32, 64])
def test_error_rate_at_the_margin(replicas: int) -> None:
    """Ensembles of which exactly 85 % fit in the best interval of the margin's width hold in at most 5 %."""
    half = stats.norm.ppf((1 + CONTENT) / 2)
    trials = rng.generator(replicas).normal(0, 1 / half, (1500, replicas))
    held = sum(outcome(values) == "holds" for values in trials)
    assert stats.binomtest(held, 1500, ALPHA, alternative="greater").pvalue > 0.001


def test_power_well_inside_and_well_outside() -> None:
    """A spread of 0.3 margins holds, and two frozen groups fail, in at least 90 % at 32 replicas."""
    generator = rng.generator(9)
    held = [outcome(generator.normal(0, 0.3, 32)) for _ in range(300)].count("holds")
    failed = [outcome(generator.choice([-2.0, 2.0], 32) + generator.normal(0, 0.2, 32)) for _ in range(300)].count(
        "fails"
    )
    assert held >= 270
    assert failed >= 270


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
@given(st.integers(5, 90), st.integers(0, 2**32 - 1), st.floats(-1e3, 1e3), st.floats(0.2, 1.5))
def test_order_and_origin_decide_nothing(n: int, seed: int, origin: float, size: float) -> None:
    """Permuting replicas or adding a constant changes no outcome."""
    generator = rng.generator(seed)
    values = generator.normal(0, size, n)
    assert outcome(generator.permutation(values)) == outcome(values)
    assert outcome(values + origin) == outcome(values)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 90), st.integers(0, 2**32 - 1))
def test_the_bounds_are_in_order(n: int, seed: int) -> None:
    """Lower bound, estimate and upper bound of the half-width never cross."""
    interval = half_width(rng.generator(seed).standard_t(2, n), CONTENT, ALPHA)
    assert interval.lower <= interval.estimate <= interval.upper


@pytest.mark.parametrize("replicas", [8, 32, 64])
def test_error_rate_of_failing_at_the_margin(replicas: int) -> None:
    """Ensembles of which exactly 85 % fit in the best interval of the margin's width fail in at most 5 %."""
    trials = rng.generator(replicas, 1).normal(0, 1 / stats.norm.ppf((1 + CONTENT) / 2), (1000, replicas))
    failed = sum(outcome(values) == "fails" for values in trials)
    assert stats.binomtest(failed, 1000, ALPHA, alternative="greater").pvalue > 0.001


def test_a_rare_stuck_mode_is_not_averaged_away() -> None:
    """With 15 % of fresh replicas stuck far away, 64 replicas hold in at most 5 % of 1,000 ensembles."""
    generator = rng.generator(11)
    held = 0
    for _ in range(1000):
        stuck = generator.random(64) < 1 - CONTENT
        held += outcome(generator.normal(0, 0.05, 64) + 10.0 * stuck) == "holds"
    assert stats.binomtest(held, 1000, ALPHA, alternative="greater").pvalue > 0.001


def test_one_replica_decides_nothing() -> None:
    """Neither one value nor one that diverged is evidence."""
    assert outcome(np.array([0.3])) == "undecided"
    assert outcome(np.array([np.nan])) == "undecided"
