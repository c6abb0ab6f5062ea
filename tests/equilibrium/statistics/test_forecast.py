"""Forecasts: as many replicas as are asked for decide, if what was seen stays what it is."""

import numpy as np
import pytest

from thermo_cli.equilibrium.statistics.forecast import replicas_for_mean
from thermo_cli.equilibrium.statistics.interval import Interval
from thermo_cli.equilibrium.statistics.share import replicas_for_share, share_bounds

ALPHA = 0.05


def test_the_number_of_replicas_asked_for_decides() -> None:
    """With that many replicas and the same share, or the same spread, the answer is no longer open; with many fewer it is."""
    n = replicas_for_share(0.95, 0.85, ALPHA)
    assert n is not None
    lower, upper = share_bounds(int(0.95 * n), n, ALPHA)
    assert lower >= 0.85
    lower, upper = share_bounds(int(0.95 * (n // 2)), n // 2, ALPHA)
    assert lower < 0.85 <= upper
    n = replicas_for_share(0.5, 0.85, ALPHA)
    assert n is not None
    assert share_bounds(int(np.ceil(0.5 * n)), n, ALPHA)[1] < 0.85
    assert replicas_for_share(0.85, 0.85, ALPHA) is None
    needed = replicas_for_mean(Interval(0.5, -0.5, 1.5), 1.0, 10)
    assert needed == 41
    assert replicas_for_mean(Interval(1.0, 0.0, 2.0), 1.0, 10) is None


@pytest.mark.parametrize("k", range(24, 32))
def test_replicas_asked_for_are_more_than_there_are(k: int) -> None:
    """An open share of 32 replicas is decided by more of them, or by none up to the limit."""
    lower, upper = share_bounds(k, 32, ALPHA)
    needed = replicas_for_share(k / 32, 0.85, ALPHA)
    assert lower >= 0.85 or upper < 0.85 or needed is None or needed > 32
