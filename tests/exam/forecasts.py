"""Forecasts: how often a row is decided by a new ensemble of the number of replicas that it said would decide."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from tests.exam.cell import STEPS, T, Z
from tests.exam.cells import stuck
from tests.exam.contests import normal
from tests.exam.growing import Draw, judged, resting, scattered, two
from tests.exam.identity import Pairs, everywhere
from tests.exam.tally import ASKED, Answer, Question
from thermo_cli.contracts import Row
from thermo_cli.equilibrium.baseline import Difference, Terms, difference

FOUR_IN_FIVE: Final = (0.75, 0.95)
TRIES: Final = 40  # ensembles drawn until a row gives a number
MOST: Final = 3000  # replicas; a forecast of more is none
DECIDED: Final = ("holds", "fails", "equivalent", "better", "worse")


class Judged(NamedTuple):
    """One row as an ensemble answers it.

    Attributes:
        outcome: Of the row.
        needed: Replicas that would decide it, if it says so.
    """

    outcome: str
    needed: int | None


@dataclass(frozen=True, kw_only=True)
class Forecast(Question):
    """One row of one law.

    Attributes:
        row: Generator, replicas -> the row of a new ensemble.
    """

    row: Callable[[np.random.Generator, int], Judged]
    truth: Any = "equilibrium"
    away: bool = True
    least: float = FOUR_IN_FIVE[0]
    most: float = FOUR_IN_FIVE[1]
    sizes: tuple[int, ...] = (ASKED,)

    def answer(self, generator: np.random.Generator, replicas: int) -> Answer:
        """Draw until a number is given, then draw so many."""
        for _ in range(TRIES):
            needed = self.row(generator, replicas).needed
            if needed is not None and needed <= MOST:
                decided = self.row(generator, needed).outcome in DECIDED
                return Answer("decided" if decided else "open", False, decided, needed)
        return Answer("", wrong=False, right=False)

    def sample(self, generator: np.random.Generator) -> Any:
        """Tell one row: what it stands for is drawn within."""
        return [np.frombuffer(repr(self.row(generator, ASKED)).encode(), np.uint8)]


def of_verdict(draw: Draw, statistic: str) -> Callable[[np.random.Generator, int], Judged]:
    """Return the row of a statistic: its name begins so."""

    def row(generator: np.random.Generator, replicas: int) -> Judged:
        return _named(judged(draw(generator, replicas, STEPS / T), STEPS, 0).criteria, statistic)

    return row


def of_pairs(share: float) -> Callable[[np.random.Generator, int], Judged]:
    """Return the row of D, of pairs that all have one expected distance, in ten dimensions."""
    pairs = Pairs(everywhere(share), "identical", 10, name="", truth="equilibrium")
    return lambda g, n: _named(pairs.judged(pairs.drawn(g, n)).criteria, "D ")


def of_contest(gap: float, sd: float) -> Callable[[np.random.Generator, int], Judged]:
    """Return the difference from a baseline."""

    def row(generator: np.random.Generator, replicas: int) -> Judged:
        told: Difference = difference("A", "cold", *normal(gap, sd)(generator, replicas), Terms(1.0, 0.95, higher=True))
        return Judged(told.outcome, told.replicas_needed)

    return row


def _named(rows: Sequence[Row], statistic: str) -> Judged:
    row = next(row for row in rows if row.statistic.startswith(statistic) and row.gates)
    return Judged(row.outcome, row.replicas_needed)


def parting(sd: float) -> Draw:
    """Replicas that drift along lines of their own, to a standard deviation of so much at T."""
    return lambda g, n, t: resting(0.0, 0.3)(g, n, t) + sd * g.standard_normal((n, 1)) * t


def moving(sd: float) -> Draw:
    """Replicas that change sides in the middle of the window, by a standard deviation of so much."""
    return lambda g, n, t: resting(0.0, 0.0)(g, n, t) + sd / 2 * g.standard_normal((n, 1)) * np.sign(t - 0.75)


LAWS: Final[Sequence[tuple[str, str, Draw]]] = (
    ("A", "spread 0.4", resting(0.4, 0.1)),
    ("A", "spread 0.5", resting(0.5, 0.1)),
    ("A", "8 % stuck", scattered(stuck(0.08, 5.0), 0.1)),
    ("A", "a quarter stuck", scattered(stuck(0.25, 5.0), 0.1)),
    ("S1", "93 % move less", moving(1 / 1.81)),
    ("S1", "75 % move less", moving(1 / 1.15)),
    ("S2", "noise 0.8", resting(0.2, 0.8)),
    ("S2", "noise 0.5, half a margin until 4T", resting(0.2, 0.5, lambda t: t / 6)),
    ("S3", "spread 0.2, noise 0.4", resting(0.2, 0.4)),
    ("S3", "spread 0.4, noise 0.3", resting(0.4, 0.3)),
    ("S3", "drifting apart by a quarter of a margin", parting(0.25 / (3 * Z))),
    ("H", "half a margin apart, sd 1", lambda g, n, t: two(0.5)(g, n, t) + g.standard_normal((2, n, 1))),
    ("H", "alike, sd 2", lambda g, n, t: two(0.0)(g, n, t) + 2 * g.standard_normal((2, n, 1))),
)
FORECASTS: Final = (
    *(Forecast(row=of_verdict(draw, row), name=f"{row}: {name}") for row, name, draw in LAWS),
    *(Forecast(row=of_pairs(share), name=f"D: Q* = {1 - share:.2f}", sizes=(8, ASKED)) for share in (0.01, 0.15)),
    *(
        Forecast(row=of_contest(gap, sd), name=f"baseline: {gap:g} margins worse, sd {sd:g}", sizes=(8, ASKED))
        for gap, sd in ((0.0, 2.0), (0.5, 1.0), (1.5, 1.0))
    ),
)
