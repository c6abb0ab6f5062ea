"""`thermo-report` for machines: JUnit, CSV and Parquet from the command line, and the exit codes beside them."""

import csv
import io
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import SERIAL, SMALL, Command
from thermo_cli.cli.boundary import run_app
from thermo_cli.cli.report import app
from thermo_cli.study import execute


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished run of the small spec, which is relaxing."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "small.yaml").write_text(SMALL.replace("steps: 400", "steps: 120").replace("lr: 0.05", "lr: 0.02"))
    execute(folder / "small.yaml", results=folder / "results", engine=SERIAL)
    return folder


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `thermo-report` in this process, which has imported all that it needs."""
    monkeypatch.setattr("thermo_cli.cli.boundary.signal.signal", lambda number, handler: None)

    def run(name: str, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
        monkeypatch.chdir(cwd)
        with pytest.raises(SystemExit) as ended:
            run_app(app, arguments)
        output, errors = capsys.readouterr()
        return subprocess.CompletedProcess([name, *arguments], int(str(ended.value.code)), output, errors)

    return run


@pytest.mark.parametrize(
    ("required", "code", "tag"), [("relaxing", 0, None), ("settled,diverged", 1, "failure"), ("", 0, "system-out")]
)
def test_the_gate_in_junit_is_the_exit_code(
    finished: Path, command: Command, tmp_path: Path, required: str, code: int, tag: str | None
) -> None:
    """The report is there whatever the exit code."""
    gate = ["--require", required] if required else []
    done = command(
        "thermo-report", "latest", "--format", "junit", "--output", str(tmp_path / "j.xml"), *gate, cwd=finished
    )
    assert done.returncode == code, done.stderr
    last = ElementTree.parse(tmp_path / "j.xml").getroot()[0][-1]
    assert last.attrib["name"] == ("gate" if required else "verdict")
    assert [child.tag for child in last] == ([tag] if tag else [])


def test_an_open_gate_is_an_error_in_junit(finished: Path, command: Command, tmp_path: Path) -> None:
    """Exit code 4 with the margins so wide that nothing fails, and the document says undecided."""
    done = command(
        "thermo-report",
        "latest",
        "--margin",
        "test_accuracy=9",
        "--margin",
        "energy=90",
        "--require",
        "thermalized",
        "--format",
        "junit",
        "--output",
        str(tmp_path / "j.xml"),
        cwd=finished,
    )
    assert done.returncode == 4, done.stderr
    root = ElementTree.parse(tmp_path / "j.xml").getroot()
    assert (root.attrib["failures"], root.attrib["errors"]) == ("0", "1")
    (error,) = root.iter("error")
    assert error.attrib["type"] == "undecided"


def test_a_run_that_cannot_be_judged_does_not_hide_the_others(finished: Path, command: Command) -> None:
    """Exit code 3, with the reason in the table, and the Parquet files of the other one written."""
    broken = finished / "results" / "broken-00000000"
    shutil.copytree(next((finished / "results").glob("small-*")), broken)
    (broken / "manifest.json").write_text("{")
    done = command("thermo-report", "small", "broken", "--format", "csv", cwd=finished)
    assert done.returncode == 3
    rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
    assert {row["run"].partition("-")[0] for row in rows} == {"small", "broken"}
    (lost,) = (row for row in rows if row["run"].startswith("broken"))
    assert "not valid JSON" in lost["explanation"]
    assert lost["verdict"] == ""
    done = command("thermo-report", "broken", "small", "--export", "parquet", cwd=finished)
    assert done.returncode == 3
    shutil.rmtree(broken)
    assert done.stdout.count("tables/") == 7


def test_tables_go_to_the_run_or_where_one_says(finished: Path, command: Command, tmp_path: Path) -> None:
    """By default beside the run's other files, which still can be judged and run again; several runs get a folder each."""
    done = command("thermo-report", "latest", "--export", "parquet", "--require", "settled", cwd=finished)
    assert done.returncode == 1, done.stderr
    run = next((finished / "results").glob("small-*"))
    assert {path.name for path in (run / "tables").iterdir()} == {
        f"{table}.parquet"
        for table in ("trajectories", "steps", "replicas", "criteria", "macroscopic", "microscopic", "overlaps")
    }
    first = (run / "tables" / "replicas.parquet").read_bytes()
    command("thermo-report", "latest", "--export", "parquet", cwd=finished)
    assert (run / "tables" / "replicas.parquet").read_bytes() == first
    assert (
        execute(finished / "small.yaml", results=finished / "results", engine=SERIAL).folder.name == run.name
    )  # nothing is trained again
    target = tmp_path / "tables"
    shutil.copytree(run, finished / "results" / "other-00000001")
    done = command("thermo-report", "small", "other", "--export", "parquet", "--output", str(target), cwd=finished)
    shutil.rmtree(finished / "results" / "other-00000001")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in target.iterdir()} == {run.name, "other-00000001"}
    read = pq.read_table(target / "other-00000001" / "replicas.parquet")
    assert (read.num_rows, set(read["run"].to_pylist())) == (15, {"other-00000001"})


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--export", "parquet"], "which run?"),
        (["latest", "--export", "parquet", "--format", "csv"], "one thing at a time"),
        (["latest", "--export", "parquet", "--set", "equilibrium.confidence=0.9"], "name another folder with --output"),
        (["latest", "--export", "parquet", "--output", "absent/tables"], "does not exist"),
        (["latest", "--export", "parquet", "--output", "small.yaml"], "cannot be made"),
        (["latest", "--export", "csv"], "csv"),
    ],
)
def test_what_cannot_be_exported_is_explained(
    finished: Path, command: Command, arguments: list[str], expected: str
) -> None:
    """Exit code 2, and what to do instead."""
    done = command("thermo-report", *arguments, cwd=finished)
    assert done.returncode == 2, done.stderr
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_tables_do_not_go_where_a_link_leads(finished: Path, command: Command, tmp_path: Path) -> None:
    """A run that somebody handed on could have them written anywhere."""
    run = next((finished / "results").glob("small-*"))
    shutil.rmtree(run / "tables", ignore_errors=True)
    (run / "tables").symlink_to(tmp_path)
    done = command("thermo-report", "latest", "--export", "parquet", cwd=finished)
    (run / "tables").unlink()
    assert (done.returncode, list(tmp_path.iterdir())) == (3, [])
    assert "a part of the run is a link" in done.stderr
