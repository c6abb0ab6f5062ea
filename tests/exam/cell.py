"""An ensemble of numbers drawn from a closed form, in units of the margin delta = 1, T = 1000 steps, as a question."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

import thermo_cli
from tests.exam.tally import FALSE, Answer, Array, Question
from thermo_cli.contracts import Verdict

T: Final = 1000
Z: Final = float(
    stats.norm.ppf((1 + 0.85) / 2)
)  # half-width that holds 85 % of a normal distribution, in standard deviations
NOISE: Final = 0.2
SPREAD: Final = 0.2


def grid(measurements: int = 64) -> NDArray[np.int64]:
    """Return the measured steps: ten early ones, then evenly over the last doubling."""
    early = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256]
    return np.unique(np.concatenate([early, np.round(np.linspace(T / 2, T, measurements))]).astype(np.int64))


STEPS: Final = grid()


ERRORS: Final[Mapping[str, Callable[[Verdict], bool]]] = {
    "settled": lambda verdict: verdict.verdict in FALSE,
    "alarm": lambda verdict: verdict.verdict in ("diverged", "relaxing", "glassy"),
    "history": lambda verdict: verdict.outcomes["history"] == "holds",
}


@dataclass(frozen=True)
class Cell(Question):
    """One known system.

    Attributes:
        verdicts: Right ones at equilibrium; elsewhere each that is not wrong is right, and the table shows which it is.
        draw: Generator, replicas per history -> observables (history * replica, time).
        histories: Names.
        weights: Replicas of each history, in units of R; one each if empty.
        margins: Observable to delta.
        steps: Measured steps.
        more: Further arguments of `judge`.
        error: What would be wrong: a verdict of `settled`; an `alarm`; or `history` holding (which settled does not need).
            At equilibrium it is an alarm.
    """

    verdicts: tuple[str, ...]
    draw: Callable[[np.random.Generator, int], Mapping[str, Array]]
    histories: tuple[str, ...] = ("cold",)
    weights: tuple[int, ...] = ()
    margins: Mapping[str, float] = field(default_factory=lambda: {"A": 1.0})
    steps: NDArray[np.int64] = field(default_factory=lambda: STEPS, repr=False)
    more: Mapping[str, Any] = field(default_factory=dict)
    error: Literal["settled", "alarm", "history"] = "settled"

    def answer(self, generator: np.random.Generator, replicas: int) -> Answer:
        """Judge an ensemble as anybody's arrays are judged."""
        weights = self.weights or (1,) * len(self.histories)
        labels = [name for name, weight in zip(self.histories, weights, strict=True) for _ in range(weight * replicas)]
        drawn = self.draw(generator, replicas)
        verdict = thermo_cli.judge(drawn, steps=self.steps, margins=self.margins, histories=labels, **self.more)
        at_rest = self.truth == "equilibrium"
        wrong = ERRORS["alarm" if at_rest else self.error](verdict)
        return Answer(verdict.verdict, wrong, verdict.verdict in self.verdicts if at_rest else not wrong)

    def sample(self, generator: np.random.Generator) -> Any:
        """Draw eight replicas per history."""
        return self.draw(generator, 8)


def time(steps: NDArray[np.int64] = STEPS) -> Array:
    """Return t/T."""
    return steps / T


def ordinary(
    generator: np.random.Generator,
    count: int,
    *,
    noise: float = NOISE,
    spread: float = SPREAD,
    phi: float = 0.0,
    start: float = 10.0,
    memory: float = 0.03,
    steps: NDArray[np.int64] = STEPS,
) -> Array:
    """Draw replicas that begin `start` margins away, relax with a time of `memory` T, and then differ by offsets and noise.

    Args:
        generator: Source of randomness.
        count: Replicas.
        noise: Stationary standard deviation of each replica's fluctuation.
        spread: Standard deviation of the offsets.
        phi: Autocorrelation of the fluctuation from one measurement to the next.
        start: Where it begins.
        memory: Relaxation time over T.
        steps: Measured steps.
    """
    white = generator.standard_normal((count, len(steps)))
    fluctuation = white.copy()
    for index in range(1, len(steps) if phi else 0):
        fluctuation[:, index] = phi * fluctuation[:, index - 1] + np.sqrt(1 - phi**2) * white[:, index]
    relaxing = start * np.exp(-time(steps) / memory)
    return relaxing + spread * generator.standard_normal((count, 1)) + noise * fluctuation
