"""The replica table: one row per replica with its streams, history, role and place; it decides everything random.

Rows come from the spec alone, and row k of a history does not depend on how many follow it.
"""

import csv
import dataclasses
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

from thermo_cli import rng
from thermo_cli.rng import STREAMS
from thermo_cli.spec import Spec
from thermo_cli.spec.sweeping import Point, points_of


@dataclass(frozen=True)
class Replica:
    """One row of the replica table.

    Attributes:
        history: Name of its history.
        index: Position in the history.
        shard: Name of the shard that trains it, `<history>-<number>`.
        slot: Its place in the shard's stack.
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


def replica_table(spec: Spec) -> tuple[Replica, ...]:
    """Lay out the ensemble: for each history its replicas in order; the same with smaller budgets, if asked for; controls.

    Of a sweep, the ensembles of its points one after the other. Points that differ only in numbers of their dynamics share
    shards, as they can move in one stack; since a replica does not depend on its neighbours, they are what they are alone.

    A source of randomness that is not varied has one stream, that of replica 0 of a history without a name.

    Args:
        spec: The experiment; recorded runs have no table.
    """
    if not spec.traits.trains:
        return ()
    if spec.sweep:
        return _swept(points_of(spec))
    rows = [
        _replica(spec, position, history, index)
        for position, history in enumerate(spec.histories)
        for index in range(replicas_of(spec))
    ]
    for budget in budgets_of(spec):
        rows += [
            dataclasses.replace(
                row, role="budget", steps=budget, shard=f"{row.history}@{budget}-{row.shard.rpartition('-')[2]}"
            )
            for row in rows
            if row.role == "main"
        ]
    return (*rows, *_controls(spec, rows))


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


def _swept(points: Sequence[Point]) -> tuple[Replica, ...]:
    """Lay out the points of a sweep, in shards of the groups that can move together."""
    groups: dict[str, int] = {}
    filled: dict[str, int] = {}
    rows = []
    for point in points:
        group = groups.setdefault(_together(point), len(groups))
        for row in replica_table(point.spec):
            kind = f"g{group:03d}~{row.shard.rpartition('-')[0]}"
            number = filled.get(kind, 0)
            filled[kind] = number + 1
            shard, slot = divmod(number, point.spec.width)
            rows.append(dataclasses.replace(row, shard=f"{kind}-{shard:04d}", slot=slot, point=point.number))
    return tuple(rows)


def _together(point: Point) -> str:
    """Return what points must have in common to move in one stack: everything but the numbers of their dynamics."""
    if not point.spec.traits.stacks:
        return str(point.number)
    content = point.spec.model_dump(mode="json", exclude={"name", "description", "equilibrium", "sweep"})
    arguments = content["dynamics"]["with"]
    content["dynamics"]["with"] = {name: value for name, value in arguments.items() if not _number(value)}
    return json.dumps(content, sort_keys=True)


def _number(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_number(item) for item in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


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
    shard, slot = divmod(index, spec.width)
    part = index * len(spec.histories) + position
    init, examples, order, noise = (streams[name] for name in STREAMS)
    return Replica(history, index, f"{history}-{shard:04d}", slot, part, init, examples, order, noise, spec.total)


def _controls(spec: Spec, rows: Sequence[Replica]) -> list[Replica]:
    """Lay out partners and twins of the first history's replicas; they train in shards of their own, of the same width."""
    ensemble, history = spec.ensemble, next(iter(spec.histories))
    mains = [row for row in rows if row.role == "main" and row.history == history]
    if ensemble.crossed is not None:
        return []
    partners = ensemble.controls.same_bath if spec.traits.partners(spec) else 0
    found = []
    for row in mains[:partners]:
        init, order, noise = (
            rng.stream(ensemble.seed, name, f"{history}/bath", row.index) if name in ensemble.vary else own
            for name, own in zip(("init", "order", "noise"), (row.init, row.order, row.noise), strict=True)
        )
        found.append(dataclasses.replace(row, role="same_bath", init=init, order=order, noise=noise))
    if spec.traits.nulls:
        found += [
            dataclasses.replace(row, role=role)
            for main, partner in zip(mains, found[:], strict=False)
            for row, role in ((main, "null"), (partner, "null_bath"))
        ]
    if spec.traits.twins:
        found += [dataclasses.replace(row, role="twin") for row in mains[: ensemble.controls.twin]]
    return [
        dataclasses.replace(row, shard=f"{history}@controls-{number // spec.width:04d}", slot=number % spec.width)
        for number, row in enumerate(found)
    ]


def shards(table: Sequence[Replica]) -> dict[str, tuple[Replica, ...]]:
    """Group the table by shard, in order.

    Args:
        table: The replica table.
    """
    names = dict.fromkeys(replica.shard for replica in table)
    return {name: tuple(replica for replica in table if replica.shard == name) for name in names}


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
