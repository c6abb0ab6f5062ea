"""`thermo-report`: runs that exist, judged as they were and with other margins."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, Command
from thermo_cli.contracts import VERDICTS
from thermo_cli.errors import UsageError
from thermo_cli.store.files import ArrayFile, read_arrays, write_arrays
from thermo_cli.study import execute, open_run


def counted(finished: int, controls: int) -> dict[str, int]:
    """Return what is said of twelve replicas of which none was lost."""
    lost = dict.fromkeys(("diverged", "crashed", "ended"), 0)
    return {"planned": 12, "finished": finished, **lost, "independent": finished, "controls": controls}


def test_json_is_the_contract(finished: Path, command: Command) -> None:
    """`latest --format json` has every field, of the right kind, and nothing that JSON does not know."""
    done = command("thermo-report", "latest", "--format", "json", cwd=finished)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    stored = next((finished / "results").glob("small-*/verdict.json"))
    assert content == json.loads(stored.read_text())
    assert set(content) >= {
        "schema_version",
        "run",
        "scope",
        "verdict",
        "phase",
        "summary",
        "criteria",
        "macroscopic",
        "microscopic",
        "diagnostics",
        "points",
    }
    assert content["run"]["replicas"] == counted(finished=12, controls=3)
    assert content["verdict"] in VERDICTS
    assert content["points"] == []
    assert {row["criterion"] for row in content["criteria"]} == {
        "stationarity",
        "agreement",
        "history",
        "diversity",
        "ergodicity",
        "mean",
    }
    for row in content["criteria"]:
        assert set(row) == {
            "criterion",
            "statistic",
            "observable",
            "scope",
            "gates",
            "outcome",
            "estimate",
            "interval",
            "margin",
            "confidence",
            "explanation",
            "replicas_needed",
            "steps_needed",
        }
        assert row["explanation"]
        assert len(row["interval"]) == 2
    assert set(content["macroscopic"]["test_accuracy"]) >= {"mean", "sd", "tolerance_interval"}
    assert set(content["microscopic"]["raw_cosine"]) == {"estimate", "interval", "null", "self"}


CHANGES = ("--margin", "test_loss=0.5", "--set", "equilibrium.confidence=0.9")


def test_judging_again_needs_no_training_and_is_kept(finished: Path, command: Command) -> None:
    """Another margin changes the rows and leaves the run's own verdict alone."""
    own = next((finished / "results").glob("small-*/verdict.json"))
    before = own.read_text()
    done = command(
        "thermo-report",
        "small",
        *CHANGES,
        "--format",
        "json",
        cwd=finished,
    )
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert any(
        row["observable"] == "test_loss" and row["gates"] and row["margin"] == 0.5 for row in content["criteria"]
    )
    assert {row["confidence"] for row in content["criteria"] if row["confidence"]} == {0.9}
    assert own.read_text() == before
    (kept,) = (own.parent / "verdicts").iterdir()
    assert json.loads(kept.read_text())["equilibrium"]["margins"] == {"test_loss": 0.5}


