"""Particles in a potential: Langevin dynamics, and descent with momentum on a noisy gradient."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from thermo_cli import rng
from thermo_cli.contracts import Array
from thermo_cli.replicas import Replica


class Potential(Protocol):
    """A potential energy of d coordinates."""

    @property
    def dimensions(self) -> int:
        """Number of coordinates."""

    @property
    def gradient_noise(self) -> float:
        """Variance of the noise on each component of the gradient."""

    @property
    def start(self) -> float:
        """Mean of the initial coordinates."""

    @property
    def start_sd(self) -> float:
        """Standard deviation of the initial coordinates."""

    def gradient(self, x: Array) -> Array:
        """Gradient dU/dx, (replica, coordinate)."""

    def reference(
        self, generator: np.random.Generator, count: int, law: Callable[[float], float], penalty: float = 0.0
    ) -> Array | None:
        """Microstates that have nothing in common, (microstate, coordinate)."""

    def observe(self, x: Array) -> Mapping[str, Array]:
        """Observables, each (replica,)."""


class Langevin:
    """x <- x - eta dU/dx + sqrt(2 eta T) xi.

    On a quadratic of stiffness a: variance T/(a (1 - eta a/2)), autocorrelation of one step 1 - eta a.

    Args:
        total: Unused: the rule does not depend on the training time.
    """

    def __init__(self, system: Potential, total: int, lr: float, temperature: float) -> None:
        self.system, self.lr, self.temperature = system, lr, temperature
        self.kick = np.sqrt(2 * lr * temperature)

    def start(self, member: Replica, scale: float) -> dict[str, Array]:
        """Draw a replica's coordinates."""
        return {"x": _initial(self.system, member, scale)}

    def draw(self, generator: np.random.Generator, steps: int) -> Array:
        """Draw the noise of some steps, (step, coordinate)."""
        return generator.standard_normal((steps, self.system.dimensions))

    def move(self, state: dict[str, Array], noise: Array, step: int) -> None:
        """Take a step, in place."""
        x = state["x"]
        x -= self.lr * self.system.gradient(x)
        x += self.kick * noise

    def observe(self, state: Mapping[str, Array], step: int) -> Mapping[str, Array]:
        """Return the observables, each (replica,)."""
        return self.system.observe(state["x"])

    def vectors(self, state: Mapping[str, Array]) -> Array:
        """Return the microstates, (replica, coordinate)."""
        return state["x"]

    def reference(self, generator: np.random.Generator, count: int) -> Array | None:
        """Draw microstates without anything in common: from the law of equilibrium, on a quadratic."""
        return self.system.reference(generator, count, lambda a: self.temperature / (a * (1 - self.lr * a / 2)))


class NoisyDescent:
    """v <- mu v + g, x <- x - eta v with g = dU/dx + lambda x + s xi; Nesterov: x <- x - eta (g + mu v).

    On a quadratic of stiffness a: variance eta s^2 (1 + mu)/(a (1 - mu)(2 (1 + mu) - eta a)).

    Args:
        system: The potential, with the variance s^2 of its gradient noise.
        total: Unused: the rule does not depend on the training time.
    """

    def __init__(
        self, system: Potential, total: int, lr: float, momentum: float, nesterov: bool, weight_decay: float
    ) -> None:
        self.system, self.lr, self.momentum = system, lr, momentum
        self.nesterov, self.weight_decay = nesterov, weight_decay
        self.noise_sd = np.sqrt(system.gradient_noise)

    def start(self, member: Replica, scale: float) -> dict[str, Array]:
        """Draw a replica's coordinates; it starts at rest."""
        x = _initial(self.system, member, scale)
        return {"x": x, "velocity": np.zeros_like(x)}

    def draw(self, generator: np.random.Generator, steps: int) -> Array:
        """Draw the noise of some steps, (step, coordinate)."""
        return generator.standard_normal((steps, self.system.dimensions))

    def move(self, state: dict[str, Array], noise: Array, step: int) -> None:
        """Take a step, in place."""
        x, velocity = state["x"], state["velocity"]
        gradient = self.system.gradient(x) + self.weight_decay * x + self.noise_sd * noise
        velocity *= self.momentum
        velocity += gradient
        x -= self.lr * (gradient + self.momentum * velocity if self.nesterov else velocity)

    def observe(self, state: Mapping[str, Array], step: int) -> Mapping[str, Array]:
        """Return the observables, each (replica,)."""
        return self.system.observe(state["x"])

    def vectors(self, state: Mapping[str, Array]) -> Array:
        """Return the microstates, (replica, coordinate)."""
        return state["x"]

    def reference(self, generator: np.random.Generator, count: int) -> Array | None:
        """Draw microstates without anything in common: from the law of equilibrium, on a quadratic."""
        eta, mu = self.lr, self.momentum

        def variance(a: float) -> float:
            if self.nesterov:
                return float("nan")
            return float(eta * self.noise_sd**2 * (1 + mu) / (a * (1 - mu) * (2 * (1 + mu) - eta * a)))

        return self.system.reference(generator, count, variance, self.weight_decay)


def _initial(system: Potential, member: Replica, scale: float) -> Array:
    drawn = rng.generator(member.init).standard_normal(system.dimensions)
    return system.start + scale * system.start_sd * drawn
