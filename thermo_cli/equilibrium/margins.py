"""Margins: the largest difference of an observable that does not matter; what has one gates."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from thermo_cli.contracts import Array

ENERGY_SHARE: Final = 0.02
ROUNDING: Final = 1e-9  # a fall of less than this share of the energy itself is none


@dataclass(frozen=True)
class Margin:
    """delta of one observable.

    Attributes:
        delta: The largest difference that does not matter.
        derived: Whether it was derived from the observable's own movement (energy).
        full: Whether the observable gates through every criterion; energy gates through S1, S2 and history only.
    """

    delta: float
    derived: bool
    full: bool


def energy_margin(energies: Array, window: NDArray[np.bool_]) -> Margin | None:
    """Return 2 % of |mean before training - mean in the window|, or None where the energy has not moved.

    Args:
        energies: Of the history that is held for the plain one, from step 0 on, (replica, time).
        window: Which measurements lie in it, (time,).
    """
    energies = energies[np.isfinite(energies).all(axis=1)]
    if not len(energies):
        return None
    fall = abs(float(energies[:, 0].mean() - energies[:, window].mean()))
    moved = fall > ROUNDING * float(np.abs(energies).max())
    return Margin(ENERGY_SHARE * fall, derived=True, full=False) if moved else None
