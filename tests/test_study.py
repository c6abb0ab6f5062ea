"""From a spec to its verdict, where it sweeps: bit-equal replicas, verdicts per point, and the gate over all of them."""

import json
from pathlib import Path

import numpy as np
import pytest

import thermo_cli
from tests.conftest import SERIAL, SMALL
from thermo_cli import training
from thermo_cli.engines.engine import Outcome
from thermo_cli.engines.serial import SerialEngine
from thermo_cli.errors import Interrupted, SpecError
from thermo_cli.experiment import prepare
from thermo_cli.replicas import replica_table
from thermo_cli.reports.figures import images
from thermo_cli.reports.formats import rendered
from thermo_cli.rng import STREAMS
from thermo_cli.runs.views import view
from thermo_cli.spec import load_spec
from thermo_cli.spec.sweeping import points_of
from thermo_cli.store import RunFolder
from thermo_cli.study import begin
from thermo_cli.training import tasks_of

DISJOINT = "{cold: {}, warm: {init_scale: 1.5}, hot: {init_scale: 2.0}}"
SWEEP = SMALL.replace("replicas: 6", "replicas: 4").replace("steps: 400", "steps: 120") + (
    "sweep:\n  dynamics.with.lr: [0.02, 0.05]\n  ensemble.subsample.fraction: [0.4, 0.6]\n"
)


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Two rates by two sizes of the bath."""
    path = tmp_path / "swept.yaml"
    path.write_text(SWEEP)
    return path


def test_points_have_shards_of_their_own_and_share_stacks(sweep, tmp_path):
    """No file mixes points; rates share stacks if shards are full, sizes of the bath do not; replicas are the point's own."""
    study = prepare(load_spec(sweep), tmp_path, tmp_path / "results")
    study.folder.make()
    begin(study, SWEEP)
    assert all(len({(row.point, row.history, row.role) for row in rows}) == 1 for rows in study.folder.shards.values())
    assert {name.partition("/")[0] for name in study.folder.shards} == {"p0000", "p0001", "p0002", "p0003"}
    tasks = tasks_of(study.folder, tmp_path, (), 1, 16)
    full = [task for task in tasks if len(task.shards[0]) == 4]
    together = {frozenset(row.point for rows in task.shards for row in rows) for task in full}
    assert together == {frozenset({0, 2}), frozenset({1, 3})}
    assert all(len(task.shards) == 1 for task in tasks if task not in full)
    names = [name for task in tasks for name in task.names]
    assert sorted(names) == sorted(study.folder.shards)
    alone = {row.name: row for row in replica_table(points_of(study.spec)[2].spec)}
    for row in study.folder.points[2].table:
        assert all(getattr(row, name) == getattr(alone[row.name], name) for name in STREAMS)


@pytest.mark.parametrize(
    ("stacks", "shards", "workers", "evened"),
    [
        ([4, 1], [16, 3], 2, [4, 2]),
        ([2], [8], 2, [2]),
        ([1], [1], 8, [1]),
        ([3, 1], [12, 1], 8, [7, 1]),
        ([2, 1], [8, 1], 2, [3, 1]),
    ],
)
def test_no_worker_waits_for_the_last_stack(
    stacks: list[int], shards: list[int], workers: int, evened: list[int]
) -> None:
    """The last groups are divided further, as far as they have shards."""
    assert training._evened(stacks, shards, workers) == evened


def test_a_point_is_what_it_is_alone(sweep, tmp_path):
    """Observables and parameters of a point equal those of its own run, bit for bit, whoever else is in its stacks."""
    swept = thermo_cli.run(sweep, results=tmp_path / "results", engine=SERIAL)
    path = tmp_path / "alone.yaml"
    path.write_text(SWEEP[: SWEEP.index("sweep:")])
    overrides = ["dynamics.with.lr=0.05", "ensemble.subsample.fraction=0.6"]
    alone = thermo_cli.run(path, overrides=overrides, results=tmp_path / "results", engine=SERIAL)
    point = swept.runs[3]
    for name, values in alone.observables.values.items():
        np.testing.assert_array_equal(point.observables.values[name], values, err_msg=name)
    np.testing.assert_array_equal(point.parameters(120), alone.parameters(120))
    assert point.verdict.verdict == alone.verdict.verdict


