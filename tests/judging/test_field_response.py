"""The response of an ensemble to a swept number, against a law that is known, and where there is none."""

import pytest

import thermo_cli
from tests.conftest import SERIAL
from thermo_cli.judging.field_response import RESPONSE
from thermo_cli.reports.formats import rendered
from thermo_cli.runs.views import view

SPEC = {
    "name": "warmer",
    "system": {"use": "harmonic", "with": {"dimensions": 16}},
    "dynamics": {"use": "langevin", "with": {"lr": 0.1, "temperature": 1.0}, "steps": 400},
    "ensemble": {"replicas": 64, "seed": 1, "vary": ["init", "noise"], "controls": {"same_bath": 0, "twin": 0}},
    "observe": {"window_measurements": 8},
    "equilibrium": {"margins": {"energy_density": 0.5, "position": 0.5}},
}
SLOPE = 0.5 / (1 - 0.05)  # of the energy of a coordinate over the temperature: a Var / 2, Var = T / (a (1 - eta a / 2))


@pytest.fixture(scope="module")
def warmer(tmp_path_factory):
    """The harmonic system at three temperatures."""
    spec = SPEC | {"sweep": {"dynamics.with.temperature": [0.5, 1.0, 2.0]}}
    return thermo_cli.run(spec, results=tmp_path_factory.mktemp("warmer"), engine=SERIAL)


def test_the_energy_answers_to_the_temperature_by_its_law_and_the_position_does_not(warmer):
    """The interval of each step covers what theory says of the energy, and not nothing; that of the position covers nothing."""
    first, *others = warmer.as_dict()["points"]
    assert RESPONSE not in first["diagnostics"]
    for since, step, point in zip((0.5, 1.0), (0.5, 1.0), others, strict=True):
        answer = point["diagnostics"][RESPONSE]
        energy, position = (answer["observables"][name] for name in ("energy_density", "position"))
        low, high = energy["interval"]
        assert answer["field"] == "dynamics.with.temperature"
        assert answer["since"] == since
        assert low < SLOPE * step < high
        assert low > 0
        assert energy["per_unit"] == pytest.approx(energy["change"] / step)
        assert energy["in_sd"] > 1
        assert position["interval"][0] < 0 < position["interval"][1]


def test_reports_show_it(warmer):
    """A table with a line for each step and observable; the page and the schema take it."""
    shown = rendered("markdown", [view(warmer.judged)], details=True)
    assert "## Response" in shown
    assert shown.count("0.5 to 1.0") == 2
    assert "field_response" in rendered("json", [view(warmer.judged)])


@pytest.mark.parametrize(
    "sweep",
    [
        {"dynamics.with.temperature": [1.0, 2.0], "ensemble.seed": [1, 2]},
        {"ensemble.vary": [["init", "noise"], ["noise"]]},
    ],
)
def test_sweeps_of_anything_else_have_none(sweep, tmp_path):
    """Two fields have no order, lists no distance."""
    small = SPEC | {"ensemble": SPEC["ensemble"] | {"replicas": 8}, "sweep": sweep}
    run = thermo_cli.run(small, results=tmp_path, engine=SERIAL)
    assert all(RESPONSE not in point["diagnostics"] for point in run.as_dict()["points"])
    assert "## Response" not in rendered("markdown", [view(run.judged)], details=True)
