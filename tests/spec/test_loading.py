"""Every way to get a spec wrong is answered with its place, what was received and what to do."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, SMALL
from thermo_cli.errors import SpecError
from thermo_cli.spec import from_resolved, identity, json_schema, load_spec, to_yaml
from thermo_cli.spec.schema import Spec
from thermo_cli.spec.yaml_source import plain_scalar

EXPERIMENTS = sorted((ROOT / "experiments").glob("**/*.yaml"))

MISTAKES = [
    ("steps: 400", "stpes: 400", ["4:", "unknown key", "stpes", "did you mean 'steps'"]),
    ("replicas: 6", "replicas: 6, shard: 16", ["unknown key", "shard", "since 0.6", "leave it out"]),
    ("use: wine", "use: whine", ["2:17", "unknown name", "did you mean 'wine'"]),
    ("use: mlp", "use: perceptron", ["3:", "unknown name", "known: mlp, linear"]),
    ("hidden: [8]", "hiden: [8]", ["3:29", "system.with.hiden", "did you mean 'hidden'"]),
    ("hidden: [8]", "hidden: [8, x]", ["system.with.hidden[1]", "expected an integer"]),
    ("hidden: [8]", "hidden: []", ["system.with.hidden", "at least 1 item"]),
    ("replicas: 6", "replicas: 1", ["5:", "ensemble.replicas", "greater than or equal to 2", "received: 1"]),
    ("replicas: 6", "replicas: 0", ["ensemble.replicas", "greater than or equal to 2", "received: 0"]),
    ("replicas: 6", "replicas: 6.5", ["ensemble.replicas", "expected an integer"]),
    ("lr: 0.05", 'lr: "0.05"', ["dynamics.with.lr", "expected a number", "without quotes"]),
    ("lr: 0.05", "lr: -1", ["dynamics.with.lr", "greater than 0"]),
    ("lr: 0.05", "lr: .nan", ["4:", "different things to different YAML readers"]),
    ("lr: 0.05", "lr: 1e400", ["4:", "too large for double precision"]),
    ("momentum: 0.9", "momentum: 1", ["dynamics.with.momentum", "less than 1"]),
    ("batch_size: 16", "batch_size: ful", ["dynamics.batch_size", "expected an integer", "'full'"]),
    ("seed: 3", "seed: 3, seed: 4", ["5:", "given twice (first in line 5)"]),
    ("seed: 3", "seed: &a 3", ["5:", "anchors and aliases"]),
    ("seed: 3", "seed: !!int 3", ["5:", "tags"]),
    ("seed: 3", "seed: 010", ["plain decimal number"]),
    ("seed: 3", "seed: 1_000", ["plain decimal number"]),
    ("seed: 3", "seed: 12:30", ["plain decimal number"]),
    ("fraction: 0.6", "fraction: 0.6, size: 5", ["ensemble.subsample", "exactly one of"]),
    ("fraction: 0.6", "disjoint: true", ["ensemble.subsample", "exactly one of|need their size"]),
    ("cold: {}", "no: {}", ["7:3", "quote it"]),
    ("cold: {}", "cold: {first: {steps: 400, labels: shuffled}}", ["must be fewer than dynamics.steps"]),
    ("cold: {}", "cold: 3", ["histories.cold", "expected a", "mapping"]),
    ("name: small", "name: ../../etc", ["1:", "name", "letters, digits"]),
    ("name: small", "name: [a", ["not valid YAML"]),
    ("name: small", "name: small\n\tx: 1", ["not valid YAML", "2:1"]),
]


@pytest.mark.parametrize(("before", "after", "expected"), MISTAKES)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, before: str, after: str, expected: list[str]) -> None:
    """Each message holds the line, the field and the remedy."""
    assert before in SMALL
    path = tmp_path / "spec.yaml"
    path.write_text(SMALL.replace(before, after, 1))
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    message = str(caught.value)
    assert str(path) in message
    for part in expected:
        assert any(option in message for option in part.split("|")), message


def test_several_mistakes_are_reported_together(tmp_path: Path) -> None:
    """Nobody should have to mend one line at a time."""
    path = tmp_path / "spec.yaml"
    path.write_text(SMALL.replace("lr: 0.05", "lr: x").replace("replicas: 6", "replicas: 1"))
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert "dynamics.with.lr" in str(caught.value)
    assert "ensemble.replicas" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", "empty"), (b"- a\n", "mapping"), (b"\xff\xfe\x00", "UTF-8"), (b"a: " + b"x" * (1 << 20), "1 MiB")],
)
def test_files_that_are_no_spec_are_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    """Empty, a list, not text, too large."""
    path = tmp_path / "spec.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError, match=expected):
        load_spec(path)


@pytest.mark.parametrize(
    ("content", "place", "expected"),
    [
        (b"", "1:1", "empty"),
        (b"\n- a\n", "2:1", "mapping"),
        (b"name: a\n", "1:1", "system"),
        (b"name: a\nb: \xe9\n", "2:4", "UTF-8"),
        (b"\xef\xbb\xbfname: \xe9\n", "1:7", "UTF-8"),
        (b"a: b\n" + b"x" * (1 << 20), "2:1048572", "1 MiB"),
        (b"a:\r\nb: \x1b[31m\n", "2:4", "no YAML file holds"),
        (b"a: " + b"9" * 5000, "1:4", "too large"),
        (b"a: [-" + b"9" * 400 + b"]", "1:5", "too large"),
        (b"a: 1e400", "1:4", "too large"),
        (b"a: 0x" + b"9" * 5000, "1:4", "plain decimal"),
        (b'a: "\\ud800"', "1:4", "half a surrogate"),
        (b'"\\udfff": 1', "1:1", "half a surrogate"),
        (b'a: "\\UFFFFFFFF"', "1:7", "out of range"),
        (b"%YAML 1." + b"9" * 5000 + b"\n---\na: 1", "1:9", "out of range"),
    ],
)
def test_whatever_is_no_spec_has_line_and_column(tmp_path: Path, content: bytes, place: str, expected: str) -> None:
    """Bytes, characters, numbers and documents that no spec holds are refused where they stand, and not at length."""
    path = tmp_path / "spec.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    message = str(caught.value)
    assert expected in message
    assert f"{path}:{place}: " in message
    assert len(message) < 2000


@pytest.mark.parametrize("key", ["lr", "nope"])
def test_an_error_at_a_point_of_a_sweep_has_its_place(small: Path, key: str) -> None:
    """It is found at `sweep`, or at the option that sweeps."""
    small.write_text(small.read_text() + f"sweep:\n  dynamics.with.{key}: [0.1, -1]\n")
    with pytest.raises(SpecError) as caught:
        load_spec(small)
    assert f"{small}:9:1: sweep, at dynamics.with.{key}=" in str(caught.value)
    with pytest.raises(SpecError, match=r"--set sweep=.*sweep, at dynamics.with.momentum=2"):
        load_spec(small, ["sweep={dynamics.with.momentum: [2]}"])


def test_a_name_with_a_line_feed_begins_no_error(small: Path) -> None:
    """What a spec holds is shown below what is said of it."""
    small.write_text(small.read_text() + '"a\\nerror: b": 1\n')
    with pytest.raises(SpecError) as caught:
        load_spec(small)
    assert all(line.startswith("  ") for line in str(caught.value).splitlines()[1:])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path that was looked for is in the message."""
    with pytest.raises(SpecError, match="no such file"):
        load_spec(tmp_path / "absent.yaml")


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    """A document made to exhaust the parser ends at a limit."""
    path = tmp_path / "spec.yaml"
    path.write_text("a: " + "[" * 5000)
    with pytest.raises(SpecError, match="nested deeper"):
        load_spec(path)


