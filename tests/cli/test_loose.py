"""`thermo-report` of runs made elsewhere: judged at once by their paths; nothing is written, the spec to keep them is shown."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT, Command
from thermo_cli.cli.loose import look, path_of
from thermo_cli.judging.comparing import compare

RECORDED = ROOT.parent / "shared" / "data" / "recorded"
STEPS = range(0, 2001, 100)


def logs(folder: Path, count: int = 32, score: str = "val_acc", shift: float = 0.0) -> Path:
    """Write what Lightning's logger does: a score that comes to rest at 0.9, a little elsewhere in each run."""
    generator = np.random.default_rng(1)
    for version in range(count):
        path = folder / f"version_{version}" / "metrics.csv"
        path.parent.mkdir(parents=True)
        end = 0.9 + shift + generator.normal(0, 0.003)
        rows = [f"{step // 100},{step},{0.9 - 0.8 * 2.0 ** (-step / 80)},\n" for step in STEPS]
        rows += [
            f"{step // 100},{step},,{end - 0.8 * 2.0 ** (-step / 80) + generator.normal(0, 1e-3)}\n" for step in STEPS
        ]
        path.write_text(f"epoch,step,train_loss,{score}\n" + "".join(rows))
    return folder


def everything(folder: Path) -> list[Path]:
    """Return all files and folders below one."""
    return sorted(folder.rglob("*"))


def spec_in(text: str) -> str:
    """Return the spec that a report ends with."""
    return text.partition("thermo-run runs.yaml:\n\n")[2]


def test_one_line_judges_a_folder(tmp_path: Path, command: Command) -> None:
    """Settled, the gate is met, nothing is written; the spec that is shown gives the same verdict, and is kept."""
    logs(tmp_path / "lightning_logs")
    before = everything(tmp_path)
    done = command("thermo-report", "lightning_logs", "--margin", "val_acc=0.02", "--require", "settled")
    assert done.returncode == 0, done.stderr
    assert "SETTLED" in done.stdout
    assert everything(tmp_path) == before
    (tmp_path / "runs.yaml").write_text(spec_in(done.stdout))
    assert yaml.safe_load(spec_in(done.stdout))["system"] == {"use": "recorded", "with": {"path": "lightning_logs"}}
    looked = json.loads(
        command("thermo-report", "lightning_logs", "--margin", "val_acc=0.02", "--format", "json").stdout
    )
    assert command("thermo-run", "runs.yaml").returncode == 0
    kept = json.loads(next((tmp_path / "results").glob("*/verdict.json")).read_text())
    assert kept == looked


def test_an_accuracy_has_a_margin_and_a_loss_none(tmp_path: Path, command: Command) -> None:
    """Both are said: the margin that nobody stated, and the line that would state one."""
    logs(tmp_path / "shares")
    text = command("thermo-report", "shares").stdout
    assert "SETTLED" in text
    assert "the margin of val_acc is 0.02 because none was stated" in text
    assert "{margins: {val_acc: 0.02}}" in spec_in(text)
    logs(tmp_path / "losses", score="val_loss")
    text = command("thermo-report", "losses").stdout
    assert "UNDECIDED" in text
    assert "--margin val_loss=0.02" in text
    assert "margins" not in spec_in(text)


def test_the_default_margin_of_an_accuracy_in_per_cent(tmp_path: Path, command: Command) -> None:
    """Two points of a hundred, and said; it was 0.02 of them. One that is stated holds, and nothing is said of it."""
    (tmp_path / "logs").mkdir()
    for name in range(8):
        rows = [f"{step},{90 + name / 10 - 80 * 2.0 ** (-step / 10)}\n" for step in range(0, 101, 5)]
        (tmp_path / "logs" / f"{name}.csv").write_text("step,test_accuracy\n" + "".join(rows))
    words = "taken for per cent, with a margin that was not stated: test_accuracy: 2"
    for margin in ("2", "0.5"):
        stated = ["--margin", f"test_accuracy={margin}"] if margin == "0.5" else []
        shown = command("thermo-report", "logs", *stated, "--format", "json").stdout
        margins = [row["margin"] for row in json.loads(shown)["criteria"] if row["observable"]]
        assert max(margins) == float(margin)
        page = " ".join(command("thermo-report", "logs", *stated, "--format", "markdown").stdout.split())
        assert (words in page) == (not stated)


