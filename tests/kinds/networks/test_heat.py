"""Langevin dynamics of networks: the law of Gibbs where it is known, the looped step, and who may be heated."""

import numpy as np
import pytest

import thermo_cli
from tests.conftest import SERIAL
from thermo_cli.data.split import load_dataset
from thermo_cli.errors import SpecError
from thermo_cli.experiment import prepare
from thermo_cli.spec import load_spec

T, RATE, DECAY = 0.01, 0.05, 0.2
SPEC = {
    "name": "heated",
    "data": {"use": "diabetes"},
    "system": {"use": "linear"},
    "dynamics": {
        "use": "sgd",
        "with": {"lr": RATE, "temperature": T, "weight_decay": DECAY},
        "batch_size": "full",
        "steps": 1600,
    },
    "ensemble": {"replicas": 32, "seed": 1, "subsample": {"fraction": 1.0}, "vary": ["init", "noise"]},
    "observe": {"macro": ["loss", "r2"], "micro": []},
}


def changed(**dynamics):
    """The same with other dynamics."""
    return SPEC | {"dynamics": SPEC["dynamics"] | dynamics}


def test_a_quadratic_energy_stands_above_its_minimum_by_what_gibbs_says(tmp_path):
    """<U> - U_min = (T / 2) sum over directions of 1 / (1 - lr a / 2): half a temperature each, and what finite steps add."""
    run = thermo_cli.run(SPEC, results=tmp_path, engine=SERIAL)
    data = load_dataset(load_spec(SPEC).data, tmp_path)
    x = np.hstack([data.x, np.ones((len(data.x), 1))])
    hessian = 2 * x.T @ x / len(x) + DECAY * np.eye(x.shape[1])
    best = np.linalg.solve(hessian, 2 * x.T @ data.y / len(x))
    least = np.mean((x @ best - data.y) ** 2) + DECAY / 2 * best @ best
    expected = T / 2 * np.sum(1 / (1 - RATE * np.linalg.eigvalsh(hessian) / 2))
    means = run.observables.values["energy"][:, run.observables.steps >= 800].mean(axis=1) - least
    error = means.std(ddof=1) / np.sqrt(len(means))
    assert abs(means.mean() - expected) < 4 * error
    assert 4 * error < 0.1 * expected
    assert means.mean() > 1.2 * T / 2 * 8  # eleven directions, and not fewer


def test_a_replica_is_heated_by_its_own_stream_alone(tmp_path):
    """It is the same in any company and where only half of the steps were taken first; another stream is another walk."""
    small = SPEC | {"ensemble": SPEC["ensemble"] | {"replicas": 8}}
    few = SPEC | {"ensemble": SPEC["ensemble"] | {"replicas": 3}}
    runs = [thermo_cli.run(one, results=tmp_path / name, engine=SERIAL) for name, one in (("8", small), ("3", few))]
    eight, three = (run.observables.values["energy"] for run in runs)
    np.testing.assert_array_equal(eight[:3], three)
    assert not np.isclose(eight[0, -1], eight[1:, -1]).any()


def test_a_heated_network_takes_the_steps_that_torch_takes(tmp_path):
    """With a first phase that is colder, on batches: what is stacked equals what is looped, or nothing is trained."""
    spec = SPEC | {
        "system": {"use": "mlp", "with": {"hidden": [8]}},
        "dynamics": SPEC["dynamics"] | {"batch_size": 32, "steps": 100},
        "histories": {"cold": {}, "mild": {"first": {"steps": 20, "dynamics": {"with": {"temperature": 0.001}}}}},
    }
    (point,) = prepare(load_spec(spec), tmp_path, tmp_path).points
    assert point.facts.noisy
    assert "noise" in thermo_cli.run(spec, results=tmp_path, engine=SERIAL).scope


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (changed(**{"with": {"lr": RATE, "temperature": T, "momentum": 0.9}}), "without momentum"),
        (changed(**{"with": {"lr": RATE, "temperature": -1.0}}), "temperature"),
        (
            {
                "name": "walkers",
                "system": {"use": "harmonic"},
                "dynamics": {"use": "sgd", "with": {"lr": 0.1, "temperature": 1.0}, "steps": 10},
            },
            "langevin",
        ),
    ],
)
def test_who_may_not_be_heated(spec, words):
    """Momentum carries heat on, and a physical system has dynamics of its own for it."""
    with pytest.raises(SpecError, match=words):
        load_spec(spec)