def test_overrides_are_validated_like_the_file(small: Path) -> None:
    """`--set` wins over the file, creates what is absent, and its errors point at it."""
    spec = load_spec(
        small, ["dynamics.with.lr=1e-3", "equilibrium.margins={test_accuracy: 0.1}", "ensemble.replicas=9"]
    )
    assert spec.dynamics.arguments.lr == 1e-3
    assert spec.equilibrium.margins == {"test_accuracy": 0.1}
    assert spec.ensemble.replicas.last == 9
    for override, expected in [
        ("dynamics.with.lrr=3", "did you mean 'lr'"),
        ("dynamics.with.lr=abc", "expected a number"),
        ("name.x=3", "not a mapping"),
        ("foo", "key.sub=value"),
        ("ensemble.vary=[init, init]", "once"),
    ]:
        with pytest.raises(SpecError, match=expected) as caught:
            load_spec(small, [override])
        assert "--set" in str(caught.value)


def test_margins_of_what_cannot_gate_are_refused(small: Path) -> None:
    """Only the test split and the energy gate."""
    for name, expected in [("train_accuracy", "test_accuracy"), ("accuracy", "margins go to")]:
        with pytest.raises(SpecError, match=expected):
            load_spec(small, [f"equilibrium.margins={{{name}: 0.1}}"])


