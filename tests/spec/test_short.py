"""A spec says only what matters: short forms are the long ones, and errors point at their fields, all at once."""

import json
from pathlib import Path

import jsonschema
import pytest

from thermo_cli.errors import SpecError, SpecErrors, ThermoError
from thermo_cli.experiment import prepare
from thermo_cli.spec import identity, json_schema, load_spec, to_yaml
from thermo_cli.spec.loading import open_spec

SHORT = """\
name: short
data: {use: wine}
system:
  use: sklearn.linear_model:LogisticRegression
  preprocess: ["sklearn.preprocessing:StandardScaler"]
ensemble: {subsample: 0.7}
"""
LONG = """\
name: short
data: {use: wine}
system:
  use: sklearn.linear_model:LogisticRegression
  preprocess: [{use: "sklearn.preprocessing:StandardScaler", with: {}}]
dynamics: {use: fit, with: {time: once}, steps: 1}
ensemble: {subsample: {fraction: 0.7}}
"""


@pytest.fixture
def written(tmp_path):
    """Return what writes a spec."""

    def write(text: str) -> Path:
        path = tmp_path / "spec.yaml"
        path.write_text(text)
        return path

    return write


def test_the_short_form_is_the_long_one(written):
    """The resolved spec and the identity of a run are the same."""
    short, long = load_spec(written(SHORT)), load_spec(written(LONG))
    assert to_yaml(short) == to_yaml(long)
    assert identity(short, "f", "cpu") == identity(long, "f", "cpu")
    own = load_spec(written(SHORT.replace("sklearn.linear_model:", "mine:")))
    assert own.dynamics == long.dynamics
    staged = load_spec(written(SHORT), ["dynamics={with: {time: budget}, steps: 8}"])
    assert (staged.dynamics.use, staged.time, staged.total) == ("fit", "budget", 8)
    changed = load_spec(written(SHORT), ["ensemble.subsample.stratified=true"])
    assert (changed.ensemble.subsample.fraction, changed.ensemble.subsample.stratified) == (0.7, True)


def test_editors_accept_the_short_form():
    """The schema takes names and shares, and still refuses what is neither."""
    schema = json.loads(json_schema())
    spec = {
        "data": {"use": "wine"},
        "system": {"use": "sklearn.svm:SVC", "preprocess": ["sklearn.preprocessing:StandardScaler"]},
        "ensemble": {"subsample": 0.7},
        "dynamics": {"with": {"time": "budget"}, "steps": 8},
    }
    jsonschema.validate(spec, schema)
    for wrong in (
        {"ensemble": {"subsample": 1.5}},
        {"system": {"use": "sklearn.svm:SVC", "preprocess": ["StandardScaler"]}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(spec | wrong, schema)


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        ("0.7", "1.7", ["spec.yaml:6:23: ensemble.subsample"]),
        ("0.7", "7", ["spec.yaml:6:23: ensemble.subsample"]),
        ("StandardScaler", "Standard Scaler", ["spec.yaml:5:16: system.preprocess[0]"]),
        ("data: {use: wine}\n", "", ["spec.yaml:1:1: data"]),
        ("ensemble:", "dynamics: {steps: 5}\nensemble:", ["spec.yaml:6:12: dynamics.steps"]),
        ("ensemble:", "dynamics: {use: sgd, with: {lr: 0.1}, steps: 5}\nensemble:", ["spec.yaml:6:12: dynamics.use"]),
        (
            "ensemble: {subsample: 0.7}",
            "dynamics: {steps: 5}\nhistories: {cold: {init_scale: 2.0}}\nensemble: {design: {crossed: {order: 2}}}",
            [
                "spec.yaml:6:12: dynamics.steps",
                "spec.yaml:7:13: histories.cold",
                "spec.yaml:8:31: ensemble.design.crossed.order",
            ],
        ),
        (
            "ensemble:",
            "equilibrium: {margins: {test_x: 0.1, train_y: 0.2}, better: {test_z: higher}}\nensemble:",
            ["equilibrium.margins.test_x", "equilibrium.margins.train_y", "equilibrium.better.test_z"],
        ),
        (
            "ensemble:",
            "observe: {macro: 3}\ndynamics: {steps: 5}\nensemble:",
            ["spec.yaml:6:18: observe.macro", "spec.yaml:7:12: dynamics.steps"],
        ),
    ],
)
def test_errors_point_at_their_fields_all_at_once(written, before, after, places):
    """File, line, column and name; where a field is not there, where the mapping begins that it belongs to."""
    assert before in SHORT
    path = written(SHORT.replace(before, after, 1))
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    message = str(caught.value)
    assert all(place in message for place in places), message
    count = len(caught.value.errors) if isinstance(caught.value, SpecErrors) else 1
    assert count == len(places)


