"""The random energy model: 2^N states with independent random energies, the simplest system that freezes."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from thermo_cli import rng
from thermo_cli.contracts import Array

CRITICAL_TEMPERATURE: Final = 1 / (2 * np.sqrt(np.log(2)))


@dataclass(frozen=True)
class RandomEnergy:
    """N spins; the energy of each of the 2^N states is drawn from N(0, N/2). Below T_c = 1/(2 sqrt(ln 2)) it is frozen.

    Source: Derrida 1981.

    Attributes:
        spins: N.
    """

    spins: int

    def landscape(self, stream: int) -> Array:
        """Draw the energies of all states, (2^N,).

        Args:
            stream: The replica's `subsample` stream: the disorder is its bath.
        """
        energies: Array = rng.generator(stream).normal(0.0, np.sqrt(self.spins / 2), 2**self.spins)
        return energies
