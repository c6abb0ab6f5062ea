"""Every kind of system has a spec in experiments/ that runs in a small form and gives the verdict that it expects."""

import re

import pytest

import thermo_cli
from tests.conftest import ROOT, SERIAL
from thermo_cli.experiment import prepare
from thermo_cli.plan import describe
from thermo_cli.runs.views import view
from thermo_cli.spec import load_spec

FEW = [  # a weaker claim, which fewer replicas can carry
    "equilibrium.content=0.5",
    "equilibrium.confidence=0.7",
    "observe.window_measurements=16",
]
NO_CONTROLS = ["observe.micro=[]", "ensemble.controls={same_bath: 0, twin: 0}"]
SMALL = {  # experiment to what makes it small; the quickstart (mlp) is run whole by .ci/run
    "logistic-regression": [],
    "messy-table": [],
    "ridge": [],
    "decision-tree": [],
    "random-forest": ["ensemble.controls.same_bath=2"],
    "gradient-boosting": ["observe.window_measurements=16", "ensemble.controls.same_bath=2"],
    "xgboost": ["ensemble.controls.same_bath=2"],
    "svm": ["ensemble.controls.same_bath=2"],
    "nearest-neighbours": ["ensemble.controls.same_bath=2"],
    "mlp-classifier": ["dynamics.steps=160", "observe.window_measurements=16"],
    "pipeline": [],
    "transformer": [
        *FEW,
        *NO_CONTROLS,
        "ensemble.replicas=10",
        "equilibrium.margins={test_accuracy: 0.06, energy: 0.1}",
    ],
    "own-module": [*FEW, *NO_CONTROLS, "ensemble.replicas=16"],
    "command": [*FEW, "ensemble.replicas=8"],
    "lightning": [  # which is not installed: a log that it left, by a script in its place
        *FEW,
        "ensemble.replicas=8",
        "system.with.values={}",
        'system.with.run=[python, ../tests/fixtures/lightning/replay.py, "{seed}", "{output}"]',
    ],
    "function": [*FEW, "ensemble.replicas=8", "dynamics.steps=2000"],
    "recorded": [],
}
ALLOWED = {
    "own-module": ["local"],
    "xgboost": ["xgboost"],
    "command": ["command"],
    "lightning": ["command"],
    "function": ["local"],
}


def expected(name: str) -> str:
    """Return the verdict that a description expects."""
    found = re.search(r"Expected: (\w+)", load_spec(ROOT / "experiments" / f"{name}.yaml").description)
    assert found, f"{name} does not say what is expected"
    return found[1]


@pytest.mark.parametrize("name", SMALL)
def test_an_experiment_gives_the_verdict_that_it_expects(name, tmp_path):
    """In its small form, with the reason written in its description."""
    path = ROOT / "experiments" / f"{name}.yaml"
    run = thermo_cli.run(path, overrides=SMALL[name], results=tmp_path, allow=ALLOWED.get(name, []), engine=SERIAL)
    assert run.verdict.verdict == expected(name), run.verdict.summary
    assert not view(run.judged).before  # no other look than this one, whatever step a script calls its last


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("recurrent", "not stacked, but looped over: vmap"),
        ("frozen-backbone", "336 frozen ones are shared by all replicas, and in no microstate: backbone.0.weight"),
        ("logits", "float32\n"),
    ],
)
def test_modules_as_people_bring_them_train(name, words, tmp_path):
    """Each for a moment: the plan says how and what, the energy of every replica falls, and is the same a second time."""
    overrides = [*NO_CONTROLS, "ensemble.replicas=2", "dynamics.steps=60", "observe.window_measurements=8"]
    path = ROOT / "experiments" / f"{name}.yaml"
    done = prepare(load_spec(path, overrides), path.parent, tmp_path / "plan", ["local"])
    assert words in describe(done, 1, False)
    runs = [
        thermo_cli.run(path, overrides=overrides, results=tmp_path / place, allow=["local"], engine=SERIAL)
        for place in ("once", "again")
    ]
    energy, again = (run.observables.values["energy"] for run in runs)
    assert (energy[:, -1] < energy[:, 0]).all()
    assert (energy == again).all()


def test_a_convolutional_network_is_caught_relaxing(tmp_path):
    """In a hundred steps, as its description expects: its accuracy is still rising."""
    overrides = [
        *NO_CONTROLS,
        "ensemble.replicas=8",
        "ensemble.subsample={size: 200}",
        "dynamics.steps=100",
        "histories={cold: {}}",
        "observe.window_measurements=8",
    ]
    run = thermo_cli.run(ROOT / "experiments" / "cnn.yaml", overrides=overrides, results=tmp_path, engine=SERIAL)
    assert run.verdict.verdict == expected("cnn") == "relaxing"


def test_a_sweep_of_rate_and_bath_is_a_phase_diagram(tmp_path):
    """A verdict for each of eight points: relaxing where the rate is small, never settled there."""
    overrides = ["ensemble.replicas=8", "dynamics.steps=500", "ensemble.controls.same_bath=0", "observe.micro=[]"]
    sweep = thermo_cli.run(
        ROOT / "experiments" / "sweep.yaml",
        overrides=[*overrides, "observe.window_measurements=8"],
        results=tmp_path,
        engine=SERIAL,
    )
    verdicts = {tuple(point.values()): run.verdict.verdict for point, run in zip(sweep.points, sweep.runs, strict=True)}
    assert len(verdicts) == 8
    assert verdicts[0.001, 0.5] == verdicts[0.001, 0.1] == "relaxing"
    assert expected("sweep") == "relaxing"