def test_wider_margins_settle_more(finished: Path) -> None:
    """The same run in Python; what held keeps holding when margins double."""
    run = open_run("latest", finished / "results")
    wide = run.judge(margins={"test_accuracy": 10.0, "energy": 10.0})
    for before, after in zip(run.verdict.criteria, wide.verdict.criteria, strict=True):
        if before.outcome == "holds" and before.observable in ("test_accuracy", "energy"):
            assert after.outcome == "holds", after
    assert run.parameters(400).shape == run.parameters(0).shape == (12, 139)
    assert run.observables.values["test_accuracy"].shape == (12, len(run.observables.steps))


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["nothing"], 2, "there is no such run"),
        (["latest", "--margin", "test_accuracy"], 2, "OBSERVABLE=VALUE"),
        (["latest", "--margin", "test_accuracy=x"], 2, "OBSERVABLE=VALUE"),
        (["latest", "--margin", "test_accuracy=0"], 2, "greater than 0"),
        (["latest", "--margin", "test_accuracy=nan"], 2, "finite"),
        (["latest", "--margin", "train_accuracy=0.1"], 2, "only the test split gates"),
        (["latest", "--margin", "test_r2=0.1"], 2, "not observed"),
        (["latest", "--set", "equilibrium.confidence=2"], 2, "less than 1"),
        (["latest", "--set", "equilibrium.content=0"], 2, "greater than 0"),
        (["latest", "--set", "equilibrium.window=0.9"], 2, "less than or equal to 0.5"),
        (["latest", "--set", "dynamics.steps=3"], 2, "only fields of equilibrium"),
        (["latest", "--set", "equilibrium=3"], 2, "only fields of equilibrium"),
        (["latest", "--set", "equilibrium.margins=3"], 2, "equilibrium.margins"),
        (["latest", "--set", "equilibrium.certainty=3"], 2, "certainty"),
        (["latest", "--set", "equilibrium.better={test_acuracy: lower}"], 2, "did you mean 'test_accuracy'?"),
        (["latest", "--set", "equilibrium.targets.test_accuracy={at_least: 1, at_most: 2}"], 2, "one bound"),
        (["--require", "settled"], 2, "which run?"),
        (["--compare"], 2, "which run?"),
        (["latest", "--compare"], 2, "takes several runs, or a sweep"),
        (["latest", "--compare", "--baseline", "latest"], 2, "one comparison at a time"),
        (["latest", "--require", "target"], 4, "no target: state one"),
        (
            ["latest", "--set", "equilibrium.targets.test_accuracy={at_least: 2}", "--require", "target"],
            1,
            "fails (at least 2",
        ),
        (
            ["latest", "--set", "equilibrium.targets.test_accuracy={at_most: 1, share: 0.1}", "--require", "target"],
            0,
            "",
        ),
        (["latest", "--require", "skilled"], 0, ""),
        (["latest", "--require", "skilled", "--margin", "test_accuracy=0.9"], 1, "no better than always answering the"),
        (["latest", "--require", "skilled,undecided"], 0, ""),
        (["latest", "--require", "undecided", "--require", "skilled"], 0, ""),
        (["latest", "--format", "pdf"], 2, "pdf"),
        (["latest", "--require", "thermalized"], 4, "gate undecided"),
        (["latest", "--require", "undecided"], 0, ""),
        (["latest", "--output", "absent/x.json"], 2, "does not exist"),
    ],
)
def test_requests_and_their_exit_codes(
    finished: Path, command: Command, arguments: list[str], code: int, expected: str
) -> None:
    """Each bad request is explained, each gate is a code."""
    done = command("thermo-report", *arguments, cwd=finished)
    assert done.returncode == code, done.stderr
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_runs_are_listed_and_an_empty_folder_says_so(finished: Path, tmp_path: Path, command: Command) -> None:
    """Newest first, with verdicts; other files in the folder do no harm."""
    (finished / "results" / "notes.txt").write_text("mine")
    listed = command("thermo-report", cwd=finished)
    assert listed.returncode == 0
    assert "small-" in listed.stdout
    assert "undecided" in listed.stdout
    assert "no runs in" in command("thermo-report", cwd=tmp_path).stdout


def test_a_report_can_go_to_a_file(finished: Path, tmp_path: Path, command: Command) -> None:
    """The same bytes as on standard output."""
    target = tmp_path / "v.json"
    command("thermo-report", "latest", "--format", "json", "--output", str(target), cwd=finished)
    assert target.read_text() == command("thermo-report", "latest", "--format", "json", cwd=finished).stdout


def test_a_damaged_or_partial_run_is_never_flattered(finished: Path, tmp_path: Path, command: Command) -> None:
    """A flipped bit is exit code 3, and so is a run still to be finished: named partial, undecided, judged on what there is."""
    shutil.copytree(finished / "results", tmp_path / "results")
    shard, other, *_ = sorted((tmp_path / "results").glob("small-*/shards/*.safetensors"))
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    done = command("thermo-report", "latest", "--require", "undecided")
    assert done.returncode == 3
    assert "checksum" in done.stderr
    shard.unlink()
    done = command("thermo-report", "latest", "--format", "json", "--require", "undecided")
    assert done.returncode == 3
    assert "4 replicas are still to be trained" in done.stderr
    stored = json.loads(done.stdout)
    assert stored["run"]["status"] == "partial"
    assert stored["run"]["replicas"] == counted(finished=8, controls=3)
    assert stored["verdict"] == "undecided"
    assert "4 of 12 replicas are still to be trained" in stored["summary"]
    shard.with_name(shard.name.replace(".0.safetensors", ".error.txt")).write_text("Traceback\nMemoryError")
    stored = json.loads(command("thermo-report", "latest", "--format", "json").stdout)
    assert stored["run"]["replicas"]["crashed"] == 4
    assert stored["verdict"] == "diverged"
    for path in (tmp_path / "results").glob("small-*/shards/*.safetensors"):
        path.unlink()
    done = command("thermo-report", "latest")
    assert done.returncode == 3
    assert "nothing to judge" in done.stderr
    assert other


