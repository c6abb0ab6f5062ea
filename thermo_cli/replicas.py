"""The replica table: one row per replica with its streams, history, role and place; it decides everything random.

Rows come from the spec alone, and row k of a history does not depend on how many follow it.
"""

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from thermo_cli import rng
from thermo_cli.errors import SpecError
from thermo_cli.rng import STREAMS
from thermo_cli.spec import Spec
from thermo_cli.spec.size import first_rows, partners
from thermo_cli.spec.sweeping import Point, points_of


@dataclass(frozen=True)
class Replica:
    """One row of the replica table.

    Attributes:
        history: Name of its history.
        index: Position in the history.
        shard: Name of the shard whose files hold it; it follows from what is on disk, and decides no number.
        slot: Its place in those files.
        part: Which part of the pool is its own when subsamples are disjoint.
        init: Stream of the initial parameters.
        subsample: Stream of the examples.
        order: Stream of the mini-batches.
        noise: Stream of everything else random.
        steps: Its training time: T, or a smaller budget.
        role: `main` replicas are judged; `budget` ones repeat a main replica with a smaller total; the controls `same_bath`
            (same examples, everything else drawn again) and `twin` (moved by one unit in the last place) set scales; of
            estimators also `null` and `null_bath`: a main replica and its partner with the labels shuffled.
        point: Of a sweep.
    """

    history: str
    index: int
    shard: str
    slot: int
    part: int
    init: int
    subsample: int
    order: int
    noise: int
    steps: int
    role: str = "main"
    point: int = 0

    @property
    def name(self) -> str:
        """Name in tables and reports, `<history>/<index>`, with `@<steps>` where the budget is not T."""
        ending = {
            "budget": f"@{self.steps}",
            "same_bath": "+bath",
            "twin": "+twin",
            "null": "+null",
            "null_bath": "+bath+null",
        }
        return f"{self.history}/{self.index}" + ending.get(self.role, "")


@dataclass(frozen=True)
class Block:
    """Neighbouring rows of one numbering that lie in one file.

    Attributes:
        first: Index of the first of them.
        count: Number of rows.
        shard: Name of the file's shard.
        slot: Place of the first of them in the file.
    """

    first: int
    count: int
    shard: str
    slot: int = 0


MOST: Final = 200_000  # main rows of a table, which every process holds
Stored = Mapping[tuple[int, str], Sequence[Block]]  # of point and numbering
NOTHING: Final[Stored] = MappingProxyType({})


@dataclass(frozen=True)
class Roster:
    """The replicas of a run, or of a point of a sweep.

    Attributes:
        rows: Those that the spec asks for.
        shards: Name of each shard that holds one of them to all of its rows; on disk there may be more than is asked for.
    """

    rows: tuple[Replica, ...]
    shards: dict[str, tuple[Replica, ...]]


def replica_table(spec: Spec) -> tuple[Replica, ...]:
    """Lay out the ensemble: for each history its replicas in order; the same with smaller budgets, if asked for; controls.

    Of a sweep, the ensembles of its points one after the other. A source of randomness that is not varied has one stream, that
    of replica 0 of a history without a name.

    Args:
        spec: The experiment; recorded runs have no table.
    """
    return lay_out(points_of(spec)).rows


def lay_out(points: Sequence[Point], stored: Stored = NOTHING) -> Roster:
    """Lay out the ensembles of some points, in the shards that are on disk, and in new ones where nothing is.

    Args:
        points: Of a sweep; a run without one is one point.
        stored: What is on disk.

    Raises:
        SpecError: There are more than a table holds.
    """
    _refuse_too_many(points)
    rows: list[Replica] = []
    shards: dict[str, list[Replica]] = {}
    for point in points:
        folder = folder_of(point)
        for numbering in _numberings(point.spec) if point.spec.traits.trains else ():
            there = stored.get((point.number, numbering.name), ())
            for block in _blocks(numbering, f"{folder}/{numbering.name}".lstrip("/"), there):
                members = [
                    dataclasses.replace(
                        numbering.row(block.first + place),
                        shard=block.shard,
                        slot=block.slot + place,
                        point=point.number,
                    )
                    for place in range(block.count)
                ]
                shards.setdefault(block.shard, []).extend(members)
                rows += [member for member in members if member.index < numbering.count]
    return Roster(tuple(rows), {name: tuple(members) for name, members in shards.items()})


