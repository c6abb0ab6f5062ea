"""The learning rate in time, as a factor on `lr`: functions of the step and the training time T, with the spec's arguments."""

import math
from collections.abc import Sequence


def constant(step: int, total: int) -> float:
    """Return 1.

    Args:
        step: The step to be taken, from 0.
    """
    del step, total
    return 1.0


def cosine(step: int, total: int) -> float:
    """Return (1 + cos(pi t / T)) / 2, from 1 at the start to almost 0 at the end.

    Args:
        step: The step to be taken, t, from 0.
    """
    return 0.5 * (1.0 + math.cos(math.pi * step / total))


def warmup(step: int, total: int, steps: int) -> float:
    """Return min((t + 1) / W, 1): a linear rise, then constant.

    Args:
        step: The step to be taken, t, from 0.
        steps: W, length of the rise.
    """
    del total
    return min((step + 1) / steps, 1.0)


def warmup_cosine(step: int, total: int, steps: int) -> float:
    """Return (t + 1) / W for t < W, then (1 + cos(pi (t - W) / (T - W))) / 2.

    Args:
        step: The step to be taken, t, from 0.
        steps: W, length of the rise.
    """
    return (step + 1) / steps if step < steps else cosine(step - steps, total - steps)


def step_down(step: int, total: int, at: Sequence[float], factor: float) -> float:
    """Return factor^k, k being how many of the fractions of T have passed.

    Args:
        step: The step to be taken, from 0.
    """
    return float(factor ** sum(step >= share * total for share in at))
