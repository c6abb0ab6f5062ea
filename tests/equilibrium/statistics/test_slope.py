"""Straight lines against NumPy's."""

import numpy as np

from thermo_cli import rng
from thermo_cli.equilibrium.statistics.slope import slopes


def test_slopes_are_least_squares() -> None:
    """Against NumPy's polynomial fit."""
    steps, values = np.linspace(500, 1000, 64), rng.generator(0).normal(0, 1.0, (32, 64))
    np.testing.assert_allclose(slopes(values, steps), np.polyfit(steps, values.T, 1)[0])