def _refuse_too_many(points: Sequence[Point]) -> None:
    count = sum(
        replicas_of(point.spec) * len(point.spec.histories) * (1 + len(budgets_of(point.spec))) for point in points
    )
    if count > MOST:
        crossed = points[0].spec.ensemble.crossed is not None
        raise SpecError(
            "a run of too many replicas",
            received=f"{count:,} over all histories, budgets and points",
            remedy=f"at most {MOST:,}",
            where="ensemble.design" if crossed else "ensemble.replicas",
        )


def folder_of(point: Point) -> str:
    """Return the folder of a point's shards, inside `shards`; empty where there is no sweep.

    Args:
        point: Of a sweep.
    """
    return f"p{point.number:04d}" if point.values else ""


@dataclass(frozen=True)
class Numbering:
    """Rows that are numbered from 0: those of a history, or those of one role or budget beside it.

    Attributes:
        name: `<history>`, or `<history>@<role or budget>`.
        count: Rows that the spec asks for.
        look: Rows at the first look, which doubles from look to look.
        width: Rows of a shard.
        row: Lays out one of them.
    """

    name: str
    count: int
    look: int
    width: int
    row: Callable[[int], Replica]


def _blocks(numbering: Numbering, stem: str, stored: Sequence[Block]) -> Iterator[Block]:
    """Divide a numbering: by what is on disk, then at multiples of the width and where a look ends."""
    starts, first = {block.first: block for block in stored}, 0
    while first < numbering.count:
        block = starts.get(first)
        if block is None:
            whole, look = first - first % numbering.width + numbering.width, numbering.look
            while look <= first:
                look *= 2
            end = min(whole, look, numbering.count, *(start for start in starts if start > first))
            block = Block(first, end - first, f"{stem}-{first:04d}")
        yield block
        first += block.count


def _numberings(spec: Spec) -> Iterator[Numbering]:
    """Return main replicas of each history, the same with smaller budgets, and the controls of the first history's."""
    count, width = replicas_of(spec), spec.width
    look = first_rows(spec) if spec.ensemble.crossed is None else count
    mains = {history: partial(_replica, spec, place, history) for place, history in enumerate(spec.histories)}
    for history, main in mains.items():
        yield Numbering(history, count, look, width, main)
    for budget in budgets_of(spec):
        for history, main in mains.items():
            yield Numbering(f"{history}@{budget}", count, look, width, partial(_shorter, main, budget))
    if spec.ensemble.crossed is not None:
        return
    history, main = next(iter(mains.items()))
    partner = partial(_partner, spec, main)
    pairs = min(partners(spec), count) if spec.traits.partners(spec) else 0
    roles = {"same_bath": (pairs, partner)}
    if spec.traits.nulls:
        roles |= {"null": (pairs, main), "null_bath": (pairs, partner)}
    if spec.traits.twins:
        roles |= {"twin": (min(spec.ensemble.controls.twin, count), main)}
    for role, (number, row) in roles.items():
        yield Numbering(f"{history}@{role}", number, number, width, partial(_control, row, role))


def main_rows(table: Sequence[Replica]) -> tuple[Replica, ...]:
    """Return the rows that are judged.

    Args:
        table: The replica table.
    """
    return tuple(row for row in table if row.role == "main")


def control_rows(table: Sequence[Replica], role: str) -> dict[Replica, Replica]:
    """Return which main replica each control belongs to, main to control.

    Args:
        table: The replica table.
        role: `same_bath`, `twin`, `null` or `null_bath`.
    """
    mains = {(row.history, row.index): row for row in main_rows(table)}
    return {mains[row.history, row.index]: row for row in table if row.role == role}


def streams_used(
    spec: Spec, examples: int, pool: int, histories: Sequence[str] | None = None, noisy: bool = False
) -> set[str]:
    """Return the sources of randomness that training consumes, varied or not.

    Args:
        spec: The experiment.
        examples: Of each replica; 0 without data.
        pool: Examples that they are drawn from; 0 without data.
        histories: Those that are asked about; all if absent.
        noisy: Whether the system is known to drop out, or an estimator to use its random state; a spec alone does not tell.
    """
    return spec.traits.streams(spec, examples, pool, histories or tuple(spec.histories), noisy)


def pool_of(spec: Spec) -> int:
    """Return the number of examples that a command's subsamples are drawn from; 0 for every other system.

    Args:
        spec: The experiment.
    """
    return spec.traits.pool(spec)


