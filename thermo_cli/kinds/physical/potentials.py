"""Potentials with known answers: a quadratic, and two wells with a barrier."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from thermo_cli.contracts import Array


@dataclass(frozen=True)
class Harmonic:
    """U = (a/2) |x - c|^2 with d independent coordinates; at temperature T each has variance T/a.

    Attributes:
        dimensions: d.
        stiffness: a.
        centre: c.
        gradient_noise: Variance of the noise on each component of the gradient, for `sgd`.
        start: Mean of the initial coordinates.
        start_sd: Their standard deviation.
        reference_sd: Spread of coordinates that have nothing in common; None for that of equilibrium.
    """

    dimensions: int
    stiffness: float
    centre: float
    gradient_noise: float
    start: float
    start_sd: float
    reference_sd: float | None = None

    def energy(self, x: Array) -> Array:
        """Return U, (replica,).

        Args:
            x: (replica, coordinate).
        """
        u: Array = 0.5 * self.stiffness * ((x - self.centre) ** 2).sum(axis=1)
        return u

    def gradient(self, x: Array) -> Array:
        """Return dU/dx = a (x - c), (replica, coordinate).

        Args:
            x: (replica, coordinate).
        """
        return self.stiffness * (x - self.centre)

    def reference(
        self, generator: np.random.Generator, count: int, law: Callable[[float], float], penalty: float = 0.0
    ) -> Array | None:
        """Draw microstates that have nothing in common, (microstate, coordinate); None where their law is not known.

        Args:
            law: Stiffness to the variance of a coordinate at equilibrium; NaN where there is no closed form.
            penalty: lambda, added to the stiffness.
        """
        stiffness = self.stiffness + penalty
        sd = self.reference_sd if self.reference_sd is not None else np.sqrt(law(stiffness))
        if not np.isfinite(sd):
            return None
        centre = self.centre * self.stiffness / stiffness
        return np.asarray(centre + sd * generator.standard_normal((count, self.dimensions)))

    def observe(self, x: Array) -> Mapping[str, Array]:
        """Return the energy, the energy per coordinate and the mean coordinate, each (replica,).

        Args:
            x: (replica, coordinate).
        """
        return observe(self.energy(x), x)


@dataclass(frozen=True)
class DoubleWell:
    """U = h (x^2 - 1)^2 - f x, one coordinate; for T << h it leaves a well at the rate sqrt(32) h exp(-h/T) / (2 pi).

    Source: Kramers 1940: rate = sqrt(U''(well) |U''(top)|) / (2 pi) exp(-h/T), with U''(well) = 8h and U''(top) = -4h.

    Attributes:
        height: h.
        tilt: f.
        start: Mean of the initial coordinate.
        start_sd: Its standard deviation.
    """

    height: float
    tilt: float
    start: float
    start_sd: float
    dimensions: int = 1
    gradient_noise: float = 0.0

    def reference(
        self, generator: np.random.Generator, count: int, law: Callable[[float], float], penalty: float = 0.0
    ) -> Array | None:
        """Return nothing: of one coordinate no overlap can be told."""
        return None

    def energy(self, x: Array) -> Array:
        """Return U, (replica,).

        Args:
            x: (replica, 1).
        """
        u: Array = self.height * (x[:, 0] ** 2 - 1) ** 2 - self.tilt * x[:, 0]
        return u

    def gradient(self, x: Array) -> Array:
        """Return dU/dx = 4 h x (x^2 - 1) - f, (replica, 1).

        Args:
            x: (replica, 1).
        """
        return 4 * self.height * x * (x**2 - 1) - self.tilt

    def observe(self, x: Array) -> Mapping[str, Array]:
        """Return the energy, the energy per coordinate and the position, each (replica,).

        Args:
            x: (replica, 1).
        """
        return observe(self.energy(x), x)


def observe(energy: Array, x: Array) -> dict[str, Array]:
    """Return what every potential shows of itself.

    Args:
        energy: U, (replica,).
        x: (replica, coordinate).
    """
    return {"energy": energy, "energy_density": energy / x.shape[1], "position": np.asarray(x.mean(axis=1))}
