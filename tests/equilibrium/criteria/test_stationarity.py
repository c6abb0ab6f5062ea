"""Stationarity: known drifts on both sides of the margin, and error rates."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.equilibrium.ensembles import ensemble
from thermo_cli import rng
from thermo_cli.contracts import Row
from thermo_cli.equilibrium.criteria.stationarity import stationarity
from thermo_cli.equilibrium.ensemble import Question, Settings

T = 1000
STEPS = np.round(np.linspace(T / 2, T, 64))
QUESTION = Question(T, ("cold",), {}, "constant", "", 0.1)
SETTINGS = Settings(margins={"x": 1.0})


def rows(values: np.ndarray, steps: np.ndarray = STEPS, question: Question = QUESTION) -> dict[str, Row]:
    """Answer S1, S2, S3 by their letter, of replicas a hair apart: those alike to the last bit would be one."""
    hair = 1e-12 * np.arange(len(values))[:, None]
    found = stationarity(ensemble({"x": values + hair}, steps, SETTINGS, question))
    return {row.statistic.split()[0]: row for row in found}


def noise(seed: int, size: float, replicas: int = 32) -> np.ndarray:
    """White noise, (replica, time)."""
    return rng.generator(seed).normal(0, size, (replicas, len(STEPS)))


def test_s1_turns_where_the_replicas_leave_the_margin() -> None:
    """All 32 step by just less than the margin: holds; eight of them by just more: fails; two: open."""
    late = (STEPS[0] + STEPS[-1]) / 2 < STEPS
    step = np.where(late, 0.999, 0.0)
    assert rows(np.tile(step, (32, 1)))["S1"].outcome == "holds"
    for count, expected in ((2, "undecided"), (10, "fails")):
        values = np.tile(step, (32, 1))
        values[:count, late] = 1.001
        assert rows(values)["S1"].outcome == expected
    assert rows(np.zeros((18, 64)))["S1"].outcome == "undecided"
    assert rows(np.zeros((18, 64)))["S1"].replicas_needed == 30


def test_s2_turns_at_its_two_margins() -> None:
    """A line of slope b moves 3 T b until 4T: holds below delta; it fails when a doubling alone has moved it delta/2."""
    line = STEPS / T
    for total, expected in ((0.99, "holds"), (1.01, "undecided")):
        assert rows(np.tile(line * total / 3, (32, 1)))["S2"].outcome == expected
    logarithm = np.log2(STEPS / T)
    for doubling, expected in ((0.49, "undecided"), (0.51, "fails"), (-0.51, "fails")):
        assert rows(np.tile(logarithm * doubling, (32, 1)))["S2"].outcome == expected
    fails = rows(np.tile(logarithm * 0.6, (32, 1)))["S2"]
    assert fails.estimate == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("curve", "total", "expected"),
    [
        (-T / STEPS, 1.5, 2 * T),
        (-T / STEPS, 2.5, 4 * T),
        (-T / STEPS, 9.0, 16 * T),
        (-T / STEPS, 1000.0, None),
        (np.log2(STEPS), 1.5, None),
        (STEPS / T, 1.5, None),
    ],
)
def test_s2_forecasts_the_training_time_of_what_comes_to_rest(
    curve: np.ndarray, total: float, expected: int | None
) -> None:
    """A drift like 1/t halves its projection with each doubling of T; one per doubling or per step needs what no time gives."""
    slope = np.polyfit(STEPS, curve, 1)[0]
    found = rows(np.tile(curve * total / (3 * T * slope), (32, 1)))["S2"]
    assert found.outcome in ("undecided", "fails")
    assert found.steps_needed == expected


def test_s2_says_where_no_training_time_decides() -> None:
    """The noise of a line through as many measurements stays, and so does a drift per doubling."""
    wide = rows(noise(3, 4.0))["S2"]
    assert (wide.outcome, wide.steps_needed) == ("undecided", None)
    assert "no longer training" in wide.explanation


def test_s2_sees_what_happens_to_all_replicas_at_one_measurement() -> None:
    """A jump in one replica is an accident; the same jump in all 32 leaves it open, and the step is named."""
    values = noise(5, 0.1)
    values[7, 40] += 10.0
    assert rows(values)["S2"].outcome == "holds"
    values[:, 40] += 1.5
    found = rows(values)["S2"]
    assert found.outcome == "undecided"
    assert f"around step {STEPS[40]:.0f} " in found.explanation


def test_s3_asks_for_no_replicas_where_only_the_second_look_doubts() -> None:
    """Its lines fit the margin already; longer training shows what offsets hide."""
    doubts = []
    for trial in range(60):
        generator = rng.generator(trial, 8)
        lines = generator.normal(0, 0.3, (32, 1)) + generator.normal(0, 0.2, (32, 1)) * STEPS / T
        found = rows(lines + noise(trial, 0.02))["S3"]
        if found.outcome == "undecided" and found.interval is not None and found.interval[1] <= 0.5:
            doubts.append(found)
    assert doubts
    for found in doubts:
        assert (found.replicas_needed, found.steps_needed) == (None, 2 * T)
        assert "behind constant offsets" in found.explanation


def test_s2_sees_replicas_that_swing_together() -> None:
    """Whole periods leave no slope; the mean is off its own place by more than the margin all the same."""
    swing = np.cos(32 * np.pi * (STEPS / T - 0.5))
    for size, expected in ((0.8, "holds"), (1.1, "undecided"), (2.0, "undecided")):
        found = rows(size * swing + noise(2, 0.1))["S2"]
        assert found.outcome == expected
    assert "off their means" in found.explanation


def test_s2_is_not_blind_where_values_are_multiples_of_the_margin() -> None:
    """A drift of one margin until 4T, counted in margins, as an accuracy of few examples is: 300 ensembles, 5 % at most."""
    held = 0
    for trial in range(300):
        exact = 0.2 * rng.generator(trial, 7).normal(0, 1, (32, 1)) + noise(trial, 0.2) + STEPS / T / 3
        counted = ensemble(
            {"x": np.round(exact)}, STEPS, SETTINGS, dataclasses.replace(QUESTION, resolutions={"x": 1.0})
        )
        held += {row.statistic[:2]: row for row in stationarity(counted)}["S2"].outcome == "holds"
    assert stats.binomtest(held, 300, 0.05, alternative="greater").pvalue > 0.001


def test_a_missing_measurement_is_left_out_and_too_many_leave_nothing() -> None:
    """A hole in one replica costs that step of all; fewer than eight steps are no window."""
    values = noise(4, 0.2)
    values[3, 20] = np.nan
    assert {row.outcome for row in rows(values).values()} == {"holds"}
    for step in range(58):
        values[step % 32, step] = np.nan
    for row in rows(values).values():
        assert (row.outcome, row.explanation[:23]) == ("untested", "only 6 measurements lie")
        assert "58 are missing of a replica" in row.explanation


def test_drifts_apart_are_seen_behind_frozen_offsets() -> None:
    """Offsets of 0.3, and lines of their own by which the half-width grows by one margin until 4T: 200 ensembles."""
    held = 0
    for trial in range(200):
        generator = rng.generator(trial, 8)
        lines = generator.normal(0, 0.3, (32, 1)) + generator.normal(0, 0.2629, (32, 1)) * STEPS / T
        held += rows(lines + noise(trial, 0.02))["S3"].outcome == "holds"
    assert held <= 10


def test_spikes_are_no_spread() -> None:
    """One measurement in a hundred is ten margins away: S holds in nine of ten ensembles at rest, as without them."""
    still = 0
    for trial in range(100):
        generator = rng.generator(trial, 9)
        spikes = generator.choice([-10.0, 10.0], (32, 64)) * (generator.random((32, 64)) < 0.01)
        found = rows(noise(trial, 0.1) + generator.normal(0, 0.2, (32, 1)) + spikes)
        still += {row.outcome for row in found.values()} == {"holds"}
    assert still >= 90


def test_s3_turns_where_the_half_width_grows_by_half_the_margin() -> None:
    """Half the replicas at +s(t), half at -s(t): a line in s turns at delta/2, a line in the variance fails beyond it."""
    z = stats.norm.ppf(0.925)
    signs = np.tile([1.0, -1.0], 16)[:, None] * np.sqrt(31 / 32)
    for growth, expected in ((0.49, "holds"), (0.51, "fails")):
        found = rows(signs * (0.4 + growth / z * (STEPS - T) / (3 * T)))["S3"]
        assert found.estimate == pytest.approx(growth)
        assert found.outcome == expected
    for growth, expected in ((0.51, "fails"), (0.7, "fails")):
        later = (growth / z + np.sqrt(0.2)) ** 2
        found = rows(signs * np.sqrt(0.2 + (later - 0.2) / (3 * T) * (STEPS - T)))["S3"]
        assert found.interval is not None
        assert found.interval[0] == pytest.approx(growth)
        assert found.outcome == expected


def test_a_frozen_glass_is_still_and_a_shrinking_spread_holds() -> None:
    """Stationarity is about change, not size."""
    glass = np.linspace(-50, 50, 32)[:, None] + noise(1, 0.1)
    assert {row.outcome for row in rows(glass).values()} == {"holds"}
    shrinking = np.linspace(-5, 5, 32)[:, None] * (2 - STEPS / T)
    assert rows(shrinking)["S3"].outcome == "holds"


@pytest.mark.parametrize(
    ("values", "steps", "question", "reason"),
    [
        (np.zeros((32, 5)), STEPS[:5], QUESTION, "only 5 measurements"),
        (np.zeros((32, 64)), STEPS, Question(T, ("cold",), {}, "cosine", "", 0.1), "cosine schedule"),
    ],
)
def test_what_cannot_be_tested_is_untested_with_its_reason(
    values: np.ndarray, steps: np.ndarray, question: Question, reason: str
) -> None:
    """Few measurements and a schedule never read as good."""
    for row in rows(values, steps, question).values():
        assert row.outcome == "untested"
        assert reason in row.explanation


@pytest.mark.parametrize(
    ("survivors", "expected"),
    [(0, ("untested", "untested")), (4, ("untested", "untested")), (5, ("holds", "holds"))],
)
def test_means_and_spreads_need_five_survivors(survivors: int, expected: tuple[str, str]) -> None:
    """S1 counts the lost ones as moving, so losing one more never makes the answer better."""
    values = np.zeros((32, 64))
    values[survivors:, 50:] = np.nan
    found = rows(values)
    assert found["S1"].outcome == "fails"
    assert (found["S2"].outcome, found["S3"].outcome) == expected
    assert "replicas have finite values" in found["S3"].explanation or survivors == 5


def test_two_replicas_are_never_caught_by_a_spread_that_does_not_grow() -> None:
    """Of two, each is as far from their mean as the other: the interval would be a point, and S3 says untested."""
    assert {rows(noise(seed, 1.0, replicas=2))["S3"].outcome for seed in range(20)} == {"untested"}


def test_a_diverged_replica_counts_as_moving() -> None:
    """Among 32 still ones, ten that became NaN fail S1."""
    values = np.zeros((32, 64))
    values[:10, 40:] = np.nan
    assert rows(values)["S1"].outcome == "fails"


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(-100, 100), st.floats(0.05, 2.0))
def test_order_and_origin_decide_nothing(seed: int, origin: float, size: float) -> None:
    """Permuting replicas or adding a constant changes no outcome."""
    values = noise(seed % 1000, size) + np.linspace(0, 1, 64)
    order = rng.generator(seed).permutation(32)
    expected = {letter: row.outcome for letter, row in rows(values).items()}
    assert {letter: row.outcome for letter, row in rows(values[order]).items()} == expected
    assert {letter: row.outcome for letter, row in rows(values + origin).items()} == expected


@pytest.mark.parametrize("size", [0.05, 0.3])
def test_s2_error_rate_at_the_margin(size: float) -> None:
    """A drift of exactly delta until 4T, with noise and offsets: holds falsely in at most 5 % of 1,000 ensembles."""
    drift = np.linspace(T / 2, T, 64) / T / 3
    held = 0
    for trial in range(1000):
        values = noise(trial, size) + drift + rng.generator(trial, 1).normal(0, 1, (32, 1))
        held += rows(values)["S2"].outcome == "holds"
    assert stats.binomtest(held, 1000, 0.05, alternative="greater").pvalue > 0.001


def test_s1_error_rate_at_the_margin() -> None:
    """Steps of which exactly 85 % are within the margin hold in at most 5 % of 1,000 ensembles."""
    late = (STEPS[0] + STEPS[-1]) / 2 < STEPS
    held = 0
    for trial in range(1000):
        sizes = rng.generator(trial, 2).normal(0, 1 / stats.norm.ppf(0.925), (32, 1))
        held += rows(sizes * late)["S1"].outcome == "holds"
    assert stats.binomtest(held, 1000, 0.05, alternative="greater").pvalue > 0.001


def test_power() -> None:
    """Still ensembles with a spread of 0.3 and noise of 0.2 margins hold, and diverging drifts fail S3, in 90 % of 200."""
    still, caught = 0, 0
    for trial in range(200):
        found = rows(noise(trial, 0.2) + rng.generator(trial, 3).normal(0, 0.3, (32, 1)))
        still += {row.outcome for row in found.values()} == {"holds"}
        drifts = rng.generator(trial, 4).normal(0, 2.0, (32, 1)) * STEPS / T
        caught += rows(drifts + noise(trial, 0.1))["S3"].outcome == "fails"
    assert still >= 180
    assert caught >= 180


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_projections_do_not_depend_on_the_window(fraction: float) -> None:
    """On a straight line S2 projects 3 T b from any window, and S1 turns at half the window's length times b."""
    steps = np.linspace(T * (1 - fraction), T, 64)
    for total, expected in ((0.99, "holds"), (1.01, "undecided")):
        found = rows(np.tile(steps / T * total / 3, (32, 1)), steps)["S2"]
        assert found.outcome == expected
        assert found.estimate == pytest.approx(total)
    length = (steps[-1] - steps[0]) * 32 / 63
    for moved, expected in ((0.999, "holds"), (1.001, "fails")):
        assert rows(np.tile(steps / length * moved, (32, 1)), steps)["S1"].outcome == expected