def test_what_is_found_out_later_has_its_place_too(written):
    """A field that only the estimator, or the data, can refuse is found in the file, through lists and keys with dots."""
    text = SHORT.replace("LogisticRegression\n", 'LogisticRegression\n  with: {"a.b": [{c: 1}], C: 2}\n')
    replaced = open_spec(written(text), ["system={use: 'mine:Model', preprocess: ['mine:Step']}"])
    assert replaced.source.field("system.preprocess[0].use").startswith("--set system={use: 'mine:Model'")
    given = open_spec(written(text))
    for name, place in {
        "system.with.a.b[0].c": "spec.yaml:5:19",
        "system.preprocess[0].with": "spec.yaml:6:16",
        "equilibrium.margins": "spec.yaml:1:1",
    }.items():
        with pytest.raises(SpecError) as caught, given.placed():
            raise SpecErrors([SpecError("one", where=name), SpecError("other", where="table.csv:12")])
        assert str(caught.value).splitlines() == [f"{written(text).parent}/{place}: {name}: one", "table.csv:12: other"]


def test_what_can_be_read_in_two_ways_hides_nothing_else(written):
    """A scalar that is a trap is told once, with a misspelled key, a key given twice and a wrong value elsewhere."""
    text = SHORT.replace("{subsample: 0.7}", "{subsample: 1.7, replicas: 010, replicas: 8}").replace("data:", "date:")
    with pytest.raises(SpecErrors) as caught:
        load_spec(written(text))
    message = str(caught.value)
    for words in ("different things", "given twice", "spec.yaml:6:23: ensemble.subsample", "spec.yaml:2:1: date"):
        assert message.count(words) == 1, message
    trap = SHORT.replace("0.7", "0.7, replicas: yes")
    with pytest.raises(SpecError) as alone:
        load_spec(written(trap))
    assert "'yes'" not in str(alone.value)
    assert "received: yes" in str(alone.value)


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        (
            "LogisticRegression\n",
            "LogisticRegresion\n",
            ["no_such.csv", "system.use", "did you mean 'LogisticRegression'"],
        ),
        ("LogisticRegression\n", "LogisticRegression\n  with: {penalti: l2}\n", ["no_such.csv", "system.with.penalti"]),
        ("StandardScaler", "StandardScalar", ["no_such.csv", "system.preprocess[0].use"]),
        (
            'sklearn.linear_model:LogisticRegression\n  preprocess: ["sklearn.preprocessing:StandardScaler"]\n',
            "torch.nn:Lineer\ndynamics: {use: torch.optim:Adan, steps: 4}\n",
            ["no_such.csv", "torch.nn has no Lineer", "torch.optim has no Adan"],
        ),
    ],
)
def test_what_the_data_refuse_hides_no_name(written, tmp_path, before, after, places):
    """A table that is not there, and an estimator, a step, an argument, a module or an optimizer that is not: one answer."""
    assert before in SHORT
    text = SHORT.replace(before, after).replace("{use: wine}", "{use: csv, with: {path: no_such.csv, target: y}}")
    with pytest.raises(ThermoError) as caught:
        prepare(load_spec(written(text)), tmp_path, tmp_path)
    assert caught.value.exit_code == 2
    for words in places:
        assert words in str(caught.value), caught.value


def test_a_module_and_an_optimizer_are_told_at_once(written, tmp_path):
    """Where the data serve, neither hides the other."""
    text = (
        SHORT.split("system:", maxsplit=1)[0]
        + "system: {use: 'torch.nn:Lineer'}\ndynamics: {use: 'torch.optim:Adan', steps: 4}\n"
    )
    with pytest.raises(SpecErrors) as caught:
        prepare(load_spec(written(text)), tmp_path, tmp_path)
    assert "Lineer" in str(caught.value)
    assert "Adan" in str(caught.value)
