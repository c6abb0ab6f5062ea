"""Growth of the spread behind frozen offsets: known laws, the form of Fieller, and what lines alone do not see."""

import numpy as np
import pytest
from scipy import stats

from thermo_cli import rng
from thermo_cli.equilibrium.statistics.growth import growth_of_spread, hidden_growth

T = 1000
STEPS = np.round(np.linspace(T / 2, T, 64))
Z = float(stats.norm.ppf(0.925))


def parting(trial: int, frozen: float, slope: float, replicas: int = 32, steps: np.ndarray = STEPS) -> np.ndarray:
    """Offsets, lines of their own and a little noise."""
    generator = rng.generator(trial, 21)
    drift = generator.normal(0, slope, (replicas, 1)) * steps / T
    return generator.normal(0, frozen, (replicas, 1)) + drift + generator.normal(0, 0.02, (replicas, len(steps)))


def test_w_changes_its_sign_where_the_half_width_grows_by_the_margin() -> None:
    """4,000 replicas with offsets f = .3 and lines of sd s: Z (sqrt(f^2 + 16 s^2) - sqrt(f^2 + s^2)) = 1 at s = 0.2629."""
    values = parting(1, 0.3, 0.2629, 4000)
    assert Z * (np.hypot(0.3, 4 * 0.2629) - np.hypot(0.3, 0.2629)) == pytest.approx(1.0, abs=1e-3)
    assert hidden_growth(values, STEPS, T, 0.85, 0.9) > 2
    assert hidden_growth(values, STEPS, T, 0.85, 1.1) < -2


def test_the_second_look_sees_what_lines_do_not() -> None:
    """Growth of .7 behind offsets: of 60 ensembles of 128 lines call most still, the second look doubts most of those."""
    still, doubted = 0, 0
    for trial in range(60):
        values = parting(trial, 0.3, 0.2, 128)
        if growth_of_spread(values, STEPS, T, 0.85, 0.05).below(0.5) == "holds":
            still += 1
            doubted += hidden_growth(values, STEPS, T, 0.85, 0.5) > stats.t.ppf(0.7, 127)
    assert still >= 20
    assert doubted >= 0.8 * still


def test_slow_noise_is_no_drift_and_a_shrinking_spread_no_growth() -> None:
    """Replicas that draw nearer never raise a doubt; noise of .9 from one measurement to the next raises it in few."""
    values = np.linspace(-1, 1, 32)[:, None] * (2 - STEPS / T) + rng.generator(4).normal(0, 0.01, (32, 64))
    assert hidden_growth(values, STEPS, T, 0.85, 0.5) == -np.inf
    doubts = 0
    for trial in range(100):
        white = rng.generator(trial, 22).normal(0, 0.1 * np.sqrt(1 - 0.81), (32, 64))
        slow = np.zeros_like(white)
        for place in range(1, 64):
            slow[:, place] = 0.9 * slow[:, place - 1] + white[:, place]
        offsets = rng.generator(trial, 23).normal(0, 0.2, (32, 1))
        doubts += hidden_growth(offsets + slow, STEPS, T, 0.85, 0.5) > stats.t.ppf(0.95, 31)
    assert doubts <= 5


@pytest.mark.parametrize("measurements", [8, 11, 15])
def test_a_short_window_is_cut_in_two_ways_too(measurements: int) -> None:
    """Lines without noise look the same in any cut: the two agree, and neither is left without a slope."""
    steps = np.linspace(T / 2, T, measurements)
    values = rng.generator(5).normal(0, 0.3, (32, 1)) + rng.generator(6).normal(0, 0.5, (32, 1)) * steps / T
    assert np.isfinite(hidden_growth(values, steps, T, 0.85, 0.5))
    wave = values + 0.3 * rng.generator(7).normal(0, 1, (32, 1)) * (np.arange(measurements) % 4 < 2)
    assert hidden_growth(wave, steps, T, 0.85, 0.5) < hidden_growth(values, steps, T, 0.85, 0.5)