def test_resolved_specs_read_back_the_same(small: Path) -> None:
    """Writing every default out and reading it again changes nothing."""
    spec = load_spec(small)
    assert from_resolved(to_yaml(spec), "resolved") == spec


@pytest.mark.parametrize(
    "name", ["nan", "inf", "1e5", "no", "010", "null", "true", "12:30", "-7", "'x'", "a: b", "# x", "é\n b"]
)
def test_text_that_looks_like_something_else_reads_back_as_text(small: Path, name: str) -> None:
    """Whatever a spec says in quotes, the resolved spec says too."""
    spec = load_spec(small).model_copy(update={"description": name})
    assert from_resolved(to_yaml(spec), "resolved").description == name


def test_identity_counts_what_decides_the_numbers_and_nothing_else(small: Path) -> None:
    """Margins, descriptions and how far a run grows do not change it; a learning rate, the data or `steps.from` do."""
    spec = load_spec(small)
    own = identity(spec, "f", "cpu")
    same = load_spec(small, ["description=other", "equilibrium.confidence=0.9"])
    assert identity(same, "f", "cpu") == own
    for grown in (
        "ensemble.replicas=60",
        "ensemble.replicas={from: 6, to: 60}",
        "dynamics.steps={from: 400, to: 1600}",
    ):
        assert identity(load_spec(small, [grown]), "f", "cpu") == own
    assert identity(load_spec(small, ["ensemble.controls={same_bath: 0, twin: 0}"]), "f", "cpu") == own
    others = [
        identity(load_spec(small, ["dynamics.steps={from: 200, to: 400}"]), "f", "cpu"),
        identity(load_spec(small, ["ensemble.seed=4"]), "f", "cpu"),
        identity(load_spec(small, ["dynamics.with.lr=0.06"]), "f", "cpu"),
        identity(spec, "g", "cpu"),
        identity(spec, "f", "cuda"),
    ]
    assert own not in others


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_is_valid(path: Path) -> None:
    """The specs of experiments/ load."""
    assert load_spec(path).description


def test_the_schema_beside_the_experiments_is_current() -> None:
    """`thermo-run --schema` printed it."""
    assert (ROOT / "experiments" / "thermo-spec.schema.json").read_text() == json_schema()


def test_every_field_has_a_sentence() -> None:
    """The schema explains each field to an editor's user."""
    schema = Spec.model_json_schema()
    for name, model in {"Spec": schema, **schema["$defs"]}.items():
        for field, content in model.get("properties", {}).items():
            assert content.get("description"), f"{name}.{field}"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_yaml(value: float) -> None:
    """Any float that Python writes is read back as itself."""
    assert plain_scalar(repr(value)) == value


@given(st.integers())
def test_integers_survive_yaml(value: int) -> None:
    """Any integer too, and it stays an integer."""
    read = plain_scalar(str(value))
    assert read == value
    assert isinstance(read, int)


def test_code_that_an_argument_of_a_step_names_counts() -> None:
    """As of the estimator itself: what a step calls decides the numbers too."""
    step = {"use": "sklearn.preprocessing:FunctionTransformer", "with": {"func": "mine:scaled"}}
    spec = load_spec(
        {
            "data": {"use": "wine"},
            "system": {"use": "sklearn.svm:SVC", "preprocess": [step]},
            "dynamics": {"use": "fit"},
        }
    )
    assert set(spec.foreign) == {"sklearn.svm:SVC", step["use"], "mine:scaled"}
