"""`--example`: commented specs to start from, and one that is made of a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from thermo_cli.cli.boundary import made, note, write
from thermo_cli.errors import UsageError

SUFFIXES: Final = (".csv", ".tsv", ".tab", ".txt", ".parquet")
TARGET: Final = "data.with.target"


def show(example: str, into: Path | None, overrides: Sequence[str]) -> int:
    """Print an example, list them, or write one into a folder with all that it needs.

    Args:
        example: A name, a table, or nothing for a list.
        into: The folder; None to print.
        overrides: Of a table, the column to predict.

    Returns:
        The exit code.

    Raises:
        UsageError: There is no such example.
        DataError: The table cannot serve.
    """
    from thermo_cli.spec.examples import example_names, example_text, write_example

    table = Path(example)
    if table.suffix.lower() in SUFFIXES:
        _table(table, into, _target(overrides))
    elif into is not None and not example:
        raise UsageError("which example?", received=f"--into {into}", remedy="thermo-run --example NAME --into DIR")
    elif into is not None:
        _list(write_example(example, made(into, "example", "--into")))
    elif example:
        write(example_text(example))
    else:
        write("".join(f"{name:<16} {description}\n" for name, description in example_names().items()))
    return 0


def _target(overrides: Sequence[str]) -> str | None:
    """Return the column that `--set data.with.target=NAME` names."""
    chosen = None
    for assignment in overrides:
        field, _, value = assignment.partition("=")
        if field.strip() != TARGET:
            remedy = f"--set {TARGET}=NAME alone; all else is changed in the spec that is written"
            raise UsageError("an example of a table takes the target alone", received=assignment, remedy=remedy)
        chosen = value.strip().strip("'\"")
    return chosen


def _table(table: Path, into: Path | None, target: str | None) -> None:
    """Write a table with a spec made of it, or print the spec where the table can be used as it is."""
    from thermo_cli.data.first_spec import first_spec, write_table
    from thermo_cli.spec import json_schema

    first = first_spec(table, target)
    if into is None and first.copied:
        remedy = "add --into DIR: the table is written there as it can be used, with the spec"
        raise UsageError("the table has to be written anew", received="; ".join(first.notes), remedy=remedy)
    if into is None:
        write(first.text(str(table)))
    else:
        folder = made(into, "example", "--into")
        copy = _copy(first.copied, table, folder)
        texts = {f"{table.stem}.yaml": first.text(copy.name), "thermo-spec.schema.json": json_schema()}
        places = [folder / name for name in texts] + ([copy] if not _same(table, copy) else [])
        for place in places:
            if place.exists():
                raise UsageError(
                    "a file is there already", received=str(place), remedy="name another folder with --into DIR"
                )
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        if copy in places:
            write_table(first, copy)
        _list(places)
    for remark in first.notes:
        note(remark)


def _copy(changed: bool, table: Path, folder: Path) -> Path:
    """Return where the table is to stand: under its own name, unless that is the table itself."""
    suffix = table.suffix if not changed or table.suffix.lower() == ".parquet" else ".csv"
    place = folder / f"{table.stem}{suffix}"
    return place.with_stem(f"{table.stem}-plain") if changed and _same(table, place) else place


def _same(one: Path, other: Path) -> bool:
    return other.exists() and one.exists() and one.samefile(other)


def _list(places: Sequence[Path]) -> None:
    write("".join(f"{place}\n" for place in places))
