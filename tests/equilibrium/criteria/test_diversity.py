"""D: distinct, identical or open, with error rates at the edges, and everything that makes it untested."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from tests.equilibrium.ensembles import only, paired
from thermo_cli.contracts import Overlaps, Row
from thermo_cli.equilibrium.criteria import diversity as criterion
from thermo_cli.equilibrium.criteria.diversity import overlap
from thermo_cli.equilibrium.ensemble import Settings


def diversity(overlaps: Overlaps | None, settings: Settings | None = None) -> Row:
    """Answer D."""
    return only(criterion.diversity(paired(overlaps, settings)))


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
        (0.05, "undecided"),
        (0.0001, "undecided"),
    ],
)
def test_each_side_of_nine_tenths(share: float, outcome: str) -> None:
    """Eight pairs of Q* = 1 - share: distinct below 0.9, else open; that all of them are alike is too little for one model."""
    found = [diversity(pairs(share, seed=seed)) for seed in range(100)]
    assert [row.outcome for row in found].count(outcome) >= 75
    assert all(row.explanation for row in found)
    if share <= 0.05:
        assert {row.replicas_needed for row in found} == {19}
        assert all("8 of 8 pairs" in row.explanation and "11 more pairs" in row.explanation for row in found)


@pytest.mark.parametrize(
    ("count", "apart", "alpha", "outcome"),
    [
        (19, 0, 0.05, "fails"),
        (18, 0, 0.05, "undecided"),
        (19, 1, 0.05, "undecided"),
        (32, 1, 0.05, "fails"),
        (32, 2, 0.05, "undecided"),
        (22, 0, 0.025, "undecided"),
        (23, 0, 0.025, "fails"),
    ],
)
def test_one_model_is_a_matter_of_a_count(count: int, apart: int, alpha: float, outcome: str) -> None:
    """19 of 19 pairs, 31 of 32, 23 of 23 at half the level; one that is apart may be as far apart as it likes."""
    known = pairs(0.02, count=count)
    known.distances[:apart] = 13.0
    row = diversity(known, Settings(confidence=1 - alpha))
    assert (row.outcome, row.confidence) == (outcome, pytest.approx(1 - alpha))
    if not apart and outcome == "undecided":
        assert row.replicas_needed == {18: 19, 22: 23}[count]


def test_the_tenth_of_the_null_is_the_edge_to_rounding() -> None:
    """Pairs at exactly a tenth of the null's mean are one model; a millionth beyond, and all alike, they are distinct."""
    for beyond, outcome in ((0.0, "fails"), (1e-12, "fails"), (1e-6, "holds")):
        known = Overlaps(np.full(19, 10.0 * (1 + beyond)), np.full(16, 100.0), np.empty(0), 1e-6, 0.3, 1000)
        assert diversity(known).outcome == outcome


@pytest.mark.parametrize(("share", "count"), [(0.15, 19), (0.15, 64), (0.2, 8), (0.2, 19), (0.1, 8)])
def test_partners_elsewhere_are_seldom_called_one_model(share: float, count: int) -> None:
    """A share of partners lies in another basin: identical in at most 5 % of 1,000 (a mean over 8 pairs: 18 % at a fifth)."""
    said, generator = [], np.random.Generator(np.random.PCG64([7, count]))
    for _ in range(1000):
        distances = np.where(generator.random(count) < share, 100.0, 0.01) * generator.chisquare(200, count) / 200
        null = 100 * generator.chisquare(200, 16) / 200
        said.append(diversity(Overlaps(distances, null, np.empty(0), 1e-6, 0.3, 1000)).outcome)
    assert stats.binomtest(said.count("fails"), 1000, 0.05, alternative="greater").pvalue > 0.001
    assert said.count("fails") == 0 if count == 8 else share == 0.2 or said.count("fails") > 10


def test_error_rates_at_the_boundary() -> None:
    """At Q* = 0.9 exactly, `distinct` comes up in at most 5 % of 2,000 ensembles, in few dimensions too."""
    said = [diversity(pairs(0.1, 0.3, seed=seed)).outcome for seed in range(2000)]
    assert stats.binomtest(said.count("holds"), 2000, 0.05, alternative="greater").pvalue > 0.01
    assert said.count("holds") > 40, "and it uses its error rate"
    generator, distinct = np.random.Generator(np.random.PCG64(8)), 0
    for _ in range(2000):
        distances, null = 10 * generator.chisquare(10, 8), 100 * generator.chisquare(10, 16)
        distinct += diversity(Overlaps(distances, null, np.empty(0), 1e-6, 0.3, 10)).outcome == "holds"
    assert stats.binomtest(distinct, 2000, 0.05, alternative="greater").pvalue > 0.01


def test_more_pairs_decide_as_foretold() -> None:
    """An open answer names the number of pairs; with so many four of five are decided."""
    needed = diversity(pairs(0.12, 0.3)).replicas_needed
    assert needed is not None
    assert needed > 8
    said = [diversity(pairs(0.12, 0.3, needed, seed)).outcome for seed in range(1, 101)]
    assert said.count("holds") >= 75


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
    near = Overlaps(np.full(19, 4.0), np.full(8, 150.0), np.empty(0), 1.0, 0.3, 1000)
    assert diversity(near).outcome == "fails"
    wide = dataclasses.replace(near, distances=np.full(19, 75.0))
    assert diversity(wide).outcome == "undecided"
    assert diversity(dataclasses.replace(wide, floor=0.5)).outcome == "holds"


def test_the_error_of_the_null_counts() -> None:
    """A null that is known badly widens the interval."""
    sure, unsure = pairs(0.5), dataclasses.replace(pairs(0.5), null=100 * np.array([0.2, 1.8] * 4))
    known, vague = (overlap(one.distances, one.null, 0.05) for one in (sure, unsure))
    assert vague.upper - vague.lower > 3 * (known.upper - known.lower)
