"""Where runs lie: from a path to the files of each run and the names that their places give them.

runs.csv, mlflow.db                    a file: whatever runs it holds
runs/{history}/{replica}/metrics.csv   a pattern: each file that fits is a run
runs/*/metrics.csv                     the same, named by what differs in their places
lightning_logs, mlruns                 a folder: what is in it is found out
[runs/a.csv, runs/b.csv]               several of these, as a shell hands them out
"""

import glob
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from thermo_cli.errors import DataError
from thermo_cli.kinds.importers import IMPORTERS
from thermo_cli.kinds.recorded.exports import together
from thermo_cli.kinds.recorded.folders import (
    Place,
    in_folder,
    kind_of_file,
    latest_of,
    names_of,
    natural,
    run_folder,
    unread,
)

FIELDS: Final = re.compile(r"\{(replica|history|point)\}")
PARTS: Final = re.compile(r"(\{(?:replica|history|point)\}|\*\*/?|\*|\?)")
SPLITS: Final = ("train", "training", "validation", "valid", "val", "evaluation", "eval", "test")
WILDCARDS: Final = {"*": "[^/]*", "?": "[^/]", "**": ".*", "**/": "(?:.*/)?"}


def places_of(base: Path, paths: Sequence[str], format: str) -> tuple[list[Place], list[str]]:
    """Return where the runs are, in order, and what is to be said of it.

    Args:
        base: Where relative paths start.
        paths: Files, folders or patterns.
        format: What the spec says that they are.

    Raises:
        DataError: There are none.
    """
    found: list[tuple[Path, dict[str, str]]] = []
    for path in paths:
        whole = base / path
        if FIELDS.search(path) or (glob.has_magic(path) and not whole.exists()):
            found += _fitting(base, path)
        elif len(paths) == 1 and _is_folder(whole):
            places, out = in_folder(whole, format)
            _check_splits(places, path)
            return places, [_found_words(places, whole), _unread_words(out, whole)]
        else:
            found.append((whole, {}))
    places, out = _placed(found, format)
    _check_splits(places, paths[0])
    return places, [_unread_words(out, base)]


def _check_splits(places: Sequence[Place], path: str) -> None:
    """Refuse to take the curves of training and of validation, which Keras puts into folders of their own, for two runs."""
    splits: dict[str, list[str]] = {}
    for place in places:
        run, _, split = place.replica.rpartition("/")
        if place.kind == "tensorboard" and split.lower() in SPLITS:
            splits.setdefault(run, []).append(split)
    run, found = next((one for one in splits.items() if len(one[1]) > 1), ("", []))
    if found:
        folder = path.partition("{")[0].rstrip("/")
        raise DataError(
            "training and validation of one run lie in folders of their own",
            received=f"{run or path}: {', '.join(found)}",
            remedy=f"say which of them is judged: {'DIR' if glob.has_magic(folder) else folder}/{{replica}}/{found[-1]}",
        )


def _found_words(places: Sequence[Place], folder: Path) -> str:
    """Say how many runs were found in a folder, and what the first is called; nothing of a store, which says it itself."""
    first = places[0]
    if first.files[0].is_dir():
        return ""
    called = f"{first.files[0].relative_to(folder)}" + (f" is {first.replica}" if first.replica else "")
    return f"{len(places)} runs, found in {folder.name or folder}: {called}"


def _unread_words(out: Sequence[Path], base: Path) -> str:
    """Say which files of folders are not read; nothing where all are."""
    names = ", ".join(str(path.relative_to(base) if path.is_relative_to(base) else path) for path in out[:4])
    return f"not read: {len(out)} other files ({names}{', ...' if len(out) > 4 else ''})" if out else ""


def _is_folder(path: Path) -> bool:
    return path.is_dir() and path.suffix.lower() not in IMPORTERS


def _fitting(base: Path, pattern: str) -> list[tuple[Path, dict[str, str]]]:
    """Return the files and folders that fit a pattern, and what stands in its fields."""
    pattern = Path(pattern).as_posix()
    start = "" if Path(pattern).is_absolute() or base == Path() else base.as_posix().rstrip("/") + "/"
    wild = glob.escape(start) + FIELDS.sub("*", pattern)
    expression, seen = re.escape(start), set[str]()
    for part in PARTS.split(pattern):
        name = part[1:-1] if FIELDS.fullmatch(part) else ""
        group = f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+)"
        expression += group if name else WILDCARDS.get(part, re.escape(part))
        seen |= {name} if name else set()
    found = []
    for path in sorted(map(Path, glob.glob(wild, recursive=True)), key=natural):  # noqa: PTH207 - the pattern is absolute
        match = re.fullmatch(expression, path.as_posix())
        if match is not None or not seen:
            found.append((path, match.groupdict() if match is not None else {}))
    if not found:
        raise DataError(
            "no file fits the pattern", received=str(base / pattern), remedy="give the path relative to the spec"
        )
    return found


def _placed(found: Sequence[tuple[Path, dict[str, str]]], format: str) -> tuple[list[Place], list[Path]]:
    """Return the runs at some paths, named by fields of a pattern or by what differs in their places, and what is not read."""
    kinds = {path: "" if _is_folder(path) else kind_of_file(path, format) for path, _ in found}
    latest = set(latest_of([path for path, kind in kinds.items() if kind == "trainer_state"]))
    files = _files_read(found, kinds, latest)
    whole = [(path, fields) for path, fields in found if path in files]
    names = names_of([path if _is_folder(path) else run_folder(path) for path, _ in whole], [path for path, _ in whole])
    places: dict[object, Place] = {}
    out = [path for path, kind in kinds.items() if kind == "trainer_state" and path not in latest]
    for (path, fields), own in zip(whole, names, strict=True):
        alone = len(whole) == 1 and "replica" not in fields
        inside, others = in_folder(path, format) if _is_folder(path) else ([_of_files(files[path], kinds[path])], [])
        out += others
        for place in inside:
            inner = [place.replica] if place.replica else []
            outer = [] if alone else [fields.get("replica", own)]
            named = replace(
                place,
                replica="/".join(dict.fromkeys((*outer, *inner))),
                history=fields.get("history", ""),
                point=fields.get("point", ""),
            )
            events = place.kind == "tensorboard" and not _is_folder(path)
            key = (path.parent, *fields.items()) if events else (path, *place.files)
            before = places.get(key)  # event files of one folder are of one run, unless their names say more
            places[key] = named if before is None else replace(before, files=(*before.files, *named.files))
    return list(places.values()), out


def _files_read(
    found: Sequence[tuple[Path, dict[str, str]]], kinds: Mapping[Path, str], latest: Collection[Path]
) -> dict[Path, tuple[Path, ...]]:
    """Return what is read as one, by its first: of states the latest, of exports those of one folder and the same fields."""
    alike: dict[tuple[str, ...], list[Path]] = {}
    for path, fields in found:
        if kinds[path] != "trainer_state" or path in latest:
            alike.setdefault(tuple(fields.values()), []).append(path)
    return {files[0]: files for paths in alike.values() for files in together(paths)}


def _of_files(files: tuple[Path, ...], kind: str) -> Place:
    if not kind:
        raise unread(files[0])
    return Place(kind, files)