def test_a_point_whose_shard_is_not_full_is_what_it_is_alone(tmp_path):
    """Three replicas of 115 parameters each: behind them others would lie at addresses that are no multiple of a vector."""
    spec = {
        "name": "odd",
        "data": {"use": "wine"},
        "system": {"use": "mlp", "with": {"hidden": [8]}},
        "dynamics": {"use": "sgd", "with": {"lr": 0.05}, "batch_size": 16, "steps": 20},
        "ensemble": {"replicas": 3, "controls": {"same_bath": 0, "twin": 0}},
        "observe": {"macro": ["loss"], "micro": [], "window_measurements": 8},
    }
    alone = thermo_cli.run(spec, results=tmp_path / "alone", engine=SERIAL)
    swept = thermo_cli.run(
        spec | {"sweep": {"dynamics.with.lr": [0.1, 0.05]}}, results=tmp_path / "swept", engine=SERIAL
    )
    for name, values in alone.observables.values.items():
        np.testing.assert_array_equal(swept.runs[1].observables.values[name], values, err_msg=name)


def test_a_sweep_has_a_verdict_per_point_and_none_of_its_own(sweep, tmp_path, command):
    """verdict.json, the report, the gate over all points, judging again, and resuming what is finished."""
    done = command("thermo-run", str(sweep))
    assert done.returncode == 0, done.stderr
    assert "Phase diagram" in done.stdout
    (folder,) = (tmp_path / "results").iterdir()
    stored = json.loads((folder / "verdict.json").read_text())
    assert stored["verdict"] is None
    assert [point["point"] for point in stored["points"]] == [point.values for point in points_of(load_spec(sweep))]
    for point in stored["points"]:
        assert all(point[part] for part in ("verdict", "criteria", "macroscopic", "microscopic"))
    head = (folder / "replicas.csv").read_text().splitlines()[0]
    assert head.startswith("point,replica")
    gated = command("thermo-report", "latest", "--require", "settled")
    assert gated.returncode in (1, 4)
    assert gated.stderr.count("gate") == 4
    assert "dynamics.with.lr=0.02" in gated.stderr
    again = command("thermo-report", "latest", "--format", "json", "--margin", "test_accuracy=5.0")
    rows = json.loads(again.stdout)["points"][0]["criteria"]
    assert {row["margin"] for row in rows if row["observable"] == "test_accuracy"} >= {5.0, 7.5}
    assert "4 points" in command("thermo-report").stdout
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("shards/*/*.safetensors")}
    assert command("thermo-run", str(sweep)).returncode == 0
    assert before == {path.name: path.stat().st_mtime_ns for path in folder.glob("shards/*/*.safetensors")}


def test_a_point_that_cannot_be_judged_does_not_hide_the_others(sweep, tmp_path, command):
    """Shards of one point are lost: it has no verdict and a reason, the gate is 3, the others are judged."""
    assert command("thermo-run", str(sweep), "--set", "sweep={ensemble.subsample.fraction: [0.4, 0.6]}").returncode == 0
    (path,) = (tmp_path / "results").iterdir()
    folder = RunFolder(path)
    for name, rows in folder.shards.items():
        if {row.point for row in rows} == {1}:
            (path / "shards" / f"{name}.0.safetensors").unlink()
    judged = thermo_cli.open_run(path)
    assert judged.runs[0] is not None
    assert judged.runs[1] is None
    content = judged.as_dict()
    assert content["points"][1]["verdict"] is None
    assert "resumes" in content["points"][1]["summary"]
    replicas = content["run"]["replicas"]
    assert replicas["planned"] == 2 * replicas["finished"]  # those of the lost point are counted, not dropped
    shown = command("thermo-report", "latest")
    assert shown.returncode == 3
    assert "No verdict at ensemble.subsample.fraction=0.6" in shown.stdout
    details = " ".join(command("thermo-report", "latest", "--details").stdout.split())
    assert "no part of this run has finished" in details, details
    assert "no part of this run has finished" in command("thermo-report", "latest", "--format", "markdown").stdout


def test_estimators_and_data_are_swept_too(tmp_path):
    """Each point has its own data, and fits of its own."""
    path = tmp_path / "fits.yaml"
    path.write_text(
        "name: fits\n"
        'data: {use: wine}\nsystem: {use: "sklearn.linear_model:LogisticRegression"}\ndynamics: {use: fit}\n'
        "ensemble: {replicas: 4, controls: {same_bath: 0}}\n"
        "sweep:\n  data.use: [wine, breast_cancer]\n  system.with.C: [0.01, 1.0]\n"
    )
    done = thermo_cli.run(path, results=tmp_path / "results", engine=SERIAL)
    assert len(done.runs) == 4
    counts = [run.folder.manifest["data"]["features"] for run in done.runs]
    assert counts == [13, 13, 30, 30]
    assert done.scope.startswith("differs from point to point: for resampling this pool of ")
    assert all(run.verdict.scope in done.scope for run in done.runs)
    assert done.as_dict()["scope"] == done.scope
    sizes = [run.parameters(1).shape for run in done.runs]
    assert sizes[0] == (4, 3 * 14)
    assert sizes[2] == (4, 31)
    assert np.square(done.runs[0].parameters(1)).sum() < np.square(done.runs[1].parameters(1)).sum()


