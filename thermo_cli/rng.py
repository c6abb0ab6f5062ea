"""Named random streams: every random number comes from a 128-bit stream written in the replica table.

A stream is an integer; a generator is made from it on the spot, optionally at a counter (an epoch block), so no generator
state has to be stored and nobody touches a global generator.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

StreamName = Literal["init", "subsample", "order", "noise"]
STREAMS: Final[tuple[StreamName, ...]] = get_args(StreamName)
BLOCK: Final = 512  # streams that are derived at once
POOL: Final = 4  # words of 32 bits
WORD: Final = 0xFFFFFFFF


def stream(seed: int, name: StreamName, history: str, replica: int) -> int:
    """Derive the 128-bit stream of one source of randomness of one replica.

    It depends on these four values alone, so another number of replicas or another history changes nobody's stream.

    Args:
        seed: The ensemble's seed.
        name: The source of randomness.
        history: Name of the history; histories have disjoint streams.
        replica: Index of the replica in its history.

    Returns:
        An integer below 2**128.
    """
    place = 16 * (replica % BLOCK)
    return int.from_bytes(_streams(seed, name, history, replica // BLOCK)[place : place + 16], "little")


@lru_cache(maxsize=64)
def _streams(seed: int, name: StreamName, history: str, block: int) -> bytes:
    """Derive neighbouring streams at once, 16 bytes each, as SeedSequence(seed, spawn_key=(name, replica, *history)) does.

    An array takes the place of the replica's word in the mixing of NumPy's SeedSequence, whose constants do not depend on it.
    Source: O'Neill 2015, "Developing a seed_seq alternative" (randutils), as in numpy.random.bit_generator.
    """
    import numpy as np

    replicas = np.arange(block * BLOCK, (block + 1) * BLOCK, dtype=np.uint32)
    words = [seed >> shift & WORD for shift in range(0, max(seed.bit_length(), 1), 32)]
    words += [0] * (POOL - len(words))  # a spawn key follows: the seed fills the pool
    entropy = [np.full(BLOCK, word, np.uint32) for word in (*words, STREAMS.index(name))]
    entropy += [replicas, *(np.full(BLOCK, letter, np.uint32) for letter in history.encode())]
    constant = 0x43B0D7E5

    def hashed(value: "NDArray[np.uint32]", multiplier: int) -> "NDArray[np.uint32]":
        nonlocal constant
        value = value ^ np.uint32(constant)
        constant = constant * multiplier & WORD
        value = value * np.uint32(constant)
        shifted: NDArray[np.uint32] = value ^ value >> np.uint32(16)
        return shifted

    def mixed(one: "NDArray[np.uint32]", other: "NDArray[np.uint32]") -> "NDArray[np.uint32]":
        value = one * np.uint32(0xCA01F9DD) - other * np.uint32(0x4973F715)
        shifted: NDArray[np.uint32] = value ^ value >> np.uint32(16)
        return shifted

    pool = [hashed(word, 0x931E8875) for word in entropy[:POOL]]
    for source in range(POOL):
        for place in range(POOL):
            if place != source:
                pool[place] = mixed(pool[place], hashed(pool[source], 0x931E8875))
    for word in entropy[POOL:]:
        pool = [mixed(part, hashed(word, 0x931E8875)) for part in pool]
    constant = 0x8B51F9DD
    return np.stack([hashed(part, 0x58F38DED) for part in pool], axis=1).astype("<u4").tobytes()


def generator(stream: int, *counter: int) -> "np.random.Generator":
    """Make the generator of a stream, at a counter where the stream is consumed in blocks.

    Args:
        stream: A 128-bit stream.
        counter: Position in the stream (for mini-batches, the block of epochs).

    Returns:
        A fresh PCG64 generator: equal arguments give equal numbers.
    """
    import numpy as np

    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(stream, spawn_key=counter)))
