"""The seven additions of CONTRIBUTING, each made as it says: one new file and one line in a copy of the package."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import thermo_cli
from tests.conftest import ROOT

PAGE = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
PACKAGE = Path(thermo_cli.__file__).parent
FILES = {
    "kinds/networks/narrowing.py": '''
"""A network whose layers get narrower."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from thermo_cli.kinds.networks.parts import NetworkSystem
from thermo_cli.registry import load
from thermo_cli.spec.parts import Part


class NarrowingArguments(Part):
    """Arguments of `narrowing`."""

    width: Annotated[int, Field(ge=2)] = 4
    """Units of the first layer; the second has half of them."""


class NarrowingSystem(NetworkSystem):
    """A network whose layers get narrower."""

    builds: ClassVar[str] = "thermo_cli.kinds.networks.narrowing:narrowing"

    use: Literal["narrowing"]
    """A network whose layers get narrower."""
    arguments: NarrowingArguments = Field(default_factory=NarrowingArguments, alias="with")
    """Its width."""


def narrowing(inputs: int, outputs: int, task: str, width: int) -> Any:
    return load("thermo_cli.kinds.networks.mlp:Mlp")((inputs, width, width // 2, outputs), task, "relu")
''',
    "kinds/estimators/structures/moments.py": '''
"""Means of the features in each class, of naive Bayes."""

from thermo_cli.kinds.estimators.structures.microstate import Structure


def moments(estimator, anchors, task):
    return estimator.theta_.ravel() if hasattr(estimator, "theta_") else None


MOMENTS = Structure("moments", False, moments)
''',
    "kinds/importers/tabbed.py": '''
"""Records separated by tabulators."""

from thermo_cli.data.csv_table import read_csv


def read(file, data, wanted):
    return read_csv(file, data.replace(b"\\t", b","), wanted, strict=True)
''',
    "engines/backwards.py": '''
"""The engine that begins with the last task."""

from contextlib import nullcontext

from thermo_cli.engines.serial import SerialEngine


class BackwardsEngine:
    def __init__(self, workers=None):
        self.workers = 1

    def ready(self, modules, most):
        return nullcontext()

    def run(self, function, tasks, tick, stop):
        print("backwards:", len(tasks))
        return SerialEngine().run(function, tasks[::-1], tick, stop)
''',
    "observables/confidence.py": '''
"""How sure a classifier is of its answers."""

import numpy as np


def confidence(outputs, y):
    shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return (shares.max(axis=1) / shares.sum(axis=1)).mean(axis=1)
''',
    "equilibrium/criteria/plenty.py": '''
"""P: are there three replicas or more?"""

from thermo_cli.contracts import Row
from thermo_cli.equilibrium.criteria.criterion import EVERYWHERE, Criterion


def plenty(ensemble):
    replicas = len(ensemble.trajectories.replicas)
    outcome = "holds" if replicas >= 3 else "fails"
    return [Row("plenty", "P replicas", None, EVERYWHERE, True, outcome, explanation=f"{replicas} replicas")]


PLENTY = Criterion("plenty", "Are there enough?", "yes, three or more", "no, fewer than three", True, plenty)
''',
    "reports/telegram.py": '''
"""The report as a telegram."""


def text(views):
    return "".join(f"{view.title} {view.verdict.verdict} STOP\\n" for view in views)
''',
}
LINES = {  # table -> a line before which, and the line
    "registry.py": (
        '    "linear": ',
        '    "narrowing": "thermo_cli.kinds.networks.narrowing:NarrowingSystem",\n',
    ),
    "kinds/importers/__init__.py": (
        '    ".csv": ',
        '    ".tab": "thermo_cli.kinds.importers.tabbed:read",\n',
    ),
    "engines/engine.py": (
        '    "serial": ',
        '    "backwards": "thermo_cli.engines.backwards:BackwardsEngine",\n',
    ),
    "metric.py": (
        '    Metric("r2"',
        '    Metric("confidence", "thermo_cli.observables.confidence:confidence", margin=0.5),\n',
    ),
    "reports/formats.py": (
        '    "csv": ',
        '    "telegram": Writer("thermo_cli.reports.telegram:text", ".txt", "text/plain"),\n',
    ),
}
NAMES = {  # a table of records -> its beginning, the name in it, and where that is from
    "kinds/estimators/structures/__init__.py": (
        "STRUCTURES: Final[tuple[Structure, ...]] = (",
        "MOMENTS",
        "thermo_cli.kinds.estimators.structures.moments",
    ),
    "equilibrium/criteria/__init__.py": (
        "CRITERIA: Final[tuple[Criterion, ...]] = (",
        "PLENTY",
        "thermo_cli.equilibrium.criteria.plenty",
    ),
}
SMALL = "ensemble: {replicas: 4, seed: 3, controls: {same_bath: 2, twin: 0}}\n"
SPECS = {
    "network": "data: {use: wine}\nsystem: {use: narrowing, with: {width: 6}}\n"
    "dynamics: {use: sgd, with: {lr: 0.05}, batch_size: 16, steps: 16}\n" + SMALL,
    "bayes": 'data: {use: wine}\nsystem: {use: "sklearn.naive_bayes:GaussianNB"}\n'
    "dynamics: {use: fit, with: {time: once}, steps: 1}\n" + SMALL,
    "records": "system: {use: recorded, with: {path: runs.tab}}\n",
}
SAID = {  # name -> the command that says it
    "spec": ["run", "--schema"],
    "verdict": ["report", "--schema"],
    "help": ["report", "--help"],
    **{
        format: ["report", "latest", "--details", "--format", format]
        for format in ("terminal", "markdown", "html", "json", "junit", "csv", "telegram")
    },
}
DRIVER = """\
import contextlib, importlib, json, pathlib, sys
import thermo_cli
from thermo_cli.engines.engine import open_engine

for name in ("records", "bayes", "network"):
    thermo_cli.run(f"{name}.yaml", engine=open_engine("backwards"))
for name, (command, *arguments) in json.loads(sys.argv.pop()).items():
    sys.argv[1:] = arguments
    with pathlib.Path(f"{name}.said").open("w") as said, contextlib.redirect_stdout(said):
        try:
            importlib.import_module(f"thermo_cli.cli.{command}").main()
        except SystemExit as left:
            assert left.code == 0, (name, left.code)
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the package with seven additions, in which three specs have been run and all commands been asked."""
    folder = tmp_path_factory.mktemp("house")
    package = folder / "thermo_cli"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        assert not (package / name).exists()
        (package / name).write_text(text.lstrip())
    for name, (before, line) in LINES.items():
        insert(package / name, before, line + before)
    for name, (table, record, module) in NAMES.items():
        insert(package / name, table, f"from {module} import {record}\n{table}{record}, ")
    for name, text in SPECS.items():
        (folder / f"{name}.yaml").write_text(f"name: {name}\n{text}")
    rows = [f"{replica}\t{step}\tloss\t{1 / (1 + step)}" for replica in range(4) for step in range(8)]
    (folder / "runs.tab").write_text("\n".join(["replica\tstep\tobservable\tvalue", *rows, ""]))
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(SAID)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (folder / "engine.said").write_text(done.stdout)
    yield folder
    shutil.rmtree(folder)


def insert(file: Path, old: str, new: str) -> None:
    """Write a line into a table."""
    text = file.read_text()
    assert text.count(old) == 1, (file, old)
    file.write_text(text.replace(old, new))


def said(house: Path, name: str) -> str:
    """Return what a command said."""
    return (house / f"{name}.said").read_text()


def verdict(house: Path, name: str) -> Any:
    """Return the verdict.json of a run."""
    (file,) = (house / "results").glob(f"{name}-*/verdict.json")
    return json.loads(file.read_text())


def test_the_schema_of_a_spec_names_them(house: Path) -> None:
    """The network with its arguments, the observable, and the suffix of the importer."""
    models = json.loads(said(house, "spec"))["$defs"]
    assert models["NarrowingSystem"]["properties"]["use"]["const"] == "narrowing"
    assert models["NarrowingArguments"]["properties"]["width"]["default"] == 4
    assert "confidence" in models["Observe"]["properties"]["macro"]["items"]["anyOf"][0]["enum"]
    assert ".tab" in models["RecordedArguments"]["properties"]["path"]["description"]


def test_a_network_an_observable_and_a_criterion_are_in_a_run(house: Path) -> None:
    """The observable has its margin, and gates; the criterion answers beside the others."""
    record = verdict(house, "network")
    assert 1 / 3 < record["macroscopic"]["test_confidence"]["mean"] < 1
    assert 0.5 in {row["margin"] for row in record["criteria"] if row["observable"] == "test_confidence"}
    assert record["outcomes"]["plenty"] == "holds"
    (row,) = (row for row in record["criteria"] if row["criterion"] == "plenty")
    assert row["explanation"] == "4 replicas"


def test_an_engine_trains_runs(house: Path) -> None:
    """That of the estimators and that of the networks; recorded runs have no shards."""
    assert [line.split(":")[0] for line in said(house, "engine").splitlines()] == ["backwards", "backwards"]


def test_an_estimator_has_a_structure(house: Path) -> None:
    """Overlaps are known of an estimator of whose inside nothing was."""
    overlap = verdict(house, "bayes")["microscopic"]["overlap"]
    assert overlap["of"] == "label-permuted fits"
    assert overlap["same_bath"]["estimate"] == 1.0  # nothing in it is random


def test_an_importer_reads_runs(house: Path) -> None:
    """Four replicas up to step 7."""
    record = verdict(house, "records")
    assert record["run"]["replicas"]["finished"] == 4
    assert record["diagnostics"]["window"]["to_step"] == 7


def test_a_format_is_in_the_help_and_writes_reports(house: Path) -> None:
    """Its name is a choice of --format."""
    assert "telegram" in said(house, "help")
    assert re.fullmatch(r"network-[0-9a-f]{8} \w+ STOP\n", said(house, "telegram"))


@pytest.mark.parametrize("format", ["terminal", "markdown", "html", "json", "junit", "csv"])
def test_reports_show_the_criterion(house: Path, format: str) -> None:
    """In every format, by its question or its name."""
    assert re.search("Are there enough|plenty", said(house, format))


def test_the_schema_of_verdicts_knows_the_criterion(house: Path) -> None:
    """Among the criteria that a verdict must hold."""
    schema = json.loads(said(house, "verdict"))["$defs"]
    assert "plenty" in schema["criterion"]["enum"]
    assert "plenty" in schema["decided"]["properties"]["outcomes"]["required"]


def test_the_page_says_where_each_belongs() -> None:
    """A line of its table for each addition here: the room of its file, one there to copy, and the table with its line."""
    rows = re.findall(r"^\| [^|]+ \| `(\S+/)`; `(\w+\.py)` \|.*\| `([A-Z]+)` in `(\S+)` \|$", PAGE, re.MULTILINE)
    assert sorted(room for room, *_ in rows) == sorted(f"{Path(name).parent}/" for name in FILES)
    assert {file for *_, file in rows} == {*LINES, *NAMES}
    for room, example, table, file in rows:
        assert (PACKAGE / room / example).is_file()
        assert re.search(rf"^{table}: Final", (PACKAGE / file).read_text(), re.MULTILINE), table


def test_the_map_has_every_room() -> None:
    """Every folder and module of the package is on it, every wing, and nothing that is not there."""
    (tree,) = re.findall(r"```\nthermo_cli/\n(.*?)```", PAGE, re.DOTALL)
    rooms = {name for line in tree.splitlines() for name in re.match(r"((?: *\w+(?:/|\.py)(?= ))+)", line)[1].split()}
    wings = {f"{path.name}/" for path in (PACKAGE / "kinds").iterdir() if (path / "kind.py").exists()}
    there = {f"{path.name}/" if path.is_dir() else path.name for path in PACKAGE.iterdir()}
    assert rooms == (there | wings) - {"__init__.py", "__pycache__/", "py.typed"}
