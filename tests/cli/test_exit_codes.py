"""Every exit code that the commands promise, each produced for real; whatever it is, the reports are there by then."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, SMALL, Command

SUFFIX = {"markdown": "md", "html": "html", "json": "json", "junit": "xml", "csv": "csv", "terminal": "txt"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished run of the small spec, whose verdict is undecided."""
    folder = tmp_path_factory.mktemp("codes")
    (folder / "small.yaml").write_text(SMALL)
    done = subprocess.run(
        [sys.executable, "-m", "thermo_cli.cli.run", "small.yaml", "--workers", "1"],
        cwd=folder,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(
    ("code", "arguments", "expected"),
    [
        (0, ["--require", "undecided"], ""),
        (1, ["--require", "settled", "--margin", "test_accuracy=1e-6"], "gate not met"),
        (3, ["--require", "settled"], "still to be trained"),
        (4, ["--require", "settled"], "gate undecided"),
    ],
)
@pytest.mark.parametrize("format", SUFFIX)
def test_the_report_exists_whatever_the_code(
    finished: Path, tmp_path: Path, command: Command, code: int, arguments: list[str], expected: str, format: str
) -> None:
    """Met, not met, not judged, undecided: in every format the file is whole, and says what the gate said."""
    shutil.copytree(finished / "results", tmp_path / "results")
    if code == 3:
        next((tmp_path / "results").glob("small-*/shards/cold-*.safetensors")).unlink()
    target = tmp_path / f"report.{SUFFIX[format]}"
    done = command("thermo-report", "latest", "--format", format, "--output", str(target), *arguments)
    assert done.returncode == code, done.stderr
    assert expected in done.stderr
    assert len(target.read_text()) > 500


def test_a_run_leaves_verdict_and_report_before_its_gate_fails(
    finished: Path, tmp_path: Path, command: Command
) -> None:
    """`thermo-run --require` on a finished run: code 1, and verdict.json and report.html are there, made anew."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    (folder,) = (tmp_path / "results").glob("small-*")
    for name in ("verdict.json", "report.html"):
        (folder / name).unlink()
    done = command(
        "thermo-run", "small.yaml", "--require", "diverged", "--set", "equilibrium.margins={test_accuracy: 1.0e-6}"
    )
    assert done.returncode == 1, done.stderr
    assert (folder / "verdict.json").exists()
    assert "<html" in (folder / "report.html").read_text()


@pytest.mark.parametrize("format", SUFFIX)
def test_a_baseline_that_cannot_be_judged_does_not_hide_the_run(
    finished: Path, tmp_path: Path, command: Command, format: str
) -> None:
    """Code 3, for nothing was compared; the run's own report is there in every format."""
    shutil.copytree(finished / "results", tmp_path / "results")
    (folder,) = (tmp_path / "results").glob("small-*")
    shutil.copytree(folder, tmp_path / "other")
    (tmp_path / "other" / "manifest.json").write_text("{")
    arguments = ("--baseline", str(tmp_path / "other"), "--require", "undecided,not-worse", "--format", format)
    done = command("thermo-report", folder.name, *arguments, "--output", str(tmp_path / "report"))
    assert done.returncode == 3
    assert "the baseline cannot be judged" in done.stderr
    assert len((tmp_path / "report").read_text()) > 500


def test_a_run_that_failed_leaves_a_page_with_the_reason(tmp_path: Path, command: Command) -> None:
    """Every replica of a script fails, though the rehearsal went well: exit code 3, and report.html says why."""
    (tmp_path / "bad.py").write_text(
        "import json, pathlib, sys\n"
        "if list(pathlib.Path('results').glob('bad-*/manifest.json')):\n"
        "    raise SystemExit('no luck')\n"
        "lines = [json.dumps({'step': step, 'test_accuracy': 0.5 + int(sys.argv[1]) % 7 / 100}) for step in range(3)]\n"
        "pathlib.Path(sys.argv[2], 'metrics.jsonl').write_text('\\n'.join(lines))\n"
    )
    (tmp_path / "bad.yaml").write_text(
        'name: bad\nsystem: {use: command, with: {run: [python, bad.py, "{seed}", "{output}"]}}\n'
        "dynamics: {use: process, with: {time_limit: 20, attempts: 1}, steps: 2}\n"
        "equilibrium: {margins: {test_accuracy: 0.1}}\nensemble: {replicas: 2, controls: {same_bath: 0, twin: 0}}\n"
    )
    done = command("thermo-run", "bad.yaml", "--allow", "command", "--workers", "1", "--require", "settled")
    assert done.returncode == 3, done.stderr
    page = next((tmp_path / "results").glob("bad-*/report.html")).read_text()
    assert "<h1>Not judged</h1>" in page
    assert "every replica failed" in page


def test_requests_that_cannot_be_understood(finished: Path, command: Command) -> None:
    """A verdict that there is not, a run that there is not, a spec with an error."""
    assert command("thermo-report", "latest", "--require", "thermalised", cwd=finished).returncode == 2
    assert command("thermo-report", "nothing", cwd=finished).returncode == 2
    assert command("thermo-run", "small.yaml", "--set", "dynamics.stepz=3", cwd=finished).returncode == 2


def test_a_bug_is_shown_with_what_to_send(finished: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody has thought of is 70 and never 1: its traceback, the versions, and a word on what to do."""

    def broken(*given: object) -> None:
        raise RuntimeError("no \x1b[31midea")

    monkeypatch.setattr("thermo_cli.judging.judge.judge_folder", broken)
    done = command("thermo-report", "latest", "--require", "settled", cwd=finished)
    assert done.returncode == 70
    assert done.stderr.startswith("Traceback")
    assert "error: this is a bug of thermo: RuntimeError: no \\x1b[31midea" in done.stderr
    assert "\x1b" not in done.stderr
    assert "Python 3" in done.stderr
    assert "send all of the above" in done.stderr


def test_code_of_a_spec_that_ends_the_process_is_told(finished: Path, tmp_path: Path, command: Command) -> None:
    """Its exit code is not taken for the gate's."""
    (tmp_path / "leaving.py").write_text("raise SystemExit(1)\n")
    shutil.copy(finished / "small.yaml", tmp_path)
    done = command("thermo-run", "small.yaml", "--set", "system={use: 'leaving:Net'}", "--allow", "local")
    assert done.returncode == 2
    assert "leaving: leaving.py, line 1, in <module>: SystemExit: 1" in done.stderr


def test_code_of_a_spec_that_leaves_with_no_exception_is_told(tmp_path: Path, command: Command) -> None:
    """While an estimator is tried: 2, and no traceback with the gate's exit code."""
    (tmp_path / "leaving.py").write_text(
        "from sklearn.linear_model import Ridge\nclass Left(BaseException): ...\n"
        "class Model(Ridge):\n    def fit(self, x, y):\n        raise Left('fit')\n"
    )
    spec = "name: small\ndata: {use: diabetes}\nsystem: {use: 'leaving:Model'}\nensemble: {replicas: 4}\n"
    (tmp_path / "small.yaml").write_text(spec)
    done = command("thermo-run", "small.yaml", "--plan", "--allow", "local")
    assert done.returncode == 2, done.stderr
    assert "Left: fit" in done.stderr
    assert "Traceback" not in done.stderr


def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C while it trains: 130, and how to go on."""
    (tmp_path / "long.yaml").write_text(SMALL.replace("steps: 400", "steps: 4000000"))
    process = subprocess.Popen(
        [sys.executable, "-m", "thermo_cli.cli.run", "long.yaml", "--workers", "1"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not list(tmp_path.glob("results/*/shards/*/*")) and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"the same command" in complaint


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (EOFError("end"), 70, "this is a bug of thermo"),  # the parser of options would leave with 1
        (BrokenPipeError(32, "pipe"), 70, "this is a bug of thermo"),
        (PermissionError(13, "no"), 70, "this is a bug of thermo"),
        (MemoryError(), 3, "fewer --workers"),  # short memory is no bug, however a library says it
        (RuntimeError("can't start new thread"), 3, "fewer --workers"),
        (ImportError("x.so: failed to map segment"), 3, "fewer --workers"),
    ],
)
def test_no_error_is_taken_for_a_gate_that_is_not_met(
    finished: Path, command: Command, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, said: str
) -> None:
    """Which is 1, and means something else."""

    def broken(*given: object) -> None:
        raise error

    monkeypatch.setattr("thermo_cli.judging.judge.judge_folder", broken)
    done = command("thermo-report", "latest", "--require", "settled", cwd=finished)
    assert done.returncode == code
    assert said in done.stderr


def test_a_closed_stream_changes_no_exit_code(tmp_path: Path) -> None:
    """Of a run, a report, and an error, however a batch system starts them."""
    (tmp_path / "small.yaml").write_text(SMALL.replace("steps: 400", "steps: 40"))
    for module, arguments, code in (
        ("run", "small.yaml --workers 2 2>&-", 0),
        ("run", "small.yaml --workers 2 --fresh <&- >&- 2>&-", 0),
        ("report", "latest >&-", 0),
        ("run", "small.yaml --set dynamics.stepz=3 2>&-", 2),
    ):
        line = f"{sys.executable} -m thermo_cli.cli.{module} {arguments}"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, check=False)
        assert done.returncode == code, (line, done.stderr)


def test_a_link_to_itself_is_a_path_that_cannot_be_used(finished: Path, tmp_path: Path, command: Command) -> None:
    """Wherever it is named; a folder in the place of a manifest ends no listing."""
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    for words in (
        ("thermo-run", "loop.yaml"),
        ("thermo-report", "latest", "--results", "results", "--output", "loop.yaml"),
    ):
        shutil.copytree(finished / "results", tmp_path / "results", dirs_exist_ok=True)
        done = command(*words)
        assert done.returncode == 2, done.stderr
        assert "a link that leads to itself" in done.stderr
    (tmp_path / "results" / "x-00000000" / "manifest.json").mkdir(parents=True)
    assert command("thermo-report").returncode == 0


def test_an_error_that_is_a_link_is_not_shown(finished: Path, tmp_path: Path, command: Command) -> None:
    """A run that somebody handed on could have any file of this machine shown, in a page that is handed on in turn."""
    shutil.copytree(finished / "results", tmp_path / "results")
    (run,) = (tmp_path / "results").glob("small-*")
    (tmp_path / "secret").write_text("Traceback\nKeyError: my password\n")
    for file in (run / "shards").glob("*.safetensors"):
        file.with_name(f"{file.name.partition('.')[0]}.error.txt").symlink_to(tmp_path / "secret")
        file.unlink()
    done = command("thermo-report", "latest")
    assert done.returncode == 3
    assert "password" not in done.stdout + done.stderr


LASTING = """
import threading
import time

from sklearn.datasets import make_moons

threading.Thread(target=time.sleep, args=(1e6,)).start()


def data():
    return make_moons(100, random_state=0)
"""


def test_a_command_ends_whatever_threads_user_code_has_left(tmp_path: Path, process: Command) -> None:
    """Python would wait for them for ever; what was written is whole, and the exit code is the command's."""
    (tmp_path / "lasting.py").write_text(LASTING)
    (tmp_path / "own.yaml").write_text(
        "name: own\ndata: {use: 'lasting:data'}\nsystem: {use: linear}\n"
        "dynamics: {use: sgd, with: {lr: 0.1}, batch_size: 8, steps: 8}\n"
    )
    done = process("thermo-run", "own.yaml", "--allow", "local", "--plan")
    assert (done.returncode, done.stderr) == (0, "")
    assert "replicas" in done.stdout


def test_a_path_that_the_system_refuses_is_no_bug(finished: Path, command: Command) -> None:
    """Longer than a name may be: said as what it is, wherever it stands."""
    for arguments in (["a" * 300], ["--results", "a" * 300], [str(finished), "--output", "a" * 300]):
        done = command("thermo-report", *arguments)
        assert (done.returncode, "File name too long" in done.stderr) == (2, True), done.stderr
