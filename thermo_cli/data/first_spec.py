"""A spec to start from, made of a table: each column with what becomes of it, and a plain copy where one is needed."""

import importlib
import json
import re
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from thermo_cli.characters import visible
from thermo_cli.data.files import check_regular
from thermo_cli.data.profile import DROP, Profile, key, profiles, target_of, with_remarks
from thermo_cli.data.raw_table import RawTable, read_parquet, read_text, text_of_table, without_gaps
from thermo_cli.data.sources.table_file import parquet_columns
from thermo_cli.data.targets import Targets, serving, targets_of
from thermo_cli.errors import DataError, UsageError
from thermo_cli.memory import check_memory
from thermo_cli.registry import nearest

LEAST_ROWS: Final = 20
LEAST_OF_A_CLASS: Final = 4  # one for the test set, and so many that a stratified subsample has one
LARGE: Final = 50_000  # rows from which on replicas see some of them
ROOM: Final = 40  # characters before a comment
NEWS: Final = 5


@dataclass(frozen=True)
class FirstSpec:
    """What is made of a table.

    Attributes:
        table: As it was read, without what cannot be learned from.
        found: What each column is, and what becomes of it.
        targets: What is to be predicted.
        target: Its name.
        notes: What was changed or guessed.
    """

    table: RawTable
    found: Mapping[str, Profile]
    targets: Targets
    target: str
    notes: tuple[str, ...]

    @property
    def copied(self) -> bool:
        """Whether the table has to be written anew."""
        return bool(self.table.notes)

    def text(self, path: str) -> str:
        """Write the spec.

        Args:
            path: Of the table, as the spec is to name it.
        """
        return _text(self, path)


def first_spec(file: Path, target: str | None) -> FirstSpec:
    """Profile a table for a spec that runs.

    Args:
        file: The table.
        target: The column to predict; None to guess.

    Raises:
        UsageError: There is no such file, or it is of another kind.
        DataError: There is no table in it, or nothing that could be predicted.
    """
    table = _read(file)
    found = profiles(table)
    chosen = target or target_of(found)
    if chosen is None or chosen not in found:
        what = "there is no such column" if chosen else "no column can be the target"
        remedy = _another(found, nearest(chosen, found) if chosen else None)
        raise DataError(what, received=target or str(file), remedy=remedy, where=str(file))
    usable = _usable(table, found, chosen)
    if usable is not table:
        table, found = usable, profiles(usable)
    targets = targets_of(table.series(chosen), None)
    found = with_remarks(found, table, targets, chosen)
    left = [name for name, profile in found.items() if name != chosen and profile.entry != DROP]
    if len(table.numbers) < LEAST_ROWS or not left:
        what = "the table is too small" if left else "no column is left to predict from"
        raise DataError(
            what, received=f"{len(table.numbers)} rows", remedy=f"at least {LEAST_ROWS} rows", where=str(file)
        )
    guess = "" if target else f"target: {chosen}, guessed; for another: --set data.with.target=NAME"
    return FirstSpec(table, found, targets, chosen, (*table.notes, *filter(None, [guess])))


def write_table(first: FirstSpec, place: Path) -> None:
    """Write the table beside its spec.

    Args:
        first: What was made of it.
        place: Where.
    """
    if not first.copied:
        place.write_bytes(first.table.file.read_bytes())
    elif first.table.file.suffix.lower() == ".parquet":
        parquet = importlib.import_module("pyarrow.parquet")
        rows = np.array(first.table.numbers) - 1
        parquet.write_table(parquet.read_table(first.table.file).take(rows), place)
    else:
        place.write_text(text_of_table(first.table), encoding="utf-8", newline="")


def _read(file: Path) -> RawTable:
    try:
        check_regular(file, "")
        check_memory(file.stat().st_size, str(file), "")
        if file.suffix.lower() == ".parquet":
            return read_parquet(file, parquet_columns)
        return read_text(file, file.read_bytes())
    except FileNotFoundError:
        raise UsageError("there is no such table", received=str(file), remedy="name a CSV or Parquet file") from None
    except OSError as error:
        raise UsageError(
            "the table cannot be read", received=f"{file}: {error.strerror}", remedy="name a file"
        ) from None


def _usable(table: RawTable, found: Mapping[str, Profile], target: str) -> RawTable:
    """Empty cells that are no numbers among numbers, and leave out rows without a target, or with a class of hardly any."""
    for name, profile in found.items():
        if profile.odd and (profile.entry != DROP or name == target):
            cells = list(table.columns[name])
            told = table.series(name).told(profile.odd)
            for row in profile.odd:
                cells[row] = ""
            table = table.changed(name, cells, f"no numbers, emptied: {told}")
    table = without_gaps(table, target)
    if len(table.numbers) < LEAST_ROWS:
        return table
    targets = targets_of(table.series(target), None)
    counts = Counter(targets.y.tolist()) if targets.task == "classification" else Counter[Any]()
    rare = [code for code, count in counts.items() if count < LEAST_OF_A_CLASS]
    if not rare:
        return table
    kept = len(targets.y) - sum(counts[code] for code in rare)
    what = ""
    if 2 * kept < len(targets.y):  # an id, a date, a name: most values would be left out
        what = "most classes of the target have too few examples to be learned and tested"
    elif len(counts) - len(rare) < 2:
        what = f"too few classes of the target have enough examples, at least {LEAST_OF_A_CLASS}"
    if what:
        told = ", ".join(f"{targets.labels[code]!r} {count:,}" for code, count in counts.most_common(NEWS))
        more = ", ..." if len(counts) > NEWS else ""
        raise DataError(
            what,
            received=f"{target}: {len(counts):,} distinct values, {told}{more}",
            remedy=_another({name: profile for name, profile in found.items() if name != target}, None),
            where=str(table.file),
        )
    names = ", ".join(targets.labels[code] for code in rare[:NEWS])
    return table.kept(~np.isin(targets.y, rare), f"{target} {names}, fewer than {LEAST_OF_A_CLASS} examples")


