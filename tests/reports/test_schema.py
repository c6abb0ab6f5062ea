"""The JSON Schema of verdict.json: what the contract names is required, and nothing else passes for it."""

import copy
import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tests.conftest import Command
from tests.reports.test_terminal import ensemble, shown
from thermo_cli.contracts import VERDICTS, Outcome
from thermo_cli.equilibrium.criteria import CRITERIA
from thermo_cli.judging import verdict_json
from thermo_cli.judging.record import Gate
from thermo_cli.reports.json_record import json_schema
from thermo_cli.reports.view import Unjudged

SCHEMA: dict[str, Any] = json.loads(json_schema())


def checked(text: str) -> Any:
    """Parse strictly and validate."""

    def refused(word: str) -> None:
        raise ValueError(f"{word} is no JSON")

    content = json.loads(text, parse_constant=refused)
    Draft202012Validator(SCHEMA).validate(content)
    return content


LATER: dict[str, Any] = {
    "unseen": "of 64 replicas none lay elsewhere: up to 4.6 % may",
    "looks": [{"replicas": 32, "steps": 8000, "verdict": "undecided", "open": ["agreement"]}],
    "skill": {"test_accuracy": {"constant": 0.1, "better": True}},
    "advice": [
        {
            "kind": "replicas",
            "words": "so many would decide",
            "to": 64,
            "chance": 0.8,
            "command": "",
            "work": None,
            "together": False,
        }
    ],
}


def document() -> dict[str, Any]:
    """What is said of a synthetic run."""
    view, _ = shown(ensemble(0.005, 0.0))
    return verdict_json.document("demo-01234567", "complete", view.verdict)


def sweep() -> dict[str, Any]:
    """Two points, one of which cannot be judged."""
    whole = document()
    alone = {key: whole[key] for key in verdict_json.NOTHING}
    lost = {**verdict_json.NOTHING, "summary": "gone"}
    points = [
        {"point": {"a.b": 1}, "replicas": whole["run"]["replicas"], **alone},
        {"point": {"a.b": None}, "replicas": None, **lost},
    ]
    return whole | lost | {"points": points}


def test_the_schema_that_is_linked_to_is_the_one_that_is_printed() -> None:
    """The file in the repository lists what the court judges, as `--schema` does."""
    assert files("thermo_cli.reports").joinpath("verdict.schema.json").read_text(encoding="utf-8") == json_schema()


def test_the_schema_is_one_and_says_what_the_code_says() -> None:
    """Valid draft 2020-12; its words are those of the contracts; every field of the document has a place in it."""
    Draft202012Validator.check_schema(SCHEMA)
    definitions = SCHEMA["$defs"]
    assert definitions["verdict"]["enum"] == list(VERDICTS)
    assert definitions["criterion"]["enum"] == [*(criterion.name for criterion in CRITERIA), "target"]
    assert definitions["decided"]["properties"]["outcomes"]["required"] == [criterion.name for criterion in CRITERIA]
    assert definitions["outcome"]["enum"] == list(get_args(Outcome))
    required = {*definitions["document"]["required"], *definitions["said"]["required"]}
    assert set(document()) == required
    assert set(definitions["said"]["properties"]) == set(definitions["said"]["required"]) == set(verdict_json.NOTHING)
    assert set(document()["run"]["replicas"]) == set(definitions["replicas"]["required"])
    row = document()["criteria"][0]
    assert set(row) == set(definitions["row"]["required"]) == set(definitions["row"]["properties"])


def test_documents_of_all_forms_are_accepted() -> None:
    """A run, a sweep, several of them, one with a comparison, and diagnostics that nobody has thought of."""
    more = document() | {"diagnostics": {"new": {"deep": None}}, **LATER}
    for content in (document(), sweep(), more, [document(), sweep()]):
        assert checked(json.dumps(content)) == content


