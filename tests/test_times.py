"""When training is looked at: the same steps however far it goes on."""

import numpy as np
import pytest

from thermo_cli.times import measurement_steps, snapshot_steps


@pytest.mark.parametrize(("steps", "window"), [(16000, 64), (1000, 64), (100, 64), (8, 8), (1, 8), (2, 64)])
def test_measurements_are_logarithmic_then_even(steps: int, window: int) -> None:
    """They begin at 0, end at T, never repeat, and the last doubling has its number where there are so many steps."""
    times = measurement_steps((steps,), window)
    assert times[0] == 0
    assert times[-1] == steps
    assert (np.diff(times) > 0).all()
    late = times[times >= steps // 2]
    assert len(late) == min(window, steps - steps // 2 + 1)
    if steps >= 1000:
        gaps = np.diff(late)
        assert gaps.max() - gaps.min() <= 1
        early = times[(times > 8) & (times < steps // 2)]
        assert (early[1:] / early[:-1] < 1.5).all()
    assert set(snapshot_steps((steps,))) >= {0, steps}


def test_a_longer_training_only_adds_times() -> None:
    """What `steps.from` decides stays; each doubling brings its own measurements, and T/4, T/2 and T are kept for every T."""
    short, long = measurement_steps((1000,), 64), measurement_steps((1000, 2000, 4000), 64)
    np.testing.assert_array_equal(long[long <= 1000], short)
    assert [len(long[(long >= end // 2) & (long <= end)]) for end in (1000, 2000, 4000)] == [64, 64, 64]
    assert snapshot_steps((1000, 2000, 4000)) == (0, 250, 500, 1000, 2000, 4000)
