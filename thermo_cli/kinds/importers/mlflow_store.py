"""MLflow's runs in its SQLite database, read by the standard library: the tables experiments, runs and metrics."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from thermo_cli.errors import DataError
from thermo_cli.kinds.importers.logged import Choice, LoggedRun, Series, names_or, series_of

MAGIC: Final = b"SQLite format 3\x00"
TABLES: Final = """
SELECT m.name, CASE WHEN m.type <> 'table' THEN m.type ELSE 'virtual or computed table' END FROM sqlite_master m
WHERE lower(m.name) IN ('experiments', 'runs', 'metrics')
AND (m.type <> 'table' OR upper(m.sql) NOT LIKE 'CREATE TABLE%'
     OR EXISTS (SELECT 1 FROM pragma_table_xinfo(m.name) WHERE hidden <> 0))
"""
INSTRUCTIONS: Final = 100_000
"""Of SQLite's machine, after which Python is asked whether a signal has come."""
RUNS: Final = (
    "SELECT r.run_uuid, r.name, e.name FROM runs r JOIN experiments e USING (experiment_id) "
    "WHERE r.lifecycle_stage = 'active' ORDER BY r.start_time, r.run_uuid"
)
NAMES: Final = "SELECT DISTINCT key FROM metrics ORDER BY key"
METRICS: Final = "SELECT step, value, is_nan FROM metrics WHERE run_uuid = ? AND key = ? ORDER BY step, timestamp"


def read(file: Path, choose: Choice) -> list[LoggedRun]:
    """Read all runs that have not been deleted; an experiment is a point.

    Args:
        file: The database.
        choose: Says which metrics are read.

    Raises:
        DataError: It is no such database, or a damaged one.
    """
    with _opened(file) as database:
        chosen = list(choose([str(name) for (name,) in database.execute(NAMES)]))
        runs = list(database.execute(RUNS))
        names = names_or([str(name or "") for _, name, _ in runs], [str(uuid) for uuid, _, _ in runs])
        return [
            LoggedRun(name, f"{file}: run {uuid}", _series(database, uuid, chosen, file), "", str(point))
            for name, (uuid, _, point) in zip(names, runs, strict=True)
        ]


def _series(database: sqlite3.Connection, run: str, names: list[str], file: Path) -> dict[str, Series]:
    series = {}
    for name in names:
        rows = database.execute(METRICS, (run, name)).fetchall()
        if rows:
            pairs = ((step, None if lost else value) for step, value, lost in rows)
            series[name] = series_of(pairs, f"{file}: run {run}: {name}")
    return series


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a database for reading alone; what is wrong with it is told of the file."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
            database.set_progress_handler(lambda: 0, INSTRUCTIONS)
            for name, kind in database.execute(TABLES):
                raise ValueError(f"{name} is a {kind}, which need never end")
            yield database
    except (sqlite3.Error, OverflowError, TypeError, ValueError) as error:  # SQLite keeps whatever type it was given
        raise DataError(
            "the file cannot be read as MLflow's database",
            received=str(error),
            remedy="name the SQLite file of a tracking store (mlflow.db), with its tables experiments, runs and metrics",
            where=str(file),
        ) from None
