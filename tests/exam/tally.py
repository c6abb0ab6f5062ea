"""Counting answers over trials, and what a count says: Clopper-Pearson bounds and a binomial test."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Truth = Literal["equilibrium", "margin", "off"]

SIZES: Final = (8, 16, 32, 64, 128)
LARGE: Final = (32, 64, 128)  # where a verdict of settled is possible: agreement needs 30 replicas, each history 19
ASKED: Final = 32  # the number of replicas at which a share of right answers is asked for
ALLOWED: Final = 0.05
LEVEL: Final = 0.001  # of each binomial test: some hundreds are made
AWAY: Final = 0.90
FALSE: Final = ("settled", "thermalized", "crystallized")


class Answer(NamedTuple):
    """What became of one trial.

    Attributes:
        word: For the table: a verdict, or an outcome; empty where there was nothing to ask, and the trial does not count.
        wrong: Whether it is the error that counts.
        right: Whether it is the right answer.
        spent: Replicas that were judged, where that depends on the trial.
    """

    word: str
    wrong: bool
    right: bool
    spent: int = 0


@dataclass(frozen=True, kw_only=True)
class Question(ABC):
    """Something of which the true answer is known, asked of new random numbers in each trial.

    Attributes:
        name: In tables.
        truth: `equilibrium`; `margin`, something is off by exactly as much as the margin allows; `off`, by more.
        away: Whether it is well away from every margin, so that the right answer is asked for at R = 32.
        least: Share of right answers that is asked for.
        most: Share of right answers that must not be exceeded.
        sizes: Numbers of replicas at which it is asked.
        promised: Those at which an error rate of 5 % is promised.
    """

    name: str
    truth: Truth
    away: bool = False
    least: float = AWAY
    most: float = 1.0
    sizes: tuple[int, ...] = LARGE
    promised: tuple[int, ...] = SIZES

    @abstractmethod
    def answer(self, generator: np.random.Generator, replicas: int) -> Answer:
        """Draw an ensemble and have it judged.

        Args:
            generator: Source of all randomness.
            replicas: Per history.
        """

    @abstractmethod
    def sample(self, generator: np.random.Generator) -> Any:
        """Draw something small that no other law would have drawn: by it kept counts are known."""


@dataclass(frozen=True)
class Tally:
    """What became of the trials of one question at one number of replicas.

    Attributes:
        cell: Its name.
        truth: `equilibrium`, `margin` or `off`.
        replicas: Per history.
        verdicts: Answer to count.
        errors: Trials with the wrong answer that counts.
        right: Trials with a right answer.
        away: Whether a share of right answers is asked for.
        least: That share.
        most: The largest share of right answers.
        promised: Whether an error rate of 5 % is promised.
        spent: Mean of the replicas that were judged, where that depends on the trial.
    """

    cell: str
    truth: str
    replicas: int
    verdicts: dict[str, int]
    errors: int
    right: int
    away: bool
    least: float = AWAY
    most: float = 1.0
    promised: bool = True
    spent: float = 0.0

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

    @property
    def above(self) -> bool:
        """Whether the error rate is promised to be 5 % and is significantly above."""
        return self.promised and self._beyond(self.errors, ALLOWED, "greater")

    def problem(self) -> str | None:
        """Say which promise is broken significantly, or None."""
        if not self.trials:
            return None
        if self.above:
            return f"{self.errors} of {self.trials} trials are wrong, more than {ALLOWED:.0%}"
        if self.away and self.replicas == ASKED:
            if self._beyond(self.right, self.least, "less"):
                return f"only {self.right} of {self.trials} answers are right, fewer than {self.least:.0%}"
            if self.most < 1 and self._beyond(self.right, self.most, "greater"):
                return f"{self.right} of {self.trials} answers are right, more than {self.most:.0%}"
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
            "promised": self.promised,
        }

    def _beyond(self, count: int, share: float, alternative: Literal["less", "greater"]) -> bool:
        return bool(stats.binomtest(count, self.trials, share, alternative=alternative).pvalue < LEVEL)


def tally(question: Question, replicas: int, answers: Iterable[Answer]) -> Tally:
    """Count the answers of some trials.

    Args:
        question: Of which question.
        replicas: Per history.
        answers: One per trial.
    """
    given = [answer for answer in answers if answer.word]
    words = Counter(answer.word for answer in given)
    return Tally(
        question.name,
        question.truth,
        replicas,
        dict(words),
        sum(answer.wrong for answer in given),
        sum(answer.right for answer in given),
        question.away,
        question.least,
        question.most,
        replicas in question.promised,
        float(np.mean([answer.spent for answer in given if answer.spent] or [0.0])),
    )


def trials(question: Question, replicas: int, count: int, seed: int = 0) -> Tally:
    """Ask a question of so many ensembles.

    Args:
        question: Which.
        replicas: Per history.
        count: How many trials.
        seed: Of the trials.
    """
    entropy = [seed, replicas, *question.name.encode()]
    generators = (np.random.Generator(np.random.PCG64([*entropy, number])) for number in range(count))
    return tally(question, replicas, (question.answer(generator, replicas) for generator in generators))
