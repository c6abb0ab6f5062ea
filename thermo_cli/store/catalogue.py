"""Finding runs in a results folder, among whatever else lies there."""

import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from thermo_cli.errors import UsageError
from thermo_cli.store.run_folder import RunFolder
from thermo_cli.store.version_1 import same_run

_RUN_NAME: Final = re.compile(r".+-[0-9a-f]{8}")


def find_run(name: str, results: Path) -> RunFolder:
    """Find a run by folder, by name, or the newest as `latest`.

    Args:
        name: A path, a run's name with or without its hash, or `latest`.
        results: The results folder.

    Raises:
        UsageError: There is no such run, or the name means several.
    """
    if name == "latest":
        runs = list_runs(results)
        if not runs:
            raise UsageError(
                "there are no runs yet", received=str(results), remedy="thermo-run SPEC.yaml, or --results DIR"
            )
        return runs[0]
    for path in (Path(name), results / name):
        if (path / "resolved.yaml").exists():
            return RunFolder(path)
    matches = [run for run in list_runs(results) if run.name.rpartition("-")[0] == name]
    if not matches:
        known = ", ".join(run.name for run in list_runs(results)[:8]) or "none"
        what = "there is no such run" + (", and no such file or folder" if len(Path(name).parts) > 1 else "")
        raise UsageError(what, received=name, remedy=f"runs in {results}: {known}")
    return matches[0]


def list_runs(results: Path) -> list[RunFolder]:
    """List the runs of a results folder, newest first.

    Args:
        results: The folder; need not exist.
    """
    if not results.is_dir():
        return []
    found = [
        path for path in results.iterdir() if _RUN_NAME.fullmatch(path.name) and (path / "manifest.json").is_file()
    ]
    return [RunFolder(path) for path in sorted(found, key=_last_touched, reverse=True)]


def find_or_name(results: Path, name: str, digits: str, fingerprint: str, code: str) -> RunFolder:
    """Return where a run is, or will be; one that version 0.5 began is where it was, unless it rests on code of its own.

    Args:
        results: The results folder.
        name: Of the run.
        digits: Its identity.
        fingerprint: Hash of its data.
        code: Hashes of local code, which older manifests do not say.
    """
    path = results / f"{name}-{digits}"
    old = same_run(results, name, digits, fingerprint) if not path.exists() and not code else None
    return RunFolder(old or path)


def _last_touched(path: Path) -> float:
    latest = 0.0
    for name in ("manifest.json", "verdict.json"):
        with suppress(FileNotFoundError):  # set aside at this moment
            latest = max(latest, (path / name).stat().st_mtime)
    return latest


def free_bytes(folder: Path) -> int:
    """Return the free space of the disk that a folder is, or will be, on.

    Args:
        folder: Any path.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
