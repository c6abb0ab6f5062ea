"""D: distinct, identical or open, with error rates at 0.9 itself, and everything that makes it untested."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from tests.equilibrium.ensembles import only, paired
from thermo_cli.contracts import Overlaps, Row
from thermo_cli.equilibrium.criteria import diversity as criterion
from thermo_cli.equilibrium.criteria.diversity import overlap


def diversity(overlaps: Overlaps | None) -> Row:
    """Answer D."""
    return only(criterion.diversity(paired(overlaps)))


def pairs(share: float, sd: float = 0.2, count: int = 8, seed: int = 0) -> Overlaps:
    """Same-bath pairs whose squared distances are about `share` of those of the null, with a relative spread."""
    generator = np.random.Generator(np.random.PCG64(seed))
    null = 100 * (1 + 0.01 * generator.standard_normal(count))
    distances = 100 * share * (1 + sd * generator.standard_normal(count))
    return Overlaps(distances, null, np.empty(0), 1e-6, 0.3, 1000)


@pytest.mark.parametrize(
    ("share", "outcome"),
    [
        (1.0, "holds"),
        (0.5, "holds"),
        (0.15, "holds"),
        (0.105, "undecided"),
        (0.095, "undecided"),
        (0.05, "fails"),
        (0.0001, "fails"),
    ],
)
def test_each_side_of_nine_tenths(share: float, outcome: str) -> None:
    """Q* = 1 - share: distinct below 0.9, identical above, open where the interval holds both."""
    found = [diversity(pairs(share, seed=seed)) for seed in range(100)]
    assert [row.outcome for row in found].count(outcome) >= 75
    for row in found:
        assert (row.replicas_needed is not None) == (row.outcome == "undecided")
        assert row.explanation


def test_error_rates_at_the_boundary() -> None:
    """At Q* = 0.9 exactly, `distinct` and `identical` come up in at most 5 % of 2,000 ensembles each."""
    said = [diversity(pairs(0.1, 0.3, seed=seed)).outcome for seed in range(2000)]
    for outcome in ("holds", "fails"):
        assert stats.binomtest(said.count(outcome), 2000, 0.05, alternative="greater").pvalue > 0.01
        assert said.count(outcome) > 40, "and it uses its error rate"


def test_more_pairs_decide_as_foretold() -> None:
    """An open answer names the number of pairs; with half as many again nine of ten are decided."""
    needed = diversity(pairs(0.12, 0.3)).replicas_needed
    assert needed is not None
    assert needed > 8
    said = [diversity(pairs(0.12, 0.3, needed * 2, seed)).outcome for seed in range(1, 101)]
    assert said.count("holds") > 80


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"dimensions": 9}, "too small"),
        ({"distances": np.full(8, np.nan)}, "8 of 8 same-bath pairs have lost"),
        ({"distances": np.array([1.0, 2.0, np.nan, 3.0, 2.0, 1.0, 2.0, 3.0])}, "1 of 8 same-bath pairs have lost"),
        ({"distances": np.ones(7)}, "7 same-bath pairs, 8 are needed"),
        ({"floor": 5.0}, "no further apart than rounding"),
        ({"null": np.zeros(8)}, "no further apart than rounding"),
        ({"null": np.empty(0)}, "0 pairs of states"),
        ({"null_cosine": 0.51}, "matching alone"),
        ({"untested": "self-test failed"}, "self-test failed"),
    ],
)
def test_untested_with_its_reason(change: dict[str, object], word: str) -> None:
    """Nothing that is unknown reads as distinct or identical."""
    for share in (0.9, 0.0):
        found = diversity(dataclasses.replace(pairs(share), **change))
        assert found.outcome == "untested"
        assert word in found.explanation
    assert diversity(None).outcome == "untested"


def test_identical_by_construction_needs_no_pairs() -> None:
    """Where nothing random sets partners apart and there is one optimum."""
    alone = Overlaps(np.empty(0), np.empty(0), np.empty(0), 0.0, float("nan"), 3, unique=True)
    assert diversity(alone).outcome == "fails"


def test_distances_near_the_rounding_floor_are_not_distinct() -> None:
    """Twice the floor apart while the null is a little more than ten times: open, whatever Q* says."""
    near = Overlaps(np.full(8, 4.0), np.full(8, 150.0), np.empty(0), 1.0, 0.3, 1000)
    assert diversity(near).outcome == "fails"
    wide = dataclasses.replace(near, distances=np.full(8, 75.0))
    assert diversity(wide).outcome == "undecided"
    assert diversity(dataclasses.replace(wide, floor=0.5)).outcome == "holds"


def test_the_error_of_the_null_counts() -> None:
    """A null that is known badly widens the interval."""
    sure, unsure = pairs(0.5), dataclasses.replace(pairs(0.5), null=100 * np.array([0.2, 1.8] * 4))
    known, vague = (overlap(one.distances, one.null, 0.05) for one in (sure, unsure))
    assert vague.upper - vague.lower > 3 * (known.upper - known.lower)
