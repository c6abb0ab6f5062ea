"""Outlying measurements: pulled back where they are alone, left where they are not."""

import numpy as np
import pytest

from thermo_cli import rng
from thermo_cli.equilibrium.statistics.outlying import clipped


def test_a_lone_spike_is_pulled_to_three_standard_deviations() -> None:
    """Its distance to the median of its block, in units of the scale of all, becomes 3; all else stays."""
    values = rng.generator(1).normal(0, 0.2, (32, 64))
    spoiled = values.copy()
    spoiled[3, 20] = 10.0
    pulled = clipped(spoiled)
    assert pulled[3, 20] == pytest.approx(np.median(spoiled[3, 16:24]) + 0.6, abs=0.06)
    near = np.abs(values) < 0.3
    near[3, 16:24] = False
    assert np.abs(pulled[near] - values[near]).max() < 1e-12


def test_a_lasting_step_and_coarse_values_stay() -> None:
    """A step from one block to the next is movement; where most values equal their neighbours every step tells."""
    step = rng.generator(2).normal(0, 0.01, (32, 64)) + 5.0 * (np.arange(64) >= 32)
    assert np.abs(clipped(step) - step).max() < 0.1
    coarse = np.zeros((32, 64))
    coarse[4, 10] = 1.0
    assert np.abs(clipped(coarse) - coarse).max() == 0


def test_short_windows_are_left_alone() -> None:
    """Of fewer than sixteen measurements none is held for outlying."""
    values = rng.generator(3).normal(0, 1, (32, 15))
    values[0, 0] = 100.0
    assert (clipped(values) == values).all()
