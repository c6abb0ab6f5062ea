"""The steps of the action: install, plan, train, report, show; each leaves for the next what it found out in $WORK/state.json.

None of them fails for what thermo answers: the last step of the action leaves with that code, when all reports exist.
"""

import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from asking import NOT_JUDGED, PLACE, ask
from workflow import Annotation, annotate, append_summary, quoted, write_outputs

ROOT: Final = Path(__file__).resolve().parents[3]
FILES: Final = {"json": "verdict.json", "markdown": "report.md", "html": "report.html", "junit": "junit.xml"}
ANSWERS: Final = {
    0: "gate met",
    1: "gate not met",
    2: "usage or spec error",
    3: "not judged",
    4: "gate undecided",
    70: "a bug",
}
GATE: Final = (0, 1, 4)  # what a gate that was asked says of a run that was trained
KINDS: Final = {0: "notice", 4: "warning"}  # whatever else is an error

_VERSION: Final = re.compile(r"[0-9][0-9A-Za-z.+!-]*")
_PLAN: Final = re.compile(r"^Plan of ([A-Za-z0-9][A-Za-z0-9._-]*-[0-9a-f]{8})(?:  |$)", re.MULTILINE)
_ROWS: Final = re.compile(r"^  (?:ensemble|dynamics|grows) .*$", re.MULTILINE)


@dataclasses.dataclass
class State:
    """What the steps hand on.

    Attributes:
        work: Their folder; `report` in it becomes the artifact.
        spec: The spec's path.
        options: Of `thermo-run`.
        results: Where run folders are.
        require: What must be met, each with its alternatives; empty for no gate.
        baseline: The run to compare with, or nothing.
        upload_run: Whether the run folder goes into the artifact.
        run: The run folder; nothing where there is no plan.
        code: The exit code so far.
        complaints: Why it is not zero.
        missing: Reports that could not be written.
    """

    work: str
    spec: str
    options: list[str]
    results: str
    require: list[str]
    baseline: str
    upload_run: bool
    run: str = ""
    code: int = 0
    complaints: list[str] = dataclasses.field(default_factory=list)
    missing: list[str] = dataclasses.field(default_factory=list)

    @property
    def gate(self) -> list[str]:
        """What `thermo-run` can be asked for; of a comparison it knows nothing."""
        return [] if self.baseline else [f"--require={line}" for line in self.require]

    @property
    def report(self) -> Path:
        """The folder that becomes the artifact."""
        return Path(self.work) / "report"

    @property
    def log(self) -> Path:
        """All that thermo said."""
        return self.report / "log.txt"

    @property
    def answer(self) -> str:
        """The exit code in words."""
        return ANSWERS.get(self.code, f"exit code {self.code}")

    def save(self) -> None:
        """Leave it for the next step."""
        (Path(self.work) / "state.json").write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")


def load_state() -> State:
    """Take up what the step before has left."""
    return State(**json.loads((Path(os.environ["WORK"]) / "state.json").read_text(encoding="utf-8")))


def install() -> None:
    """Install thermo as the input says."""
    wanted = os.environ["INSTALL"].strip()
    if wanted == "false":
        return
    if wanted != "true" and not _VERSION.fullmatch(wanted):
        with quoted("Install"):
            sys.stdout.write(f"error: install is true, false or a version\n  received: {wanted}\n")
        sys.exit(2)
    source = str(ROOT) if wanted == "true" else f"thermo-cli=={wanted}"
    done = subprocess.run([sys.executable, "-P", "-m", "pip", "install", "--quiet", source], check=False)
    sys.exit(NOT_JUDGED if done.returncode else 0)


def plan() -> None:
    """Ask thermo which run the spec makes; a spec or a gate that it refuses is refused before anything is trained."""
    given = {name: os.environ[name].strip() for name in ("SPEC", "BASELINE", "RESULTS", "WORKERS")}
    options = [f"--results={given['RESULTS']}"] + ([f"--workers={given['WORKERS']}"] if given["WORKERS"] else [])
    options += [f"--set={line}" for line in _lines(os.environ["OVERRIDES"])]
    options += [f"--allow={line}" for line in _lines(os.environ["ALLOW"])]
    state = State(
        tempfile.mkdtemp(prefix="thermo-", dir=os.environ.get("RUNNER_TEMP")),
        given["SPEC"],
        options,
        given["RESULTS"],
        _lines(os.environ["REQUIRE"]),
        _single_run(given["BASELINE"]),
        os.environ["UPLOAD_RUN"] == "true",
    )
    state.report.mkdir()
    answer = ask("run", [*options, "--plan", *state.gate, "--", state.spec], "Plan", state.log)
    state.code, state.complaints = answer.code, answer.complaints
    found = _PLAN.search(answer.text) if not state.code else None
    if found:
        state.run = (Path(state.results) / found[1]).as_posix()
    elif not state.code:
        state.code, state.complaints = NOT_JUDGED, ["the plan does not name the run"]
    state.save()
    prefix = f"thermo-{found[1]}-{_packages()}-" if found else ""
    key = prefix + _rows(answer.text, state) if found else ""
    write_outputs({"work": state.work, "run": state.run, "code": str(state.code), "key": key, "prefix": prefix})


def train() -> None:
    """Train what is not trained yet, as far as the gate asks where the ensemble grows, and judge it; the gate comes last."""
    state = load_state()
    answer = ask("run", [*state.options, *state.gate, "--", state.spec], "Train", state.log)
    if not (state.gate and answer.code in GATE):
        state.code, state.complaints = answer.code, answer.complaints
    state.save()
    finished = _record(Path(state.run))["run"].get("status") == "complete"
    write_outputs({"finished": "true" if finished else "false"})


