"""A system that moves by its own rule from one step to the next."""

from collections.abc import Mapping

import numpy as np

from thermo_cli import rng
from thermo_cli.contracts import Array
from thermo_cli.kinds.physical.autoregressive import Autoregressive
from thermo_cli.replicas import Replica


class Recursion:
    """z <- phi z + sd sqrt(1 - phi^2) xi, seen through an offset and a drift.

    Args:
        total: T, the time of the drift.
    """

    def __init__(self, system: Autoregressive, total: int) -> None:
        self.system, self.total = system, total
        self.kick = system.sd * np.sqrt(1 - system.phi**2)

    def start(self, member: Replica, scale: float) -> dict[str, Array]:
        """Draw a replica's offset and drift; z starts where the system says, times the history's scale."""
        offset, factor = rng.generator(member.init).standard_normal(2)
        system = self.system
        fixed = np.array([system.offset_sd * offset, system.drift_size + system.drift_sd * factor])
        return {"z": np.array([scale * system.start]), "fixed": fixed}

    def draw(self, generator: np.random.Generator, steps: int) -> Array:
        """Draw the noise of some steps, (step, 1)."""
        return generator.standard_normal((steps, 1))

    def move(self, state: dict[str, Array], noise: Array, step: int) -> None:
        """Take a step, in place."""
        state["z"] *= self.system.phi
        state["z"] += self.kick * noise

    def observe(self, state: Mapping[str, Array], step: int) -> Mapping[str, Array]:
        """Return the level A_r(t), (replica,)."""
        offset, factor = state["fixed"].T
        return {"level": state["z"][:, 0] + offset + factor * self.system.shape(step, self.total)}

    def vectors(self, state: Mapping[str, Array]) -> Array:
        """Return z, (replica, 1): there is no other microstate."""
        return state["z"]

    def reference(self, generator: np.random.Generator, count: int) -> Array | None:
        """Return nothing: of one number no overlap can be told."""
        return None
