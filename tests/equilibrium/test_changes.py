"""Changes: does a drift look as if it came to rest?"""

import numpy as np
import pytest

from thermo_cli.equilibrium.changes import comes_to_rest

TIMES = np.linspace(500, 1000, 64)


@pytest.mark.parametrize(
    ("curve", "rests"),
    [
        (1000 / TIMES, True),
        (-np.exp(-TIMES / 200), True),
        (np.log(TIMES), False),
        (TIMES / 1000, False),
        (TIMES**2, False),
        (np.zeros(64), False),
    ],
)
def test_what_slows_down_like_one_over_t_comes_to_rest(curve: np.ndarray, rests: bool) -> None:
    """A logarithm goes on per doubling, a line per step; what does not move has nothing to come to rest from."""
    assert comes_to_rest(curve, TIMES) == rests
    assert comes_to_rest(5 - 3 * curve, TIMES) == rests
