"""Real runs of every kind: their verdict.json keeps the contract, their tables hold what was recorded, notebooks show them."""

import csv
import io
import json
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy import stats

import thermo_cli
from tests.conftest import SERIAL, SMALL
from tests.reports.test_schema import checked
from thermo_cli.cli import export as exporting
from thermo_cli.cli.export import export
from thermo_cli.errors import UsageError
from thermo_cli.reports.formats import rendered
from thermo_cli.runs.judged_run import Run
from thermo_cli.runs.tidy import TABLES
from thermo_cli.runs.views import view

HARMONIC = """\
name: harmonic
system: {use: harmonic, with: {dimensions: 4}}
dynamics: {use: langevin, with: {lr: 0.1, temperature: 1.0}, steps: 100}
ensemble: {replicas: 4, seed: 1, vary: [init, noise], controls: {same_bath: 2, twin: 1}}
equilibrium: {margins: {position: 1.0}}
"""
RIDGE = """\
name: ridge
data: {use: diabetes}
system: {use: "sklearn.linear_model:Ridge", with: {alpha: 10.0}}
dynamics: {use: fit}
ensemble: {replicas: 4, seed: 1, subsample: {fraction: 0.5}, controls: {same_bath: 2}}
"""
RECORDED = "name: recorded\nsystem: {use: recorded, with: {path: table.csv}}\n"
SWEEP = SMALL.replace("small", "swept").replace("replicas: 6", "replicas: 4").replace("steps: 400", "steps: 120") + (
    "sweep:\n  dynamics.with.lr: [0.02, 1.0e+6]\n  ensemble.subsample: [{fraction: 0.4}, {size: 60}]\n"
)
SPECS = {"network": SMALL, "physical": HARMONIC, "estimator": RIDGE, "recorded": RECORDED, "sweep": SWEEP}
KINDS = (*SPECS, "partial", "gone")
Runs = dict[str, Run]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Kind to a judged run; `partial` is the network without a shard, `gone` the sweep without the shards of a bath."""
    folder = tmp_path_factory.mktemp("runs")
    lines = [
        f"{name},{step},test_accuracy,{0.9 - 0.1 / step if name != 'b' or step < 40 else 'nan'}"
        for name in ("a", "b", "=c")
        for step in (1, 2, 4, 8, 16, 32, 48, 64)
    ]
    (folder / "table.csv").write_text("\n".join(["replica,step,observable,value", *lines]) + "\n")
    made: Runs = {}
    for kind, text in SPECS.items():
        (folder / f"{kind}.yaml").write_text(text)
        made[kind] = thermo_cli.run(folder / f"{kind}.yaml", results=folder / "results", engine=SERIAL)
    made["partial"] = _without(made["network"], folder / "partial", "hot-0004")
    made["gone"] = _without(made["sweep"], folder / "gone", "p000[13]/*")
    return made


def _without(run: Run, results: Path, shards: str) -> Run:
    """Copy a run, take shards away and judge what is left."""
    shutil.copytree(run.folder.path, results / run.folder.name)
    removed = list((results / run.folder.name / "shards").glob(f"{shards}.0.safetensors"))
    assert removed
    for path in removed:
        path.unlink()
        error = path.with_name(path.name.replace(".0.safetensors", ".error.txt"))
        error.write_text("MemoryError")  # given up, not still to be trained
    return thermo_cli.open_run(results / run.folder.name)


def one(runs: Runs, kind: str) -> Run:
    """Return a run that is no sweep."""
    assert not runs[kind].sweep
    return runs[kind]


# --- verdict.json -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_verdict_json_keeps_the_contract(runs: Runs, kind: str) -> None:
    """What `--format json` writes is strict JSON and validates against the schema."""
    content = checked(rendered("json", [view(runs[kind].judged)]))
    assert content == runs[kind].as_dict()
    assert content["run"]["id"] == runs[kind].folder.name.rpartition("-")[2]
    assert (content["verdict"] is None) == bool(content["points"])


def test_several_runs_and_a_run_judged_again_keep_it_too(runs: Runs) -> None:
    """An array of the same; and the files in verdicts/, with the settings they were judged with."""
    assert len(checked(rendered("json", [view(run.judged) for run in runs.values()]))) == len(KINDS)
    run = one(runs, "partial")
    run.judge(confidence=0.9)
    (kept,) = (run.folder.path / "verdicts").iterdir()
    assert checked(kept.read_text())["equilibrium"]["confidence"] == 0.9


def test_an_archive_is_judged_again_and_nothing_is_left_in_it(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be written gives the same verdict, without a file."""
    run = one(runs, "network")
    before = sorted(run.folder.path.rglob("*"))
    monkeypatch.setattr("os.access", lambda path, mode: False)
    judged = run.judge(confidence=0.83)
    assert {row.confidence for row in judged.verdict.criteria} != {row.confidence for row in run.verdict.criteria}
    assert sorted(run.folder.path.rglob("*")) == before