def test_s2_of_five_replicas_is_the_students_interval_by_hand() -> None:
    """Projections 0.1 to 0.3: mean 0.2, half-width t_(0.975; 4) x 0.0790569 / sqrt(5); below twenty bounds are at alpha / 2."""
    found = rows(np.linspace(0.1, 0.3, 5)[:, None] * STEPS / (3 * T))["S2"]
    half = 2.776445105198 * 0.079056941504 / np.sqrt(5)
    assert found.interval == pytest.approx((0.2 - half, 0.2 + half))
    assert found.estimate == pytest.approx(0.2)
    assert found.outcome == "holds"


def test_s3_of_a_spread_whose_line_ends_below_zero_is_no_growth() -> None:
    """A spread that vanishes long before T has a negative fitted level there: its growth is nought."""
    signs = np.tile([1.0, -1.0], 16)[:, None]
    found = rows(signs * np.clip((600 - STEPS) / 100, 0, None))["S3"]
    assert (found.estimate, found.outcome) == (0.0, "holds")


def test_constant_values_of_one_kind_are_still() -> None:
    """No variance in time and none over replicas: every interval is a point at zero."""
    for row in rows(np.full((32, 64), 0.7)).values():
        assert row.outcome == "holds"
        assert row.estimate == pytest.approx(0.0, abs=1e-12)


