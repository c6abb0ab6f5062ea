"""Normal tolerance intervals: published factors, coverage, and their blindness."""

import numpy as np
import pytest
from scipy import stats

from tests.equilibrium.ensembles import ensemble
from thermo_cli import rng
from thermo_cli.equilibrium.criteria.agreement import agreement
from thermo_cli.equilibrium.ensemble import Settings
from thermo_cli.equilibrium.statistics.normal import normal_half_width, replicas_for_normal, tolerance_factor

NORMAL, FREE = (Settings(margins={"x": 1.0}, tolerance=law) for law in ("normal", "distribution-free"))


def outcome(values: np.ndarray, settings: Settings = NORMAL) -> str:
    """Answer A with margin 1."""
    return agreement(ensemble({"x": values[:, None]}, np.array([1]), settings))[0].outcome


@pytest.mark.parametrize(("n", "content", "factor"), [(10, 0.90, 2.856), (30, 0.95, 2.555), (20, 0.99, 3.621)])
def test_published_exact_factors(n: int, content: float, factor: float) -> None:
    """Two-sided factors at 95 % confidence (Meeker, Hahn & Escobar 2017, table of exact k)."""
    assert tolerance_factor(n, content, 0.05) == pytest.approx(factor, abs=2e-3)


@pytest.mark.parametrize("n", [3, 8, 32])
def test_confidence_is_what_is_stated(n: int) -> None:
    """Mean +- k s holds 85 % of the distribution in 95 % of 20,000 trials."""
    x = rng.generator(n).standard_normal((20_000, n))
    mean, half = x.mean(axis=1), tolerance_factor(n, 0.85, 0.05) * x.std(axis=1, ddof=1)
    held = (stats.norm.cdf(mean + half) - stats.norm.cdf(mean - half) >= 0.85).sum()
    assert stats.binomtest(int(held), 20_000, 0.95).pvalue > 0.001


def test_a_turns_at_its_margin_with_eight_replicas() -> None:
    """The upper bound k s just inside holds, just outside is open; the lower bound just outside fails."""
    unit = np.tile([1.0, -1.0], 4)
    interval = normal_half_width(unit, 0.85, 0.05)
    for size, expected in (
        (0.999 / interval.upper, "holds"),
        (1.001 / interval.upper, "undecided"),
        (0.999 / interval.lower, "undecided"),
        (1.001 / interval.lower, "fails"),
    ):
        assert outcome(unit * size) == expected


def test_false_holds_and_fails_at_the_margin() -> None:
    """Spreads of which exactly 85 % lie inside hold in at most 5 % of 2,000 trials, and fail in at most 5 %."""
    generator = rng.generator(1)
    found = [outcome(generator.normal(0, 1 / stats.norm.ppf(0.925), 8)) for _ in range(2000)]
    for word in ("holds", "fails"):
        assert stats.binomtest(found.count(word), 2000, 0.05, alternative="greater").pvalue > 0.001


def test_it_is_blind_to_a_stuck_mode_that_the_free_one_sees() -> None:
    """A fifth of all replicas sits 1.2 margins beyond the others: 30 of them hold falsely more often than 5 %."""
    generator = rng.generator(2)
    draws = [generator.normal(0, 0.02, 30) + 2.05 * (generator.random(30) < 0.17) for _ in range(300)]
    free = sum(outcome(values, FREE) == "holds" for values in draws)
    assert stats.binomtest(free, 300, 0.05, alternative="greater").pvalue > 0.001
    few = [generator.normal(0, 0.02, 8) + 2.05 * (generator.random(8) < 0.17) for _ in range(300)]
    blind = sum(outcome(values) == "holds" for values in few)
    assert stats.binomtest(blind, 300, 0.05, alternative="greater").pvalue < 1e-6


def test_lost_replicas_are_not_normal() -> None:
    """A replica without a number leaves it untested, as does a single one."""
    assert outcome(np.array([0.0, 0.1, np.nan])) == "untested"
    assert outcome(np.array([0.0])) == "untested"


@pytest.mark.parametrize(("ratio", "word"), [(0.8, "holds"), (1.4, "fails")])
def test_replicas_needed_would_decide(ratio: float, word: str) -> None:
    """Of fresh ensembles with as many replicas 75 to 95 % are decided; with a third fewer, less than 75 %."""
    needed = replicas_for_normal(ratio, 0.85, 0.05)
    assert needed is not None
    generator, sd = rng.generator(3), ratio / float(stats.norm.ppf(0.925))
    decided = [
        sum(outcome(generator.normal(0, sd, size)) == word for _ in range(400)) / 400
        for size in (needed, 2 * needed // 3)
    ]
    assert decided[1] < 0.75 <= decided[0] <= 0.95
    assert replicas_for_normal(1.0, 0.85, 0.05) is None