def test_a_point_keeps_its_own_settings_when_it_is_judged_again(small, tmp_path):
    """Margins that are swept stay those of their points when the confidence is changed."""
    done = thermo_cli.run(
        small,
        results=tmp_path / "results",
        engine=SERIAL,
        overrides=["sweep={equilibrium.margins.test_accuracy: [0.02, 0.3]}"],
    )
    again = done.judge(confidence=0.9)
    for run, margin in zip(again.runs, (0.02, 0.3), strict=True):
        rows = [row for row in run.verdict.criteria if row.observable == "test_accuracy"]
        assert {row.margin for row in rows} == {margin, margin / 2, 1.5 * margin}
        assert {row.confidence for row in rows if row.confidence is not None} == {0.9}


def test_a_point_that_is_refused_is_named(tmp_path):
    """With its values, before anything is trained."""
    path = tmp_path / "fits.yaml"
    path.write_text(
        'data: {use: wine}\nsystem: {use: "sklearn.neighbors:KNeighborsClassifier"}\ndynamics: {use: fit}\n'
        "sweep: {system.with.n_neighbors: [3, 1000]}\n"
    )
    with pytest.raises(SpecError, match="n_neighbors=1000"):
        thermo_cli.run(path, results=tmp_path / "results", engine=SERIAL)
    assert not (tmp_path / "results").exists()


def test_a_sweep_without_partners_is_drawn(tmp_path):
    """Without pairs on one bath there is no overlap between them: what order parameters there are is drawn, in every format."""
    spec = {
        "name": "alone",
        "data": {"use": "parity", "with": {"bits": 2}},
        "system": {"use": "mlp", "with": {"hidden": [2], "activation": "tanh"}},
        "dynamics": {"use": "sgd", "with": {"lr": 0.5}, "batch_size": "full", "steps": 40},
        "ensemble": {"replicas": 6, "subsample": 1.0, "vary": ["init"], "controls": {"same_bath": 0, "twin": 0}},
        "observe": {"macro": ["accuracy", "loss"]},
        "sweep": {"system.with.hidden": [[2], [3]]},
    }
    run = thermo_cli.run(spec, results=tmp_path, engine=SERIAL)
    assert all(json.loads(one) for one in [rendered("json", [view(run.judged)])])
    assert "order-parameters" in rendered("html", [view(run.judged)])
    assert {name for name, _ in images(view(run.judged))} >= {"order-parameters.svg"}


@pytest.mark.parametrize(
    ("field", "first", "second"),
    [
        ("histories", "{cold: {}, hot: {init_scale: 2.0}}", "{hot: {init_scale: 2.0}, cold: {}}"),
        ("histories", "{cold: {}, hot: {init_scale: 2.0}, warm: {init_scale: 1.5}}", DISJOINT),
        (
            "sweep",
            "{dynamics.with.lr: [0.1, 0.2], ensemble.subsample.fraction: [0.4, 0.5]}",
            "{ensemble.subsample.fraction: [0.4, 0.5], dynamics.with.lr: [0.1, 0.2]}",
        ),
    ],
)
def test_a_run_keeps_the_order_that_it_was_begun_with(
    small: Path, tmp_path: Path, field: str, first: str, second: str
) -> None:
    """The first history has partners, disjoint parts go from one to the next, points are numbered: refused, unless fresh."""
    given = {"results": tmp_path / "results", "engine": SERIAL}
    parts = ["ensemble.subsample={disjoint: true, size: 10}", "dynamics.batch_size=8"] if second == DISJOINT else []
    begun, other = (
        ["dynamics.steps=20", "ensemble.replicas=4", *parts, f"{field}={names}"] for names in (first, second)
    )
    thermo_cli.run(small, overrides=begun, **given)
    with pytest.raises(SpecError, match=f"{field}.*another order"):
        thermo_cli.run(small, overrides=other, **given)
    thermo_cli.run(small, overrides=begun, **given)
    thermo_cli.run(small, overrides=other, fresh=True, **given)


@pytest.mark.parametrize(
    ("fresh", "words"), [(True, "the same command without --fresh"), (False, "the same command again")]
)
def test_an_interrupted_run_says_how_it_goes_on(tmp_path: Path, fresh: bool, words: str) -> None:
    """With --fresh the same command would set aside what is there, and begin anew for ever."""

    class Stopped(SerialEngine):
        def run(self, function, tasks, tick, stop):  # type: ignore[no-untyped-def]
            return Outcome(interrupted=True)

    (tmp_path / "small.yaml").write_text(SMALL)
    with pytest.raises(Interrupted) as caught:
        thermo_cli.run(tmp_path / "small.yaml", results=tmp_path, engine=Stopped(), fresh=fresh)
    assert words in str(caught.value)
