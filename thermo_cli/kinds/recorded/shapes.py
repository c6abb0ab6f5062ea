"""What a table is, by the names of its columns: a long one, a wide one, or what a known logger writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from thermo_cli.kinds.importers.names import REPLICAS, TIMES
from thermo_cli.kinds.recorded.header import REQUIRED

RUN_METRIC: Final = " - "  # between run and metric in what W&B exports
RANGES: Final = ("__MIN", "__MAX")  # beside each of its columns
TITLES: Final = {
    "long": "a long table, a record for each value",
    "wide": "a wide table, a column for each observable",
    "lightning": "the table of Lightning's CSVLogger",
    "keras": "the table of Keras' CSVLogger",
    "wandb": "a table that W&B has exported",
    "trainer_state": "the state of Hugging Face's Trainer",
    "tensorboard": "event files of TensorBoard",
    "mlflow": "MLflow's tracking store",
}
TABLES: Final = ("long", "wide", "lightning", "keras", "wandb")


@dataclass(frozen=True)
class Shape:
    """What a table was taken for, one of `TABLES`, and why."""

    name: str
    why: str

    @property
    def words(self) -> str:
        """Both, in a sentence."""
        return f"taken for {TITLES[self.name]}: {self.why}"


def shape_of(names: Sequence[str], columns: Mapping[str, str], format: str) -> Shape | None:
    """Say what a table is; None where its columns do not tell.

    Args:
        names: Of its columns.
        columns: What the spec says that columns are, to their names.
        format: What the spec says that it is, or `auto`.
    """
    if format in TABLES:
        return Shape(format, "the spec says so")
    mine = {*names, *(what for what, name in columns.items() if name in names)}
    there = [name for name in REQUIRED if name in mine]
    if len(there) > 2 or {"observable", "value"} <= mine:
        return Shape("long", f"it has the columns {', '.join(there)}")
    times = times_in(names, columns)
    others = [name for name in names if name not in times]
    if times and others and all(RUN_METRIC in name for name in others):
        return Shape("wandb", f"beside {times[0]} each column is called `<run>{RUN_METRIC}<metric>`")
    if {"epoch", "step"} <= mine:
        return Shape("lightning", "it has the columns epoch and step")
    if names[:1] == ["epoch"] and times == ["epoch"]:
        return Shape("keras", "its first column is epoch, and no other counts time")
    if times:
        return Shape("wide", f"{times[0]} counts time")
    replica = replica_in(names, columns)
    return Shape("wide", f"{replica} names the replica, and nothing counts time") if replica else None


def times_in(names: Sequence[str], columns: Mapping[str, str]) -> list[str]:
    """Return the columns that may count time, the one that does first.

    Args:
        names: Of the columns.
        columns: What the spec says that columns are.
    """
    if "step" in columns:
        return [columns["step"]] if columns["step"] in names else []
    return [name for known in TIMES for name in names if name.strip().lower() == known]


def replica_in(names: Sequence[str], columns: Mapping[str, str]) -> str:
    """Return the column that names the replica of a row; empty where there is none.

    Args:
        names: Of the columns.
        columns: What the spec says that columns are.
    """
    if "replica" in columns:
        return columns["replica"] if columns["replica"] in names else ""
    return next((name for word in REPLICAS for name in names if name.strip().lower() == word), "")


def unknown(names: Sequence[str]) -> str:
    """Say what was tried on a table that is nothing known."""
    missing = ", ".join(repr(name) for name in REQUIRED if name not in names)
    return (
        f"no long table: there is no column {missing}; no wide one: none of {', '.join(TIMES)} counts time, and none of "
        f"{', '.join(REPLICAS)} names a replica"
    )
