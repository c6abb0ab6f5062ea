"""The rehearsal: what a few steps of one replica say before all are trained, and what is refused there with lines to paste."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import thermo_cli
from tests.conftest import SERIAL
from thermo_cli.errors import SpecError, ThermoError
from thermo_cli.experiment import prepare
from thermo_cli.kinds.kind import Rehearsal
from thermo_cli.kinds.scripts import rehearse
from thermo_cli.kinds.scripts.rehearse import rehearse_program
from thermo_cli.spec import load_spec
from thermo_cli.spec.validation import validate
from thermo_cli.spec.yaml_source import parse

HEAD = """
import json, pathlib, random, sys, time
seed, order, out, steps = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3]), int(sys.argv[4])
private = random.Random(seed)

def report(step, **values):
    with (out / "metrics.jsonl").open("a") as log:
        log.write(json.dumps({"step": step, **values}) + chr(10))
"""
GOOD = (
    "for step in range(0, steps + 1, 4):\n    report(step, test_accuracy=step / 999 + private.random() / 99, lr=0.1)\n"
)


def rehearsed(folder: Path, code: str, run: str = "{seed} {order_seed} {output} {steps}", **fields: Any) -> Rehearsal:
    """Rehearse a script of 2000 steps whose arguments are seed, seed of the order, output and steps."""
    (folder / "train.py").write_text(HEAD + code)
    spec = {
        "system": {"use": "command", "with": {"run": ["python", "train.py", *run.split()]}},
        "dynamics": {"use": "process", "steps": 2000},
        "ensemble": {"replicas": 4, "seed": 3},
        **fields,
    }
    (folder / "s.yaml").write_text(yaml.safe_dump(spec))
    setup = prepare(load_spec(folder / "s.yaml"), folder, folder / "results", ["command"]).points[0]
    return rehearse_program(setup, 1)


def test_it_says_what_was_logged_and_which_seeds_change_it(tmp_path: Path) -> None:
    """Of few steps, as the script takes their number; the second seed is not used, and is not among what varies."""
    found = rehearsed(tmp_path, GOOD)
    assert found.words == (
        "rehearsal of cold/0 (script): 26 records up to step 100 of 100, in metrics.jsonl; scores that decide: test_accuracy; "
        "watched: lr",
        "started again with the same seeds it logs the same numbers; another init changes them",
        "another order changes nothing in 26 steps that the script logs, to the last bit; does it use what it is told of it?",
    )
    assert found == Rehearsal(found.words, idle=("order",))
    assert not (tmp_path / "results").exists()


def test_a_script_that_takes_no_steps_is_ended_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as it has logged what decides; one that fails with few steps is given all of them."""
    monkeypatch.setattr(rehearse, "MOMENT", 0.0)
    slow = (
        "for step in range(2000):\n    report(step, test_accuracy=step / 9 + private.random())\n    time.sleep(0.1)\n"
    )
    assert "up to step" in rehearsed(tmp_path, slow, "{seed} 0 {output} 0").words[0]
    assert " of 2000, in" in rehearsed(tmp_path, f"assert steps > 100\n{slow}").words[0]


def test_an_ignored_seed_and_an_unseeded_generator_are_named(tmp_path: Path) -> None:
    """Neither stops the run; clocks do not hide it, and what has not moved says nothing."""
    same = "private = random.Random(5)\n" + GOOD.replace("lr=0.1", "seconds=time.time()")
    found = rehearsed(tmp_path, same)
    assert found.idle == ("init", "order")
    assert "replicas would be copies of one: does it use its seed?" in found.words[-1]
    assert "left out: seconds" in found.words[0]
    found = rehearsed(tmp_path, "private = random.Random()\n" + GOOD)
    assert (found.idle, found.unseeded) == ((), True)
    assert "it draws what no seed decides" in found.words[-1]
    assert not rehearsed(tmp_path, "report(steps, test_accuracy=0.1)\n").idle


CSV = """
rows = [f"{epoch},{1 / (1 + epoch)},{0.9 + private.random() / 999}" for epoch in range(10)]
(out / "logs").mkdir()
(out / "logs" / "history.csv").write_text(chr(10).join(["epoch,loss,val_score", *rows, ""]))
"""


