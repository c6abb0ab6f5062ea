"""What later versions must not change: which spec is which run."""

import json
from pathlib import Path

import pytest

from thermo_cli.spec import identity, load_spec

ROOT = Path(__file__).parents[2]
NAMES: dict[str, str] = json.loads((ROOT / "tests" / "goldens" / "identities.json").read_text())


def identities() -> dict[str, str]:
    """Return the identity of every experiment, for data of an empty fingerprint: rounding of data is the processor's."""
    paths = sorted((ROOT / "experiments").rglob("*.yaml"))
    return {str(path.relative_to(ROOT / "experiments")): identity(load_spec(path), "", "cpu") for path in paths}


def test_every_experiment_is_the_run_that_it_was() -> None:
    """Another identity is another run: whoever gives the same command again would begin anew."""
    assert identities() == NAMES


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ("ensemble.replicas=7", True),
        ("ensemble.controls={same_bath: 3, twin: 0}", True),
        ("description=other words", True),
        ("equilibrium.confidence=0.9", True),
        ("dynamics.steps={from: 680, to: 1360}", True),
        ("dynamics.steps=340", False),
        ("ensemble.seed=1", False),
        ("dynamics.with.lr=0.02", False),
        ("ensemble.precision=float64", False),
    ],
)
def test_what_an_identity_holds(change: str, same: bool) -> None:
    """Numbers that grow, controls, words and margins name no run; whatever decides a replica's numbers does."""
    path = ROOT / "experiments" / "quickstart.yaml"
    steps = f"dynamics.steps={load_spec(path).total}"
    change = change.replace("680", steps.partition("=")[2]).replace("1360", str(2 * load_spec(path).total))
    assert (identity(load_spec(path, [change]), "", "cpu") == identity(load_spec(path, [steps]), "", "cpu")) == same
