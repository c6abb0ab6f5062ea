"""The action as GitHub reads it: its structure, and its steps run one after the other."""

import json
import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci_kit.runner import ACTION, FOLDER, Job, run_action
from tests.conftest import ROOT

STEPS = ACTION["runs"]["steps"]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


FILES = {"verdict.json", "report.md", "report.html", "junit.xml", "log.txt"}
SMALL = """\
name: small
system: {use: autoregressive, with: {phi: 0.5, sd: 0.2, start: 3.0}}
dynamics: {use: recursion, steps: 200}
ensemble: {replicas: 4, seed: 3, controls: {same_bath: 2, twin: 0}}
equilibrium: {margins: {level: 1.0}}
"""


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job from the spec to a gate that is met, in a workspace whose modules have the names of others."""
    folder = tmp_path_factory.mktemp("met")
    (folder / "small.yaml").write_text(SMALL)
    for name in ("yaml", "typer", "loky", "typing", "random"):
        (folder / f"{name}.py").write_text("open('CODE_RAN', 'a').write(__name__)\n")
    inputs = {"spec": "small.yaml", "require": "undecided", "upload-run": "true", "cache": "true", "workers": "1"}
    return run_action(folder, inputs, stand_ins=())


@pytest.fixture
def workspace(met: Job, tmp_path: Path) -> Path:
    """A copy of its workspace, with the run that exists."""
    shutil.copytree(met.folder, tmp_path / "work", ignore=shutil.ignore_patterns("temporary"))
    return tmp_path / "work"


def test_no_module_of_the_workspace_is_imported(met: Job) -> None:
    """A pull request's `yaml.py` runs in none of the processes; nor would its `pip.py`, where thermo is installed."""
    assert not (met.folder / "CODE_RAN").exists()
    code = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    assert code.count("sys.executable") == code.count('[sys.executable, "-P", "-m"') == 2


def test_no_shell_line_holds_an_expression() -> None:
    """Whatever an input holds, no shell ever parses it: inputs arrive as environment variables."""
    workflow = yaml.safe_load(WORKFLOW.read_text())
    shell = [step["run"] for step in STEPS if "run" in step]
    shell += [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert len(shell) > 5
    for line in shell:
        assert "${{" not in line


def test_inputs_and_outputs_are_declared_and_used() -> None:
    """Each input that is used is declared, and the other way round; outputs and conditions name steps that exist."""
    text = (FOLDER / "action.yml").read_text()
    assert set(re.findall(r"\binputs\.([\w-]+)", text)) == set(ACTION["inputs"])
    seen = set()
    for step in STEPS:
        assert set(re.findall(r"\bsteps\.([\w-]+)\.", str(step))) <= seen, step["name"]
        seen.add(step.get("id"))
    for name, output in ACTION["outputs"].items():
        assert re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.\w+ \}\}", output["value"])[1] in seen, name
        assert output["description"]


def test_the_structure_is_that_of_a_composite_action() -> None:
    """Each step runs in a named shell or uses an action of one major version; only known keys."""
    assert set(ACTION) == {"name", "description", "inputs", "outputs", "runs"}
    assert set(ACTION["runs"]) == {"using", "steps"}
    assert ACTION["runs"]["using"] == "composite"
    for declared in ACTION["inputs"].values():
        assert set(declared) <= {"description", "required", "default"}
        assert declared.get("required") is True or isinstance(declared["default"], str)
    for step in STEPS:
        assert set(step) <= {"name", "id", "if", "uses", "with", "run", "shell", "env"}
        if "run" in step:
            assert step["shell"] == "bash"
        else:
            assert re.fullmatch(r"actions/[\w/-]+@v\d+", step["uses"])
    assert STEPS[-1]["run"] == 'exit "$CODE"'


