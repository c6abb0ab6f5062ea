"""Who ranks where, by what was decided alone: a rank is a range, and what was not told apart shares it.

Of n ensembles one has a rank from 1 + (how many are shown to be better) to n - (than how many it is shown to be better). All
pairs share one error rate, so with that confidence every range holds the true rank, where ensembles that differ by less than
the margin may stand in either order. Source: Mogstad, Romano, Shaikh & Wilhelm 2024 (confidence sets for ranks).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from thermo_cli.equilibrium.baseline import WHOLE, Comparison, Difference
from thermo_cli.judging.record import Baseline

Rank = tuple[int, int]
"""The best and the worst place that are possible, from 1."""


@dataclass(frozen=True)
class Place:
    """Where one of several ensembles stands.

    Attributes:
        member: Which of them it is, from 0.
        mean: Trimmed mean of its final values; None where there is none, or all observables are meant.
        rank: None where the good direction is not known.
        better_than: Members that it is shown to be better than.
        equivalent_to: Members that it is shown to be equivalent to.
        open: Members that it is not told apart from, and those that it differs from in no one direction.
    """

    member: int
    mean: float | None
    rank: Rank | None
    better_than: tuple[int, ...] = ()
    equivalent_to: tuple[int, ...] = ()
    open: tuple[int, ...] = ()


@dataclass(frozen=True)
class Ranking:
    """All members in order, the best first.

    Attributes:
        observable: By which; empty for all that gate together.
        history: Of which; empty likewise.
        higher_is_better: None where that is not known: then the largest comes first, and nobody has a rank.
        gates: Whether the comparison depends on it.
        order: Every member.
    """

    observable: str
    history: str
    higher_is_better: bool | None
    gates: bool
    order: tuple[Place, ...]


@dataclass(frozen=True)
class Pair:
    """Two members that were held against each other, and how the first compares with the second."""

    first: int
    second: int
    found: Baseline


@dataclass(frozen=True, repr=False)
class Standings:
    """Several ensembles, each held against every other.

    What is said of one alone (`outcome`, `rows` and so on) is said of the first against all others.

    Attributes:
        titles: What they are called.
        partners: Of each, how it compares with all others, in their order.
    """

    titles: tuple[str, ...]
    partners: tuple[tuple[Baseline, ...], ...]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Every pair once, from the side of the one that ranks before the other; those of the best first."""
        order = [place.member for place in self.rankings[0].order]
        return tuple(
            Pair(one, other, self.partners[one][other - (other > one)])
            for place, one in enumerate(order)
            for other in order[place + 1 :]
        )

    @cached_property
    def rankings(self) -> tuple[Ranking, ...]:
        """By all that gates, then by each observable and history, what gates first."""
        return (_whole(self.partners), *_by_observable(self.partners))

    def __repr__(self) -> str:
        places = [
            f"{place.rank[0]}-{place.rank[1]} {self.titles[place.member]}"
            for place in self.rankings[0].order
            if place.rank
        ]
        return f"<Standings: {', '.join(places)}>"

    @property
    def outcome(self) -> Comparison:
        """How the first compares with all others, by the worst that is said of it."""
        return overall_of(self.partners[0])

    @property
    def not_worse(self) -> bool:
        """Whether the first is shown to be worse than none by a margin."""
        return all(partner.not_worse for partner in self.partners[0])

    @property
    def words(self) -> str:
        """How the first compares, in a sentence."""
        return "; ".join(partner.words for partner in self.partners[0])

    @property
    def rows(self) -> tuple[Difference, ...]:
        """Every difference of the first from the others."""
        return tuple(row for partner in self.partners[0] for row in partner.rows)

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs between the first and the others by intent."""
        return tuple(dict.fromkeys(change for partner in self.partners[0] for change in partner.changes))

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before relying on it."""
        return tuple(dict.fromkeys(note for partners in self.partners for one in partners for note in one.notes))


