"""Problems whose solution is known: truth tables, a teacher network, modular addition."""

import itertools
import math

import numpy as np

from thermo_cli import rng
from thermo_cli.contracts import Examples
from thermo_cli.memory import check_memory


def parity(bits: int) -> Examples:
    """Return the whole truth table of parity on bits of -1 and +1; two bits are XOR.

    Args:
        bits: Number of inputs.
    """
    x = np.array(list(itertools.product((-1.0, 1.0), repeat=bits)))
    return Examples(x, (x > 0).sum(axis=1).astype(np.int64) % 2, "classification", ("even", "odd"))


def teacher(inputs: int, hidden: int, examples: int, noise: float, seed: int) -> Examples:
    """Draw Gaussian inputs and the answers of a fixed two-layer tanh network, y = v . tanh(W x) + noise.

    Rows of W have length about sqrt(3), so that the hidden units bend; the entries of v are +-1 times numbers in [1/2, 1].

    Args:
        inputs: Number of features.
        hidden: Hidden units of the teacher.
        examples: Number of examples.
        noise: Standard deviation of Gaussian noise on the answers.
        seed: Seed of teacher, inputs and noise.
    """
    check_memory(
        24.0 * (examples * (inputs + hidden) + hidden * inputs),
        f"{examples:,} examples of {inputs:,} features",
        "data.with",
    )
    draw = rng.generator(seed)
    first = draw.standard_normal((hidden, inputs)) * math.sqrt(3.0 / inputs)
    second = draw.choice([-1.0, 1.0], hidden) * draw.uniform(0.5, 1.0, hidden)
    x = draw.standard_normal((examples, inputs))
    y = np.tanh(x @ first.T) @ second + noise * draw.standard_normal(examples)
    return Examples(x, y, "regression")


def modular_addition(modulus: int) -> Examples:
    """Return all pairs (a, b) as two one-hot codes, with the class (a + b) mod p.

    Args:
        modulus: p.
    """
    check_memory(48.0 * modulus**3, f"{modulus**2:,} examples of {2 * modulus:,} features", "data.with.modulus")
    a, b = (part.ravel() for part in np.meshgrid(np.arange(modulus), np.arange(modulus), indexing="ij"))
    code = np.eye(modulus)
    return Examples(
        np.hstack([code[a], code[b]]), (a + b) % modulus, "classification", tuple(str(k) for k in range(modulus))
    )