def test_a_run_of_a_newer_version_is_refused(finished: Path, tmp_path: Path, command: Command) -> None:
    """It says which file, and does not guess."""
    shutil.copytree(finished / "results", tmp_path / "results")
    manifest = next((tmp_path / "results").glob("small-*/manifest.json"))
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "schema_version": 99}))
    done = command("thermo-report", "latest")
    assert done.returncode == 3
    assert "another version" in done.stderr


def without_checksums(manifest: Path) -> None:
    """Write a manifest as an older version did."""
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({name: content[name] for name in content.keys() - {"sha256", "verdict"}}))


def test_a_run_of_an_older_version_is_judged_on_what_it_has(finished: Path, tmp_path: Path, command: Command) -> None:
    """Its spec knows no controls, so none are missing; findings of another form leave diversity untested."""
    shutil.copytree(finished / "results", tmp_path / "results")
    (folder,) = (tmp_path / "results").glob("small-*")
    resolved = yaml.safe_load((folder / "resolved.yaml").read_text())
    assert resolved["ensemble"].pop("controls")["same_bath"] == 2
    (folder / "resolved.yaml").write_text(yaml.safe_dump(resolved))
    without_checksums(folder / "manifest.json")
    kept = read_arrays(folder / "microstates.safetensors")
    arrays = {name: array for name, array in kept.arrays.items() if name != "main_null"}
    write_arrays(folder / "microstates.safetensors", ArrayFile(arrays, kept.record))
    done = command("thermo-report", "latest", "--format", "json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["run"]["status"] == "complete"
    assert content["run"]["replicas"] == counted(finished=12, controls=0)
    assert content["outcomes"]["diversity"] == "untested"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("manifest.json", '{"schema_version": "x"}', "another version"),
        ("manifest.json", '{"schema_version": 1}', "manifest of the run is not whole"),
        ("manifest.json", "{", "not valid JSON"),
        ("resolved.yaml", "a: [", "resolved spec of the run was edited"),
    ],
)
def test_a_damaged_run_cannot_be_judged_and_says_why(
    finished: Path, tmp_path: Path, command: Command, name: str, content: str, expected: str
) -> None:
    """Exit code 3 with the file and a remedy, and the list of runs still works."""
    shutil.copytree(finished / "results", tmp_path / "results")
    next((tmp_path / "results").glob(f"small-*/{name}")).write_text(content)
    done = command("thermo-report", "latest")
    assert done.returncode == 3
    assert expected in done.stderr
    assert "remedy" in done.stderr
    assert "Traceback" not in done.stderr
    assert command("thermo-report").returncode == 0


@pytest.mark.parametrize(
    "content", ["{}", "[1]", '{"verdict": 3, "summary": null}', '{"schema_version": 1, "verdict": null}']
)
def test_a_verdict_of_other_content_does_not_hide_the_list(
    finished: Path, tmp_path: Path, command: Command, content: str
) -> None:
    """One run whose verdict.json is whole JSON but no verdict; the others are listed all the same."""
    shutil.copytree(finished / "results", tmp_path / "results")
    next((tmp_path / "results").glob("small-*/verdict.json")).write_text(content)
    done = command("thermo-report")
    assert done.returncode == 0, done.stderr
    assert "small-" in done.stdout


def test_a_reader_who_has_seen_enough_changes_no_exit_code(finished: Path) -> None:
    """`thermo-report ... | head -1` ends as the report would have."""
    script = f"{sys.executable} -m thermo_cli.cli.report latest latest latest --format json | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=finished,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_the_listing_says_how_old_and_how_large(finished: Path, tmp_path: Path, command: Command) -> None:
    """And reads what an older version has left: its verdict.json has another schema."""
    shutil.copytree(finished / "results", tmp_path / "results")
    (folder,) = (tmp_path / "results").glob("small-*")
    stored = {"schema_version": 1, "verdict": "glassy", "summary": "of another time", "criteria": []}
    (folder / "verdict.json").write_text(json.dumps(stored))
    without_checksums(folder / "manifest.json")
    (entry,) = json.loads(command("thermo-report", "--format", "json").stdout)
    assert (entry["run"], entry["verdict"], entry["summary"]) == (folder.name, "glassy", "of another time")
    assert entry["bytes"] == sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert 0 <= entry["seconds"] < 600
    line = command("thermo-report").stdout.splitlines()[1]
    assert re.search(r"glassy +\d+ (s|min) +\d+ (kB|MB) +of another", line), line
    done = command("thermo-report", "latest", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)["schema_version"]) == (0, 2)


