"""How large numbers may be, so that squares and ratios of them can be formed; what lies beyond has diverged."""

from typing import Final

import numpy as np

from thermo_cli.contracts import Array

LARGEST: Final = 1e100
SMALLEST: Final = 1e-50  # margin


def countable(values: Array) -> Array:
    """Return numbers among which those beyond +-1e100 are infinite, of any shape.

    Args:
        values: What was measured.
    """
    beyond = np.abs(values) > LARGEST
    return np.where(beyond, np.copysign(np.inf, values), values) if beyond.any() else values
