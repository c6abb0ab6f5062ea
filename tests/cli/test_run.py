"""`thermo-run` as a user meets it: exit codes, messages, and what is left on disk."""

import csv
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.test_baseline import told
from tests.conftest import ROOT, SMALL, Command


def only_run(folder: Path) -> Path:
    """Return the only run folder."""
    (found,) = (folder / "results").glob("small-*[0-9a-f]")
    return found


def test_a_run_writes_its_folder_and_prints_its_verdict(small: Path, process: Command) -> None:
    """Verdict first, criteria below, every file of the run folder there; a second time nothing is trained again."""
    done = process("thermo-run", str(small))
    assert done.returncode == 0, done.stderr
    assert "UNDECIDED" in done.stdout
    assert "Agreement     Do other seeds and data agree?" in done.stdout
    assert max(map(len, told(done.stdout.splitlines()[:-1]))) <= 80
    folder = only_run(small.parent)
    assert {path.name for path in folder.iterdir()} >= {
        "spec.yaml",
        "resolved.yaml",
        "manifest.json",
        "replicas.csv",
        "shards",
        "verdict.json",
        "microstates.safetensors",
    }
    assert (folder / "spec.yaml").read_text() == SMALL
    assert yaml.safe_load((folder / "resolved.yaml").read_text())["dynamics"]["with"]["nesterov"] is False
    with (folder / "replicas.csv").open() as handle:
        roles = [row["role"] for row in csv.DictReader(handle)]
    assert [roles.count(role) for role in ("main", "same_bath", "twin")] == [12, 2, 1]
    assert json.loads((folder / "manifest.json").read_text())["packages"]["torch"]
    before = {path: path.stat().st_mtime_ns for path in folder.glob("shards/*")}
    again = process("thermo-run", str(small), "--set", "equilibrium.confidence=0.9")
    assert again.returncode == 0
    assert {path: path.stat().st_mtime_ns for path in folder.glob("shards/*")} == before


def test_fresh_sets_the_old_run_aside(small: Path, command: Command) -> None:
    """Nothing is overwritten or deleted."""
    command("thermo-run", str(small))
    old = (only_run(small.parent) / "manifest.json").read_text()
    assert command("thermo-run", str(small), "--fresh").returncode == 0
    (aside,) = (small.parent / "results").glob("*.aside-1")
    assert (aside / "manifest.json").read_text() == old
    listed = command("thermo-report").stdout
    assert listed.count("small-") == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["which experiment?", "thermo-run SPEC.yaml"]),
        (["absent.yaml"], ["no such file", "absent.yaml", "--example quickstart"]),
        (["small.yaml", "--set", "dynamics.stpes=3"], ["unknown key", "did you mean 'steps'"]),
        (["small.yaml", "--require", "setled"], ["no verdict", "did you mean 'settled'"]),
        (["small.yaml", "--require", "settled", "--require", "target"], ["states no target", "at_least"]),
        (["small.yaml", "--workers", "0"], ["--workers"]),
        (["small.yaml", "--nonsense"], ["No such option"]),
        (["--example", "quickstrat"], ["no such example", "did you mean 'quickstart'"]),
        (["small.yaml", "--set", "ensemble.subsample={size: 500}"], ["larger than the pool", "500", "124"]),
        (
            ["small.yaml", "--set", "ensemble.subsample={size: 3}", "--set", "dynamics.batch_size=full"],
            ["class is absent", "cold/"],
        ),
        (["small.yaml", "--set", "dynamics.batch_size=100"], ["batch is larger", "100", "at most 74"]),
        (["small.yaml", "--set", "equilibrium.margins={test_r2: 0.1}"], ["not observed", "test_accuracy"]),
        (
            ["small.yaml", "--set", "data={use: csv, with: {path: no.csv, target: y}}"],
            ["data.with.path: there is no such file", "no.csv"],
        ),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_trained(
    small: Path, command: Command, arguments: list[str], expected: list[str]
) -> None:
    """Exit code 2, what was received, what to do, no traceback, no run folder."""
    done = command("thermo-run", *arguments)
    assert done.returncode == 2, done.stderr
    for part in expected:
        assert part in done.stderr
    assert "Traceback" not in done.stderr
    assert not (small.parent / "results").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere; the next test covers root")
