"""Which revision of a repository a folder is in; no command that the repository brings along is run.

The configuration of a repository can name commands: `core.fsmonitor`, filters, hooks; and a stranger's folder can be one. So
git is asked for places and the revision alone, and compares files from within an empty repository that borrows index and
objects. Nothing is copied: what a stranger calls an index can be a device, or have no end.
"""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

PLACES: Final = ("index", "objects", "info/exclude")


def revision_of(folder: Path) -> dict[str, Any] | None:
    """Return revision and dirty flag of the repository that a folder is in, or None; a submodule counts by its revision.

    Args:
        folder: Any folder.
    """
    paths = [word for place in PLACES for word in ("--git-path", place)]
    try:
        asked = _git({}, "-C", str(folder), "rev-parse", "--show-toplevel", "--path-format=absolute", *paths, "HEAD")
        top, index, objects, exclude, revision = asked.splitlines()
        with tempfile.TemporaryDirectory() as empty:
            for name in ("objects", "refs", "info"):
                (Path(empty) / name).mkdir()
            (Path(empty) / "HEAD").write_text(revision)
            if Path(exclude).is_file():
                (Path(empty) / "info" / "exclude").symlink_to(exclude)
            places = {"GIT_DIR": empty, "GIT_WORK_TREE": top, "GIT_OBJECT_DIRECTORY": objects, "GIT_INDEX_FILE": index}
            changed = _git(places, "-C", top, "status", "--porcelain", "--ignore-submodules=dirty")
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return {"revision": revision, "dirty": bool(changed.strip())}


def _git(environment: dict[str, str], *words: str) -> str:
    command = ["git", "-c", "safe.bareRepository=explicit", "--no-optional-locks", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=10, check=True, env={**os.environ, **environment}
    )
    return done.stdout