def _another(found: Mapping[str, Profile], guess: str | None) -> str:
    """Say how another target is named: the one that was meant, or those that can be one."""
    if guess:
        return f"did you mean --set {shlex.quote(f'data.with.target={guess}')}?"
    able = [name for name, profile in found.items() if profile.predictable] or list(found)
    return f"--set data.with.target=NAME, one of {', '.join(able[:20])}"


def _text(first: FirstSpec, path: str) -> str:
    table, found, targets, target = first.table, first.found, first.targets, first.target
    rows, classes = len(table.numbers), targets.task == "classification"
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", table.file.stem).strip(".-_")[:64] or "table"
    subsample = "size: 20000" if rows > LARGE else "fraction: 0.8"
    lines = [
        "# yaml-language-server: $schema=thermo-spec.schema.json",
        f"name: {key(name)}",
        f"description: {json.dumps(f'{table.file.name}: {rows:,} rows; what each column holds is said beside it.')}",
        *(f"# changed in the copy of the table: {_remark(note)}" for note in table.notes),
        "data:",
        f"  use: {'parquet' if path.lower().endswith('.parquet') else 'csv'}",
        "  with:",
        f"    path: {key(path)}",
        _line(f"    target: {key(target)}", _told(targets, found[target])),
        *_columns(found, target),
        _line(
            "  test_fraction: 0.3", "at random; rows of one customer on one side: split: {use: grouped, column: NAME}"
        ),
        _system(classes),
        _line(
            "dynamics: {use: fit}",
            "for mlp: {use: adam, with: {lr: 3.0e-3, weight_decay: 1.0e-2}, batch_size: 32, steps: 4000}",
        ),
        "ensemble:",
        "  replicas: 32",
        "  seed: 1",
        f"  subsample: {{{subsample}{', stratified: true' if classes else ''}}}",
        *_measured(targets),
    ]
    return "\n".join(lines) + "\n"


def _columns(found: Mapping[str, Profile], target: str) -> list[str]:
    entries = []
    for name, profile in found.items():
        if name == target:
            continue
        entries.append(
            _line(f"      {key(name)}: {profile.entry}", profile.words)
            if profile.entry
            else f"      # {key(name)}: {_remark(profile.words)}"
        )
    stated = any(profile.entry for name, profile in found.items() if name != target)
    head = "    columns:" if stated else "    columns: {}"
    return [_line(head, "what becomes of each; numbers without gaps need no entry"), *entries]


def _told(targets: Targets, profile: Profile) -> str:
    if targets.task == "regression":
        return f"regression: {profile.words}"
    counts = Counter(targets.y.tolist()).most_common(10)
    words = ", ".join(f"{targets.labels[code]!r} {count:,}" for code, count in counts)
    return f"{len(targets.labels)} classes: {words}" + (" and more" if len(targets.labels) > len(counts) else "")


def _system(classes: bool) -> str:
    if classes:
        system = 'system: {use: "sklearn.linear_model:LogisticRegression", with: {max_iter: 1000}}'
        return _line(system, "or sklearn.ensemble:RandomForestClassifier; or {use: mlp, with: {hidden: [32]}}")
    return _line(
        'system: {use: "sklearn.linear_model:Ridge"}',
        "or sklearn.ensemble:RandomForestRegressor; or {use: mlp, with: {hidden: [32]}}",
    )


def _measured(targets: Targets) -> list[str]:
    """Observe what serves skewed classes."""
    counts = Counter(targets.y.tolist()) if targets.task == "classification" else Counter[Any]()
    metrics = serving(targets.labels, list(counts.values())) if counts else []
    if not metrics:
        return []
    margins = ", ".join(f"test_{name}: 0.02" for name in metrics)
    return [
        _line("observe:", "the classes are skewed, so accuracy says little"),
        f"  macro: [energy, loss, accuracy, {', '.join(metrics)}]",
        "equilibrium:",
        f"  margins: {{{margins}}}",
    ]


def _line(text: str, comment: str) -> str:
    """Put a comment beside what it is about, or above it where there is no room."""
    words = _remark(comment)
    if len(text) > ROOM:
        return f"{' ' * (len(text) - len(text.lstrip()))}# {words}\n{text}"
    return f"{text:<{ROOM}}  # {words}"


def _remark(words: str) -> str:
    """Return words that end no line of YAML."""
    return visible(" ".join(words.split()))
