"""Designs other than independent replicas on one path, from the command to the verdict: crossed, by budgets, recorded."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.conftest import SMALL, Command


def verdict_of(results: Path) -> dict[str, Any]:
    """Return verdict.json of the only run."""
    (path,) = results.glob("*/verdict.json")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def outcomes(verdict: dict[str, Any]) -> dict[str, set[str]]:
    """Criterion to the outcomes of its gating rows."""
    found: dict[str, set[str]] = {}
    for row in verdict["criteria"]:
        if row["gates"]:
            found.setdefault(row["criterion"], set()).add(row["outcome"])
    return found


def test_a_crossed_design_gives_a_noise_budget_and_no_verdict(tmp_path: Path, command: Command) -> None:
    """S, A and H are untested on it; shares of the variance add up to one; the streams are shared as the design says."""
    (tmp_path / "crossed.yaml").write_text(
        SMALL.replace("replicas: 6", "design: {crossed: {init: 4, subsample: 3, order: 2}}").split("histories")[0]
    )
    done = command("thermo-run", "crossed.yaml")
    assert done.returncode == 0, done.stderr
    verdict = verdict_of(tmp_path / "results")
    assert verdict["verdict"] == "undecided"
    assert verdict["run"]["replicas"]["planned"] == 24
    assert all(outcomes(verdict)[name] == {"untested"} for name in ("stationarity", "agreement", "history"))
    budget = verdict["diagnostics"]["noise_budget"]
    assert set(budget) == {"test_accuracy", "energy"}
    for parts in budget.values():
        assert set(parts) == {"init", "subsample", "order", "rest"}
        assert sum(part["share"] for part in parts.values()) == pytest.approx(1.0)
        assert all(part["lower"] <= part["upper"] for part in parts.values())
    details = command("thermo-report", "latest", "--details").stdout
    assert "is due to init" in " ".join(details.split())
    gate = command("thermo-run", "crossed.yaml", "--require", "settled")
    assert gate.returncode == 4


def test_a_schedule_is_judged_by_budgets(tmp_path: Path, command: Command) -> None:
    """Without budgets S is untested under a cosine rate; with them three ensembles are trained and compared."""
    spec = SMALL.replace("batch_size: 16", "batch_size: 16, schedule: cosine")
    (tmp_path / "plain.yaml").write_text(spec)
    assert command("thermo-run", "plain.yaml", "--results", "plain").returncode == 0
    assert outcomes(verdict_of(tmp_path / "plain"))["stationarity"] == {"untested"}
    (tmp_path / "budgets.yaml").write_text(spec + "observe: {budgets: true}\n")
    assert command("thermo-run", "budgets.yaml", "--results", "budgets").returncode == 0
    found = verdict_of(tmp_path / "budgets")
    assert "untested" not in outcomes(found)["stationarity"]
    assert found["run"]["replicas"]["planned"] == 12
    (folder,) = (tmp_path / "budgets").iterdir()
    table = (folder / "replicas.csv").read_text()
    assert table.count("budget") == 24
    shards = {path.name.partition("-")[0] for path in folder.glob("shards/*.safetensors")}
    assert shards == {"cold", "hot", "cold@100", "hot@100", "cold@200", "hot@200", "cold@same_bath", "cold@twin"}


def record(folder: Path, replicas: int = 32) -> None:
    """Write runs that somebody made, with parameters."""
    generator = np.random.Generator(np.random.PCG64(1))
    lines = ["replica,step,observable,value"]
    for replica in range(replicas):
        for step in (0, 1, 2, 5, 10, *range(50, 101)):
            value = 10 * np.exp(-step / 3) + 0.1 * generator.standard_normal()
            lines.append(f"{replica},{step},level,{value}")
        save_file({"w": generator.standard_normal(20)}, folder / f"r{replica}-100.safetensors")
    (folder / "runs.csv").write_text("\n".join(lines) + "\n")


RECORDED = """\
name: theirs
system: {use: recorded, with: {path: runs.csv, parameters: "r{replica}-{step}.safetensors", scope: "for fresh seeds"}}
equilibrium: {margins: {level: 1.0}}
"""


def test_recorded_runs_are_judged_without_training(tmp_path: Path, command: Command) -> None:
    """The plan, the verdict, its scope and distances between parameters; then again from the run folder alone."""
    record(tmp_path)
    (tmp_path / "theirs.yaml").write_text(RECORDED)
    plan = command("thermo-run", "theirs.yaml", "--plan")
    assert plan.returncode == 0, plan.stderr
    assert not (tmp_path / "results").exists()
    done = command("thermo-run", "theirs.yaml")
    assert done.returncode == 0, done.stderr
    verdict = verdict_of(tmp_path / "results")
    assert (verdict["verdict"], verdict["scope"]) == ("settled", "for fresh seeds")
    assert verdict["microscopic"]["raw_cosine"]["estimate"] == pytest.approx(0.0, abs=0.1)
    (tmp_path / "runs.csv").unlink()
    again = command("thermo-report", "latest", "--margin", "level=0.001")
    assert again.returncode == 0
    assert "SETTLED" not in again.stdout


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("runs.csv", "none.csv"), "there is no such file"),
        (("r{replica}", "q{replica}"), "no such file of parameters"),
        (("level: 1.0", "levle: 1.0"), "level"),
        (("level: 1.0", "level: 0.0"), "greater than 0"),
        (("level: 1.0", "level: -1.0"), "greater than 0"),
        (("path: runs.csv, ", ""), "path"),
    ],
)
def test_recorded_specs_that_cannot_be_judged(
    tmp_path: Path, command: Command, change: tuple[str, str], expected: str
) -> None:
    """Refused with exit code 2 or 3, and the name of what is wrong."""
    record(tmp_path, 4)
    (tmp_path / "theirs.yaml").write_text(RECORDED.replace(*change))
    done = command("thermo-run", "theirs.yaml")
    assert done.returncode in (2, 3), done.stdout
    assert expected in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