def test_each_rule_stands_in_the_report(tmp_path: Path, command: Command) -> None:
    """What it was taken for and why, what counts time, what is read, in every format for readers."""
    logs(tmp_path / "logs", count=3)
    path = tmp_path / "logs" / "version_1" / "metrics.csv"
    path.write_text(path.read_text() + "20,2000,,0.95\n20,2")
    for format in ("markdown", "html", "json"):
        text = command("thermo-report", "logs", "--format", format).stdout
        for words in (
            "version_0/metrics.csv is version_0",
            "it has the columns epoch and step",
            "time is counted by step, not by epoch",
            "left out: epoch, train_loss",
            "version_1/metrics.csv: the last line is torn",
            "1 left out, the first in val_acc of version_1/metrics.csv",
        ):
            assert words in text, (format, words)


def test_several_paths_are_one_ensemble(tmp_path: Path, command: Command) -> None:
    """As a shell hands them out, whole or in part."""
    logs(tmp_path / "logs", count=12)
    some = [f"logs/version_{number}/metrics.csv" for number in (3, 10, 2)]
    done = command("thermo-report", *some, "--format", "json")
    assert json.loads(done.stdout)["run"]["replicas"]["finished"] == 3
    page = command("thermo-report", *some, "--format", "html", "--output", "page.html")
    assert page.returncode == 0, page.stderr  # a page holds one run, which they are
    done = command("thermo-report", "logs/version_*/metrics.csv")
    assert "12 of 12 │ │ replicas" in " ".join(done.stdout.split())
    assert "path: logs/version_*/metrics.csv" in done.stdout


def test_a_schedule_is_not_assumed_in_silence(tmp_path: Path, command: Command) -> None:
    """What is taken for a constant rate is said, until the spec says that it was one."""
    logs(tmp_path / "logs", count=12)
    text = command("thermo-report", "logs").stdout
    assert "the learning rate is taken for constant" in " ".join(text.split())
    spec = text[text.index("name: ") :].replace("path: logs", "path: logs, schedule: constant")
    (tmp_path / "spec.yaml").write_text(spec)
    done = command("thermo-run", "spec.yaml")
    assert done.returncode == 0, done.stderr
    assert "taken for constant" not in done.stdout


def test_histories_that_are_compared_are_recipes(tmp_path: Path, command: Command) -> None:
    """What a table or a pattern calls histories, where one path alone is compared: points, and the spec that keeps them so."""
    rows = [f"{who},{seed},{step},{step / 40 + place / 4 + seed / 500}" for place, who in enumerate("ab")
            for seed in range(8) for step in range(0, 21, 2)]  # fmt: skip
    table = "\n".join(f"{row.rsplit(',', 1)[0]},return,{row.rsplit(',', 1)[1]}" for row in rows)
    (tmp_path / "runs.csv").write_text(f"history,replica,step,observable,value\n{table}\n")
    done = command("thermo-report", "runs.csv", "--compare", "--margin", "return=0.05")
    assert done.returncode == 0, done.stderr
    assert "Rank 1: point=b" in " ".join(done.stdout.split())
    assert "columns: {point: history}" in done.stdout
    assert "thermo-report runs.csv --compare --margin return=0.05 --details" in done.stdout
    (tmp_path / "spec.yaml").write_text(done.stdout[done.stdout.index("name: ") :])
    assert command("thermo-run", "spec.yaml").returncode == 0
    for who in "ab":
        for seed in range(8):
            file = tmp_path / "logs" / who / f"{seed}.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            own = [row.split(",")[2:] for row in rows if row.startswith(f"{who},{seed},")]
            file.write_text("step,return\n" + "\n".join(map(",".join, own)) + "\n")
    done = command("thermo-report", "logs/{history}/{replica}.csv", "--compare", "--margin", "return=0.05")
    assert "Rank 1: point=b" in " ".join(done.stdout.split()), done.stderr
    assert "logs/{point}/{replica}.csv" in done.stdout


def test_paths_are_compared(tmp_path: Path, command: Command) -> None:
    """Each path is an ensemble of its own, beside another or as what is held against a baseline."""
    logs(tmp_path / "before", count=12)
    logs(tmp_path / "after", count=12, shift=0.05)
    margin = ("--margin", "val_acc=0.02")
    both = command("thermo-report", "before", "after", "--compare", *margin)
    assert both.returncode == 0, both.stderr
    assert "Rank 1: after-" in both.stdout
    assert "; rank 2: before-" in both.stdout
    one = command("thermo-report", "after", "--baseline", "before", *margin, "--require", "not-worse")
    assert one.returncode == 0, one.stderr
    assert command("thermo-report", "before", "--baseline", "after", *margin, "--require", "not-worse").returncode == 1


