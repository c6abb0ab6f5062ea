"""Sweeps: points of a spec, and what cannot be swept."""

from pathlib import Path

import pytest

from tests.conftest import SMALL
from thermo_cli.errors import SpecError
from thermo_cli.spec import from_resolved, load_spec, to_yaml
from thermo_cli.spec.sweeping import points_of

SWEEP = SMALL.replace("replicas: 6", "replicas: 4").replace("steps: 400", "steps: 120") + (
    "sweep:\n  dynamics.with.lr: [0.02, 0.05]\n  ensemble.subsample.fraction: [0.4, 0.6]\n"
)


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Two rates by two sizes of the bath."""
    path = tmp_path / "swept.yaml"
    path.write_text(SWEEP)
    return path


def test_points_are_the_grid_in_order(sweep):
    """The last field varies fastest; each point is a whole spec with its own values and no sweep."""
    spec = load_spec(sweep)
    points = points_of(spec)
    assert [tuple(point.values.values()) for point in points] == [(0.02, 0.4), (0.02, 0.6), (0.05, 0.4), (0.05, 0.6)]
    assert [point.spec.dynamics.arguments.lr for point in points] == [0.02, 0.02, 0.05, 0.05]
    assert all(not point.spec.sweep for point in points)
    assert points[1].label == "dynamics.with.lr=0.02, ensemble.subsample.fraction=0.6"
    assert from_resolved(to_yaml(spec), "again") == spec


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        ("{dynamics.with.lrr: [0.1]}", "lrr"),
        ("{dynamics.with.lr: []}", "at least 1"),
        ("{dynamics.with.lr: [-1.0]}", "dynamics.with.lr=-1.0"),
        ("{name: [a, b]}", "the same at all points"),
        ("{data.use.more: [1]}", "not a mapping"),
        ("{dynamics.with.lr: 0.1}", "list"),
        ("{dynamics.with.lr: [0.1], dynamics.with: [{lr: 0.2}]}", "cannot both be swept"),
        ("{dynamics.with.lr: [0.1, 0.2, 0.1]}", "each value once"),
        ("{ensemble.seed: [" + ", ".join(map(str, range(1025))) + "]}", "at most 1024"),
        (
            "{ensemble.seed: ["
            + ", ".join(map(str, range(40)))
            + "], dynamics.with.lr: ["
            + ", ".join(map(str, range(1, 41)))
            + "]}",
            "too many",
        ),
        ("{equilibrium.margins.test_r: [0.1]}", "test_r"),
    ],
)
def test_sweeps_that_are_refused(small, sweep, words):
    """A field that is not there, a value that it does not take, nothing to sweep: told with the point."""
    with pytest.raises(SpecError) as caught:
        load_spec(small, [f"sweep={sweep}"])
    assert words in str(caught.value)