def test_what_the_kinds_show(runs: Runs) -> None:
    """The set has what it should: a diverged point and replica, crashed replicas, a point that cannot be judged."""
    assert [run.verdict.replicas["crashed"] for run in (one(runs, "network"), one(runs, "partial"))] == [0, 2]
    assert one(runs, "recorded").verdict.replicas["diverged"] == 1
    assert [point["verdict"] for point in runs["sweep"].as_dict()["points"]][2:] == ["diverged"] * 2
    assert [point["verdict"] is None for point in runs["gone"].as_dict()["points"]] == [False, True] * 2


# --- tables -------------------------------------------------------------------------------------------------------------


def test_trajectories_are_the_observables(runs: Runs) -> None:
    """Pivoted back, every number is where it was; text is categorical."""
    run = one(runs, "network")
    frame = run.to_pandas()
    assert list(frame.columns) == ["run", "replica", "history", "step", "observable", "value"]
    assert len(frame) == sum(values.size for values in run.observables.values.values())
    for name, values in run.observables.values.items():
        wide = frame[frame.observable == name].pivot(index="replica", columns="step", values="value")
        np.testing.assert_array_equal(wide.loc[list(run.observables.replicas)].to_numpy(), values)
        assert wide.columns.tolist() == run.observables.steps.tolist()
    assert isinstance(frame["replica"].dtype, pd.CategoricalDtype)
    assert set(frame[frame.replica == "hot/3"].history) == {"hot"}


def test_steps_are_means_with_their_intervals(runs: Runs) -> None:
    """Student's interval of the finite replicas of each history, against SciPy; who has diverged is not counted."""
    run = one(runs, "network")
    frame = run.to_pandas("steps")
    level = run.settings.confidence
    for name, values in run.observables.values.items():
        for history in set(run.observables.histories):
            lines = frame[(frame.observable == name) & (frame.history == history)]
            assert lines.step.tolist() == run.observables.steps.tolist()
            for line, column in zip(lines.itertuples(), values[run.observables.members(history)].T, strict=True):
                known = column[np.isfinite(column)]
                assert line.replicas == len(known)
                if len(known) > 1 and known.std() > 0:
                    assert (line.mean, line.sd) == pytest.approx((known.mean(), known.std(ddof=1)))
                    ends = stats.t.interval(level, len(known) - 1, known.mean(), stats.sem(known))
                    assert (line.interval_low, line.interval_high) == pytest.approx(ends)
    recorded = one(runs, "recorded").to_pandas("steps")
    assert recorded.replicas.min() < recorded.replicas.max(), "one of them has diverged"


def test_replicas_are_the_design_with_how_each_ended(runs: Runs) -> None:
    """Streams as in replicas.csv, controls among them; states add up to the verdict's counts."""
    for kind in ("network", "partial", "physical", "estimator"):
        run = one(runs, kind)
        frame = run.to_pandas("replicas").astype({"replica": str})
        design = list(csv.DictReader(io.StringIO((run.folder.path / "replicas.csv").read_text())))
        for name in ("replica", "history", "role", "shard", "init", "subsample", "order", "noise"):
            assert frame[name].tolist() == [row[name] for row in design]
        counts = frame[frame.role == "main"].state.value_counts()
        for state in ("finished", "diverged", "crashed"):
            assert counts.get(state, 0) == run.verdict.replicas[state]
        name, values = next(iter(run.observables.values.items()))
        finals = frame.set_index("replica")[f"final_{name}"]
        np.testing.assert_array_equal(
            finals[list(run.observables.replicas)], np.where(np.isfinite(v := values[:, -1]), v, np.nan)
        )
        assert finals[frame[frame.role != "main"].replica].notna().all()


