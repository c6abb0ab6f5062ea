"""Commands that a report shows are typed as they stand, from where the reader is."""

import shlex
from pathlib import Path

import pytest

from tests.conftest import SERIAL, Command
from thermo_cli.reports.composition import document_of
from thermo_cli.reports.document import Listing
from thermo_cli.reports.formats import rendered
from thermo_cli.runs.commands import typed_for
from thermo_cli.runs.views import view
from thermo_cli.study import execute, open_run

WELLS = """\
name: wells
system:   {use: double_well, with: {height: 3.0}}
dynamics: {use: langevin, with: {lr: 0.01, temperature: 0.5}, steps: 400}
ensemble: {replicas: 5, seed: 1, vary: [init, noise]}
equilibrium: {margins: {position: 3.0}}
"""


def test_they_hold_spec_overrides_and_results_quoted_for_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    """A folder with a space and one that is no default; the very command goes on with the run, and advice is such a command."""
    spec, results = tmp_path / "my specs" / "wells.yaml", tmp_path / "other runs"
    spec.parent.mkdir()
    spec.write_text(WELLS)
    monkeypatch.chdir(tmp_path)
    given = ["ensemble.seed=2", "ensemble.replicas=6"]
    run = execute(spec, overrides=given, results=results, engine=SERIAL)
    typed = typed_for(run.folder)
    assert typed.run == (
        "thermo-run 'my specs/wells.yaml' --set ensemble.seed=2 --set ensemble.replicas=6 --results 'other runs'"
    )
    assert typed.report == f"thermo-report 'other runs/{run.folder.name}'"
    done = command(*shlex.split(typed.run))
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].endswith(f"({typed.report})")
    assert command(*shlex.split(typed.report), "--details").returncode == 0
    listed = [block for section in document_of(view(run.judged)).sections for block in section.blocks]
    commands = [block.text for block in listed if isinstance(block, Listing) and block.label == "Command"]
    assert commands
    before = "thermo-run 'my specs/wells.yaml' --set ensemble.seed=2 --results 'other runs' --set "
    assert any(line.startswith(before + "ensemble.replicas=") for line in commands)
    assert all(line.startswith((before, typed.report)) for line in commands)


def test_a_spec_that_has_changed_since_is_not_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the resolved spec is; in the default folder nothing is said of results; elsewhere paths are whole."""
    monkeypatch.chdir(tmp_path)
    spec = tmp_path / "wells.yaml"
    spec.write_text(WELLS)
    name = execute(spec, engine=SERIAL).folder.name
    assert typed_for(open_run(name).folder).run == "thermo-run wells.yaml"
    spec.write_text(WELLS + "description: changed\n")
    assert typed_for(open_run(name).folder).run == f"thermo-run results/{name}/resolved.yaml"
    (tmp_path / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "deeper")
    assert typed_for(open_run(name, tmp_path / "results").folder).report == f"thermo-report {tmp_path}/results/{name}"


def test_a_command_is_one_line_however_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the terminal it is not broken, for what is pasted of two lines is two commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    spec, results = tmp_path / "wells.yaml", tmp_path / ("a-folder-of-a-long-name-" * 5)
    spec.write_text(WELLS)
    run = execute(spec, results=results, engine=SERIAL)
    text = rendered("terminal", [view(run.judged)])
    typed = typed_for(run.folder)
    assert f"Every row and table: {typed.report} --details" in text.splitlines()
    assert any(line.startswith(f"    {typed.run} --set ") for line in text.splitlines())