def test_targets_are_listed_and_gate_where_they_are_asked_for(finished: Path, command: Command) -> None:
    """Judged again with a target: a row in every format, and the verdict is what it was."""
    target = ("--set", "equilibrium.targets.test_accuracy={at_least: 0.9, share: 0.9}")
    before = json.loads(command("thermo-report", "small", "--format", "json", cwd=finished).stdout)
    done = command("thermo-report", "small", *target, "--format", "json", "--require", "target", cwd=finished)
    assert (done.returncode, "required target, received test_accuracy undecided" in done.stderr) == (4, True)
    content = json.loads(done.stdout)
    assert (content["verdict"], content["outcomes"]) == (
        before["verdict"],
        before["outcomes"] | {"target": "undecided"},
    )
    assert [row["observable"] for row in content["criteria"] if row["criterion"] == "target"] == ["test_accuracy"]
    words = {
        "terminal": "Is the target reached?",
        "markdown": "at least 0.9",
        "html": "at least 0.9",
        "csv": "at least 0.9",
    }
    for format, word in words.items():
        text = command("thermo-report", "small", *target, "--details", "--format", format, cwd=finished).stdout
        assert word in text, format


def test_the_package_names_its_public_interface(finished: Path) -> None:
    """What `import thermo_cli` offers is listed, documented and there; nothing else is."""
    import thermo_cli

    names = {name for name in dir(thermo_cli) if not name.startswith("__")}
    assert (
        names == set(thermo_cli.__all__) == set(["run", "open_run", "load_spec", "judge", "compare", "Run", "Verdict"])
    )
    assert all(getattr(thermo_cli, name).__doc__ for name in names)
    assert thermo_cli.load_spec(ROOT / "experiments" / "quickstart.yaml").name == "quickstart"
    assert (thermo_cli.open_run, thermo_cli.run) == (open_run, execute)
    with pytest.raises(AttributeError):
        _ = thermo_cli.nothing
    run = thermo_cli.open_run("latest", finished / "results")
    assert isinstance(run, thermo_cli.Run)
    assert isinstance(run.verdict, thermo_cli.Verdict)
    assert thermo_cli.compare(run, run).outcome == "equivalent"
    assert {row.margin for row in thermo_cli.compare(run, run, margins={"test_accuracy": 3.0}).rows[:2]} == {3.0}


def test_a_run_writes_its_report_and_draws_its_observables(finished: Path, tmp_path: Path) -> None:
    """In the format that the suffix names; a chart that can be saved; what there is not is told with what there is."""
    run = open_run("latest", finished / "results")
    for suffix, word in {
        ".html": "<html",
        ".md": "#",
        ".json": '"verdict"',
        ".xml": "<testsuites",
        ".csv": "run,",
        ".txt": "╭",
    }.items():
        assert run.report(tmp_path / f"report{suffix}").read_text().lstrip().find(word) >= 0
    with pytest.raises(UsageError, match="no report has this suffix"):
        run.report("report.pdf")
    chart = run.plot("test_accuracy")
    chart.save(tmp_path / "chart.svg")
    assert "test_accuracy" in (tmp_path / "chart.svg").read_text()
    with pytest.raises(UsageError, match="nothing can be drawn") as refusal:
        run.plot("test_acuracy")
    assert "did you mean 'test_accuracy'" in refusal.value.remedy


def test_the_listing_shows_verdicts_beside_long_names_and_summaries(small: Path, command: Command) -> None:
    """At 80 columns: the summary gives way, never the verdict."""
    name = "a-run-with-rather-a-long-name"
    done = command("thermo-run", str(small), "--set", f"name={name}", "--set", "dynamics.steps=40")
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in command("thermo-report").stdout.splitlines() if line.startswith(name))
    assert line.split()[1] in VERDICTS
    assert len(line) <= 80