def growing(trial: int, replicas: int, end: float, growth: float) -> np.ndarray:
    """Random walks with offsets: a variance a + b t that is `end` at T, and whose half-width grows by `growth` until 4T."""
    generator = rng.generator(trial, 5)
    rate = ((growth / stats.norm.ppf(0.925) + np.sqrt(end)) ** 2 - end) / (3 * T)
    start = generator.normal(0, np.sqrt(end - rate * (T - STEPS[0])), (replicas, 1))
    increments = generator.normal(0, 1, (replicas, 63)) * np.sqrt(rate * np.diff(STEPS))
    return np.concatenate([start, start + np.cumsum(increments, axis=1)], axis=1)


def test_replicas_that_drift_apart_steadily_hold_s3_in_at_most_5_percent() -> None:
    """A_r = b_r t whose half-width grows by exactly delta/2 until 4T, or reaches delta there, with 32 and 64 replicas."""
    z = stats.norm.ppf(0.925)
    for replicas in (32, 64):
        for slope in (0.5 / (3 * z), 1.0 / (4 * z)):
            held = 0
            for trial in range(400):
                drift = rng.generator(trial, 11, replicas).normal(0, slope, (replicas, 1)) * STEPS / T
                held += rows(drift)["S3"].outcome == "holds"
            assert stats.binomtest(held, 400, 0.05, alternative="greater").pvalue > 0.001


