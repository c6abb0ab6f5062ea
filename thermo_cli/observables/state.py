"""Observables of the parameters themselves; they may drift for ever after performance has converged, and only warn."""

import numpy as np

from thermo_cli.contracts import Array


def parameter_norm(parameters: Array, gradient: Array, initial: Array) -> Array:
    """|theta| of parameters (replica, parameter) -> (replica,)."""
    return np.asarray(np.linalg.norm(parameters, axis=1))


def gradient_norm(parameters: Array, gradient: Array, initial: Array) -> Array:
    """|grad U|, (replica,)."""
    return np.asarray(np.linalg.norm(gradient, axis=1))


def distance_from_init(parameters: Array, gradient: Array, initial: Array) -> Array:
    """|theta - theta_0|, (replica,)."""
    return np.asarray(np.linalg.norm(parameters - initial, axis=1))


def cosine_to_init(parameters: Array, gradient: Array, initial: Array) -> Array:
    """<theta, theta_0> / (|theta| |theta_0|), (replica,)."""
    norms = np.linalg.norm(parameters, axis=1) * np.linalg.norm(initial, axis=1)
    return np.asarray(np.einsum("rp,rp->r", parameters, initial) / norms)
