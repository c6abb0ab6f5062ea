"""Ensembles that were held against each other, as a reader meets them: names, verdicts, ranks in words. No markup."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from thermo_cli.equilibrium.baseline import Difference
from thermo_cli.judging.ranking import Pair, Rank, Standings
from thermo_cli.reports.wording import telling

MOST_NAMES: Final = 4  # that share a rank, in a sentence


@dataclass(frozen=True)
class Contestants:
    """One line of a list of pairs: the first held against the second, by their numbers.

    Attributes:
        where: Of sweeps that are compared point by point, which point.
    """

    where: str
    first: int
    second: int
    names: tuple[str, str]
    row: Difference


@dataclass(frozen=True)
class Lineup:
    """Several ensembles, each held against every other; they are numbered from 1, as they rank.

    Attributes:
        standings: What was found.
        names: What they are called here.
        verdicts: What was decided of each alone.
        where: Of sweeps that are compared point by point, which point.
    """

    standings: Standings
    names: tuple[str, ...]
    verdicts: tuple[str, ...]
    where: str = ""

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Its members as they rank, the best first."""
        return tuple(place.member for place in self.standings.rankings[0].order)

    def number(self, member: int) -> int:
        """Return the number of a member."""
        return self.order.index(member) + 1

    def numbers(self, members: Sequence[int]) -> str:
        """Write members by their numbers; a dash where there is none."""
        return listed([str(number) for number in sorted(map(self.number, members))], 6) or "-"

    @property
    def contests(self) -> Iterator[Contestants]:
        """Every difference of every pair, once."""
        for pair in self.standings.pairs:
            yield from (self._contest(pair, row) for row in pair.found.rows)

    @property
    def deciding(self) -> Iterator[Contestants]:
        """Of every pair the difference that decides it, or would."""
        for pair in self.standings.pairs:
            row = telling(pair.found)
            yield from [self._contest(pair, row)] if row is not None else []

    def _contest(self, pair: Pair, row: Difference) -> Contestants:
        names = self.names[pair.first], self.names[pair.second]
        return Contestants(self.where, self.number(pair.first), self.number(pair.second), names, row)

    @property
    def outcome(self) -> str:
        """The whole in a word: all `equivalent`, `ranked` where one is ahead of another, `different` or `undecided`."""
        order = self.standings.rankings[0].order
        if all(len(place.equivalent_to) == len(order) - 1 for place in order):
            return "equivalent"
        if any(place.better_than for place in order):
            return "ranked"
        apart = {
            row.outcome for partners in self.standings.partners for one in partners for row in one.rows if row.gates
        }
        return "different" if apart & {"better", "worse", "differs"} else "undecided"

    @property
    def sentence(self) -> str:
        """Who ranks where, and of whom how many replicas have collapsed."""
        end = f"; {self.collapsed}" if self.collapsed else ""
        return f"{self._order()}{end}"

    @property
    def collapsed(self) -> str:
        """Of whom how many replicas lie more than a margin beyond the worst of another; empty where none does."""
        words = []
        for name, partners in zip(self.names, self.standings.partners, strict=True):
            rows = [row for one in partners for row in one.rows if row.gates and row.outcome == "undecided"]
            worst = max(rows, key=lambda row: row.collapsed, default=None)
            if worst is not None and worst.collapsed:
                words.append(f"of {name} {worst.collapsed} of {worst.replicas[0]} collapsed")
        return listed(words)

    def _order(self) -> str:
        count, order = len(self.names), self.standings.rankings[0].order
        every = "both" if count == 2 else f"all {count}"
        if self.outcome == "equivalent":
            return f"{every} are equivalent: every final mean differs by less than its margin"
        if not any(place.better_than for place in order):
            equal = sum(len(place.equivalent_to) for place in order) // 2
            pairs = f"{equal} of {count * (count - 1) // 2} pairs are equivalent"
            return f"none is shown to be ahead of another: {every} share rank 1-{count}, {pairs}"
        shared: dict[Rank | None, list[str]] = {}
        for place in order:
            shared.setdefault(place.rank, []).append(self.names[place.member])
        groups = [f"rank {ranked(rank)}: {listed(names)}" for rank, names in shared.items()]
        return "; ".join(groups[:MOST_NAMES]) + ("; and so on" if len(groups) > MOST_NAMES else "")


def listed(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Write names in a row, the first few of many."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def ranked(rank: Rank | None) -> str:
    """Write a rank: a range where it is shared, a dash where there is none."""
    return "-" if rank is None else str(rank[0]) if rank[0] == rank[1] else f"{rank[0]}-{rank[1]}"