def budgets(quarter: np.ndarray, half: np.ndarray, whole: np.ndarray) -> dict[str, Row]:
    """Answer S1, S2, S3 from final values at three budgets."""
    finals = np.stack([quarter, half, whole], axis=1)
    scheduled = Question(T, ("cold",), {}, "cosine", "", 0.1)
    still = {"x": np.zeros((len(whole), 64))}
    found = stationarity(ensemble(still, STEPS, SETTINGS, scheduled, budgets={"x": finals}))
    return {row.statistic.split()[0]: row for row in found}


def test_budgets_turn_at_their_margins() -> None:
    """d_r = A(T) - A(T/2): S1 at delta, S2 holds below delta/6 and fails above delta/2, S3 on the spread at three budgets."""
    zero = np.zeros(32)
    assert {row.outcome for row in budgets(zero, zero, zero).values()} == {"holds"}
    for moved, expected in ((0.999, "holds"), (1.001, "fails")):
        assert budgets(zero, zero, zero + moved)["S1"].outcome == expected
    for moved, expected in ((0.999 / 6, "holds"), (1.001 / 6, "undecided"), (0.499, "undecided"), (0.501, "fails")):
        assert budgets(zero, zero, zero + moved)["S2"].outcome == expected
    z, signs = stats.norm.ppf(0.925), np.tile([1.0, -1.0], 16) * np.sqrt(31 / 32)
    for growth, expected in ((0.499, "holds"), (0.501, "undecided")):
        at = [signs * (1.0 + growth / z * (time - 1) / 3) for time in (0.25, 0.5, 1.0)]
        assert budgets(*at)["S3"].outcome == expected


