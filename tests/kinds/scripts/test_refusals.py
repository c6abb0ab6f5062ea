"""Before anything is started: what a spec may not do, and what would tell a script nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kinds.scripts.toy import prepared, toy
from thermo_cli.errors import DataError, SpecError, ThermoError
from thermo_cli.experiment import prepare
from thermo_cli.spec import json_schema, load_spec


def test_nothing_is_started_before_it_is_allowed(tmp_path: Path) -> None:
    """The refusal shows what would be started, and names the flag; no other flag will do."""
    path = toy(tmp_path)
    for allow in ((), ("local", "python", "toy")):
        with pytest.raises(SpecError, match="--allow command") as caught:
            prepare(load_spec(path), tmp_path, tmp_path / "results", allow)
        assert "toy.py --seed {seed}" in str(caught.value)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"args": ["--lr", "{offest}"]}, ["{offest} in '{offest}'", "did you mean {offset}?", "run[17]"]),
        ({"args": ["--x", "{ensemble.sed}"]}, ["did you mean {ensemble.seed}?"]),
        ({"args": ["--x", "{ensemble}"]}, ["fields of the spec that are a number or a word"]),
        ({"args": ["--x", "{}"]}, ["this placeholder has no meaning"]),
        ({"args": ["--x", "{offset"]}, ["single brace"]),
        ({"args": ["--x", "a}"]}, ["single brace"]),
        ({"args": ["--x", "a\0b"]}, ["zero byte"]),
        ({"system__arguments__values": {"offset": 0.0, "lr": 0.1}}, ["values.lr", "add {lr} to the arguments"]),
        ({"system__arguments__values": {"offset": 0.0, "seed": 1}}, ["this name is taken"]),
        ({"system__arguments__values": {"offset": 0.0, "a b": 1}}, ["values"]),
        ({"system__arguments__pool": None}, ["{subsample} needs to know", "system.with.pool"]),
        ({"system__arguments__run": ["python", "toy.py", "--seed", "{seed}"]}, ["{output}"]),
        ({"system__arguments__run": ["python", "toi.py", "{output}"]}, ["no such script", "did you mean 'toy.py'?"]),
        (
            {"system__arguments__run": ["toy.py", "{output}"]},
            ["there is no such program", "name its interpreter first"],
        ),
        ({"system__arguments__run": ["no-such-program", "{output}"]}, ["there is no such program"]),
        ({"system__arguments__run": []}, ["system.with.run"]),
        ({"system__arguments__files": ["data.npz"]}, ["there is no such file", "data.npz"]),
        ({"system__arguments__symmetries": "nine"}, ["did you mean 'none'?"]),
        ({"histories": {"cold": {}, "hot": {"values": {"ofset": 1}}}}, ["'ofset'", "did you mean 'offset'?"]),
        ({"histories": {"cold": {}, "hot": {"init_scale": 3.0}}}, ["histories.hot.init_scale", "add {init_scale}"]),
        ({"histories": {"cold": {"first": {"steps": 3, "labels": "shuffled"}}}}, ["a command trains itself"]),
        ({"ensemble__vary": ["noise"]}, ["copies of each other", "vary init, subsample, order"]),
        ({"ensemble__subsample": {"size": 51}}, ["the subsample is larger than the pool"]),
        ({"ensemble__subsample": {"disjoint": True, "size": 20}}, ["the pool is too small for disjoint subsamples"]),
        (
            {
                "ensemble__design": {"crossed": {"init": 2, "subsample": 2, "order": 1}},
                "system__arguments__run": ["python", "toy.py", "--seed", "{seed}", "{offset}", "{output}"],
                "system__arguments__pool": None,
            },
            ["crossed.subsample", "add {subsample}"],
        ),
        (
            {
                "dynamics__schedule": "scheduled",
                "observe__budgets": True,
                "system__arguments__run": ["python", "toy.py", "{seed}", "{offset}", "{output}", "{subsample}"],
            },
            ["observe.budgets", "add {steps}"],
        ),
        ({"data": {"use": "digits"}}, ["learns from no data"]),
        ({"dynamics": {"use": "sgd", "steps": 8}}, ["command goes with dynamics process"]),
        ({"dynamics": None}, ["not none: write dynamics: {use: process, steps: T}"]),
    ],
)
def test_a_spec_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], expected: list[str]) -> None:
    """With what was received, and what to do; the script has not run."""
    path = toy(tmp_path, **changes)
    with pytest.raises((SpecError, DataError)) as caught:
        prepared(path)
    for words in expected:
        assert words in str(caught.value)
    assert not (tmp_path / "results").exists()


def test_other_systems_have_no_values(tmp_path: Path) -> None:
    """`values` of a history belong to commands."""
    (tmp_path / "s.yaml").write_text(
        "data: {use: wine}\nsystem: {use: linear}\ndynamics: {use: sgd, steps: 9}\nhistories: {hot: {values: {lr: 1}}}\n"
    )
    with pytest.raises(ThermoError, match="no value 'lr' to replace"):
        load_spec(tmp_path / "s.yaml")


def test_arguments_are_filled_in(tmp_path: Path) -> None:
    """Seeds from the streams, values by history, fields of the spec, numbers as they are written, doubled braces."""
    path = toy(
        tmp_path,
        args=["{ensemble.seed}", "{offset}", 0.5, "{{x}}", "{history}", "{system.with.run.0}"],
        histories={"cold": {}, "hot": {"values": {"offset": True}}},
    )
    study = prepared(path)
    from thermo_cli.kinds.scripts.command import Command

    command = Command(study.spec, tmp_path)
    words = {row.name: command.arguments(row, Path("/out"), Path("/s.txt")) for row in study.table}
    row = study.table[1]
    assert words["cold/1"][1:3] == ["toy.py", "--seed"]
    assert words["cold/1"][3] == str(row.init % 2**31)
    assert words["cold/1"][5] == str(row.order % 2**31)
    assert words["cold/1"][-6:] == ["3", "0.0", "0.5", "{x}", "cold", "python"]
    assert words["hot/1"][-6:] == ["3", "true", "0.5", "{x}", "hot", "python"]
    more = prepared(path, "ensemble.replicas=40").table
    assert more[1] == row, "another number of replicas changes nobody's seeds"
    assert all(replica.shard == f"{replica.history}-{replica.index:04d}" for replica in more)


def test_the_files_it_names_are_its_identity(tmp_path: Path) -> None:
    """Another script, configuration or module is another run; limits of the process, margins and other files are not."""
    (tmp_path / "package").mkdir()
    for name in ("config.json", "data.txt", "idle.txt", "package/mod.py"):
        (tmp_path / name).write_text("1")
    path = toy(
        tmp_path,
        args=["--x=config.json", "-m", "package.mod"],
        system__arguments__files=["data.txt"],
        equilibrium={"margins": {"test_accuracy": 0.02}},
    )
    name = prepared(path).folder.name
    same = ("dynamics.with={time_limit: 3, attempts: 2, keep_output: true}", "equilibrium.margins.test_accuracy=0.1")
    assert prepared(path, *same).folder.name == name
    (tmp_path / "idle.txt").write_text("2")
    assert prepared(path).folder.name == name
    names = {name, prepared(path, "system.with.values.offset=0.5").folder.name}
    for number, file in enumerate(("toy.py", "config.json", "data.txt", "package/mod.py"), 3):
        (tmp_path / file).write_text("#2")
        names.add(prepared(path).folder.name)
        assert len(names) == number, file


def test_the_schema_says_what_a_command_takes() -> None:
    """With a sentence for every field; other histories are written out as they always were."""
    found = json.loads(json_schema())["$defs"]
    for model in ("CommandArguments", "ProcessArguments"):
        assert all(field["description"] for field in found[model]["properties"].values())
    assert "values" in found["History"]["properties"]
