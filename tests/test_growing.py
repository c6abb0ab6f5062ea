"""Runs that grow: more replicas, more steps, asked for by hand; what was there stays, to the byte, and judges the same."""

import json
from pathlib import Path

import pytest

import thermo_cli
from tests.conftest import SMALL
from thermo_cli.engines.serial import SerialEngine
from thermo_cli.errors import StoreError
from thermo_cli.experiment import prepare
from thermo_cli.spec import load_spec
from thermo_cli.store import RunFolder
from thermo_cli.study import begin
from thermo_cli.training import tasks_of, train_shard

FEW = [
    "ensemble.replicas=6",
    "ensemble.controls={same_bath: 2, twin: 1}",
    "observe.window_measurements=8",
    "observe.micro=[overlap]",
]
MOVES = {
    "momentum": [],
    "adam": ["dynamics={use: adam, with: {lr: 0.003}, batch_size: 16, steps: 64}"],
    "first phase": ["histories.hot={first: {steps: 10, labels: shuffled}}"],
    "batch-norm": [
        "data={use: digits}",
        "system={use: cnn, with: {channels: 2}}",
        "dynamics.with.lr=0.01",
        "ensemble.subsample={size: 60}",
        "histories={cold: {}}",
        "ensemble.replicas=5",
    ],
    "partial fits": [
        "data={use: breast_cancer}",
        "system={use: 'sklearn.linear_model:SGDClassifier', with: {loss: log_loss, learning_rate: constant, eta0: 0.01}}",
        "dynamics={use: fit, with: {time: partial}, steps: 64}",
        "ensemble.subsample={size: 60}",
        "histories={cold: {}, detour: {first: {steps: 10, labels: shuffled}}}",
    ],
    "warm starts": [
        "data={use: breast_cancer}",
        "system={use: 'sklearn.ensemble:RandomForestClassifier', with: {max_depth: 2}}",
        "dynamics={use: fit, with: {time: warm_start}, steps: 64}",
        "ensemble.subsample={size: 60}",
        "histories={cold: {}}",
    ],
    "langevin": [
        "data=null",
        "system={use: harmonic}",
        "dynamics={use: langevin, with: {lr: 0.1}, steps: 64}",
        "equilibrium.margins={energy: 1.0}",
    ],
    "drift": [
        "data=null",
        "system={use: autoregressive, with: {drift: linear, drift_size: 1.0}}",
        "dynamics={use: recursion, steps: 64}",
        "equilibrium.margins={level: 1.0}",
    ],
}


def run(folder: Path, *changes: str) -> Path:
    """Run the small spec in this process, and return its folder."""
    folder.mkdir(exist_ok=True)
    (folder / "small.yaml").write_text(SMALL)
    done = thermo_cli.run(folder / "small.yaml", overrides=changes, results=folder / "results", engine=SerialEngine())
    return done.folder.path


