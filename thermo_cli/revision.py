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
WAYS: Final = (
    *(f"core.{name}" for name in ("filemode", "autocrlf", "eol", "ignorecase", "symlinks", "trustctime")),
    "extensions.objectformat",
)


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
            (Path(empty) / "config").write_text(_ways(folder))
            if Path(exclude).is_file():
                (Path(empty) / "info" / "exclude").symlink_to(exclude)
            places = {"GIT_DIR": empty, "GIT_WORK_TREE": top, "GIT_OBJECT_DIRECTORY": objects, "GIT_INDEX_FILE": index}
            changed = _git(places, "-C", top, "status", "--porcelain", "--ignore-submodules=dirty")
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return {"revision": revision, "dirty": bool(changed.strip())}


def _ways(folder: Path) -> str:
    """Return how a repository says that files compare, as a configuration of its own: words alone, and no commands."""
    told = _git({}, "-C", str(folder), "config", "--list", "--local")
    lines = ["[core]", "repositoryformatversion = 1"]
    for key, value in (line.split("=", 1) for line in told.splitlines() if "=" in line):
        section, _, name = key.partition(".")
        if key in WAYS and value.isalnum():
            lines += [f"[{section}]", f"{name} = {value}"]
    return "\n".join(lines) + "\n"


def _git(environment: dict[str, str], *words: str) -> str:
    command = ["git", "-c", "safe.bareRepository=explicit", "--no-optional-locks", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=10, check=True, env={**os.environ, **environment}
    )
    return done.stdout
