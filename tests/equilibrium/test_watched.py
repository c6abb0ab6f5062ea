"""Norms that still move are a warning, in shares of what they were at the start of the window."""

import numpy as np

import thermo_cli


def _warnings(norm):
    """What is said of a norm, (time,), that all replicas have, beside an accuracy at rest."""
    steps, generator = np.arange(0, 101, 2), np.random.default_rng(0)
    rest = 0.9 + 0.001 * generator.standard_normal((32, len(steps)))
    values = {"test_accuracy": rest, "gradient_norm": np.tile(norm(steps), (32, 1))}
    return thermo_cli.judge(values, steps=steps, schedule="constant").warnings


def test_a_norm_that_vanishes_moves_by_less_than_all_of_it():
    """From 10 to 0 in the window: -100 %, and by no more, though that is twice its mean."""
    (said,) = _warnings(lambda steps: np.interp(steps, [0, 50, 100], [10.0, 10.0, 0.0]))
    assert "gradient_norm of all moved by -100% within the window" in said


def test_a_norm_that_grows_moves_by_its_share():
    """From 4 to 5: +25 %."""
    (said,) = _warnings(lambda steps: np.interp(steps, [0, 50, 100], [4.0, 4.0, 5.0]))
    assert "moved by +25% within the window" in said


def test_a_norm_at_rest_is_not_spoken_of():
    """The same from first to last."""
    assert not _warnings(lambda steps: np.full(len(steps), 4.0))
