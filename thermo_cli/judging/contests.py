"""Final values held against each other: one observable of one history of two ensembles, judged at the level it has at last.

It takes arrays, margins and directions from wherever they come; no run, no spec.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.baseline import Difference, Terms, difference, p_value, shares
from thermo_cli.equilibrium.statistics.collapse import collapsed


@dataclass(frozen=True, eq=False)
class Contest:
    """One observable of one history of a pair.

    Attributes:
        run: Final values, (replica,).
        baseline: Those of the other, (replica,).
        terms: By what they are judged.
        mutual: Whether neither of the two is the measure of the other: then replicas that collapse in either stand against
            `equivalent`.
    """

    observable: str
    history: str
    run: Array
    baseline: Array
    terms: Terms
    mutual: bool = False

    @property
    def ratio(self) -> float:
        """The level from which on it has an outcome, beside its own alpha."""
        return p_value(self.run, self.baseline, self.terms) / (1 - self.terms.confidence)

    def judged(self, share: float) -> Difference:
        """Judge at a share of alpha."""
        terms = dataclasses.replace(self.terms, confidence=1 - share * (1 - self.terms.confidence))
        partner = "the other" if self.mutual else "the baseline"
        row = difference(self.observable, self.history, self.run, self.baseline, terms, partner)
        return self._agreed(row) if self.mutual else row

    def _agreed(self, row: Difference) -> Difference:
        """Leave `equivalent` open where replicas of the other have collapsed."""
        if row.outcome != "equivalent":
            return row
        run, baseline = (side[np.isfinite(side)] for side in (self.run, self.baseline))
        gone = collapsed(baseline, run, self.terms.margin, self.terms.higher)
        beyond = f"more than {self.terms.margin:.3g} beyond this one's worst"
        words = f"{gone} of {len(baseline)} replicas of the other lie {beyond}"
        return dataclasses.replace(row, outcome="undecided", explanation=words) if gone else row


def judged_together(contests: Sequence[Contest], sides: int = 1) -> list[Difference]:
    """Judge contests that are looked at together: those that gate share one alpha after Holm, and so do the others.

    Args:
        contests: Of all pairs, observables and histories.
        sides: How often each is among them: 2 where every pair is seen from both sides.
    """
    levels: dict[Contest, float] = {}
    for gates in (True, False):
        family = [contest for contest in contests if contest.terms.gates == gates]
        levels |= dict(zip(family, shares([contest.ratio for contest in family], sides), strict=True))
    return [contest.judged(levels[contest]) for contest in contests]
