"""Runs that version 0.5 wrote, one of each kind: they open, report, judge to what they judged to, and take more replicas."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

import thermo_cli
from tests.conftest import ROOT, Command
from thermo_cli.engines.serial import SerialEngine
from thermo_cli.errors import StoreError
from thermo_cli.store import RunFolder

OLD = ROOT / "tests" / "fixtures" / "runs_0_5"
RUNS = {path.parent.parent.name: path.parent for path in sorted(OLD.glob("*/*/verdict.json"))}
KINDS = {"networks", "estimators_once", "estimators_staged", "scripts", "recorded", "physical", "sweep", "budgets"}


def copied(name: str, folder: Path) -> Path:
    """Return a copy of a run, in a results folder of its own."""
    return Path(shutil.copytree(RUNS[name], folder / "results" / RUNS[name].name))


def statements(verdict: dict[str, Any]) -> dict[str, Any]:
    """Return what a verdict states, by name: numbers and outcomes, not the words around them."""
    stated: dict[str, Any] = {name: verdict[name] for name in ("verdict", "phase", "macroscopic", "microscopic")}
    for row in verdict["criteria"]:
        key = "/".join(str(row[part]) for part in ("criterion", "statistic", "observable", "scope"))
        stated[key] = [row[part] for part in ("outcome", "gates", "estimate", "interval", "margin", "confidence")]
    return stated


def same(now: Any, then: Any, where: str = "") -> None:
    """Compare to 1e-9 whatever was said then; more may be said now."""
    if isinstance(then, dict):
        assert now.keys() >= then.keys(), where
        for name, value in then.items():
            same(now[name], value, f"{where}/{name}")
    elif isinstance(then, list):
        assert len(now) == len(then), where
        for place, value in enumerate(then):
            same(now[place], value, f"{where}/{place}")
    elif isinstance(then, float) and isinstance(now, float | int):
        assert math.isclose(now, then, rel_tol=1e-9, abs_tol=1e-12), f"{where}: {now}, and {then} before"
    else:
        assert now == then, where


def test_there_is_one_of_each_kind() -> None:
    """As 85a0961 wrote them."""
    assert RUNS.keys() == KINDS
    assert all(json.loads((path / "manifest.json").read_text())["schema_version"] == 1 for path in RUNS.values())


@pytest.mark.parametrize("name", sorted(KINDS))
def test_it_is_judged_to_what_it_was_judged_to(name: str) -> None:
    """The verdict that was stored then, and the one that follows from the folder now."""
    then = json.loads((RUNS[name] / "verdict.json").read_text())
    now = thermo_cli.open_run(RUNS[name]).as_dict()
    for here, there in zip(now["points"] or [now], then["points"] or [then], strict=True):
        same(statements(here), statements(there))
    assert RunFolder(RUNS[name]).status == "complete"


@pytest.mark.parametrize("name", sorted(KINDS))
def test_it_is_reported(name: str, tmp_path: Path, command: Command) -> None:
    """As JSON and as a page, and nothing is written into it."""
    folder = copied(name, tmp_path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for form in ("json", "html"):
        done = command("thermo-report", "latest", "--format", form, "--output", f"report.{form}")
        assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "report.json").read_text())["run"]["name"]
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["networks", "physical", "estimators_once", "sweep"])
def test_it_takes_more_replicas(name: str, tmp_path: Path) -> None:
    """In its own folder, whose files stay: new rows lie in new files beside them, and are judged with the old ones."""
    folder = copied(name, tmp_path)
    before = {path.name: path.read_bytes() for path in (folder / "shards").glob("*.safetensors")}
    table = (folder / "replicas.csv").read_text()
    count = RunFolder(folder).spec.ensemble.replicas.last
    grown = run(name, tmp_path, f"ensemble.replicas={count + 3}")
    assert grown.folder.path == folder
    assert grown.folder.status == "complete"
    assert (
        before.items() <= {path.name: path.read_bytes() for path in (folder / "shards").glob("*.safetensors")}.items()
    )
    assert (folder / "replicas-0.5.csv").read_text() == table
    for point in grown.folder.points or (grown.folder,):
        mains = [row for row in point.table if row.role == "main"]
        assert len(mains) == (count + 3) * len(point.spec.histories)
        assert not point.trajectories().crashed.any()
    again = run(name, tmp_path, f"ensemble.replicas={count}")
    then = json.loads((RUNS[name] / "verdict.json").read_text())
    now = again.as_dict()
    for here, there in zip(now["points"] or [now], then["points"] or [then], strict=True):
        assert (here["verdict"], here["macroscopic"]) == (there["verdict"], here["macroscopic"])


def test_its_steps_cannot_grow(tmp_path: Path) -> None:
    """No last state was kept; a new run is the remedy."""
    folder = copied("networks", tmp_path)
    steps = RunFolder(folder).spec.total
    changes = [f"dynamics.steps={{from: {steps}, to: {2 * steps}}}", "equilibrium.margins={test_accuracy: 1e-9}"]
    with pytest.raises(StoreError, match="its steps cannot grow") as caught:
        run("networks", tmp_path, *changes)
    assert "start a new run" in str(caught.value)


def run(name: str, folder: Path, *changes: str) -> "thermo_cli.Run":
    """Run the spec of a run again."""
    shutil.copy(OLD / "specs" / f"{name}.yaml", folder)
    return thermo_cli.run(folder / f"{name}.yaml", overrides=changes, results=folder / "results", engine=SerialEngine())


def test_a_torn_file_of_one_is_told(tmp_path: Path) -> None:
    """It has no checksums: a resolved spec without its end, points that are missing, a table without a column."""
    for name in ("networks", "sweep"):
        run = copied(name, tmp_path / name)
        lines = (run / "resolved.yaml").read_text().splitlines(keepends=True)
        (run / "resolved.yaml").write_text("".join(lines[:-1]))
        with pytest.raises(StoreError, match="resolved spec of the run"):
            thermo_cli.open_run(run)
    run = copied("networks", tmp_path / "table")
    (run / "replicas.csv").write_text((run / "replicas.csv").read_text().replace("slot", "slut", 1))
    with pytest.raises(StoreError, match="replica table of the run is damaged"):
        thermo_cli.open_run(run)
