"""Data that change while a run is in progress are found by every worker, whatever file they are in."""

import os
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from threadpoolctl import threadpool_limits

from thermo_cli import training
from thermo_cli.data.split import load_dataset
from thermo_cli.environment import facts_of, manifest
from thermo_cli.errors import DataError, SpecError
from thermo_cli.experiment import Experiment, prepare
from thermo_cli.judging.judge import judge_run
from thermo_cli.kinds.kind import kind_of
from thermo_cli.runs.views import run_view
from thermo_cli.spec import load_spec
from thermo_cli.training import ShardTask, train_shard

SPEC = """\
name: small
data:     {use: DATA, with: WITH}
system:   {use: linear}
dynamics: {use: sgd, with: {lr: 0.05}, batch_size: 8, steps: 40}
ensemble: {replicas: 8, subsample: {fraction: 0.5}, controls: {same_bath: 0, twin: 0}}
"""
KINDS = {
    "csv": "{path: t.csv, target: y}",
    "parquet": "{path: t.parquet, target: y}",
    "npz": "{path: t.npz}",
    "npy": "{x: x.npy, y: y.npy}",
    "npy on disk": "{x: x.npy, y: y.npy, mmap: true}",
    "changed:make": "{}",
}


def write(folder: Path, value: float) -> None:
    """Write the same examples in every kind of file; one number of one example is given."""
    x = np.arange(120.0).reshape(60, 2) % 7
    x[50, 1] = value
    y = x[:, 0] * 0.5
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    np.savez(folder / "t.npz", x=x, y=y)
    pq.write_table(pa.table({"a": x[:, 0], "b": x[:, 1], "y": y}), folder / "t.parquet")
    rows = [f"{a},{b},{c}" for (a, b), c in zip(x.tolist(), y.tolist(), strict=True)]
    (folder / "t.csv").write_text("\n".join(["a,b,y", *rows]))
    (folder / "changed.py").write_text(
        f"import numpy as np\ndef make():\n    return np.load({str(folder / 'x.npy')!r}), np.load({str(folder / 'y.npy')!r})\n"
    )


def begun(folder: Path, kind: str, *overrides: str) -> Experiment:
    """Begin a run on one kind of file, and train its first shard."""
    training._dataset.cache_clear()
    use = kind.split()[0]
    (folder / "s.yaml").write_text(SPEC.replace("DATA", f'"{use}"').replace("WITH", KINDS[kind]))
    study = prepare(load_spec(folder / "s.yaml", overrides), folder, folder / "results", ["local"])
    study.folder.make()
    (point,) = study.points
    facts = manifest(facts_of(point.facts.dataset, False, {}), study.fingerprint, folder)
    study.folder.create("", study.spec, {"run": study.identity, **facts})
    kind_of(point.spec).begin(point)
    assert train_shard(task(study, 0)) == "finished"
    return study


def task(study: Experiment, shard: int) -> ShardTask:
    """Return what a worker is told."""
    return ShardTask(study.folder.path, (list(study.folder.shards.values())[shard],), study.base, ("local",))


@pytest.fixture(autouse=True)
def _no_module_of_another_test() -> None:
    """Every test has its own `changed.py`."""
    sys.modules.pop("changed", None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_worker_finds_a_changed_file(tmp_path: Path, kind: str) -> None:
    """One number of one example; restored, the run goes on, though the file is newer than it was."""
    write(tmp_path, 3.0)
    study = begun(tmp_path, kind)
    write(tmp_path, 4.0)
    training._dataset.cache_clear()  # another process has no cache
    with pytest.raises(DataError, match="the data changed while the run was in progress"):
        train_shard(task(study, 1))
    write(tmp_path, 3.0)
    assert train_shard(task(study, 1)) == "finished"


def test_a_worker_at_work_finds_that_its_file_on_disk_was_written_to(tmp_path: Path) -> None:
    """It has opened the data already, and reads rows for its second shard."""
    write(tmp_path, 3.0)
    study = begun(tmp_path, "npy on disk")
    write(tmp_path, 4.0)
    os.utime(tmp_path / "x.npy", ns=(1, 1))
    with pytest.raises(DataError, match="changed while the run was in progress"):
        train_shard(task(study, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_spec_on_changed_data_is_another_run(tmp_path: Path, kind: str) -> None:
    """Between two sessions: the run of the old data keeps its folder, and is taken up again when they are restored."""
    use, names = kind.split()[0], []
    (tmp_path / "s.yaml").write_text(SPEC.replace("DATA", f'"{use}"').replace("WITH", KINDS[kind]))
    for value in (3.0, 4.0, 3.0):
        write(tmp_path, value)
        names.append(prepare(load_spec(tmp_path / "s.yaml"), tmp_path, tmp_path, ["local"]).folder.name)
    assert names[0] == names[2] != names[1]


def test_a_shifted_test_set_is_observed_and_never_gates(tmp_path: Path) -> None:
    """`shifted_` metrics are recorded beside the others, shown, and have no row that gates; a margin for one is refused."""
    write(tmp_path, 3.0)
    study = begun(tmp_path, "csv", "data.shifted={noise: 2.0}")
    assert train_shard(task(study, 1)) == "finished"
    run = judge_run(study.folder)
    values = run.observables.values
    assert {"shifted_r2", "shifted_loss", "shifted_rmse"} <= set(values)
    assert (values["shifted_r2"][:, -1] < values["test_r2"][:, -1]).all()
    assert "shifted_r2" in {curve.observable for curve in run_view(run).curves}
    assert not any(row.gates for row in run.verdict.criteria if str(row.observable).startswith("shifted_"))
    with pytest.raises(SpecError, match="only the test split gates: use test_r2"):
        load_spec(tmp_path / "s.yaml", ["equilibrium.margins={shifted_r2: 0.1}"])


def test_a_function_gives_the_same_bits_with_any_number_of_threads(tmp_path: Path) -> None:
    """Products of large matrices round by the number of threads: workers, which have one, find the data of the start."""
    path = tmp_path / "made.yaml"
    path.write_text(
        'data: {use: "sklearn.datasets:make_classification", with: {n_samples: 20000, n_features: 20, n_informative: 10, '
        "random_state: 0}, scale: none}\nsystem: {use: linear}\ndynamics: {use: sgd, steps: 4}\n"
    )
    data = load_spec(path).data
    assert data is not None
    with threadpool_limits(1):
        one = load_dataset(data, tmp_path).fingerprint
    with threadpool_limits(2):
        assert load_dataset(data, tmp_path).fingerprint == one
