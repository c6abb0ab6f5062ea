"""E: replicas that wander as far as they differ, replicas that stay, and what cannot be told."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from tests.equilibrium.ensembles import only, paired
from thermo_cli.contracts import Overlaps, Row
from thermo_cli.equilibrium.criteria import ergodicity as criterion
from thermo_cli.equilibrium.ensemble import Settings


def ergodicity(overlaps: Overlaps, settings: Settings | None = None, schedule: str = "constant") -> Row:
    """Answer E."""
    return only(criterion.ergodicity(paired(overlaps, settings, schedule)))


def overlaps(gap: float, sd: float = 0.02, count: int = 8, seed: int = 0) -> Overlaps:
    """Pairs whose overlap with themselves is larger than that between them by `gap`."""
    generator = np.random.Generator(np.random.PCG64(seed))
    between = 100 * (0.8 + sd * generator.standard_normal(count))
    return Overlaps(
        between, np.full(count, 100.0), between - 100 * (gap + sd * generator.standard_normal(count)), 1e-6, 0.3, 999
    )


@pytest.mark.parametrize(
    ("gap", "outcome"), [(0.0, "holds"), (0.05, "holds"), (0.1, "undecided"), (0.15, "fails"), (0.7, "fails")]
)
def test_each_side_of_a_tenth(gap: float, outcome: str) -> None:
    """Fluid below 0.1, frozen above."""
    said = [ergodicity(overlaps(gap, seed=seed)).outcome for seed in range(20)]
    assert said.count(outcome) >= 15


def test_error_rate_at_the_boundary() -> None:
    """At a difference of 0.1, neither answer comes up significantly more often than in 5 % of 1,000 ensembles."""
    said = [ergodicity(overlaps(0.1, seed=seed)).outcome for seed in range(1000)]
    for outcome in ("holds", "fails"):
        assert stats.binomtest(said.count(outcome), 1000, 0.05, alternative="greater").pvalue > 0.01


def test_the_error_of_the_null_counts() -> None:
    """Between and with itself chi-square, the null as few: at 0.1 neither answer comes up in more than 5 % of 2,000."""
    generator, said = np.random.Generator(np.random.PCG64(9)), []
    for _ in range(2000):
        between, own, null = (size * generator.chisquare(50, 8) for size in (1.5, 1.4, 1.0))
        said.append(ergodicity(Overlaps(between, null, own, 1e-6, 0.3, 50)).outcome)
    for outcome in ("holds", "fails"):
        assert stats.binomtest(said.count(outcome), 2000, 0.05, alternative="greater").pvalue > 0.001
    sure = overlaps(0.15)
    assert ergodicity(sure).outcome == "fails"
    assert ergodicity(dataclasses.replace(sure, null=100 * np.array([0.01, 1.99] * 4))).outcome == "undecided"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"own": np.empty(0)}, "half of the training time"),
        ({"own": np.full(8, np.nan)}, "half of"),
        ({"dimensions": 3}, "too small"),
    ],
)
def test_untested_with_its_reason(change: dict[str, object], word: str) -> None:
    """Earlier microstates are needed, and everything that diversity needs."""
    found = ergodicity(dataclasses.replace(overlaps(0.0), **change))
    assert (found.outcome, word in found.explanation) == ("untested", True)


def test_a_falling_rate_and_a_single_microstate() -> None:
    """Frozen by schedule says nothing of the landscape; where there is one state for a bath, the concept does not exist."""
    assert "frozen by schedule" in ergodicity(overlaps(0.0), schedule="cosine").explanation
    one = dataclasses.replace(overlaps(0.0), unique=True)
    assert ergodicity(one).outcome == "inapplicable"


def test_it_gates_on_request() -> None:
    """`require_ergodic` makes the row a gating one."""
    assert not ergodicity(overlaps(0.7)).gates
    assert ergodicity(overlaps(0.7), Settings(require_ergodic=True)).gates