@pytest.mark.parametrize(
    ("code", "fields", "expected"),
    [
        (CSV, {}, ["steps: 9}", "margins: {val_score: 0.02}", "better: {val_score: higher}", "10 records up to epoch 9"]),
        (CSV.replace("val_score", "val_acc").replace("0.9 +", "90 +"), {}, ["margins: {val_acc: 2.0}"]),
        (GOOD.replace("test_accuracy", "train_loss"), {}, ["has a margin", "margins: {train_loss: 0.04}"]),
        (GOOD.replace("steps +", "4000 +"), {}, ["logs step 4000, later than T = 2000", "paste", "steps: 4000}"]),
        (GOOD, {"equilibrium": {"margins": {"test_acuracy": 0.1}}}, ["test_acuracy has a margin", "test_accuracy?"]),
        ("print('busy')", {}, ["nothing was logged", "nothing in its output folder", "busy", "such as {"]),
        ("def fit():\n    return 1 / 0\nfit()", {}, ["train.py, line 10: the script failed", "ZeroDivisionError", "cold/0"]),
        ("def fit(:", {}, ["train.py, line 9: the script failed", "SyntaxError"]),
        ("report(0, test_accuracy='low')", {}, ["metrics.jsonl:1: test_accuracy: expected a number"]),
        ("(out / 'a.csv').write_text('step,x\\n0,1\\n'); (out / 'b.csv').write_text('step,x\\n0,1\\n')", {},
         ["x is logged in two files", "a.csv and b.csv"]),
    ],
)  # fmt: skip
def test_what_could_decide_nothing_stops_before_all_are_started(
    tmp_path: Path, code: str, fields: dict[str, Any], expected: list[str]
) -> None:
    """Exit code 2, with what was received; lines that are to be pasted are lines of a spec."""
    with pytest.raises(ThermoError) as caught:
        rehearsed(tmp_path, code, **fields)
    assert caught.value.exit_code == 2
    for words in expected:
        assert words in str(caught.value)
    pasted = str(caught.value).partition("paste, and correct\n")[2]
    if pasted:
        validate(
            parse(
                "system: {use: command, with: {run: [a, '{output}']}}\n"
                + "\n".join(line[4:] for line in pasted.splitlines())
                + ("" if "dynamics" in pasted else "\ndynamics: {use: process, steps: 9}"),
                "s",
            )
        )


def test_what_does_not_end_is_refused_without_a_time_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one, what it has logged by then counts."""
    monkeypatch.setattr(rehearse, "LINGER", 0.3)
    with pytest.raises(SpecError, match=r"(?s)does not end.*time_limit: 3600"):
        rehearsed(tmp_path, GOOD + "time.sleep(60)")
    dynamics = {"use": "process", "steps": 2000, "with": {"time_limit": 30.0}}
    assert rehearsed(tmp_path, GOOD + "time.sleep(60)", dynamics=dynamics).idle == ("order",)


def test_a_step_that_is_not_over_is_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a step that is logged several times the last counts: a take that is ended between them differs from none."""
    monkeypatch.setattr(rehearse, "MOMENT", 0.0)
    code = "for row in range(9999):\n    report(row // 20, test_accuracy=row / 9999)\n    time.sleep(0.02)\n"
    assert not rehearsed(tmp_path, code, "{seed} 0 {output} 0").unseeded


def test_a_run_is_rehearsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found out is part of the run, and of what it speaks of; nothing is left of a run that is refused."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(HEAD + "pathlib.Path('starts').open('a').write('x')\n" + GOOD)
    spec = {
        "name": "once",
        "system": {
            "use": "command",
            "with": {"run": ["python", "train.py", "{seed}", "{order_seed}", "{output}", 8]},
        },
        "dynamics": {"use": "process", "steps": 8},
        "ensemble": {"replicas": 4, "seed": 3},
    }
    given: dict[str, Any] = {"results": tmp_path / "results", "allow": ["command"], "engine": SERIAL}
    run = thermo_cli.run(spec, **given)
    assert run.verdict.scope.startswith("for rerunning this command with fresh seeds; varied: init")
    assert "order" not in run.verdict.scope
    assert any(warning.startswith("order changes nothing") for warning in run.verdict.warnings)
    starts = tmp_path / "starts"
    assert starts.read_text() == 8 * "x", "four takes, four replicas"
    assert thermo_cli.run(spec, **given).as_dict() == run.as_dict()
    assert starts.read_text() == 8 * "x"
    with pytest.raises(SpecError, match="test_accurcy"):
        thermo_cli.run({**spec, "name": "other", "equilibrium": {"margins": {"test_accurcy": 1}}}, **given)
    assert [path.name[:4] for path in (tmp_path / "results").iterdir()] == ["once"]