def test_replicas_that_are_still_to_be_trained_are_no_crashes(runs: Runs, tmp_path: Path) -> None:
    """Without the error that a shard leaves when it is given up, its replicas are unfinished."""
    shutil.copytree(one(runs, "partial").folder.path, tmp_path / "x-01234567")
    for path in (tmp_path / "x-01234567" / "shards").glob("*.error.txt"):
        path.unlink()
    waiting = thermo_cli.open_run(tmp_path / "x-01234567")
    assert waiting.to_pandas("replicas").state.value_counts().to_dict() == {"finished": 13, "unfinished": 2}


def test_runs_made_elsewhere_have_no_design_but_the_same_columns(runs: Runs) -> None:
    """Streams and shards are missing; a replica that broke off has diverged and no final value."""
    frame = one(runs, "recorded").to_pandas("replicas")
    assert list(frame.columns)[:12] == list(one(runs, "network").to_pandas("replicas").columns)[:12]
    assert frame.state.tolist() == ["finished", "diverged", "finished"]
    assert frame.final_test_accuracy.isna().tolist() == [False, True, False]
    assert frame[["init", "shard", "slot"]].isna().all(axis=None)


def test_criteria_are_those_of_verdict_json(runs: Runs) -> None:
    """In Parquet, in CSV and in JSON the same rows and numbers; CSV has the scores behind them."""
    run = one(runs, "network")
    frame = run.to_pandas("criteria")
    rows = run.as_dict()["criteria"]
    lines = list(csv.DictReader(io.StringIO(rendered("csv", [view(run.judged)]), newline="")))
    table = [line for line in lines if line["criterion"] != "score"]
    assert {"test_accuracy", "parameter_norm"} <= {line["observable"] for line in lines[len(table) :]}
    assert len(rows) == len(frame) == len(table)
    for row, (_, line), cells in zip(rows, frame.iterrows(), table, strict=True):
        assert (
            (row["statistic"], row["outcome"])
            == (line.statistic, line.outcome)
            == (cells["statistic"], cells["outcome"])
        )
        for name, value in (("estimate", row["estimate"]), ("interval_high", row["interval"][1])):
            assert (
                (None if pd.isna(line[name]) else line[name]) == value == (float(cells[name]) if cells[name] else None)
            )


def test_macrostates_microstates_and_overlaps(runs: Runs) -> None:
    """Every observable over all and each history; quantities within quantities; every pair once."""
    run = one(runs, "network")
    macro = run.to_pandas("macroscopic")
    assert len(macro) == len(run.verdict.macroscopic) * 3
    everything = macro[macro.history.isna()].set_index("observable")
    assert everything["sd"].to_dict() == pytest.approx({k: v["sd"] for k, v in run.verdict.macroscopic.items()})
    micro = run.to_pandas("microscopic").set_index("quantity")
    overlap = run.verdict.microscopic["overlap"]
    assert micro.loc["overlap", "estimate"] == overlap["estimate"]
    assert micro.loc["overlap", "estimate_self"] == overlap["self"]
    assert micro.loc["overlap/same_bath", "estimate"] == overlap["same_bath"]["estimate"]
    pairs = run.to_pandas("overlaps")
    assert len(pairs) == 12 * 11 / 2
    assert pairs.q_star.mean() == pytest.approx(overlap["frame"]["estimate"])
    assert (pairs.replica_a.astype(str) != pairs.replica_b.astype(str)).all()


