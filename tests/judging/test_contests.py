"""Several ensembles held against each other: one error rate for all, the same answer from both sides."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from thermo_cli import rng
from thermo_cli.contracts import Array
from thermo_cli.equilibrium.baseline import Difference, Terms
from thermo_cli.judging.contests import Contest, judged_together

TRIALS = 150
ALPHA = 0.05
MIRROR = {"better": "worse", "worse": "better"}
Found = dict[tuple[int, int], Difference]


def held(ensembles: Array, *, alone: bool = False, higher: bool | None = True) -> Found:
    """Hold each of some ensembles, (member, replica), against every other, margin 1; or each pair as if there were no other."""
    terms = Terms(1.0, 1 - ALPHA, higher)
    pairs = list(permutations(range(len(ensembles)), 2))
    contests = [Contest("x", "cold", ensembles[one], ensembles[other], terms, True) for one, other in pairs]
    rows = [one.judged(1.0) for one in contests] if alone else judged_together(contests, 2)
    return dict(zip(pairs, rows, strict=True))


def drawn(means: list[float], seed: int, sd: float = 1.0, size: int = 24) -> Array:
    """Draw normal ensembles of some means."""
    noise: Array = rng.generator(seed, 23).normal(size=(len(means), size))
    return np.array(means)[:, None] + sd * noise


def test_both_sides_of_a_pair_say_the_same() -> None:
    """Mirrored outcome and interval, at one level, for equal, open and far ensembles together."""
    found = held(drawn([0.0, 0.2, 0.9, 4.0], 1, 0.5))
    assert {row.outcome for row in found.values()} >= {"equivalent", "better", "worse"}
    for (one, other), row in found.items():
        back = found[other, one]
        assert back.outcome == MIRROR.get(row.outcome, row.outcome)
        assert back.confidence == row.confidence
        assert back.interval == pytest.approx(tuple(-(end or 0.0) for end in reversed(row.interval)))


def test_a_collapse_on_either_side_leaves_a_pair_open() -> None:
    """Two of 32 far below: equivalent from neither side, and each side says whose replicas they are."""
    ensembles = drawn([0.0, 0.0], 2, 0.1, 32)
    ensembles[1, :2] = -5.0
    found = held(ensembles)
    assert [found[pair].outcome for pair in ((0, 1), (1, 0))] == ["undecided", "undecided"]
    assert found[0, 1].explanation == "2 of 32 replicas of the other lie more than 1 beyond this one's worst"
    assert found[1, 0].explanation == "2 of 32 replicas lie more than 1 beyond the other's worst"
    assert found[0, 1].not_worse
    assert not found[1, 0].not_worse


def test_what_does_not_gate_has_a_level_of_its_own() -> None:
    """Ten rows that gate and one that does not: the one is judged at alpha, the ten at a tenth."""
    run, baseline = drawn([0.0, 1.0], 3)
    terms = [Terms(1.0, 1 - ALPHA, True, gates) for gates in (*[True] * 10, False)]
    rows = judged_together([Contest(str(place), "h", run, baseline, one) for place, one in enumerate(terms)])
    levels = [(1 - (row.confidence or 0.0)) / ALPHA for row in rows]
    assert levels == pytest.approx([0.1] * 10 + [1.0])


@pytest.mark.parametrize("means", [[0.0, 1.0, 2.0], [0.0, 1.0, 0.0, 1.0]], ids=["three", "four"])
def test_all_pairs_together_are_wrong_no_more_often_than_one(means: list[float]) -> None:
    """Neighbours one margin apart: any of them wrongly equivalent, or wrongly better, in at most alpha of trials each."""
    equivalent = apart = 0
    for seed in range(TRIALS):
        found = held(drawn(means, seed))
        near = [row.outcome for (one, other), row in found.items() if abs(means[one] - means[other]) <= 1]
        equal = [row.outcome for (one, other), row in found.items() if abs(means[one] - means[other]) >= 1]
        equivalent += "equivalent" in equal
        apart += "better" in near
    for hits in (equivalent, apart):
        assert stats.binomtest(hits, TRIALS, ALPHA, alternative="greater").pvalue > 1e-3


def test_pair_by_pair_would_be_wrong_more_often() -> None:
    """The count above does refute levels that are not shared: five runs, each pair by itself at alpha."""
    means = [0.0, 1.0, 0.0, 1.0, 0.0]
    apart = sum(
        any(row.outcome == "better" for row in held(drawn(means, seed), alone=True).values()) for seed in range(80)
    )
    assert stats.binomtest(apart, 80, ALPHA, alternative="greater").pvalue < 1e-3
