"""The study: its page is what its verdict files say, every spec belongs to a finding, what contradicts a reference is told."""

import copy
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from thermo_cli.spec.examples import example_names, write_example

EXPERIMENTS, REFERENCE = ROOT / "experiments", ROOT / "results" / "reference"


@pytest.fixture(scope="module")
def modules():
    """The two scripts of the study, as they lie beside each other."""
    sys.path.insert(0, str(EXPERIMENTS))
    yield importlib.import_module("study"), importlib.import_module("findings")
    sys.path.remove(str(EXPERIMENTS))


def test_every_spec_belongs_to_one_finding(modules):
    """None is left out, none is counted twice, and each has the name of its file."""
    _, findings = modules
    named = [name for finding in findings.FINDINGS for name in finding.specs]
    files = [path.stem for folder in ("claims", "literature") for path in (EXPERIMENTS / folder).glob("*.yaml")]
    assert sorted(named) == sorted(files)


def test_the_page_says_what_the_verdict_files_say(modules):
    """Written again from results/reference, results/study.md is the same to the letter; all findings have been run."""
    _, findings = modules
    assert all(findings.told(finding, REFERENCE) for finding in findings.FINDINGS)
    assert (ROOT / "results" / "study.md").read_text() == findings.page(REFERENCE)


def test_what_contradicts_the_reference_is_told(modules):
    """Another verdict of as many replicas, the other outcome, an interval elsewhere; with fewer replicas, not the verdict."""
    study, _ = modules
    known = json.loads((REFERENCE / "02-crystal" / "02-crystal.json").read_text())
    assert list(study.differences(known, known)) == []
    other = copy.deepcopy(known)
    other["verdict"] = "glassy"
    row = next(row for row in other["criteria"] if row["gates"] and row["outcome"] == "holds")
    row["outcome"] = "fails"
    other["microscopic"]["overlap"] |= {"estimate": 2.5, "interval": [2.4, 2.6]}
    said = "; ".join(study.differences(known, other))
    assert "glassy, where the reference says" in said
    assert f"{row['statistic']} of {row['observable']} fails" in said
    assert "overlap is" in said
    other["run"]["replicas"]["planned"] -= 1
    assert "glassy" not in "; ".join(study.differences(known, other))


def test_a_part_of_the_study_runs_in_its_short_form(tmp_path):
    """Started as from an installed package: the example is written, a claim is run against the committed reference."""
    assert "study" in example_names()
    script, *others = write_example("study", tmp_path)
    assert all(path.exists() for path in (script, *others))
    command = [sys.executable, script, "--short", "--only", "02-crystal-fit", "--reference", REFERENCE]
    done = subprocess.run([*command, "--results", tmp_path / "runs"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no difference" in done.stdout
    assert not Path(tmp_path / "results").exists()
