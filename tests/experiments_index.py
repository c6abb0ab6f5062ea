"""Write the index of experiments/README.md: what each spec is, what it should give, and how it is run.

python -m tests.experiments_index

From experiments/*.yaml to the lines between the marks `<!-- index -->` and `<!-- /index -->`; tests/test_readme.py compares.
"""

import re
from pathlib import Path
from typing import Final

from tests.conftest import ROOT
from thermo_cli.spec import Spec, load_spec

FOLDER: Final = ROOT / "experiments"
PAGE: Final = FOLDER / "README.md"
MARKS: Final = re.compile(r"(<!-- index -->\n).*?(<!-- /index -->)", re.DOTALL)
EXPECTED: Final = re.compile(r"\s*Expected: (.+?)(?<!\.)[.](?= |$)(.*)", re.DOTALL)
HEAD: Final = "| you have | what it is | expected verdict | command |\n| --- | --- | --- | --- |"


def index() -> str:
    """Return the table, sorted by what the reader has."""
    specs = [(path, load_spec(path)) for path in sorted(FOLDER.glob("*.yaml"))]
    return "\n".join([HEAD, *(line for _, line in sorted((_has(spec), _line(path, spec)) for path, spec in specs))])


def _line(path: Path, spec: Spec) -> str:
    found = EXPECTED.search(spec.description)
    words = (spec.description[: found.start()] if found else spec.description).strip().replace("|", "\\|")
    expected = f"`{found[1].split()[0].rstrip(',')}`{' and others' * bool(spec.sweep)}" if found else "not said"
    allow = "".join(f" --allow {name}" for name in _allowed(spec))
    return f"| {_has(spec)} | [{path.stem}]({path.name}): {words} | {expected} | `thermo-run experiments/{path.name}{allow}` |"


def _has(spec: Spec) -> str:
    """Return what a reader has who wants this spec."""
    use = spec.system.use
    if use in ("command", "function"):
        return {"command": "a script", "function": "a function"}[use]
    if use == "recorded":
        return "runs that exist"
    if spec.data is not None and spec.data.use in ("csv", "parquet", "npz"):
        return "a table"
    if spec.sweep:
        return "several recipes"
    if ":" not in use:
        return "a network of thermo"
    return "a module of torch" if spec.traits.stacks else "an estimator"


def _allowed(spec: Spec) -> list[str]:
    """Return what a spec runs that needs to be allowed."""
    own = {name.partition(":")[0].partition(".")[0] for name in spec.foreign}
    local = {name for name in own if (FOLDER / f"{name}.py").exists()}
    others = sorted(own - local - {"torch", "sklearn"})
    return [*(["command"] if spec.system.use == "command" else []), *(["local"] if local else []), *others]


if __name__ == "__main__":
    PAGE.write_text(MARKS.sub(lambda found: f"{found[1]}{index()}\n{found[2]}", PAGE.read_text()))
