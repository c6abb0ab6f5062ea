"""Is it one model? Pairs on one bath whose squared distances, in units of those of unrelated states, follow known laws."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

import thermo_cli
from tests.exam.tally import SIZES, Answer, Array, Question, Truth
from thermo_cli.contracts import Outcome, Verdict

STATES: Final = 32
MOST: Final = 0.1  # of unrelated states' squared distance: the largest that two of one model have
WORDS: Final[dict[Outcome, str]] = {"holds": "distinct", "fails": "identical"}
NORMAL_085: Final = 1.0364  # quantile


@dataclass(frozen=True)
class Pairs(Question):
    """Pairs of a known law; the number of replicas is that of pairs.

    Attributes:
        shares: Generator, pairs -> expected squared distance of each pair over that of unrelated states, (pair,).
        answered: What would be right at equilibrium, or wrong elsewhere.
        dimensions: Coordinates of full size; 50 more are a twentieth as large.
    """

    shares: Callable[[np.random.Generator, int], Array]
    answered: Literal["distinct", "identical"]
    dimensions: int = 200
    sizes: tuple[int, ...] = field(default=SIZES, kw_only=True)

    def answer(self, generator: np.random.Generator, replicas: int) -> Answer:
        """Judge microstates whose coordinates are normal."""
        return self.told(self.judged(self.drawn(generator, replicas)))

    def told(self, verdict: Verdict) -> Answer:
        """Say what a verdict says of the pairs."""
        word = WORDS.get(verdict.outcomes["diversity"], verdict.outcomes["diversity"])
        hit = word == self.answered
        return Answer(word, hit and self.truth != "equilibrium", hit == (self.truth == "equilibrium"))

    def drawn(self, generator: np.random.Generator, pairs: int) -> dict[str, Array]:
        """Draw pairs, (pair, 2, parameter), and unrelated states, (state, parameter)."""
        scale = np.concatenate([np.ones(self.dimensions), np.full(50, 0.05)])
        both = np.repeat(scale * generator.standard_normal((pairs, 1, len(scale))), 2, axis=1)
        steps = np.sqrt(2 * self.shares(generator, pairs))[:, None] * scale
        both[:, 1] += steps * generator.standard_normal((pairs, len(scale)))
        return {"pairs": both, "reference": scale * generator.standard_normal((STATES, len(scale)))}

    def judged(self, microstates: dict[str, Array], confidence: float = 0.95) -> Verdict:
        """Judge an ensemble of which nothing but the microstates matters."""
        still = np.random.Generator(np.random.PCG64(0)).standard_normal((6, 9))
        return thermo_cli.judge({"A": still}, steps=np.arange(9), microstates=microstates, confidence=confidence)

    def sample(self, generator: np.random.Generator) -> Any:
        """Draw eight pairs."""
        return self.drawn(generator, 8)


@dataclass(frozen=True)
class GrowingPairs(Pairs):
    """The same, looked at with more pairs until it is decided; look k has the fewest that can be identical at its level."""

    def answer(self, generator: np.random.Generator, replicas: int) -> Answer:
        """Look four times at most."""
        levels = [0.05 / 2**look for look in range(1, 5)]
        counts = [math.ceil(math.log(level) / math.log(0.85)) for level in levels]
        whole = self.drawn(generator, counts[-1])
        for level, count in zip(levels, counts, strict=True):
            answer = self.told(self.judged({**whole, "pairs": whole["pairs"][:count]}, 1 - level))
            if answer.word in WORDS.values():
                break
        return answer._replace(spent=count)


def elsewhere(share: float) -> Callable[[np.random.Generator, int], Array]:
    """Pairs of which a share has a partner in another basin, the others none at all."""
    return lambda g, n: 1.0 * (g.random(n) < share)


def everywhere(share: float) -> Callable[[np.random.Generator, int], Array]:
    """Pairs that all have one expected distance."""
    return lambda g, n: np.full(n, share)


PAIRS: Final = (
    Pairs(everywhere(0.01), "identical", name="D, one model: Q* = .99", truth="equilibrium", away=True),
    Pairs(everywhere(1.0), "distinct", name="D, unrelated models", truth="equilibrium", away=True),
    Pairs(everywhere(0.5), "distinct", name="D, Q* = .50", truth="equilibrium", away=True),
    Pairs(elsewhere(0.15), "identical", name="D: 15 % of the pairs elsewhere: identical?", truth="margin"),
    Pairs(elsewhere(0.2), "identical", name="D: a fifth of the pairs elsewhere: identical?", truth="off"),
    Pairs(elsewhere(0.1), "distinct", name="D, Q* = .90, 10 % of the pairs elsewhere: distinct?", truth="margin"),
    Pairs(everywhere(0.1), "distinct", name="D, Q* = .90: distinct?", truth="margin"),
    Pairs(everywhere(0.1), "distinct", 10, name="D, Q* = .90, ten dimensions: distinct?", truth="margin"),
    Pairs(
        lambda g, n: MOST * np.exp(g.standard_normal(n) - 0.5),
        "distinct",
        name="D, Q* = .90, lognormal distances: distinct?",
        truth="margin",
    ),
    Pairs(
        lambda g, n: MOST * np.exp(g.standard_normal(n) - NORMAL_085),
        "identical",
        name="D: 15 % of lognormal distances too large: identical?",
        truth="margin",
    ),
)
EDGES: Final[tuple[tuple[float, Truth], ...]] = ((0.15, "margin"), (0.2, "off"))
GROWING_PAIRS: Final = tuple(
    GrowingPairs(
        elsewhere(share), "identical", name=f"growing, D: {share:.0%} of the pairs elsewhere", truth=truth, sizes=(32,)
    )
    for share, truth in EDGES
)
