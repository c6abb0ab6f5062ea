"""Numbers for dropout and heat, a pure function of a replica's `noise` stream and the step: nothing has to be stored to resume.

They are drawn in blocks of steps, each from a generator of its own, so any step can be reached directly.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from thermo_cli import rng

Law = Literal["uniform", "normal"]  # on [0, 1), and standard
BLOCK_NUMBERS: Final = 2**14  # drawn at a time, where a step takes fewer
COUNTERS: Final[dict[Law, int]] = {"uniform": 2, "normal": 3}  # of the stream: 0 and 1 are those of a first phase


def draws(law: Law, streams: Sequence[int], leg: int, numbers: int, start: int, stop: int) -> NDArray[np.float32]:
    """Return the numbers of steps start..stop-1, (step, replica, number).

    Args:
        streams: `noise` streams, one per replica.
        leg: Number of the leg; each has numbers of its own.
        numbers: Per replica and step.
        stop: Step after the last.
    """
    length = block_steps(numbers)
    first, last = start // length, (stop - 1) // length
    rows = [
        np.concatenate([_block(law, stream, leg, length, numbers, block) for block in range(first, last + 1)])
        for stream in streams
    ]
    return np.stack([row[start - first * length : stop - first * length] for row in rows], axis=1)


def block_steps(numbers: int) -> int:
    """Return how many steps are drawn at a time.

    Args:
        numbers: Per replica and step.
    """
    return max(BLOCK_NUMBERS // numbers, 1)


@lru_cache(maxsize=64)
def _block(law: Law, stream: int, leg: int, length: int, numbers: int, block: int) -> NDArray[np.float32]:
    """Draw one block of steps, (step, number); the last few are kept, as a chunk of steps seldom ends with a block."""
    generator = rng.generator(stream, COUNTERS[law], leg, block)
    draw = generator.random if law == "uniform" else generator.standard_normal
    return draw((length, numbers), dtype=np.float32)
