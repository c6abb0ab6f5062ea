"""What an examination looks at: the parameters of an ensemble, gathered; nothing is read or written here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Parameters = NDArray[np.floating]
"""One row per replica, block after block, (replica, parameter)."""
MAIN_PAIRS: Final = 16  # of main replicas, matched pair by pair
FORMAT: Final = 1  # of the findings: another one is made anew


@dataclass(frozen=True)
class Material:
    """Microstates to be examined; every row of the main replicas is finite.

    Attributes:
        replicas: Names of the main replicas, (replica,).
        pairs: Names of the main replicas that have a partner on their bath, (pair,).
        mains: Step (T/4, T/2 and T, in order) to parameters, (replica, parameter).
        initial: At step 0, (replica, parameter).
        firsts: Of the pairs' main replicas at T, (pair, parameter).
        partners: Of their partners at T.
        earlier: Of the pairs' main replicas at T/2; NaN where that was another protocol, or the start.
        streams: Of the null, one per replica.
        pair_streams: Of the null of main replica and partner, one per pair.
        twins: Step to parameters of twins and of their originals.
        twin_names: Of the originals.
        seed: Draws what belongs to nobody.
        whole: Parameters at T where `mains` are only what was learned.
    """

    replicas: tuple[str, ...]
    pairs: tuple[str, ...]
    mains: Mapping[int, Parameters]
    initial: Parameters
    firsts: Parameters
    partners: Parameters
    earlier: Parameters
    streams: Sequence[int]
    pair_streams: Sequence[tuple[int, int]]
    twins: Mapping[int, tuple[Parameters, Parameters]] = field(default_factory=dict)
    twin_names: tuple[str, ...] = ()
    seed: int = 0
    whole: Parameters | None = None

    @property
    def last(self) -> Parameters:
        """Parameters of the main replicas at T."""
        return self.mains[max(self.mains)]

    @property
    def steps(self) -> NDArray[np.float64]:
        """The times that are looked at, as the findings keep them, (time,)."""
        return np.array(list(self.mains), dtype=np.float64)

    @property
    def floor(self) -> float:
        """The distance that rounding makes: of twins after one step, or machine epsilon times the norm."""
        twin, original = self.twins.get(1, (np.empty((0, 0)), np.empty((0, 0))))
        change = np.square(twin.astype(np.float64) - original).sum(axis=1)
        change = change[np.isfinite(change)]
        if len(change) and change.any():
            return float(np.sqrt(change.mean()))
        eps = np.finfo(self.last.dtype).eps
        return float(eps * np.linalg.norm(self.last.astype(np.float64), axis=1).mean())

    @property
    def facts(self) -> dict[str, Any]:
        """What findings of these microstates say in words: whose they are, and the floor."""
        return {
            "format": FORMAT,
            "replicas": list(self.replicas),
            "pairs": list(self.pairs),
            "twins": list(self.twin_names),
            "floor": self.floor,
        }


def disjoint(replicas: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of neighbours of which none has a replica in common with another, evenly from the first to the last.

    Replicas stand history by history: so each history has its share of the pairs, however many replicas there are.

    Args:
        replicas: Number of main replicas.

    Returns:
        Rows of the first and of the second of each pair, (pair,), at most 16 of them.
    """
    pairs = replicas // 2
    first = 2 * np.linspace(0, pairs - 1, min(pairs, MAIN_PAIRS)).round().astype(np.int64)
    return first, first + 1
