"""A runner for the steps of a composite action, as far as this one needs: expressions, environment, outputs, `bash -e`."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

FOLDER = ROOT / ".github" / "actions" / "thermo"
ACTION = yaml.safe_load((FOLDER / "action.yml").read_text())

FORMATS = ("markdown", "html", "junit")  # whose bytes most tests do not look at

# the action handles files, whoever writes them: these formats are written at once, without a word of thermo
STAND_IN = """
import os, sys
words = dict(word.partition("=")[::2] for word in sys.orig_argv if word.startswith("--"))
if "thermo_cli.cli.report" in sys.orig_argv and words.get("--format") in FORMATS:
    with open(words["--output"], "w") as file:
        file.write("# stand-in\\n")
    os._exit(0)
"""

_NAME = re.compile(r"'[^']*'|\b(?:inputs|steps|github|runner)\.[\w.-]+")


@dataclass
class Job:
    """What a job has seen.

    Attributes:
        folder: The workspace.
        outputs: Of each step with an id.
        used: The evaluated `with` of each action that ran.
        log: Standard output of all steps.
        summary: What the steps appended to the summary.
        code: Exit code of the step that failed, or 0.
        before_gate: The files of the artifact when the last step began.
    """

    folder: Path
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    code: int = 0
    before_gate: list[str] = field(default_factory=list)

    @property
    def annotations(self) -> list[str]:
        """The annotations in the log, as GitHub finds them: nothing counts while commands are stopped."""
        found, token = [], None
        for line in self.log.splitlines():
            if token:
                token = None if line.strip() == f"::{token}::" else token
            elif line.startswith("::stop-commands::"):
                token = line.removeprefix("::stop-commands::")
            elif line.lstrip().startswith(("::error", "::warning", "::notice")):
                found.append(line)
        return found

    @property
    def report(self) -> Path:
        """The folder that becomes the artifact."""
        return Path(self.used["actions/upload-artifact@v4"]["path"])


def run_action(folder: Path, inputs: dict[str, str], stand_ins: Iterable[str] = FORMATS, last: str = "") -> Job:
    """Run the action's steps in a folder, with `install: false` unless it is given.

    Args:
        folder: The workspace.
        inputs: Of the action.
        stand_ins: Formats that thermo is not asked for.
        last: Step after which nothing more is run; all of them are if empty.
    """
    assert set(inputs) <= set(ACTION["inputs"])
    known = {name: str(declared.get("default", "")) for name, declared in ACTION["inputs"].items()}
    job, values = Job(folder), known | {"install": "false"} | inputs
    (folder / "temporary").mkdir(exist_ok=True)
    (folder / "temporary" / "sitecustomize.py").write_text(STAND_IN.replace("FORMATS", repr(sorted(stand_ins))))
    for number, step in enumerate(ACTION["runs"]["steps"]):
        condition = step.get("if", "success()")
        if (job.code and "always()" not in condition) or not _evaluate(condition, job, values):
            continue
        if "uses" in step:
            job.used[step["uses"]] = {key: _filled(text, job, values) for key, text in step["with"].items()}
            continue
        if step is ACTION["runs"]["steps"][-1]:
            job.before_gate = sorted(path.relative_to(job.report).as_posix() for path in job.report.rglob("*"))
        environment = {name: _filled(text, job, values) for name, text in step.get("env", {}).items()}
        job.code = _run(step, environment, job, number) or job.code
        if last and step.get("id") == last:
            break
    return job


def _run(step: dict[str, Any], environment: dict[str, str], job: Job, number: int) -> int:
    """Run a shell step, and read what it left in its files."""
    output, summary = (job.folder / "temporary" / f"{name}-{number}" for name in ("output", "summary"))
    output.touch()
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=job.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={
            **os.environ,
            **environment,
            "GITHUB_ACTION_PATH": str(FOLDER),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "RUNNER_TEMP": str(job.folder / "temporary"),
            "OMP_NUM_THREADS": "1",
            "NO_COLOR": "1",
            "PYTHONPATH": f"{job.folder / 'temporary'}:{ROOT}",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
    )
    assert "Traceback" not in done.stderr, done.stderr
    job.log += done.stdout
    job.summary += summary.read_text() if summary.exists() else ""
    if "id" in step:
        job.outputs[step["id"]] = read_outputs(output.read_text())
    return done.returncode


def read_outputs(text: str) -> dict[str, str]:
    """Read the file of a step's outputs as GitHub does.

    Args:
        text: `name=value` lines, and `name<<delimiter` with lines until the delimiter.
    """
    found, lines = {}, iter(text.split("\n"))
    for line in lines:
        name, multiline, delimiter = line.partition("<<")
        if multiline and "=" not in name:
            found[name] = "\n".join(iter(lambda: next(lines), delimiter))
        elif line:
            name, _, found_value = line.partition("=")
            found[name] = found_value
    return found


def _filled(text: str, job: Job, inputs: dict[str, str]) -> str:
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: str(_evaluate(match[1], job, inputs)), text)


def _evaluate(expression: str, job: Job, inputs: dict[str, str]) -> Any:
    """Evaluate an expression of names, strings, `==`, `!=`, `&&`, `||`, `format`, `success()` and `always()`."""

    def value(match: re.Match[str]) -> str:
        if match[0].startswith("'"):
            return json.dumps(match[0][1:-1])
        kind, _, name = match[0].partition(".")
        if kind == "inputs":
            return json.dumps(inputs[name])
        if kind == "steps":
            step, _, key = name.partition(".outputs.")
            return json.dumps(job.outputs.get(step, {}).get(key, ""))
        return json.dumps({"runner.os": "Linux", "github.run_id": "7", "github.run_attempt": "1"}[match[0]])

    text = _NAME.sub(value, expression.strip()).replace("&&", " and ").replace("||", " or ")
    known = {"always": lambda: True, "success": lambda: job.code == 0, "format": str.format}
    return eval(text, {"__builtins__": {}}, known)  # the action's own text; GitHub's operators return operands too
