"""Healing: what is damaged in a run folder, or belongs elsewhere, is set aside, so that the same command makes it again.

    for words in heal_facts(folder, identity): ...    # before the facts of the run are read
    for words in heal_arrays(folder): ...             # before anything is trained: every array is verified

Nothing is deleted: a file keeps its name below `damaged/`. A shard whose commits are whole goes on from them, any other from
the end of the segment before, or from its start. By what a run promises of its bytes, what is made again is what was there.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from thermo_cli.errors import DamagedError
from thermo_cli.store.files import check_record, read_arrays
from thermo_cli.store.run_folder import RunFolder

FACTS: Final = ("manifest.json", "rehearsal.json", "source.json")
REWRITTEN: Final = (
    "spec.yaml",
    "resolved.yaml",
    "replicas.csv",
    "verdict.json",
    "report.html",
    "stop",
)  # whatever they hold
ARRAYS: Final = ("shards/**/*.safetensors", "states/**/*.safetensors", "microstates*.safetensors")
DAMAGED: Final = "damaged"
FOLDERS: Final = (DAMAGED, "states", "verdicts", "logs", "outputs", "tables")
OUTPUT: Final = "output"
MICROSTATES: Final = re.compile(r"microstates(?:-(\d+))?(?:\.look-\d+)?")
COMMIT: Final = re.compile(r"commit-(\d+)|state")
SEGMENT: Final = re.compile(r"(.+)\.(\d+)")


def heal_facts(folder: RunFolder, identity: str) -> Iterator[str]:
    """Set aside facts of a run that cannot be read or are those of another run, and say so of each.

    Args:
        folder: A run, or a folder without one.
        identity: Of the run that is asked for.

    Raises:
        StoreError: One was written by a newer version.
    """
    for path in (folder.path / name for name in FOLDERS):
        if path.exists() and not path.is_dir():
            yield _set_aside(folder.path, path, "this is no folder")
    for path in (folder.path / name for name in (*FACTS, *REWRITTEN)):
        try:
            if path.exists() and not path.is_file():
                raise DamagedError("this is no file")
            if path.exists() and path.name in FACTS:
                content = folder.manifest if path.name == "manifest.json" else folder.read_json(path.name)
                if content.get("run", identity) != identity:
                    raise DamagedError(f"this is that of run {content['run']}")
        except DamagedError as error:
            yield _set_aside(folder.path, path, error.what)


def heal_arrays(folder: RunFolder) -> Iterator[str]:
    """Verify all arrays of a run, set aside what cannot be used, and say so of each.

    Args:
        folder: A run whose facts are whole.

    Raises:
        StoreError: A file was written by a newer version.
    """
    for path in sorted(path for pattern in ARRAYS for path in folder.path.glob(pattern)):
        if OUTPUT in path.relative_to(folder.path).parts:  # what a script keeps is its own
            continue
        try:
            _verify(folder, path)
        except DamagedError as error:
            if not path.exists():  # a worker of a killed run has half a second to live
                continue
            yield _set_aside(folder.path, path, error.what)
            if path.parts[len(folder.path.parts)] == "states":  # it is made by training the segments before it
                for segment in _segments_before(folder.path, path):
                    yield _set_aside(folder.path, segment, "its last state is made again with it")
    stored = RunFolder(folder.path)
    for name in stored.shards:
        for path, reason in stored.shard(name).astray():
            yield _set_aside(folder.path, path, reason)


def _verify(folder: RunFolder, path: Path) -> None:
    """Verify that a file is whole, and that its record says what its path does."""
    record = read_arrays(path).record
    if not isinstance(record.get("rows", []), list):
        raise DamagedError("its record is none of thermo's", received=str(path))
    if not (folder.old and record["schema_version"] == 1):
        check_record(path, record, {"run": folder.identity, **_place(path.relative_to(folder.path))})


def _place(path: Path) -> dict[str, Any]:
    """Return what the record of a file says, read off its path in the run folder."""
    room, *folders = path.parts[:-1] or ("",)
    stem = path.name.removesuffix(".safetensors")
    found = MICROSTATES.fullmatch(stem)
    if not room and found:
        return {"kind": "microstates", "point": int(found[1] or 0)}
    found = COMMIT.fullmatch(stem)
    if found:
        sequence = {"sequence": int(found[1])} if found[1] else {}
        return {"kind": "commit" if sequence else "state", "shard": "/".join(folders), **sequence}
    found = SEGMENT.fullmatch(stem)
    name, number = (found[1], int(found[2])) if found else (stem, None)
    kind = "last" if room == "states" else "segment"
    return {"kind": kind, "shard": "/".join([*folders, name]), "sequence": number}


def _segments_before(run: Path, last: Path) -> list[Path]:
    """Return the segments that end in a last state; none where others follow, as it is not needed then."""
    found = SEGMENT.fullmatch(last.relative_to(run / "states").as_posix().removesuffix(".safetensors"))
    if found is None:
        return []
    files = [run / "shards" / f"{found[1]}.{number}.safetensors" for number in range(int(found[2]) + 2)]
    return [] if files[-1].exists() else [file for file in files if file.exists()]


def _set_aside(run: Path, path: Path, reason: str) -> str:
    """Move a file below `damaged/`, over nothing that is there, and return what to say of it."""
    place = run / DAMAGED / path.relative_to(run) if path.name != DAMAGED else path
    place.parent.mkdir(parents=True, exist_ok=True)
    aside, number = place, 1
    while aside.exists():
        number += 1
        aside = place.with_name(f"{place.name}.{number}")
    with contextlib.suppress(FileNotFoundError):
        path.replace(aside)
    return f"{path.relative_to(run)}: {reason}; set aside as {aside.relative_to(run)}, and made again"