def content(folder: Path) -> dict[str, bytes]:
    """Return everything whose bytes are promised."""
    paths = [*folder.glob("*.safetensors"), *folder.glob("s*/**/*.safetensors"), folder / "replicas.csv"]
    paths.append(folder / "verdict.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(paths)}


def test_more_replicas_train_the_rest_only_and_fewer_train_nothing(tmp_path: Path) -> None:
    """8, 12, 5 and 12 again: one folder, equal to one that began with 12; each number is judged on its own rows."""
    grown, sizes = tmp_path / "grown", {}
    for count in (8, 12, 5, 12):
        folder = run(grown, *FEW, f"ensemble.replicas={count}")
        known = sizes.setdefault(count, content(folder))
        assert known["verdict.json"] == (folder / "verdict.json").read_bytes()
        assert len((folder / "replicas.csv").read_text().splitlines()) == 1 + 2 * count + 3
    assert len(list(grown.glob("results/*"))) == 1
    fresh = run(tmp_path / "fresh", *FEW, "ensemble.replicas=12")
    assert fresh.name == folder.name
    assert content(folder) == content(fresh)


@pytest.mark.parametrize("name", MOVES)
def test_steps_that_grow_are_those_that_were_planned(tmp_path: Path, name: str) -> None:
    """64, then to 128, equals 64 to 128 from the start, byte for byte; 64 again trains nothing and judges as before."""
    short, long = ([*FEW, *MOVES[name], f"dynamics.steps={steps}"] for steps in ("64", "{from: 64, to: 128}"))
    folder = run(tmp_path / "grown", *short)
    before = content(folder)
    assert run(tmp_path / "grown", *long) == folder
    grown = content(folder)
    assert all(grown[name] == before[name] for name in before if name.endswith(".0.safetensors") and name[:3] == "sha")
    assert grown == content(run(tmp_path / "planned", *long))
    times = {path: path.stat().st_mtime_ns for path in folder.glob("shards/*")}
    run(tmp_path / "grown", *short)
    assert (folder / "verdict.json").read_bytes() == before["verdict.json"]
    assert times == {path: path.stat().st_mtime_ns for path in folder.glob("shards/*")}


@pytest.mark.parametrize("stop", [30, 70])
def test_interrupted_in_either_segment_and_resumed_in_other_stacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    """Stopped by the stop file amid training, two shards abreast; each then goes on alone: the bytes of an undisturbed run."""
    changes = [*FEW, "histories={cold: {}}", "dynamics.steps={from: 64, to: 128}"]
    monkeypatch.setattr("thermo_cli.segments.CHUNK_STEPS", 5)
    planned = run(tmp_path / "planned", *changes)
    (tmp_path / "small.yaml").write_text(SMALL)
    study = prepare(load_spec(tmp_path / "small.yaml", changes), tmp_path, tmp_path / "results")
    study.folder.make()
    begin(study, SMALL)
    from thermo_cli.kinds.networks.learner import Learner

    def advance(self: Learner, until: int) -> None:
        self.stack.advance(until)
        if self.step >= stop:
            study.folder.stop_file.touch()

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "advance", advance)
        words = [train_shard(task) for task in tasks_of(study.folder, tmp_path, (), 1, 16)]
    assert "interrupted" in words
    study.folder.stop_file.unlink()
    assert list(study.folder.path.glob("shards/*/state.safetensors"))
    assert [train_shard(task) for task in tasks_of(study.folder, tmp_path, (), 9, 4)] == ["finished"] * 4
    again = run(tmp_path, *changes)
    assert again == study.folder.path
    assert content(again) == content(planned)


def test_a_file_of_another_run_is_refused_by_name(tmp_path: Path) -> None:
    """Same shard, same replicas, another seed; and two places of one run."""
    one, other = (run(tmp_path / str(seed), *FEW, f"ensemble.seed={seed}") for seed in (1, 2))
    kept = (one / "shards" / "cold-0000.0.safetensors").read_bytes()
    for stranger in (other / "shards" / "cold-0000.0.safetensors", one / "shards" / "hot-0000.0.safetensors"):
        (one / "shards" / "cold-0000.0.safetensors").write_bytes(stranger.read_bytes())
        with pytest.raises(StoreError, match="belongs elsewhere") as caught:
            thermo_cli.open_run(one)
        assert "cold-0000.0.safetensors" in str(caught.value)
        assert "expected" in str(caught.value)
    (one / "shards" / "cold-0000.0.safetensors").write_bytes(kept)
    assert thermo_cli.open_run(one).verdict


def test_a_run_that_was_renamed_is_still_itself(tmp_path: Path) -> None:
    """Its files know the run by its manifest."""
    folder = run(tmp_path, *FEW)
    moved = folder.rename(folder.with_name("elsewhere-00000000"))
    assert thermo_cli.open_run(moved).verdict.verdict


def test_microstates_of_other_replicas_do_not_count(tmp_path: Path) -> None:
    """What was examined of six is no statement about eight, of which two are not trained yet."""
    folder = run(tmp_path, *FEW)
    assert thermo_cli.open_run(folder).folder.findings() is not None
    _, _, resolved = (folder / "resolved.yaml").read_text().partition("\n")  # without its checksum, as 0.6.0 wrote it
    (folder / "resolved.yaml").write_text(resolved.replace("replicas: 6", "replicas: 8"))
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({key: manifest[key] for key in manifest if key != "sha256"}))
    grown = thermo_cli.open_run(folder)
    assert grown.folder.status == "partial"
    assert grown.folder.findings() is None


def test_more_replicas_of_a_shorter_time_than_others_have(tmp_path: Path) -> None:
    """Some have gone on to 128 already; at 64 all are judged alike, and how far they are can be told."""
    alone = [*FEW, "histories={cold: {}}"]
    run(tmp_path, *alone, "dynamics.steps={from: 64, to: 128}")
    folder = run(tmp_path, *alone, "dynamics.steps=64", "ensemble.replicas=10")
    assert {step for step, _ in RunFolder(folder).progress().values()} == {64}
    assert (
        content(folder)["verdict.json"]
        == content(run(tmp_path / "fresh", *alone, "dynamics.steps=64", "ensemble.replicas=10"))["verdict.json"]
    )
