"""The study: its page is what its verdict files say, every spec belongs to a finding, what contradicts a reference is told."""

import copy
import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from thermo_cli.spec.examples import example_names, write_example

EXPERIMENTS, REFERENCE = ROOT / "experiments", ROOT / "results" / "reference"


@pytest.fixture(scope="module")
def modules():
    """The scripts of the study, as they lie beside each other."""
    sys.path.insert(0, str(EXPERIMENTS))
    yield tuple(importlib.import_module(name) for name in ("study", "findings", "contradictions"))
    sys.path.remove(str(EXPERIMENTS))


def test_every_spec_belongs_to_one_finding(modules):
    """None is left out, none is counted twice, and each has the name of its file."""
    _, findings, _ = modules
    named = [name for finding in findings.FINDINGS for name in finding.specs]
    files = [path.stem for folder in ("claims", "literature") for path in (EXPERIMENTS / folder).glob("*.yaml")]
    assert sorted(named) == sorted(files)


def test_the_page_says_what_the_verdict_files_say(modules):
    """Written again from results/reference, results/study.md is the same to the letter; all findings have been run."""
    _, findings, _ = modules
    assert all(findings.kept(finding, REFERENCE) for finding in findings.FINDINGS)
    assert (ROOT / "results" / "study.md").read_text() == findings.page(REFERENCE)


def test_reports_that_are_kept_can_be_repeated_anywhere():
    """No command in them names a place of the machine that they were made on."""
    for page in REFERENCE.rglob("*.md"):
        commands = [line for line in page.read_text().splitlines() if line.startswith("thermo-")]
        assert not [word for line in commands for word in line.split() if word.startswith(("/", "--results"))], page


LEVEL = 0.05 / 2500


@pytest.fixture
def known():
    """What is kept of one claim."""
    return json.loads((REFERENCE / "02-crystal" / "02-crystal.json").read_text())


def test_what_contradicts_the_reference_is_told(modules, known):
    """Another verdict of as many replicas, the other outcome, a mean elsewhere; with fewer replicas, not the verdict."""
    differences = modules[2].contradictions
    assert list(differences(known, known, LEVEL)) == []
    other = copy.deepcopy(known)
    other["verdict"] = "glassy"
    row = next(row for row in other["criteria"] if row["gates"] and row["outcome"] == "holds")
    row["outcome"] = "fails"
    other["microscopic"]["overlap"] |= {"estimate": 2.5, "interval": [2.4, 2.6]}
    other["macroscopic"]["test_accuracy"]["mean"] -= 0.1
    said = "; ".join(differences(known, other, LEVEL))
    assert "glassy, where the reference says" in said
    assert f"{row['statistic']} of {row['observable']} fails" in said
    assert "overlap is 2.5" in said
    assert "test_accuracy is" in said
    other["run"]["replicas"]["finished"] -= 1
    assert "glassy" not in "; ".join(differences(known, other, LEVEL))


def test_a_value_that_is_lost_is_told(modules, known):
    """Of what all replicas tell; of fewer replicas a microscopic value may be open, a mean may not."""
    differences, other = modules[2].contradictions, copy.deepcopy(known)
    other["macroscopic"]["test_accuracy"]["mean"] = None
    del other["macroscopic"]["energy_l2"], other["microscopic"]["memory"]
    other["microscopic"]["overlap"]["interval"] = [None, None]
    lost = list(differences(known, other, LEVEL))
    names = [words.partition(" is not known, where the reference says ")[0] for words in lost]
    assert names == ["energy_l2", "test_accuracy", "memory", "overlap"]
    mean = f"{known['macroscopic']['test_accuracy']['mean']:.4g}"
    assert f"test_accuracy is not known, where the reference says {mean}" in lost
    assert not list(differences(other, known, LEVEL)), "what is measured besides contradicts nothing"
    other["run"]["replicas"]["finished"] = 8
    assert [words.partition(" ")[0] for words in differences(known, other, LEVEL)] == ["energy_l2", "test_accuracy"]


def test_fewer_replicas_of_one_law_seldom_contradict(modules, known):
    """Of 400 ensembles of 8 replicas of one law none contradicts 64, at a level of .05 for 2,500; 32 three spreads away do."""
    differences, generator = modules[2].contradictions, np.random.default_rng(0)

    def contradicted(shift: float, count: int) -> bool:
        other = copy.deepcopy(known)
        other["run"]["replicas"]["finished"] = count
        state = known["macroscopic"]["test_accuracy"]
        scores = generator.normal(state["mean"] + shift * state["sd"], state["sd"], count)
        other["macroscopic"]["test_accuracy"] |= {"mean": scores.mean(), "sd": scores.std(ddof=1)}
        return any("test_accuracy is" in words for words in differences(known, other, LEVEL))

    assert not any(contradicted(0.0, 8) for _ in range(400))
    assert sum(contradicted(3.0, 32) for _ in range(100)) >= 99


def test_replicas_that_happen_to_be_equal_have_an_error(modules, known):
    """Eight at 1 exactly contradict no 256 of which one in seven lies at .9992; eight at .9 do."""
    differences = modules[2].contradictions
    before, now = copy.deepcopy(known), copy.deepcopy(known)
    before["run"]["replicas"]["finished"], now["run"]["replicas"]["finished"] = 256, 8
    before["macroscopic"]["test_accuracy"] |= {"mean": 0.9999, "sd": 0.00027}
    for mean, said in ((1.0, False), (0.9, True)):
        now["macroscopic"]["test_accuracy"] |= {"mean": mean, "sd": 0.0}
        assert any("test_accuracy is" in words for words in differences(before, now, LEVEL)) == said


def test_the_level_is_shared_by_all_that_is_kept(modules):
    """Several thousand values are compared at .05 together."""
    assert 0.05 / 10000 < modules[2].level_of(REFERENCE) < 0.05 / 1000


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