def shares_init(spec: Spec) -> bool:
    """Return whether all replicas begin with the same parameters, but for the scale of their history.

    Args:
        spec: The experiment.
    """
    return "init" not in spec.ensemble.vary


def replicas_of(spec: Spec) -> int:
    """Return the number of replicas per history.

    Args:
        spec: The experiment.
    """
    crossed = spec.ensemble.crossed
    return spec.ensemble.replicas.last if crossed is None else crossed.init * crossed.subsample * crossed.order


def budgets_of(spec: Spec) -> tuple[int, ...]:
    """Return the smaller training times, T/4 and T/2, that stationarity needs under a schedule and the spec asks for.

    Args:
        spec: The experiment.
    """
    wanted = spec.time == "budget" or (spec.observe.budgets and spec.schedule != "constant")
    return (spec.total // 4, spec.total // 2) if wanted else ()


def alike(spec: Spec) -> str:
    """Return what replicas of several points must have in common to move in one stack: all but the numbers of the dynamics.

    A number that is zero counts: without decay there is no penalty to be measured, without momentum no velocity to be kept,
    and a shard holds what it would hold alone.

    Args:
        spec: The experiment of a point.
    """
    content = spec.model_dump(mode="json", exclude={"name", "description", "equilibrium", "sweep"})
    arguments = content["dynamics"]["with"]
    content["dynamics"]["with"] = {name: _some(value) if _number(value) else value for name, value in arguments.items()}
    return json.dumps(content, sort_keys=True)


def _number(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_number(item) for item in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _some(value: object) -> bool:
    return any(map(_some, value)) if isinstance(value, list | tuple) else value != 0


def _replica(spec: Spec, position: int, history: str, index: int) -> Replica:
    """Lay out one main replica; crossed, replica (i, s, o) has the i-th init, s-th subsample and o-th order stream."""
    ensemble, counter = spec.ensemble, dict.fromkeys(STREAMS, index)
    if ensemble.crossed is not None:
        rest, counter["order"] = divmod(index, ensemble.crossed.order)
        counter["init"], counter["subsample"] = divmod(rest, ensemble.crossed.subsample)
    streams = {
        name: rng.stream(ensemble.seed, name, history, counter[name])
        if name in ensemble.vary
        else rng.stream(ensemble.seed, name, "", 0)
        for name in STREAMS
    }
    part = index * len(spec.histories) + position
    init, examples, order, noise = (streams[name] for name in STREAMS)
    return Replica(history, index, "", 0, part, init, examples, order, noise, spec.total)


def _shorter(main: Callable[[int], Replica], budget: int, index: int) -> Replica:
    return dataclasses.replace(main(index), role="budget", steps=budget)


def _partner(spec: Spec, main: Callable[[int], Replica], index: int) -> Replica:
    """Lay out the partner of a main replica: the same examples, everything else drawn again."""
    row, ensemble = main(index), spec.ensemble
    init, order, noise = (
        rng.stream(ensemble.seed, name, f"{row.history}/bath", index) if name in ensemble.vary else own
        for name, own in zip(("init", "order", "noise"), (row.init, row.order, row.noise), strict=True)
    )
    return dataclasses.replace(row, init=init, order=order, noise=noise)


def _control(row: Callable[[int], Replica], role: str, index: int) -> Replica:
    return dataclasses.replace(row(index), role=role)


def shards(table: Sequence[Replica]) -> dict[str, tuple[Replica, ...]]:
    """Group the table by shard, in order.

    Args:
        table: The replica table.
    """
    groups: dict[str, list[Replica]] = {}
    for row in table:
        groups.setdefault(row.shard, []).append(row)
    return {name: tuple(members) for name, members in groups.items()}


def to_csv(table: Sequence[Replica], sizes: Sequence[int]) -> str:
    """Write the replica table as CSV; streams in hexadecimal.

    Args:
        table: The replica table.
        sizes: Number of examples in a subsample, at each point.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    swept = any(row.point for row in table)
    head = ["replica", "history", "index", "role", "steps", "shard", "slot", "subsample_size", "part"]
    writer.writerow([*(["point"] if swept else []), *head, *STREAMS])
    for row in table:
        streams = [f"{getattr(row, name):032x}" for name in STREAMS]
        place = [row.name, row.history, row.index, row.role, row.steps, row.shard, row.slot, sizes[row.point], row.part]
        writer.writerow([*([row.point] if swept else []), *place, *streams])
    return text.getvalue()
