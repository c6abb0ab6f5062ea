"""Every kind of system has a spec in experiments/ that runs in a small form and gives the verdict that it expects."""

import re

import pytest

import thermo_cli
from tests.conftest import ROOT
from thermo_cli.spec import load_spec

SMALL = {  # experiment to what makes it small
    "logistic-regression": [],
    "ridge": [],
    "decision-tree": [],
    "random-forest": ["observe.window_measurements=8"],
    "gradient-boosting": ["observe.window_measurements=8"],
    "svm": [],
    "nearest-neighbours": [],
    "mlp-classifier": ["observe.window_measurements=8"],
    "pipeline": [],
    "recorded": [],
}


def expected(name: str) -> str:
    """Return the verdict that a description expects."""
    found = re.search(r"Expected: (\w+)", load_spec(ROOT / "experiments" / f"{name}.yaml").description)
    assert found, f"{name} does not say what is expected"
    return found[1]


@pytest.mark.parametrize("name", SMALL)
def test_an_experiment_gives_the_verdict_that_it_expects(name, tmp_path):
    """In its small form, with the reason written in its description."""
    run = thermo_cli.run(
        ROOT / "experiments" / f"{name}.yaml", overrides=SMALL[name], results=tmp_path, allow=["local", "command"]
    )
    assert run.verdict.verdict == expected(name), run.verdict.summary
