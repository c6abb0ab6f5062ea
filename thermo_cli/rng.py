"""Named random streams: every random number comes from a 128-bit stream written in the replica table.

A stream is an integer; a generator is made from it on the spot, optionally at a counter (an epoch block), so no generator
state has to be stored and nobody touches a global generator.
"""

from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    import numpy as np

StreamName = Literal["init", "subsample", "order", "noise"]
STREAMS: Final[tuple[StreamName, ...]] = get_args(StreamName)


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
    import numpy as np

    key = (STREAMS.index(name), replica, *history.encode())
    words = np.random.SeedSequence(seed, spawn_key=key).generate_state(4, np.uint32)
    return int.from_bytes(words.astype("<u4").tobytes(), "little")


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
