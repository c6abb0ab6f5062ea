"""The replica table: one row per replica with its streams, history, role and place; it decides everything random.

Rows come from the spec alone, and row k of a history does not depend on how many follow it.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from thermo_cli import rng
from thermo_cli.rng import STREAMS
from thermo_cli.spec import Spec


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
        role: `main` replicas are judged.
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
    role: str = "main"

    @property
    def name(self) -> str:
        """Name in tables and reports, `<history>/<index>`."""
        return f"{self.history}/{self.index}"


def replica_table(spec: Spec) -> tuple[Replica, ...]:
    """Lay out the ensemble: for each history, its replicas in order.

    A source of randomness that is not varied has one stream, that of replica 0 of a history without a name.

    Args:
        spec: The experiment.
    """
    ensemble = spec.ensemble
    rows = []
    for position, history in enumerate(spec.histories):
        for index in range(ensemble.replicas):
            streams = {
                name: rng.stream(ensemble.seed, name, history, index)
                if name in ensemble.vary
                else rng.stream(ensemble.seed, name, "", 0)
                for name in STREAMS
            }
            shard, slot = divmod(index, ensemble.shard)
            part = index * len(spec.histories) + position
            init, examples, order, noise = (streams[name] for name in STREAMS)
            rows.append(Replica(history, index, f"{history}-{shard:04d}", slot, part, init, examples, order, noise))
    return tuple(rows)


def shards(table: Sequence[Replica]) -> dict[str, tuple[Replica, ...]]:
    """Group the table by shard, in order.

    Args:
        table: The replica table.
    """
    names = dict.fromkeys(replica.shard for replica in table)
    return {name: tuple(replica for replica in table if replica.shard == name) for name in names}


def to_csv(table: Sequence[Replica], size: int) -> str:
    """Write the replica table as CSV; streams in hexadecimal.

    Args:
        table: The replica table.
        size: Number of examples in a subsample.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["replica", "history", "index", "role", "shard", "slot", "subsample_size", "part", *STREAMS])
    for row in table:
        streams = [f"{getattr(row, name):032x}" for name in STREAMS]
        writer.writerow([row.name, row.history, row.index, row.role, row.shard, row.slot, size, row.part, *streams])
    return text.getvalue()
