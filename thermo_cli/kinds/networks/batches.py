"""Mini-batches as a pure function of a replica's `order` stream and the step: nothing has to be stored to resume.

The stream is an endless row of shuffled epochs, cut into batches without regard to where one epoch ends. It is drawn in
blocks of epochs, each from a generator of its own, so any step can be reached directly.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from thermo_cli import rng
from thermo_cli.contracts import Integers

CHUNK_STEPS: Final = 256  # steps whose batches are drawn at once
BLOCK_EXAMPLES: Final = 8192  # drawn at a time: several epochs of a small subsample, one of a large one


def positions(orders: Sequence[int], size: int, batch: int, start: int, stop: int) -> Integers:
    """Return which examples of its subsample each replica uses at steps start..stop-1.

    Args:
        orders: `order` streams, one per replica.
        size: Examples in a subsample.
        stop: Step after the last.

    Returns:
        Positions in the subsample, (step, replica, batch). A full batch has no order: every step sees 0..size-1.
    """
    if batch == size:
        return np.broadcast_to(np.arange(size), (stop - start, len(orders), size))
    length = size * max(BLOCK_EXAMPLES // size, 1)
    first, last = start * batch // length, (stop * batch - 1) // length
    rows = []
    for order in orders:
        row = np.concatenate([_block(order, size, length, block) for block in range(first, last + 1)])
        rows.append(row[start * batch - first * length : stop * batch - first * length].reshape(stop - start, batch))
    return np.stack(rows, axis=1)


@lru_cache(maxsize=64)
def _block(order: int, size: int, length: int, block: int) -> Integers:
    """Draw one block of shuffled epochs, (length,); the last few are kept, as a chunk of steps seldom ends with a block."""
    generator = rng.generator(order, block)
    return np.concatenate([generator.permutation(size) for _ in range(length // size)])
