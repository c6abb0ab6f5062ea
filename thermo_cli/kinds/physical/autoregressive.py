"""What a macroscopic observable can look like, with everything known: AR(1) noise, an offset per replica, a drift."""

from dataclasses import dataclass

import numpy as np

from thermo_cli.contracts import Array


@dataclass(frozen=True)
class Autoregressive:
    """A_r(t) = z_r(t) + o_r + k_r f(t), z_r(t+1) = phi z_r(t) + sd sqrt(1 - phi^2) xi.

    o_r ~ N(0, offset_sd^2), k_r ~ N(drift_size, drift_sd^2); f is t/T, log2(1 + t)/log2(1 + T) or 1 - exp(-t/tau). Stationary,
    n measurements one step apart are worth n (1 - phi)/(1 + phi) independent ones.

    Attributes:
        phi: Autocorrelation of one step.
        sd: Stationary standard deviation of z.
        start: z at step 0.
        offset_sd: Of the offsets.
        drift: Name of f.
        drift_size: Mean of k_r.
        drift_sd: Of k_r.
        tau: Of the exponential drift, in steps.
    """

    phi: float
    sd: float
    start: float
    offset_sd: float
    drift: str
    drift_size: float
    drift_sd: float
    tau: float

    def shape(self, step: Array | int, total: int) -> Array:
        """Return f(t)."""
        time = np.asarray(step, dtype=np.float64)
        if self.drift == "linear":
            return time / total
        if self.drift == "logarithmic":
            return np.asarray(np.log2(1 + time) / np.log2(1 + total))
        if self.drift == "exponential":
            return np.asarray(1 - np.exp(-time / self.tau))
        return np.zeros_like(time)
