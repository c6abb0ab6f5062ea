"""When training is looked at: measurements, kept parameters. Both depend on where the training time begins to grow alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def measurement_steps(ends: Sequence[int], per_doubling: int) -> Any:
    """Choose when to measure: about two per doubling up to half of the first end, then evenly through every doubling.

    Args:
        ends: Ends of the segments: `steps.from`, and its doublings up to T.
        per_doubling: Measurements from T/2 to T, both included.

    Returns:
        Increasing steps from 0 to T, (time,).
    """
    half = ends[0] // 2
    early = np.unique(np.round(2.0 ** np.arange(0, np.log2(max(half, 1)) + 0.5, 0.5)).astype(np.int64))
    doublings = zip((half, *ends), ends, strict=False)
    windows = [np.round(np.linspace(begin, end, per_doubling)).astype(np.int64) for begin, end in doublings]
    return np.unique(np.concatenate([[0], early[early < half], *windows]))


def snapshot_steps(ends: Sequence[int]) -> tuple[int, ...]:
    """Choose when parameters are kept: 0, a quarter and half of the first end, and every end; so T/4, T/2 and T are among them.

    Args:
        ends: Ends of the segments: `steps.from`, and its doublings up to T.
    """
    return tuple(sorted({0, ends[0] // 4, ends[0] // 2, *ends}))
