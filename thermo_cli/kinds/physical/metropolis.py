"""Metropolis dynamics of spins on a landscape of energies."""

from collections.abc import Mapping

import numpy as np

from thermo_cli import rng
from thermo_cli.contracts import Array
from thermo_cli.kinds.physical.random_energy import RandomEnergy
from thermo_cli.replicas import Replica


class Metropolis:
    """One step tries to flip one spin chosen at random, and does so with probability min(1, exp(-dE/T)).

    Args:
        total: Unused: the rule does not depend on the training time.
    """

    def __init__(self, system: RandomEnergy, total: int, temperature: float) -> None:
        self.system, self.temperature = system, temperature

    def start(self, member: Replica, scale: float) -> dict[str, Array]:
        """Draw a replica's landscape, and its state uniformly."""
        state = rng.generator(member.init).integers(0, 2**self.system.spins)
        return {"state": np.array([float(state)]), "landscape": self.system.landscape(member.subsample)}

    def draw(self, generator: np.random.Generator, steps: int) -> Array:
        """Draw which spin is tried and what decides, uniform in [0, 1), (step, 2)."""
        return generator.random((steps, 2))

    def move(self, state: dict[str, Array], noise: Array, step: int) -> None:
        """Try one flip in each replica, in place."""
        landscape = state["landscape"]
        now = state["state"][:, 0].astype(np.int64)
        tried = now ^ (1 << (noise[:, 0] * self.system.spins).astype(np.int64))
        rows = np.arange(len(now))
        rise = landscape[rows, tried] - landscape[rows, now]
        accepted = noise[:, 1] < np.exp(-np.maximum(rise, 0.0) / self.temperature)
        state["state"][:, 0] = np.where(accepted, tried, now)

    def observe(self, state: Mapping[str, Array], step: int) -> Mapping[str, Array]:
        """Return the energy and the energy per spin, each (replica,)."""
        now = state["state"][:, 0].astype(np.int64)
        energy = state["landscape"][np.arange(len(now)), now]
        return {"energy": energy, "energy_density": energy / self.system.spins}

    def vectors(self, state: Mapping[str, Array]) -> Array:
        """Return the spins, -1 or +1, (replica, spin)."""
        now = state["state"][:, :1].astype(np.int64)
        bits = (now >> np.arange(self.system.spins)) & 1
        return 2.0 * bits.astype(np.float64) - 1.0

    def reference(self, generator: np.random.Generator, count: int) -> Array | None:
        """Draw microstates without anything in common: every spin by a coin."""
        return generator.choice([-1.0, 1.0], (count, self.system.spins))