def report() -> None:
    """Write every report, with the gate in it, and find out what the gate says."""
    state = load_state()
    if state.run and (Path(state.run) / "manifest.json").is_file():
        _write_reports(state)
        if state.upload_run:
            shutil.copytree(state.run, state.report / "run" / Path(state.run).name)
    if not (state.report / FILES["markdown"]).is_file():
        (state.report / FILES["markdown"]).write_text(_instead(state), encoding="utf-8")
    state.save()
    record, html = _record(state.report), state.report / FILES["html"]
    write_outputs(
        {
            "verdict": record["verdict"] or "",
            "phase": record["phase"] or "",
            "code": str(state.code),
            "report": str(html) if html.is_file() else "",
        }
    )


def show() -> None:
    """Append the report to the summary of the job, and annotate."""
    state = load_state()
    append_summary((state.report / FILES["markdown"]).read_text(encoding="utf-8", errors="replace"))
    annotate(annotations(state, _record(state.report)))


def annotations(state: State, record: Mapping[str, Any]) -> Iterator[Annotation]:
    """Say what the gate answers, then which criteria do not hold, failures first; all of the gate's kind.

    Args:
        state: With the exit code and the complaints.
        record: The content of verdict.json, as far as there is one.
    """
    kind, spec = KINDS.get(state.code, "error"), {"file": state.spec}
    if not record["run"]:
        for complaint in state.complaints:
            placed = PLACE.fullmatch(complaint)
            place = {name: placed[name] for name in ("file", "line", "col")} if placed else spec
            yield Annotation(kind, f"thermo: {state.answer}", placed["what"] if placed else complaint, place)
        return
    for name in state.missing:
        yield Annotation("warning", "thermo: no report", f"{name} could not be written; see the log", spec)
    title = state.answer if state.require or state.code else record["verdict"] or "judged"
    yield Annotation(kind, f"thermo: {title}", "\n".join([record["summary"] or "", *state.complaints]), spec)
    rows = [(row, point) for point in [record, *record["points"]] for row in point["criteria"] if row["gates"]]
    for outcome in ("fails", "undecided"):
        for row, point in rows:
            if row["outcome"] == outcome:
                title = f"thermo: {row['criterion']} {outcome}"
                yield Annotation(kind, title, f"{_what(row, point)}: {row['explanation']}", spec)


def _what(row: Mapping[str, Any], point: Mapping[str, Any]) -> str:
    """Name what a row of a criterion speaks of."""
    where = ", ".join(f"{key}={value}" for key, value in point.get("point", {}).items())
    return f"{row['observable'] or row['statistic']} of {row['scope']}" + (f" at {where}" if where else "")


def _write_reports(state: State) -> None:
    """Write a report of each format; the first one, JSON, tells what the gate says, and whether there is anything to report."""
    gate = [f"--require={line}" for line in state.require]
    gate += [f"--baseline={state.baseline}"] if state.baseline else []
    for format, name in FILES.items():
        asked = [f"--results={state.results}", f"--format={format}", f"--output={state.report / name}", "--", state.run]
        answer = ask("report", [*gate, *asked], f"Report: {name}", state.log)
        if format == "json" and not state.code:
            state.code, state.complaints = answer.code, answer.complaints
        if answer.code == 2 and gate:  # asked for what does not exist or compare; reports without it are still wanted
            gate = []
            ask("report", asked, f"Report without the gate: {name}", state.log)
        if not (state.report / FILES["json"]).is_file():
            return
        if not (state.report / name).is_file():
            state.missing.append(name)


def _instead(state: State) -> str:
    """Say in Markdown why there is no report."""
    reasons = "\n".join(state.complaints) or "The report could not be written; see the log."
    fence = "`" * (3 + max((len(run) for run in re.findall("`+", reasons)), default=0))
    return f"# thermo: {state.answer}\n\n{fence}text\n{reasons}\n{fence}\n"


def _record(folder: Path) -> dict[str, Any]:
    """Read a verdict.json; of one that is not there, or cannot be read, all is empty."""
    empty: dict[str, Any] = {"run": {}, "verdict": None, "phase": None, "summary": None, "criteria": [], "points": []}
    try:
        found: dict[str, Any] = json.loads((folder / FILES["json"]).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return empty
    return empty | found


def _single_run(path: str) -> str:
    """Return the one run in or below a folder; otherwise what was given, and thermo says what is wrong with it."""
    if not path:
        return ""
    runs = [file.parent for below in ("", "*/", "*/*/") for file in Path(path).glob(f"{below}resolved.yaml")]
    return runs[0].as_posix() if len(runs) == 1 else path


def _rows(plan: str, state: State) -> str:
    """Digest how much of a run is asked for; where it grows, what decides how far: another spec or gate may need more of it."""
    lines = _ROWS.findall(plan)
    if any(line.split()[0] == "grows" for line in lines):
        lines += [Path(state.spec).read_text(encoding="utf-8"), *state.options, *state.require]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8]


def _packages() -> str:
    """Digest what is installed: other versions may train other numbers, so that a kept run is then made anew."""
    known = sorted(f"{one.metadata['Name']}=={one.version}" for one in metadata.distributions())
    return hashlib.sha256("\n".join([sys.version, *known]).encode()).hexdigest()[:12]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    {"install": install, "plan": plan, "train": train, "report": report, "show": show}[sys.argv[1]]()