def test_patterns_of_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One star where it fits the paths alone, else all of them."""
    monkeypatch.chdir(logs(tmp_path / "logs", count=3).parent)
    names = [f"logs/version_{number}/metrics.csv" for number in range(3)]
    assert path_of(names) == "logs/version_*/metrics.csv"
    assert path_of(names[:2]) == names[:2]
    assert path_of([names[0], names[0]]) == names[0]
    assert path_of(["logs/"]) == "logs"


def test_recipes_are_points(tmp_path: Path, command: Command) -> None:
    """Each has a verdict of its own, and the spec that is shown sweeps over them."""
    rows = [f"{p},{r},{s},acc,{0.9 + r / 1e3 - 0.8 * 2.0 ** (-s)}" for p in "ab" for r in range(3) for s in range(20)]
    (tmp_path / "runs.csv").write_text("\n".join(["point,replica,step,observable,value", *rows, ""]))
    done = command("thermo-report", "runs.csv", "--margin", "acc=0.02")
    assert done.returncode == 0, done.stderr
    assert "2 POINTS" in done.stdout
    (tmp_path / "runs.yaml").write_text(spec_in(done.stdout))
    assert "sweep: {system.with.point: [a, b]}" in done.stdout
    assert command("thermo-run", "runs.yaml").returncode == 0
    kept = json.loads(next((tmp_path / "results").glob("*/verdict.json")).read_text())
    assert [point["point"] for point in kept["points"]] == [{"system.with.point": "a"}, {"system.with.point": "b"}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent/*.csv"], "no file fits the pattern"),
        (["absent/runs.csv"], "there is no such run, and no such file or folder"),
        (["empty"], "there are no runs in this folder that can be read"),
        (["logs", "--margin", "val_accuracy=0.02"], "margins can go to val_acc"),
        (["logs", "--set", "equilibrium.contents=0.9"], "equilibrium.contents: unknown key"),
        (["logs", "--export", "parquet"], "only runs that are kept have tables"),
        (["kept"], "this folder holds runs of thermo"),
    ],
)
def test_what_cannot_be_judged_is_refused(tmp_path: Path, command: Command, arguments: list[str], message: str) -> None:
    """With exit code 2 and a remedy."""
    logs(tmp_path / "logs", count=2)
    (tmp_path / "empty").mkdir()
    (tmp_path / "kept" / "a-01234567").mkdir(parents=True)
    (tmp_path / "kept" / "a-01234567" / "resolved.yaml").touch()
    done = command("thermo-report", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "remedy:" in done.stderr


@pytest.mark.skipif(not RECORDED.exists(), reason="the runs of others are not at hand")
@pytest.mark.parametrize("name", [path.name for path in sorted(RECORDED.glob("*.csv"))])
def test_runs_of_others_are_judged(command: Command, name: str) -> None:
    """One command each, and all of their replicas have finished."""
    margin = "return=2" if name == "pong.csv" else "val_loss=0.02"
    done = command("thermo-report", str(RECORDED / name), "--margin", margin, "--format", "json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["verdict"] in ("undecided", "relaxing", "glassy", "settled")
    counts = content["run"]["replicas"]
    assert counts["diverged"] == counts["crashed"] == 0
    assert counts["finished"] + counts["ended"] == counts["planned"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["val_acc", "test/loss", "eval.f1", "test_error", "my_number"]),
    ends=st.lists(st.integers(8, 20), min_size=5, max_size=5),
    gaps=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 7)), max_size=12),
    gain=st.floats(0.1, 0.4),
)
def test_whole_runs_never_diverge_and_improvements_are_never_worse(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    ends: list[int],
    gaps: list[tuple[int, int]],
    gain: float,
) -> None:
    """Whatever the direction of a score, its gaps, and where runs end; what is not known by its name differs, never worse."""
    folder = tmp_path_factory.mktemp("runs")
    sign = {"val_acc": 1, "test/loss": -1, "eval.f1": 1, "test_error": -1, "my_number": 1}[name]
    generator = np.random.default_rng(3)
    for label, shift in (("before", 0.0), ("after", sign * gain)):
        (folder / label).mkdir()
        for run, end in enumerate(ends):
            level = 0.5 + shift + generator.normal(0, 0.01)
            rows = [f"{s},{'' if (run, s) in gaps else level + generator.normal(0, 1e-3)}\n" for s in range(end)]
            (folder / label / f"{run}.csv").write_text(f"step,{name}\n" + "".join(rows))
    before, after = (look([str(folder / label)], {"margins": {name: 0.02}}).run for label in ("before", "after"))
    counts = after.only.verdict.replicas
    assert counts["diverged"] == counts["crashed"] == 0
    assert counts["ended"] == sum(end < max(ends) for end in ends)
    ((partner,),) = compare([after], before)[0]
    assert partner.outcome == ("differs" if name == "my_number" else "better")
    ((partner,),) = compare([before], after)[0]
    assert partner.outcome == ("differs" if name == "my_number" else "worse")
