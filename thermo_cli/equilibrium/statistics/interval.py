"""A confidence statement about one number, and how it is held against a margin.

alpha is the error rate of each single bound, so "holds" is wrong with probability alpha at most.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from thermo_cli.contracts import Outcome

ROUNDING: Final = (
    1e-9  # accuracies are multiples of 1/n: two that differ by just the margin must not differ by its rounding
)


@dataclass(frozen=True)
class Interval:
    """A point estimate with a lower and an upper bound, each of confidence 1 - alpha; infinite where there is none."""

    estimate: float
    lower: float
    upper: float

    def inside(self, margin: float) -> Outcome:
        """Compare with (-margin, margin): inside holds, outside fails, else undecided."""
        if np.isnan([self.estimate, self.lower, self.upper]).any():
            return "undecided"
        margin *= 1 + ROUNDING
        if -margin < self.lower and self.upper < margin:
            return "holds"
        return "fails" if self.lower > margin or self.upper < -margin else "undecided"

    def below(self, margin: float) -> Outcome:
        """Compare a size with its largest allowed value: upper bound at or below holds, lower bound above fails."""
        if np.isnan([self.estimate, self.lower]).any():
            return "undecided"
        margin *= 1 + ROUNDING
        return "holds" if self.upper <= margin else "fails" if self.lower > margin else "undecided"