def test_results_that_cannot_be_written_are_refused(small: Path, command: Command) -> None:
    """A folder without write permission."""
    locked = small.parent / "locked"
    locked.mkdir()
    locked.chmod(stat.S_IRUSR | stat.S_IXUSR)
    done = command("thermo-run", str(small), "--results", str(locked / "r"))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_results_under_a_file_are_refused(small: Path, command: Command) -> None:
    """A path that cannot become a folder, whoever asks."""
    done = command("thermo-run", str(small), "--results", str(small / "r"))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "--results" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_step_size_that_diverges_is_a_verdict(small: Path, command: Command) -> None:
    """Counted, named, with the learning rate that was received; a gate on it fails."""
    done = command("thermo-run", str(small), "--set", "dynamics.with.lr=1e6", "--require", "settled")
    assert done.returncode == 1
    assert "DIVERGED" in done.stdout
    assert "12 of 12 replicas diverged" in done.stdout.replace("\n", " ").replace("│ │ ", "")
    assert "1e+06" in done.stdout
    stored = json.loads((only_run(small.parent) / "verdict.json").read_text())
    assert stored["verdict"] == "diverged"
    assert stored["run"]["replicas"]["diverged"] == 12


def test_gates_are_exit_codes(small: Path, process: Command) -> None:
    """4 when the answer is open, and the report is written all the same."""
    done = process("thermo-run", str(small), "--require", "thermalized,settled")
    assert done.returncode == 4, done.stdout
    assert "gate undecided" in done.stderr
    assert (only_run(small.parent) / "verdict.json").exists()


def test_a_full_disk_loses_nothing_finished(small: Path, command: Command) -> None:
    """On a real file system of two megabytes: exit code 3, a message, and the same command goes on once there is room."""
    disk = small.parent / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no permission to mount a small file system here")
    try:
        done = command("thermo-run", str(small), "--results", str(disk), "--set", "system.with.hidden=[64, 64]")
        assert done.returncode == 3, done.stderr
        assert "disk is full" in done.stderr
        assert "give the same command again" in done.stderr
        assert "Traceback" not in done.stderr
        kept = {path.name: path.read_bytes() for path in disk.glob("small-*/shards/*.safetensors")}
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        done = command("thermo-run", str(small), "--results", str(disk), "--set", "system.with.hidden=[64, 64]")
        assert done.returncode == 0, done.stderr
        now = {path.name: path.read_bytes() for path in disk.glob("small-*/shards/*.safetensors")}
        shards = ("cold-0000", "cold-0004", "cold@same_bath-0000", "cold@twin-0000", "hot-0000", "hot-0004")
        assert sorted(now) == [f"{name}.0.safetensors" for name in shards]
        assert kept.items() <= now.items()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_plan_and_pilot_train_nothing(small: Path, command: Command) -> None:
    """They say what would run and what so many replicas can decide."""
    plan = command("thermo-run", str(small), "--plan")
    assert plan.returncode == 0, plan.stderr
    for part in (
        "6 replicas x 2 histories",
        "74 examples per replica",
        "cannot hold with 6: at least 19 are needed",
        "at least 30",
    ):
        assert part in plan.stdout
    pilot = command("thermo-run", str(small), "--pilot")
    assert "replica-step" in pilot.stdout
    assert not (small.parent / "results").exists()


def test_every_example_is_a_spec_to_start_from(small: Path, command: Command) -> None:
    """`--example` lists them, `--example NAME` prints one that plans as it is."""
    names = [line.split()[0] for line in command("thermo-run", "--example").stdout.splitlines()]
    assert names[0] == "quickstart"
    text = command("thermo-run", "--example", "quickstart").stdout
    assert "# " in text
    small.write_text(text)
    assert command("thermo-run", str(small), "--plan").returncode == 0


