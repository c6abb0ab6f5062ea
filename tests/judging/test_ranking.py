"""Who ranks where: known orders, ties that stay ties, and a rule by means alone that would rank what nobody has shown."""

from collections.abc import Sequence

import pytest

from thermo_cli.equilibrium.baseline import Comparison, Difference, not_worse, overall
from thermo_cli.judging.ranking import Standings, own_rank, rank_of, relation
from thermo_cli.judging.record import Baseline

MIRROR: dict[Comparison, Comparison] = {"better": "worse", "worse": "better"}


def row(outcome: Comparison, mean: float = 0.0, *, gates: bool = True, higher: bool | None = True) -> Difference:
    """One observable of a pair."""
    return Difference("x", "cold", gates, outcome, margin=1.0, mean=mean, higher_is_better=higher)


def standings(pairs: Sequence[Sequence[Comparison]], means: Sequence[float], higher: bool | None = True) -> Standings:
    """Three or more members by how each compares with those after it."""
    count = len(means)

    def found(one: int, other: int) -> Baseline:
        outcome = pairs[one][other - one - 1] if one < other else pairs[other][one - other - 1]
        outcome = outcome if one < other else MIRROR.get(outcome, outcome)
        rows = (row(outcome, means[one], higher=higher),)
        return Baseline(f"run {other}", overall(rows), not_worse(rows), f"{outcome} {other}", rows)

    partners = tuple(tuple(found(one, other) for other in range(count) if other != one) for one in range(count))
    return Standings(tuple(f"run {place}" for place in range(count)), partners)


@pytest.mark.parametrize(
    ("relations", "rank"),
    [
        (["better", "better"], (1, 1)),
        (["worse", "better"], (2, 2)),
        (["equivalent", "better"], (1, 2)),
        (["undecided", "undecided"], (1, 3)),
        (["worse", "undecided", "differs"], (2, 4)),
        ([], (1, 1)),
    ],
)
def test_a_rank_is_the_range_that_the_pairs_leave_open(relations: list[Comparison], rank: tuple[int, int]) -> None:
    """Those that are better stand before, those that are worse behind; all others may stand on either side."""
    assert rank_of(relations) == rank


@pytest.mark.parametrize(
    ("outcomes", "whole"),
    [
        (["better", "equivalent"], "better"),
        (["worse", "equivalent"], "worse"),
        (["better", "worse"], "differs"),
        (["better", "undecided"], "undecided"),
        (["equivalent"], "equivalent"),
        (["differs", "equivalent"], "differs"),
        ([], "undecided"),
    ],
)
def test_ahead_is_who_is_behind_in_nothing(outcomes: list[Comparison], whole: Comparison) -> None:
    """Better in one observable and open in another ranks nobody; what does not gate does not count."""
    assert relation([*(row(outcome) for outcome in outcomes), row("worse", gates=False)]) == whole


def test_a_clear_order_is_found_whatever_the_order_of_the_names() -> None:
    """The last is best: ranks 3, 2, 1; pairs are told from the side of the better one."""
    found = standings([["worse", "worse"], ["worse"]], [1.0, 3.0, 5.0])
    whole, single = found.rankings
    assert [(place.member, place.rank) for place in whole.order] == [(2, (1, 1)), (1, (2, 2)), (0, (3, 3))]
    assert [place.mean for place in single.order] == [5.0, 3.0, 1.0]
    assert [(pair.first, pair.second, pair.found.outcome) for pair in found.pairs] == [
        (2, 1, "better"),
        (2, 0, "better"),
        (1, 0, "better"),
    ]
    assert (found.outcome, found.not_worse, found.words) == ("worse", False, "worse 1; worse 2")
    assert own_rank(found.partners[2]) == (1, 1)
    assert repr(found) == "<Standings: 1-1 run 2, 2-2 run 1, 3-3 run 0>"


def test_what_is_not_told_apart_shares_its_rank_whatever_its_mean() -> None:
    """Two that are equivalent and one that is worse than one of them only: means alone would rank all three."""
    found = standings([["equivalent", "better"], ["undecided"]], [4.9, 5.0, 3.0])
    places = {place.member: place for place in found.rankings[0].order}
    assert {member: place.rank for member, place in places.items()} == {0: (1, 2), 1: (1, 3), 2: (2, 3)}
    assert (places[0].better_than, places[0].equivalent_to, places[1].open) == ((2,), (1,), (2,))
    by_means = sorted(range(3), key=lambda member: -[4.9, 5.0, 3.0][member])
    assert by_means[0] == 1  # which is not shown to be ahead of anybody
    assert not places[1].better_than


def test_without_a_good_direction_nobody_has_a_rank() -> None:
    """The largest stands first, without a rank; as a whole all share one."""
    found = standings([["differs"]], [1.0, 9.0], higher=None)
    whole, single = found.rankings
    assert [(place.member, place.rank) for place in single.order] == [(1, None), (0, None)]
    assert {place.rank for place in whole.order} == {(1, 2)}


def test_a_pair_that_lacks_an_observable_leaves_its_rank_open() -> None:
    """Only some pairs were held against each other in it: the others count as open."""
    found = standings([["better", "better"], ["better"]], [5.0, 3.0, 1.0])
    (first, second, third) = found.partners
    without = Baseline("run 2", "undecided", False, "", ())
    ranking = Standings(found.titles, ((first[0], without), second, (without, third[1]))).rankings[1]
    assert {place.member: place.rank for place in ranking.order} == {0: (1, 2), 1: (2, 2), 2: (2, 3)}