def test_a_sweep_has_columns_for_what_is_swept(runs: Runs) -> None:
    """Numbers as numbers, other values as JSON; points add up; one that cannot be judged keeps its line."""
    sweep = runs["sweep"]
    assert sweep.sweep
    frame = sweep.to_pandas("replicas")
    assert list(frame.columns)[:4] == ["run", "point", "dynamics.with.lr", "ensemble.subsample"]
    assert frame["dynamics.with.lr"].dtype == float
    found = frame.groupby("point").first()
    assert [(row["dynamics.with.lr"], json.loads(row["ensemble.subsample"])) for _, row in found.iterrows()] == [
        tuple(point.values()) for point in sweep.points
    ]
    assert len(frame) == len(sweep.folder.table)
    gone = runs["gone"].to_pandas("criteria")
    lost = gone[gone.outcome.isna()]
    assert lost.point.tolist() == [1, 3]
    assert lost.explanation.str.len().min() > 10
    assert set(runs["gone"].to_pandas("replicas").point) == {0, 2}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_exported_is_what_pandas_shows(runs: Runs, kind: str, tmp_path: Path) -> None:
    """Every table of every kind, read back from Parquet, equals the frame; what is unknown has no file."""
    said = export([runs[kind].judged], tmp_path / "tables")
    written = {path.stem for path in (tmp_path / "tables").iterdir()}
    assert written - {"overlaps"} == set(TABLES) - {"overlaps"}
    assert ("overlaps" in written) == (kind not in ("recorded", "partial"))  # a lost shard is other evidence
    assert said.count("\n") == len(written)
    for table in written:
        read = pq.read_table(tmp_path / "tables" / f"{table}.parquet").to_pandas()
        frame = runs[kind].to_pandas(table)
        assert list(read.columns) == list(frame.columns)
        pd.testing.assert_frame_equal(_plain(read), _plain(frame))


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Values alone: how what is missing is stored is each library's own affair."""
    return frame.astype(object).where(frame.notna(), None)


def test_text_is_stored_once(runs: Runs, tmp_path: Path) -> None:
    """Columns of text are dictionaries in the file; an older table of which nothing is known any more goes away."""
    (tmp_path / "overlaps.parquet").write_text("old")
    export([runs["recorded"].judged], tmp_path)
    assert not (tmp_path / "overlaps.parquet").exists()
    kinds = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "trajectories.parquet")}
    assert kinds["replica"].startswith("dictionary<values=string")
    assert (kinds["step"], kinds["value"]) == ("int64", "double")
    assert pq.read_table(tmp_path / "trajectories.parquet")["replica"].unique().to_pylist() == [
        "recorded/a",
        "recorded/b",
        "recorded/=c",
    ]


def test_chunks_do_not_change_a_table(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut after every few replicas, the same lines in the same order."""
    whole = {table: one(runs, "network").to_pandas(table) for table in ("trajectories", "overlaps")}
    monkeypatch.setattr("thermo_cli.runs.tidy.CHUNK", 20)
    for table, frame in whole.items():
        assert len(frame) > 3 * 20, "one chunk would show nothing"
        again = _plain(one(runs, "network").to_pandas(table))
        assert again.equals(_plain(frame))


def test_a_table_that_is_not_there_says_why(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong name with the nearest, what is unknown, a missing pandas, two runs of one name in one folder."""
    run = one(runs, "recorded")
    with pytest.raises(UsageError, match="no such table") as wrong:
        run.to_pandas("overlap")
    assert "did you mean 'overlaps'" in wrong.value.remedy
    with pytest.raises(UsageError, match="nothing is known of the overlaps"):
        run.to_pandas("overlaps")
    with pytest.raises(UsageError, match="the same name"):
        exporting.export([run.judged, run.judged], Path("x"))
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="pandas, which is not installed") as missing:
        run.to_pandas()
    assert missing.value.remedy == "pip install pandas"


# --- what one sees ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_notebook_shows_it_and_other_machines_read_it(runs: Runs, kind: str) -> None:
    """A fragment that is well formed, and JUnit XML that counts right."""
    shown: Any = runs[kind]
    fragment = ElementTree.fromstring(shown._repr_html_())
    assert runs[kind].folder.name in "".join(fragment.itertext())
    suites = ElementTree.fromstring(rendered("junit", [view(runs[kind].judged)]))
    assert int(suites.attrib["tests"]) == len(list(suites.iter("testcase"))) > 0


def test_a_repr_is_one_line(runs: Runs) -> None:
    """Name, verdict and counts."""
    assert repr(one(runs, "partial")) == f"<Run {one(runs, 'partial').folder.name}: diverged, 10 of 12 finished>"
    assert repr(runs["sweep"]).endswith(": 4 points: 2 undecided, 2 diverged>")
    assert repr(runs["gone"]).endswith(": 4 points: 2 not judged, 1 undecided, 1 diverged>")