def overall_of(partners: Sequence[Baseline]) -> Comparison:
    """Return what is said of an ensemble against several others: the first of `WHOLE` that one of them gives."""
    outcomes = {partner.outcome for partner in partners}
    return next((outcome for outcome in WHOLE if outcome in outcomes), "undecided")


def relation(rows: Sequence[Difference]) -> Comparison:
    """Say how an ensemble stands to another by all rows that gate: better only where it is worse, or open, in none of them."""
    outcomes = {row.outcome for row in rows if row.gates}
    for word in ("better", "worse"):
        if word in outcomes and outcomes <= {word, "equivalent"}:
            return word
    if outcomes == {"equivalent"}:
        return "equivalent"
    return "undecided" if "undecided" in outcomes or not outcomes else "differs"


def rank_of(relations: Sequence[Comparison]) -> Rank:
    """Return the places that an ensemble may have among all.

    Args:
        relations: How it stands to each of the others.
    """
    return 1 + relations.count("worse"), 1 + len(relations) - relations.count("better")


def own_rank(partners: Sequence[Baseline]) -> Rank:
    """Return the rank of an ensemble by all that gates.

    Args:
        partners: How it compares with all others.
    """
    return rank_of([relation(partner.rows) for partner in partners])


def keys(partners: Sequence[Baseline]) -> tuple[tuple[str, str], ...]:
    """Return the observables and histories whose means were compared, what gates first."""
    rows = [row for partner in partners for row in partner.rows if row.margin is not None]
    rows.sort(key=lambda row: not row.gates)
    return tuple(dict.fromkeys((row.observable, row.history) for row in rows))


def rows_of(partners: Sequence[Baseline], observable: str, history: str) -> list[Difference | None]:
    """Return the row of an observable and history in each comparison; None where it has none."""
    return [
        next((row for row in one.rows if (row.observable, row.history) == (observable, history)), None)
        for one in partners
    ]


def _whole(partners: Sequence[Sequence[Baseline]]) -> Ranking:
    """Rank by all that gates; those of one rank stand in the order of the first mean."""
    means = next(_by_observable(partners), None)
    order = [place.member for place in means.order] if means is not None else []
    places = [_place(member, None, [relation(one.rows) for one in some]) for member, some in enumerate(partners)]
    places.sort(key=lambda place: (place.rank, order.index(place.member) if place.member in order else 0))
    return Ranking("", "", True, True, tuple(places))


def _by_observable(partners: Sequence[Sequence[Baseline]]) -> Iterator[Ranking]:
    for observable, history in keys([one for some in partners for one in some]):
        found = [rows_of(some, observable, history) for some in partners]
        known = [row for rows in found for row in rows if row is not None]
        higher = known[0].higher_is_better
        places = [
            _place(member, _mean(rows), [row.outcome if row is not None else "undecided" for row in rows])
            for member, rows in enumerate(found)
        ]
        if higher is None:
            places = [Place(one.member, one.mean, None, (), one.equivalent_to, one.open) for one in places]
        places.sort(key=lambda place: (place.rank or (0, 0), _order(place.mean, higher)))
        yield Ranking(observable, history, higher, any(row.gates for row in known), tuple(places))


def _place(member: int, mean: float | None, relations: Sequence[Comparison]) -> Place:
    """Say where a member stands; the others come in their order, without itself."""

    def those(*words: str) -> tuple[int, ...]:
        return tuple(other + (other >= member) for other, word in enumerate(relations) if word in words)

    rank = rank_of(relations)
    return Place(member, mean, rank, those("better"), those("equivalent"), those("undecided", "differs"))


def _mean(rows: Sequence[Difference | None]) -> float | None:
    return next((row.mean for row in rows if row is not None), None)


def _order(mean: float | None, higher: bool | None) -> float:
    """Return what to sort means by: the best first, without a mean last."""
    return math.inf if mean is None else mean if higher is False else -mean
