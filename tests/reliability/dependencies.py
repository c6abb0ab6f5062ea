"""What thermo rests on: `python -m tests.reliability.dependencies` in the environment that the tests ran in.

It writes .ci/lock.txt, the versions with which CI installs, and results/dependencies.md: each package that `pip install .`
brings, with who asks for it, its licence and its size on disk.
"""

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[2]
LOCK: Final = ROOT / ".ci" / "lock.txt"
PAGE: Final = ROOT / "results" / "dependencies.md"
OWN: Final = "thermo-cli"
TOOLS: Final = ("pip", "setuptools", "wheel")
HEAD: Final = """\
# What it rests on

Written by `python -m tests.reliability.dependencies`: what `pip install .` brings, without extras. CI installs the versions of
`.ci/lock.txt`; `pyproject.toml` says which others are accepted.

| package | version | asked for by | licence | MB |
| --- | --- | --- | --- | ---: |
"""


def main() -> None:
    """Write both files from what is installed."""
    installed = {canonicalize_name(one.name): one for one in importlib.metadata.distributions()}
    names = sorted(name for name in installed if name not in (OWN, *TOOLS))
    LOCK.write_text("".join(f"{name}=={installed[name].version.partition('+')[0]}\n" for name in names))
    asked = dict(_asked(OWN, installed, ""))
    rows = [
        f"| {name} | {installed[name].version} | {asked[name]} | {licence(installed[name])} | {size(installed[name]):.1f} |\n"
        for name in sorted(asked)
    ]
    total = sum(size(installed[name]) for name in asked)
    PAGE.write_text(HEAD + "".join(rows) + f"\n{len(asked)} packages, {total:.0f} MB.\n")


def _asked(name: str, installed: dict[str, importlib.metadata.Distribution], extra: str) -> Iterator[tuple[str, str]]:
    """Yield each package that one brings, directly or not, with the first that asks for it."""
    seen, ahead = {canonicalize_name(OWN)}, [name]
    while ahead:
        asking = ahead.pop(0)
        for line in installed[asking].requires or ():
            wanted = Requirement(line)
            other = canonicalize_name(wanted.name)
            applies = wanted.marker is None or wanted.marker.evaluate({"extra": extra})
            if applies and other in installed and other not in seen:
                seen.add(other)
                ahead.append(other)
                yield other, "thermo" if asking == OWN else asking


def licence(package: importlib.metadata.Distribution) -> str:
    """Return the licence that a package states: an expression, its classifiers, or the first line of its text.

    Args:
        package: Of the environment.
    """
    said = package.metadata
    kinds = [
        line.rpartition("::")[2].strip() for line in said.get_all("Classifier") or () if line.startswith("License")
    ]
    kinds = [kind for kind in kinds if kind != "OSI Approved"]
    text = next(iter((said.get("License") or "").splitlines()), "").strip()
    return re.sub(r"\s+", " ", said.get("License-Expression") or ", ".join(kinds) or text or "not stated")


def size(package: importlib.metadata.Distribution) -> float:
    """Return the size of a package's files on disk, MB.

    Args:
        package: Of the environment.
    """
    paths = [Path(str(package.locate_file(file))) for file in package.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