def set_at(*path: Any, value: Any) -> Callable[[Any], None]:
    """Return what puts a value into a document; `...` takes the key away."""

    def change(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        if value is ...:
            del content[path[-1]]
        else:
            content[path[-1]] = value

    return change


BROKEN = {
    "no verdict": set_at("verdict", value=...),
    "a verdict of another kind": set_at("verdict", value="great"),
    "null of a run": set_at("verdict", value=None),
    "another phase": set_at("phase", value="gas"),
    "no scope": set_at("scope", value=...),
    "an empty summary": set_at("summary", value=""),
    "another version": set_at("schema_version", value=1),
    "another status": set_at("run", "status", value="running"),
    "a replica less than none": set_at("run", "replicas", "crashed", value=-1),
    "no count": set_at("run", "replicas", "planned", value=...),
    "half a replica": set_at("run", "replicas", "finished", value=0.5),
    "a key nobody knows": set_at("verdcit", value="settled"),
    "a row without an outcome": set_at("criteria", 0, "outcome", value=...),
    "another outcome": set_at("criteria", 0, "outcome", value="maybe"),
    "another criterion": set_at("criteria", 0, "criterion", value="beauty"),
    "an interval of one end": set_at("criteria", 0, "interval", value=[0.1]),
    "no interval": set_at("criteria", 0, "interval", value=None),
    "a number as text": set_at("criteria", 0, "estimate", value="0.1"),
    "certainty": set_at("criteria", 0, "confidence", value=1.0),
    "a margin of nothing": set_at("criteria", 0, "margin", value=0),
    "no reason": set_at("criteria", 0, "explanation", value=""),
    "gates as a number": set_at("criteria", 0, "gates", value=1),
    "no rows": set_at("criteria", value=[]),
    "a criterion without an outcome": set_at("outcomes", "history", value=...),
    "no mean": set_at("macroscopic", "test_accuracy", "mean", value=...),
    "a negative spread": set_at("macroscopic", "test_accuracy", "sd", value=-1.0),
    "a microscopic quantity without its null": set_at(
        "microscopic", value={"overlap": {"estimate": 1, "interval": [0, 1]}}
    ),
    "a point of nothing": set_at("points", value=[{}]),
    "no word on comparisons": set_at("comparison", value=...),
    "a comparison with nobody": set_at("comparison", value={"partners": [], "ranking": []}),
    "copies not counted": set_at("run", "replicas", "independent", value=...),
    "a look without its verdict": set_at("looks", value=[{"replicas": 32, "steps": 10, "open": []}]),
    "a key of version 1": set_at("baseline", value=None),
}
BROKEN_SWEEPS = {
    "a verdict of the whole": set_at("verdict", value="settled"),
    "a point without values": set_at("points", 0, "point", value={}),
    "a judged point without rows": set_at("points", 0, "criteria", value=[]),
    "a judged point without its scope": set_at("points", 0, "scope", value=...),
    "a lost point without a reason": set_at("points", 1, "summary", value=...),
    "a lost point with a phase": set_at("points", 1, "phase", value="crystal"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_document_is_refused(what: str) -> None:
    """One thing wrong, and it is no verdict.json."""
    content = copy.deepcopy(document())
    BROKEN[what](content)
    with pytest.raises(ValidationError):
        checked(json.dumps(content))


@pytest.mark.parametrize("what", BROKEN_SWEEPS)
def test_a_broken_sweep_is_refused(what: str) -> None:
    """One thing wrong with the whole or with a point."""
    content = copy.deepcopy(sweep())
    BROKEN_SWEEPS[what](content)
    with pytest.raises(ValidationError):
        checked(json.dumps(content))


def test_what_is_no_number_is_no_json() -> None:
    """NaN and infinity are refused where they are written and where they are read."""
    content = document()
    content["criteria"][0]["estimate"] = float("nan")
    with pytest.raises(ValueError, match="NaN is no JSON"):
        checked(json.dumps(content))


def test_the_command_prints_it(command: Command) -> None:
    """`thermo-report --schema`, without a run and without anything heavy."""
    done = command("thermo-report", "--schema")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == SCHEMA


def test_a_run_that_cannot_be_judged_has_a_form_of_its_own() -> None:
    """No verdict, no count, the reason; and with a verdict it would be refused."""
    lost = Unjudged("demo-01234567", "failed", "the file is damaged", Gate((), 3, "no verdict")).record
    assert checked(json.dumps(lost))["run"] == {"name": "demo", "id": "01234567", "status": "failed", "replicas": None}
    with pytest.raises(ValidationError):
        checked(json.dumps(lost | {"verdict": "settled"}))