def test_a_fit_without_time_is_inapplicable_and_a_crossed_design_untested() -> None:
    """What does not exist blocks nothing; what shares its randomness says nothing."""
    closed = Question(T, ("cold",), {}, "constant", "", evolves=False)
    assert {row.outcome for row in rows(np.zeros((32, 64)), question=closed).values()} == {"inapplicable"}
    crossed = Question(T, ("cold",), {}, "constant", "", independent=False)
    assert {row.outcome for row in rows(np.zeros((32, 64)), question=crossed).values()} == {"untested"}


@pytest.mark.parametrize("end", [0.3, 2.0])
def test_s3_error_rates_of_64_replicas_at_the_margin(end: float) -> None:
    """Half-widths that grow by exactly delta/2 until 4T: neither holds nor fails in more than 5 % of 1,000 ensembles."""
    found = [rows(growing(trial, 64, end, 0.5))["S3"].outcome for trial in range(1000)]
    for word in ("holds", "fails"):
        assert stats.binomtest(found.count(word), 1000, 0.05, alternative="greater").pvalue > 0.001


def test_error_rates_of_failing_at_the_margin() -> None:
    """Steps of which 85 % are within delta fail S1, and delta/2 per doubling fails S2, in at most 5 % of 600."""
    late = (STEPS[0] + STEPS[-1]) / 2 < STEPS
    moved, drifted = 0, 0
    for trial in range(600):
        sizes = rng.generator(trial, 6).normal(0, 1 / stats.norm.ppf(0.925), (32, 1))
        moved += rows(sizes * late)["S1"].outcome == "fails"
        drift = 0.5 * np.log2(STEPS / T) + rng.generator(trial, 7).normal(0, 1, (32, 1))
        drifted += rows(drift + noise(trial, 0.3))["S2"].outcome == "fails"
    for count in (moved, drifted):
        assert stats.binomtest(count, 600, 0.05, alternative="greater").pvalue > 0.001


@pytest.mark.parametrize("total", [-3.0, -1.5, 1.5, 3.0])
def test_a_linear_drift_past_the_margin_never_holds(total: float) -> None:
    """Drifts of 1.5 and 3 margins until 4T, up or down, hold S2 in none of 200 ensembles."""
    drift = STEPS / T * total / 3
    assert not any(rows(noise(trial, 0.2) + drift)["S2"].outcome == "holds" for trial in range(200))


def test_a_decelerating_drift_past_the_margin_never_holds() -> None:
    """Logarithms and slow exponentials that move by 1.2 margins after T are below their own line's projection."""
    for tau in (0.6 * T, T, 3 * T):
        shape = -np.exp(-STEPS / tau)
        size = 1.2 / (np.exp(-T / tau) - np.exp(-4 * T / tau))
        assert not any(rows(noise(trial, 0.1) + size * shape)["S2"].outcome == "holds" for trial in range(60))
    logarithm = 0.6 * np.log2(STEPS / T)
    assert not any(rows(noise(trial, 0.1) + logarithm)["S2"].outcome == "holds" for trial in range(60))


def test_a_diverged_replica_is_left_out_of_means_and_spreads() -> None:
    """S2 and S3 of 32 replicas, one of them NaN, are those of the other 31; S1 counts it as moving."""
    values = noise(2, 0.1)
    spoiled = np.vstack([values, np.full((1, 64), np.nan)])
    for letter in ("S2", "S3"):
        assert rows(spoiled)[letter].interval == pytest.approx(rows(values)[letter].interval)
    assert "32 of 33" in rows(spoiled)["S1"].explanation
