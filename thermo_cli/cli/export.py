"""`thermo-report --export`: tables of judged runs as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from thermo_cli.cli.boundary import made
from thermo_cli.errors import StoreError, UsageError


def refuse_export(format: str, output: Path | None, changed: bool) -> None:
    """Refuse what cannot be exported, before anything is judged.

    Args:
        format: Of a report.
        output: Where to.
        changed: Whether runs are judged with other settings than their own.

    Raises:
        UsageError: It is not possible, and why.
    """
    from thermo_cli.store.parquet import check_pyarrow

    if format != "terminal":
        raise UsageError(
            "one thing at a time", received=f"--format {format} and --export", remedy="give the command twice"
        )
    if changed and output is None:
        raise UsageError(
            "the run's own tables are those of its own verdict",
            received="--export of a run that is judged again",
            remedy="name another folder with --output DIR",
        )
    if output is not None and not output.resolve().parent.is_dir():
        raise UsageError("the folder of --output does not exist", received=str(output), remedy="create it first")
    check_pyarrow()


def export(runs: Sequence[Any], output: Path | None) -> str:
    """Write the tables of runs as Parquet files, and say what was written.

    Args:
        runs: Judged runs and sweeps.
        output: Folder to write into, a folder inside for each of several runs; by default `tables` in each run's folder.

    Raises:
        UsageError: A folder cannot be made, or two runs have the same name.
        StoreError: A file cannot be written.
    """
    from thermo_cli.runs.tidy import TABLES, chunks
    from thermo_cli.store.parquet import write_parquet

    said = []
    for run, folder in zip(runs, _folders([run.folder.path for run in runs], output), strict=True):
        if output is None and folder.is_symlink():
            raise StoreError(
                "a part of the run is a link",
                received=f"{folder}, a link to {folder.resolve()}",
                remedy="remove it, or name another folder with --output DIR",
            )
        made(folder, "tables", "--output")
        for table in TABLES:
            path = folder / f"{table}.parquet"
            lines = write_parquet(path, chunks(run, table))
            said.append("" if lines is None else f"{path}  {lines:,} lines\n")
    return "".join(said)


def _folders(runs: Sequence[Path], output: Path | None) -> list[Path]:
    if output is None:
        return [run / "tables" for run in runs]
    if len(runs) == 1:
        return [output]
    names = [run.name for run in runs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError("two runs have the same name", received=twice, remedy="export them one at a time")
    return [output / name for name in names]
