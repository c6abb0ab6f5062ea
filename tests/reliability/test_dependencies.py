"""The lock file and the page of dependencies hold what the project asks for; no pickle is read from a file."""

import io
import pickle
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT, Command
from tests.reliability.dependencies import LOCK, PAGE

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
READERS = re.compile(
    r"\b(c?pickle\.(load|loads|Unpickler)|joblib\.load|torch\.load|read_pickle|allow_pickle=True|(marshal|shelve|dill|cloudpickle)\.|"
    r"yaml\.(load|unsafe_load|full_load)\((?!.*Loader)|weights_only)|(?<![\w.])(eval|exec)\("
)


def test_ci_installs_versions_that_are_written_down() -> None:
    """Each package that the project or its tests ask for is locked, at a version that pyproject.toml accepts."""
    locked = dict(line.split("==") for line in LOCK.read_text().splitlines())
    asked = [Requirement(line) for line in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"])]
    for one in asked:
        assert one.specifier.contains(locked[canonicalize_name(one.name)]), one
    assert 'PIP_CONSTRAINT="$PWD/.ci/lock.txt"' in (ROOT / ".ci" / "run").read_text()


def test_licences_are_stated_and_free() -> None:
    """Every package that comes along has a row, and none of them a licence that binds what uses it."""
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if re.match(r"\| [\w.-]+ \| \d", line)]
    names = {row[1].strip() for row in rows}
    assert {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]} <= names
    licences = [row[4].strip() for row in rows]
    assert "not stated" not in licences
    assert not [words for words in licences if re.search(r"\bA?GPL", words)]


def test_nothing_that_runs_code_from_a_file_is_called() -> None:
    """No line of the package unpickles, evaluates, or makes objects of YAML: transport between our processes is a library's."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted((ROOT / "thermo_cli").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if READERS.search(line.partition("#")[0])
    ]
    assert not found


class Payload:
    """Leaves a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("__import__('pathlib').Path('CODE_RAN').touch()",)


@pytest.mark.parametrize(
    "suffix", [".npy", ".npz", ".pkl", ".joblib", ".pt", ".parquet", ".csv", ".json", ".jsonl", ".db"]
)
def test_a_pickle_is_no_data_whatever_it_is_called(suffix: str, tmp_path: Path, command: Command) -> None:
    """As a table, as arrays of objects, as a log of runs, as their parameters: refused, and nothing of it runs."""
    content = pickle.dumps(Payload())
    if suffix in (".npy", ".npz"):
        buffer = io.BytesIO()
        np.save(buffer, np.array([Payload()], dtype=object), allow_pickle=True)
        content = buffer.getvalue()
    if suffix == ".npz":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in ("x", "y", "target"):
                archive.writestr(f"{name}.npy", content)
        content = buffer.getvalue()
    (tmp_path / f"planted{suffix}").write_bytes(content)
    use = suffix[1:] if suffix in (".npy", ".npz", ".parquet") else "csv"
    places = {"npy": "x: planted.npy, y: planted.npy", "npz": "path: planted.npz"}.get(
        use, f"path: planted{suffix}, target: y"
    )
    spec = f"name: own\ndata: {{use: {use}, with: {{{places}}}}}\nsystem: {{use: linear}}\ndynamics: {{use: sgd, steps: 4}}\n"
    (tmp_path / "own.yaml").write_text(spec)
    answers = [command("thermo-run", "own.yaml"), command("thermo-report", f"planted{suffix}")]
    assert [done.returncode for done in answers] == [2, 2], [done.stderr for done in answers]
    assert "planted" in answers[0].stderr, "it is the file that is refused, and named"
    assert not (tmp_path / "CODE_RAN").exists()
