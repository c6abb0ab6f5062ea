"""Is it worse than its baseline? Final values of two ensembles of a known difference, in margins; higher is better."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from tests.exam.laws import skewed
from tests.exam.tally import Answer, Array, Question
from thermo_cli.equilibrium.baseline import Terms, difference

FEW: Final = (5, 8, 32)


@dataclass(frozen=True)
class Contest(Question):
    """A run against its baseline.

    Attributes:
        draw: Generator, replicas -> final values of the run and of the baseline, each (replica,).
        error: What would be wrong: that the run is shown not to be `worse`; or `apart`, better or worse where both are alike.
    """

    draw: Callable[[np.random.Generator, int], tuple[Array, Array]]
    error: Literal["kept", "apart"] = "kept"

    def answer(self, generator: np.random.Generator, replicas: int) -> Answer:
        """Compare; where both are alike `equivalent` is right."""
        row = difference("A", "cold", *self.draw(generator, replicas), Terms(1.0, 0.95, higher=True))
        apart = row.outcome in ("better", "worse")
        wrong = row.not_worse if self.error == "kept" else apart
        word = f"{row.outcome}, not worse" if row.not_worse and row.outcome == "undecided" else row.outcome
        return Answer(word, wrong, row.outcome == "equivalent" if self.truth == "equilibrium" else not wrong)

    def sample(self, generator: np.random.Generator) -> Any:
        """Draw eight replicas of each."""
        return self.draw(generator, 8)


def normal(gap: float, sd: float) -> Callable[[np.random.Generator, int], tuple[Array, Array]]:
    """Two normal ensembles, the run lower by so much."""
    return lambda g, n: (sd * g.standard_normal(n) - gap, sd * g.standard_normal(n))


def tied(gap: float, unit: float) -> Callable[[np.random.Generator, int], tuple[Array, Array]]:
    """Values of two kinds only, equally often, the run lower by so much."""
    return lambda g, n: (unit * g.integers(0, 2, n) - gap, unit * g.integers(0, 2, n).astype(np.float64))


def collapsing(g: np.random.Generator, n: int) -> tuple[Array, Array]:
    """One in ten replicas of the run loses ten margins."""
    return -10.0 * (g.random(n) < 0.1) + 0.02 * g.standard_normal(n), 0.02 * g.standard_normal(n)


CONTESTS: Final = (
    Contest(normal(0.0, 0.3), "apart", name="against a baseline: alike", truth="equilibrium", sizes=FEW, away=True),
    Contest(tied(0.0, 2.0), "apart", name="against a baseline: alike, two values 2 apart", truth="margin", sizes=FEW),
    Contest(normal(1.0, 0.3), name="against a baseline: one margin worse", truth="margin", sizes=FEW),
    Contest(normal(1.0, 1.0), name="against a baseline: one margin worse, sd 1", truth="margin", sizes=FEW),
    Contest(tied(1.0, 0.5), name="against a baseline: one margin worse, ties", truth="margin", sizes=FEW),
    Contest(
        lambda g, n: (-skewed(g, n), 0.1 * g.standard_normal(n)),
        name="against a baseline: one margin worse, skewed to the bad side",
        truth="margin",
        sizes=FEW,
    ),
    Contest(
        lambda g, n: (skewed(g, n) - 2, 0.1 * g.standard_normal(n)),
        name="against a baseline: one margin worse, skewed to the good side",
        truth="margin",
        sizes=FEW,
    ),
    Contest(collapsing, name="against a baseline: one in ten collapses", truth="off", sizes=FEW, promised=(32,)),
    Contest(normal(3.0, 0.3), name="against a baseline: three margins worse", truth="off", sizes=FEW, away=True),
)
