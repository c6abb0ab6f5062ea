"""How the commands of a run are typed from the working directory: with the spec that was given, and where the run lies."""

import os
import shlex
from pathlib import Path
from typing import Final

from thermo_cli.reports.typed import Typed
from thermo_cli.store import RunFolder

RESULTS: Final = "results"  # where the commands look by themselves


def typed_for(folder: RunFolder) -> Typed:
    """Return the commands of a run, quoted for the shell.

    The run is trained by the file that was given, while it still says what it said; else by the resolved spec.

    Args:
        folder: The run's.
    """
    spec, orders = _spec(folder)
    words = ["thermo-run", near(spec), *orders]
    if folder.path.resolve().parent != Path(RESULTS).resolve():
        words += ["--results", near(folder.path.resolve().parent)]
    return Typed(shlex.join(words), shlex.join(["thermo-report", near(folder.path)]))


def near(path: Path) -> str:
    """Write a path as it is typed here: from the working directory if it lies there, else from the root.

    Args:
        path: Of a file or folder.
    """
    whole, here = path.resolve(), Path.cwd()
    return os.path.relpath(whole, here) if whole.is_relative_to(here) else str(whole)


def _spec(folder: RunFolder) -> tuple[Path, list[str]]:
    """Return the spec of a run, and the options with which it is this run."""
    asked = folder.manifest.get("asked") or {"spec": None, "overrides": [], "allow": []}
    allowed = [word for name in asked["allow"] for word in ("--allow", name)]
    if asked["spec"] is not None:
        given = folder.path / asked["spec"]
        if (
            given.is_file()
            and (folder.path / "spec.yaml").is_file()
            and given.read_bytes() == (folder.path / "spec.yaml").read_bytes()
        ):
            return given, [*(word for order in asked["overrides"] for word in ("--set", order)), *allowed]
    return folder.path / "resolved.yaml", allowed