def test_an_example_is_written_with_all_that_it_needs(tmp_path: Path, command: Command) -> None:
    """Data, code and the schema lie beside the spec; nothing is overwritten, and a wheel carries what examples need."""
    packed = (ROOT / "pyproject.toml").read_text()
    for name in (line.split()[0] for line in command("thermo-run", "--example").stdout.splitlines()):
        done = command("thermo-run", "--example", name, "--into", str(tmp_path / name))
        assert done.returncode == 0, done.stderr
        home = tmp_path / name
        assert {path for path in home.rglob("*") if path.is_file()} == {Path(line) for line in done.stdout.splitlines()}
        assert all(f'"thermo_cli/examples/{path.name}"' in packed for path in home.iterdir())
    for name, need in {
        "own-module": "own_module.py",
        "own-table": "own-table.csv",
        "command": "train_script.py",
    }.items():
        assert {f"{name}.yaml", need} <= {path.name for path in (tmp_path / name).iterdir()}
    planned = command("thermo-run", str(tmp_path / "own-table" / "own-table.yaml"), "--plan")
    assert planned.returncode == 0, planned.stderr
    again = command("thermo-run", "--example", "recorded", "--into", str(tmp_path / "recorded"))
    assert (again.returncode, "a file is there already" in again.stderr) == (2, True)
    assert command("thermo-run", "--into", str(tmp_path / "x")).returncode == 2


def test_the_schema_is_json_and_accepts_the_small_spec(small: Path, command: Command) -> None:
    """Editors check specs with it."""
    import jsonschema

    schema = json.loads(command("thermo-run", "--schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(SMALL), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(SMALL.replace("steps:", "stpes:")), schema)


IMPORTED = (
    "import sys\nsys.argv = {argv!r}\nfrom thermo_cli.cli.run import main\n"
    "try:\n    main()\nexcept SystemExit:\n    pass\n"
    "print([m for m in {modules!r} if m in sys.modules])"
)


def imported(argv: list[str], modules: list[str]) -> str:
    """Run a command in a process of its own, and return which of some modules it has imported."""
    program = IMPORTED.format(argv=argv, modules=modules)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def test_help_and_spec_errors_do_not_wait_for_torch(small: Path) -> None:
    """Neither torch, scikit-learn, SciPy nor NumPy is imported for them."""
    for argv in (["thermo-run", "--help"], ["thermo-run", str(small), "--set", "a=1"], ["thermo-run", "--schema"]):
        assert imported(argv, ["torch", "sklearn", "scipy", "numpy"]) == "[]"


def test_the_check_of_the_stacked_step_does_not_wait_for_the_compiler_of_torch(small: Path) -> None:
    """A plan checks it as a run does; the compiler takes as long to import as all the rest of torch."""
    modules = ["torch", "torch._dynamo", "sympy"]
    assert imported(["thermo-run", str(small), "--plan"], modules) == "['torch']"


def test_a_table_becomes_a_spec_in_one_command(tmp_path: Path, command: Command) -> None:
    """Spec, schema and a plain copy of the table; without a folder the spec is printed, if the table can be used as it is."""
    lines = [f"{i};{i % 7},5;{('ja', 'nein')[i % 3 == 0]}" for i in range(60)]
    (tmp_path / "export.csv").write_text("\n".join(["Nr;Größe;gekündigt", *lines]), encoding="cp1252")
    made = command("thermo-run", "--example", "export.csv", "--into", "first", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert made.stdout.split() == ["first/export.yaml", "first/thermo-spec.schema.json", "first/export.csv"]
    for words in ("decimal commas", "semicolons", "windows-1252", "target: gekündigt"):
        assert words in made.stderr
    planned = command("thermo-run", "first/export.yaml", "--plan", cwd=tmp_path)
    assert planned.returncode == 0, planned.stderr
    assert "2 classes: ja 40, nein 20" in planned.stdout
    printed = command("thermo-run", "--example", "first/export.csv", "--set", "data.with.target=Größe", cwd=tmp_path)
    assert "path: first/export.csv" in printed.stdout.replace('"', "")
    assert 'target: "Größe"' in printed.stdout
    for given, words in {
        ("export.csv",): "--into DIR",
        ("export.csv", "--set", "name=x"): "data.with.target=NAME",
        ("absent.csv",): "no such table",
        ("export.csv", "--into", "first"): "a file is there already",
    }.items():
        done = command("thermo-run", "--example", *given, cwd=tmp_path)
        assert (done.returncode, words in done.stderr) == (2, True), done.stderr