def test_shell_lines_pass_shellcheck() -> None:
    """Where shellcheck is installed."""
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    for step in STEPS:
        if "run" in step:
            done = subprocess.run(
                ["shellcheck", "--shell=bash", "-"], input=step["run"], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout


def test_this_repository_uses_it_with_the_least_permissions() -> None:
    """On the quickstart, gated, beside the check job, by inputs that exist."""
    workflow = yaml.safe_load(WORKFLOW.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    (step,) = (
        step
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if step.get("uses") == "./.github/actions/thermo"
    )
    assert set(step["with"]) <= set(ACTION["inputs"])
    assert step["with"]["spec"] == "experiments/quickstart.yaml"
    assert step["with"]["require"] == "thermalized"
    assert "check" in workflow["jobs"]


def test_its_page_shows_workflows_that_work() -> None:
    """Each fenced YAML block that uses the action parses, and gives it only inputs that exist."""
    page = ROOT / ".github" / "actions" / "thermo" / "README.md"
    blocks = re.findall(r"```ya?ml\n(.*?)```", page.read_text(), re.DOTALL)
    blocks = [block for block in blocks if "/.github/actions/thermo@" in block]
    assert len(blocks) == 2
    for block in blocks:
        workflow = yaml.safe_load(block)
        assert workflow["permissions"]
        assert workflow[True], "no trigger"  # YAML 1.1 reads the key `on` as true
        steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
        used = [step for step in steps if "/.github/actions/thermo@" in step.get("uses", "")]
        assert used
        for step in used:
            assert set(step["with"]) <= set(ACTION["inputs"])
            assert "spec" in step["with"]
        for step in steps:
            assert "${{" not in step.get("run", "")


def test_a_gate_that_is_met(met: Job) -> None:
    """Code 0: a notice, the summary, the outputs, and everything in the artifact."""
    assert met.code == 0, met.log
    record = verdict(met)
    (run,) = (met.folder / "results").iterdir()
    assert met.outputs["report"] == {
        "verdict": "undecided",
        "phase": record["phase"],
        "code": "0",
        "report": str(met.report / "report.html"),
    }
    assert met.outputs["plan"]["run"] == f"results/{run.name}"
    assert met.annotations[0] == f"::notice file=small.yaml,title=thermo%3A gate met::{escaped(record['summary'])}"
    assert all(line.startswith("::notice ") for line in met.annotations)
    assert "undecided" in met.summary.splitlines()[0]
    assert met.summary == (met.report / "report.md").read_text()
    assert set(met.before_gate) >= FILES | {f"run/{run.name}/manifest.json"}
    assert "training 6 replicas" in met.log


def test_the_cache_is_of_the_run(met: Job) -> None:
    """A finished run is kept under its own name for good, found by it, and kept with nothing else."""
    restored, saved = met.used["actions/cache/restore@v4"], met.used["actions/cache/save@v4"]
    assert restored["path"] == saved["path"] == met.outputs["plan"]["run"]
    assert restored["key"] == saved["key"]
    assert re.fullmatch(r"Linux-thermo-small-[0-9a-f]{8}-[0-9a-f]{12}-[0-9a-f]{8}", saved["key"])
    assert restored["restore-keys"].split() == [saved["key"] + "-", saved["key"][:-8]]


def test_the_cache_knows_the_rows_that_are_asked_for(workspace: Path) -> None:
    """More replicas, or another end of their growth, are other keys of one run; the gate counts only where something grows."""
    fixed, more, grown, gated = (
        _key(workspace, *changes)
        for changes in (
            ("ensemble.replicas=6", "settled"),
            ("ensemble.replicas=8", "settled"),
            ("ensemble.replicas={from: 6, to: 8}", "settled"),
            ("ensemble.replicas={from: 6, to: 8}", "thermalized"),
        )
    )
    assert len({fixed["key"], more["key"], grown["key"], gated["key"]}) == 4
    assert len({key["prefix"] for key in (fixed, more, grown, gated)}) == 1
    assert all(key["key"].startswith(key["prefix"]) for key in (fixed, more, grown, gated))
    assert _key(workspace, "ensemble.replicas=6", "thermalized")["key"] == fixed["key"]


def _key(workspace: Path, change: str, gate: str) -> dict[str, str]:
    return run_action(workspace, {"spec": "small.yaml", "set": change, "require": gate}, last="plan").outputs["plan"]


def test_a_gate_that_is_not_met(workspace: Path) -> None:
    """Code 1: errors; the run is not trained again, and every report is there before the gate."""
    job = run_action(
        workspace, {"spec": "small.yaml", "require": "diverged", "set": "equilibrium.margins={level: 1.0e-3}\n"}
    )
    assert job.code == 1
    record = verdict(job)
    assert record["verdict"] == job.outputs["report"]["verdict"] == "relaxing"
    assert job.annotations[0] == (
        f"::error file=small.yaml,title=thermo%3A gate not met::{escaped(record['summary'])}%0A"
        "gate not met: required diverged, received relaxing"
    )
    open_rows = [row for row in record["criteria"] if row["gates"] and row["outcome"] in ("fails", "undecided")]
    assert len(job.annotations) == 1 + len(open_rows)
    assert job.annotations[1] == (
        "::error file=small.yaml,title=thermo%3A stationarity fails::level of cold: 0 of 4 replicas moved by at most 0.001 "
        "between the halves of the window; at least 85%25 of fresh ones must"
    )
    assert set(job.before_gate) >= FILES
    assert "training 6 replicas" not in job.log
    assert job.outputs["report"]["code"] == "1"
    assert list(job.used) == ["actions/upload-artifact@v4"]


def test_a_gate_that_is_undecided(workspace: Path) -> None:
    """Code 4: warnings."""
    job = run_action(workspace, {"spec": "small.yaml", "require": "thermalized, crystallized"})
    assert job.code == 4
    assert job.annotations[0] == (
        f"::warning file=small.yaml,title=thermo%3A gate undecided::{escaped(verdict(job)['summary'])}%0A"
        "gate undecided: required thermalized or crystallized, received undecided"
    )
    assert all(line.startswith("::warning ") for line in job.annotations)
    assert set(job.before_gate) >= FILES


def test_a_spec_that_is_refused(tmp_path: Path) -> None:
    """Code 2: nothing is trained, each error stands at its line, and the summary says why."""
    (tmp_path / "bad.yaml").write_text(SMALL.replace("replicas: 4", "replicsa: 4").replace("phi", "phy"))
    job = run_action(tmp_path, {"spec": "bad.yaml", "cache": "true"})
    assert job.code == 2
    assert job.annotations == [
        "::error file=bad.yaml,line=2,col=38,title=thermo%3A usage or spec error::system.with.phy: unknown key%0A"
        "received: phy%0Aremedy:   did you mean 'phi'?",
        "::error file=bad.yaml,line=4,col=12,title=thermo%3A usage or spec error::ensemble.replicsa: unknown key%0A"
        "received: replicsa%0Aremedy:   did you mean 'replicas'?",
    ]
    assert "did you mean 'replicas'?" in job.summary
    assert job.before_gate == ["log.txt", "report.md"]
    assert list(job.used) == ["actions/upload-artifact@v4"]
    assert not (tmp_path / "results").exists()


def test_a_gate_that_names_no_verdict_is_refused_before_training(tmp_path: Path) -> None:
    """Code 2, and what is meant is guessed."""
    (tmp_path / "small.yaml").write_text(SMALL)
    job = run_action(tmp_path, {"spec": "small.yaml", "require": "thermalised"})
    assert job.code == 2
    assert "did you mean 'thermalized'?" in job.annotations[0]
    assert not (tmp_path / "results").exists()


def test_a_run_that_cannot_be_judged(workspace: Path) -> None:
    """Code 3: what is wrong with the run folder is annotated and summarized."""
    (run,) = (workspace / "results").iterdir()
    (run / "manifest.json").write_text('{"schema_version": 99}')  # what is damaged alone would be made again
    job = run_action(workspace, {"spec": "small.yaml", "require": "settled"}, stand_ins=())
    assert job.code == 3
    (annotation,) = job.annotations
    assert annotation.startswith("::error file=small.yaml,title=thermo%3A not judged::")
    assert "manifest.json" in annotation
    assert "not judged" in job.summary.splitlines()[0]
    assert "another version" in job.summary
    assert set(job.before_gate) >= {"log.txt", "report.md", "report.html", "junit.xml", "verdict.json"}
    page = str(job.report / "report.html")
    assert job.outputs["report"] == {"verdict": "", "phase": "", "code": "3", "report": page}


def test_hostile_inputs_reach_no_shell_and_no_output(tmp_path: Path) -> None:
    """Names with commands of shells and of workflows, line ends and `]]>` stay text."""
    name = "a$(touch owned)`touch owned`::error::x]]>;touch owned\nrun=evil\n::notice::y.yaml"
    job = run_action(
        tmp_path,
        {
            "spec": name,
            "set": "x=$(touch owned)\n\ny='; touch owned",
            "require": '"; touch owned; "',
            "results": "-r; touch owned",
            "allow": "--help",
            "baseline": "$(touch owned)",
        },
    )
    assert job.code == 2
    assert not list(tmp_path.rglob("owned"))
    assert job.outputs["plan"].keys() == {"work", "run", "code", "key", "prefix"}
    assert job.outputs["plan"]["run"] == ""
    (annotation,) = job.annotations
    assert annotation == (
        "::error file=a$(touch owned)`touch owned`%3A%3Aerror%3A%3Ax]]>;touch owned%0Arun=evil%0A%3A%3Anotice%3A%3Ay.yaml,"
        "title=thermo%3A usage or spec error::there is no such file%0A"
        "received: a$(touch owned)`touch owned`::error::x]]>;touch owned%0Arun=evil%0A::notice::y.yaml%0A"
        "remedy:   check the path, or start from `thermo-run --example quickstart`"
    )


def test_what_thermo_prints_is_no_command(tmp_path: Path) -> None:
    """A line of a report, a name or a script that looks like a command of the workflow is only shown."""
    words = (
        "\nprint('  ::error::owned\\n::stop-commands::x\\n##[error]owned\\n::add-mask::a\\n::notice::owned', end='')\n"
    )
    stand_in(tmp_path, PLAN + words, words + "write()")
    job = run_action(tmp_path, {"spec": "small.yaml"})
    assert job.log.count("::error::owned") == 3
    assert "owned" in (job.report / "log.txt").read_text()
    assert job.annotations == ["::notice file=small.yaml,title=thermo%3A settled::It says 5 %25 <b>::error::]]>"]


def test_a_baseline_goes_to_the_gate_alone(tmp_path: Path) -> None:
    """The one run below its folder is meant; where thermo refuses it, that is code 2, and the reports are there without it."""
    (tmp_path / "baseline" / "run" / "old-01234567").mkdir(parents=True)
    (tmp_path / "baseline" / "run" / "old-01234567" / "resolved.yaml").touch()
    stand_in(
        tmp_path,
        PLAN,
        """
        if "--baseline=baseline/run/old-01234567" in sys.argv:
            assert {"--require=not-worse", "--require=settled,glassy"} < set(sys.argv)
            print("error: the runs do not compare\\n  received: other data")
            sys.exit(2)
        write()
    """,
    )
    job = run_action(tmp_path, {"spec": "small.yaml", "baseline": "baseline", "require": "not-worse\nsettled,glassy"})
    assert job.code == 2
    assert job.annotations == [
        "::error file=small.yaml,title=thermo%3A usage or spec error::It says 5 %25 <b>::error::]]>%0A"
        "the runs do not compare%0Areceived: other data"
    ]
    assert set(job.before_gate) >= FILES


def test_many_rows_and_hostile_names_in_a_record(tmp_path: Path) -> None:
    """Ten annotations at most, each one line, points named; failures follow the gate."""
    stand_in(
        tmp_path,
        PLAN,
        """
        row = {"criterion": "agreement", "observable": "a,b:c::error::%0A", "scope": "x\\ny", "gates": True, "outcome": "fails",
               "statistic": "A", "explanation": "]]>"}
        open_row = {**row, "outcome": "undecided"}
        write(criteria=[], points=[{"point": {"lr": 0.1, "x": "y"}, "criteria": [open_row] + [row] * 12}])
        print("error: gate not met at lr=0.1: required settled, received glassy")
        sys.exit(1)
    """,
    )
    job = run_action(tmp_path, {"spec": "small.yaml", "require": "settled"})
    assert job.code == 1
    assert len(job.annotations) == 10
    assert job.annotations[1] == (
        "::error file=small.yaml,title=thermo%3A agreement fails::a,b:c::error::%250A of x%0Ay at lr=0.1, x=y: ]]>"
    )
    assert job.annotations[9] == "::error title=thermo%3A 5 more::The report has all of them."


def test_a_report_that_cannot_be_written_is_missed(tmp_path: Path) -> None:
    """The gate keeps its answer, and a warning says which file is not there."""
    stand_in(
        tmp_path,
        PLAN,
        """
        if "--format=html" in sys.argv:
            sys.exit(1)
        write()
    """,
    )
    job = run_action(tmp_path, {"spec": "small.yaml"}, stand_ins=())
    assert job.code == 0
    assert job.outputs["report"] == {"verdict": "settled", "phase": "", "code": "0", "report": ""}
    assert job.annotations == [
        "::warning file=small.yaml,title=thermo%3A no report::report.html could not be written; see the log",
        "::notice file=small.yaml,title=thermo%3A settled::It says 5 %25 <b>::error::]]>",
    ]


def test_an_unfinished_run_is_kept_under_a_key_of_its_own(tmp_path: Path) -> None:
    """So that the next job finds it by its beginning, and may keep the finished one under the name itself."""
    stand_in(tmp_path, PLAN + "\nsys.exit(130 if '--plan' not in sys.argv else 0)", "write()")
    job = run_action(tmp_path, {"spec": "small.yaml", "cache": "true"})
    assert job.code == 130
    assert job.used["actions/cache/save@v4"]["key"] == f"Linux-{job.outputs['plan']['key']}-7-1"


def test_an_install_that_is_no_version_is_refused(tmp_path: Path) -> None:
    """Nothing but a version reaches pip."""
    job = run_action(tmp_path, {"spec": "small.yaml", "install": "1.0 --index-url=http://x"})
    assert job.code == 2
    assert "true, false or a version" in job.log
    assert not job.outputs


PLAN = """
from pathlib import Path
folder = Path("results/small-01234567")
if "--plan" in sys.argv:
    print("Plan of small-01234567")
else:
    folder.mkdir(parents=True)
    (folder / "manifest.json").touch()
"""


def stand_in(folder: Path, run: str, report: str) -> None:
    """Put commands into a folder that answer at once: for what the steps make of answers, no model need be trained."""
    package = folder / "temporary" / "thermo_cli"  # where PYTHONPATH leads
    (package / "cli").mkdir(parents=True)
    (package / "__init__.py").touch()
    head = """
import json, sys
def write(**record):
    (path,) = (word.removeprefix("--output=") for word in sys.argv if word.startswith("--output="))
    open(path, "w").write(json.dumps({"run": {"name": "small"}, "verdict": "settled", "summary": "It says 5 % <b>::error::]]>",
                                      "criteria": [], "points": [], **record}))
"""
    for name, body in (("run", run), ("report", report)):
        (package / "cli" / f"{name}.py").write_text(head + textwrap.dedent(body))


def verdict(job: Job) -> dict[str, Any]:
    """Read the verdict.json of the artifact."""
    content: dict[str, Any] = json.loads((job.report / "verdict.json").read_text())
    return content


def escaped(text: str) -> str:
    """Escape a text as the message of a workflow command."""
    return text.replace("%", "%25")
