"""The learning rate in time, as a factor on `lr`."""

import math


def constant(step: int, steps: int) -> float:
    """Return 1.

    Args:
        step: The step to be taken, from 0.
        steps: Training time T.
    """
    del step, steps
    return 1.0


def cosine(step: int, steps: int) -> float:
    """Return (1 + cos(pi t / T)) / 2, from 1 at the start to almost 0 at the end.

    Args:
        step: The step to be taken, t, from 0.
        steps: Training time T.
    """
    return 0.5 * (1.0 + math.cos(math.pi * step / steps))
