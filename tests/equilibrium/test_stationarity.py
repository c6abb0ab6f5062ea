"""Stationarity: known drifts on both sides of the margin, and error rates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from thermo_cli import rng
from thermo_cli.contracts import Row
from thermo_cli.equilibrium.settings import Margin, Setting, Settings
from thermo_cli.equilibrium.stationarity import nothing_has_happened, slopes, stationarity

T = 1000
STEPS = np.round(np.linspace(T / 2, T, 64))
SETTING = Setting(T, ("cold",), 500, "constant", "", 0.1)
MARGIN = Margin(1.0, derived=False, full=True)


def rows(values: np.ndarray, steps: np.ndarray = STEPS, setting: Setting = SETTING) -> dict[str, Row]:
    """Answer S1, S2, S3 by their letter."""
    found = stationarity("x", "cold", values, steps, MARGIN, setting, Settings())
    return {row.statistic.split()[0]: row for row in found}


def noise(seed: int, size: float, replicas: int = 32) -> np.ndarray:
    """White noise, (replica, time)."""
    return rng.generator(seed).normal(0, size, (replicas, len(STEPS)))


def test_slopes_are_least_squares() -> None:
    """Against NumPy's polynomial fit."""
    values = noise(0, 1.0)
    np.testing.assert_allclose(slopes(values, STEPS), np.polyfit(STEPS, values.T, 1)[0])


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
    assert rows(np.zeros((18, 64)))["S1"].replicas_needed == 19


def test_s2_turns_at_its_two_margins() -> None:
    """A line of slope b moves 3 T b until 4T: holds below delta; it fails when a doubling alone has moved it delta/2."""
    line = STEPS / T
    for total, expected in ((0.99, "holds"), (1.01, "undecided")):
        assert rows(np.tile(line * total / 3, (32, 1)))["S2"].outcome == expected
    logarithm = np.log2(STEPS / T)
    for doubling, expected in ((0.49, "undecided"), (0.51, "fails"), (-0.51, "fails")):
        found = rows(np.tile(logarithm * doubling, (32, 1)))["S2"]
        assert found.outcome == expected
        assert found.steps_needed == 2 * T
    fails = rows(np.tile(logarithm * 0.6, (32, 1)))["S2"]
    assert fails.estimate == pytest.approx(1.2)


def test_s3_turns_where_the_half_width_grows_by_half_the_margin() -> None:
    """Replicas apart by a variance a + b t: the growth of the half-width until 4T is known in closed form."""
    z = stats.norm.ppf(0.925)
    signs = np.tile([1.0, -1.0], 16)[:, None]
    for growth, expected in ((0.49, "holds"), (0.51, "fails")):
        end = 0.2
        later = (growth / z + np.sqrt(end)) ** 2
        variance = end + (later - end) / (3 * T) * (STEPS - T)
        found = rows(signs * np.sqrt(variance * 31 / 32))["S3"]
        assert found.estimate == pytest.approx(growth)
        assert found.outcome == expected


def test_a_frozen_glass_is_still_and_a_shrinking_spread_holds() -> None:
    """Stationarity is about change, not size."""
    glass = np.linspace(-50, 50, 32)[:, None] + noise(1, 0.1)
    assert {row.outcome for row in rows(glass).values()} == {"holds"}
    shrinking = np.linspace(-5, 5, 32)[:, None] * (2 - STEPS / T)
    assert rows(shrinking)["S3"].outcome == "holds"


@pytest.mark.parametrize(
    ("values", "steps", "setting", "reason"),
    [
        (np.zeros((32, 5)), STEPS[:5], SETTING, "only 5 measurements"),
        (np.zeros((1, 64)), STEPS, SETTING, "fewer than two replicas"),
        (np.full((32, 64), np.nan), STEPS, SETTING, "fewer than two replicas"),
        (np.zeros((32, 64)), STEPS, Setting(T, ("cold",), 500, "cosine", "", 0.1), "cosine schedule"),
    ],
)
def test_what_cannot_be_tested_is_untested_with_its_reason(
    values: np.ndarray, steps: np.ndarray, setting: Setting, reason: str
) -> None:
    """Few measurements, one replica, NaN, and a schedule never read as good."""
    for row in rows(values, steps, setting).values():
        assert row.outcome == "untested"
        assert reason in row.explanation


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
    """Still ensembles with noise of 0.3 margins hold, and diverging drifts fail S3, in at least 90 % of 200."""
    still, caught = 0, 0
    for trial in range(200):
        found = rows(noise(trial, 0.3) + rng.generator(trial, 3).normal(0, 0.3, (32, 1)))
        still += {row.outcome for row in found.values()} == {"holds"}
        drifts = rng.generator(trial, 4).normal(0, 2.0, (32, 1)) * STEPS / T
        caught += rows(drifts + noise(trial, 0.1))["S3"].outcome == "fails"
    assert still >= 180
    assert caught >= 180


def test_nothing_has_happened_looks_at_stated_margins_only() -> None:
    """A move below every stated margin leaves the answer open; one above, or only derived margins, does not."""
    stated, derived = Margin(0.02, derived=False, full=True), Margin(0.02, derived=True, full=False)
    row = nothing_has_happened({"a": 0.01, "energy": 5.0}, {"a": stated, "energy": derived})
    assert row is not None
    assert row.outcome == "undecided"
    assert nothing_has_happened({"a": 0.03, "energy": 0.0}, {"a": stated, "energy": derived}) is None
    assert nothing_has_happened({"energy": 0.0}, {"energy": derived}) is None
