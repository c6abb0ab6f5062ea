"""Counting verdicts over trials, and what a count says: Clopper-Pearson bounds and a binomial test."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import stats

import thermo_cli
from tests.exam.cells import STEPS, Cell
from thermo_cli.contracts import Verdict

ALLOWED: Final = 0.05
LEVEL: Final = 0.001  # of each binomial test: some fifty are made
AWAY: Final = 0.90
FALSE: Final = ("settled", "thermalized", "crystallized")


@dataclass(frozen=True)
class Tally:
    """What became of the trials of one cell at one number of replicas.

    Attributes:
        cell: Its name.
        truth: `equilibrium`, `margin` or `off`.
        replicas: Per history.
        verdicts: Verdict to count.
        errors: Trials with the wrong answer that counts: settled where it is not, or H held at its margin.
        right: Trials with a right verdict.
        away: Whether 90 % right is asked for.
    """

    cell: str
    truth: str
    replicas: int
    verdicts: dict[str, int]
    errors: int
    right: int
    away: bool

    @property
    def trials(self) -> int:
        """Number of trials."""
        return sum(self.verdicts.values())

    def bounds(self, count: int) -> tuple[float, float]:
        """Return the 95 % Clopper-Pearson interval of a share.

        Args:
            count: Of the trials.
        """
        interval = stats.binomtest(count, self.trials).proportion_ci(0.95, "exact")
        return float(interval.low), float(interval.high)

    def problem(self) -> str | None:
        """Say which promise is broken significantly, or None."""
        if self.truth != "equilibrium":
            found = stats.binomtest(self.errors, self.trials, ALLOWED, alternative="greater").pvalue
            if found < LEVEL:
                return f"{self.errors} of {self.trials} trials are wrong, more than {ALLOWED:.0%}"
        if self.away and self.replicas == 32:
            found = stats.binomtest(self.right, self.trials, AWAY, alternative="less").pvalue
            if found < LEVEL:
                return f"only {self.right} of {self.trials} verdicts are right, fewer than {AWAY:.0%}"
        return None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "cell": self.cell,
            "truth": self.truth,
            "replicas": self.replicas,
            "trials": self.trials,
            "verdicts": self.verdicts,
            "errors": self.errors,
            "errors_interval": self.bounds(self.errors),
            "right": self.right,
            "right_interval": self.bounds(self.right),
            "away": self.away,
        }


def tally(cell: Cell, replicas: int, found: Iterable[Verdict]) -> Tally:
    """Count the verdicts of some trials.

    In a cell that is not at equilibrium every verdict that is not settled is right; which one it is, the table shows.

    Args:
        cell: Of which cell.
        replicas: Per history.
        found: One verdict per trial.
    """
    verdicts, errors, right = Counter[str](), 0, 0
    for verdict in found:
        verdicts[verdict.verdict] += 1
        held = verdict.outcomes["history"] == "holds" if cell.error == "history" else verdict.verdict in FALSE
        errors += held and cell.truth != "equilibrium"
        right += (verdict.verdict in cell.verdicts) if cell.truth == "equilibrium" else not held
    return Tally(cell.name, cell.truth, replicas, dict(verdicts), errors, right, cell.away)


def array_trials(cell: Cell, replicas: int, trials: int, seed: int = 0) -> Tally:
    """Draw and judge a cell's ensembles.

    Args:
        cell: Which cell.
        replicas: Per history.
        trials: How many.
        seed: Of the trials.
    """
    labels = [name for name in cell.histories for _ in range(replicas)]
    entropy = [seed, replicas, *cell.name.encode()]
    found = []
    for number in range(trials):
        drawn = cell.draw(np.random.Generator(np.random.PCG64([*entropy, number])), replicas)
        found.append(thermo_cli.judge(drawn, steps=STEPS, margins={"A": 1.0}, histories=labels))
    return tally(cell, replicas, found)
