"""How large numbers may be, so that their fourth powers and ratios can be formed; what lies beyond has diverged."""

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # specs are read without NumPy
    from thermo_cli.contracts import Array

LARGEST: Final = 1e75
SMALLEST: Final = 1e-50  # margin


def countable(values: "Array") -> "Array":
    """Return numbers among which those beyond +-1e75 are infinite, of any shape.

    Args:
        values: What was measured.
    """
    beyond = abs(values) > LARGEST
    if not beyond.any():
        return values
    values = values.copy()
    values[beyond] *= math.inf
    return values
