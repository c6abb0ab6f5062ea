"""Commits of a shard: what is committed comes back, what the state does not name is dropped."""

from pathlib import Path

import numpy as np
import pytest

from thermo_cli.errors import StoreError
from thermo_cli.store.shard import ShardRecords, ShardStore


def recorded(*steps: int) -> ShardRecords:
    """Two replicas whose observable is ten times the step, with parameters at step 0."""
    records = ShardRecords()
    for step in steps:
        records.add(step, {"energy": np.array([10.0 * step, 10.0 * step + 1])})
        if step == 0:
            records.snapshots[0] = np.ones((2, 3), dtype=np.float32)
    return records


def opened(folder: Path) -> ShardStore:
    """Open the shard as a new process would."""
    store = ShardStore(folder, "cold-0000")
    store.folder.mkdir(parents=True, exist_ok=True)
    return store


def test_nothing_committed_means_start_again(tmp_path: Path) -> None:
    """A commit without a state is what a crash in the first commit leaves: it is dropped."""
    store = opened(tmp_path)
    assert store.resume() is None
    store.commit(1, {"p": np.ones(2)}, recorded(0, 1))
    (store.folder / "state.safetensors").unlink()
    assert opened(tmp_path).resume() is None
    assert not list(store.folder.glob("commit-*"))


def test_commits_add_up_and_an_unnamed_one_is_dropped(tmp_path: Path) -> None:
    """A crash between a commit's two files leaves records that the state does not know."""
    store = opened(tmp_path)
    store.commit(1, {"p": np.full(2, 1.0)}, recorded(0, 1))
    store.commit(3, {"p": np.full(2, 3.0)}, recorded(2))
    state = (store.folder / "state.safetensors").read_bytes()
    store.commit(5, {"p": np.full(2, 5.0)}, recorded(4))
    (store.folder / "state.safetensors").write_bytes(state)
    resumed = opened(tmp_path).resume()
    assert resumed is not None
    step, arrays, records = resumed
    assert step == 3
    np.testing.assert_array_equal(arrays["p"], [3, 3])
    assert records.steps == [0, 1, 2]
    np.testing.assert_array_equal(np.stack(records.values["energy"], axis=1), [[0, 10, 20], [1, 11, 21]])
    np.testing.assert_array_equal(records.snapshots[0], np.ones((2, 3)))
    assert len(list(store.folder.glob("commit-*"))) == 2


def test_a_finished_shard_is_one_file_whatever_its_commits_were(tmp_path: Path) -> None:
    """The bytes do not tell when commits happened, and the folder is gone."""
    for name, groups in (("one", [(0, 1, 2)]), ("three", [(0,), (1,), (2,)])):
        store = opened(tmp_path / name)
        records = ShardRecords()
        for group in groups:
            store.commit(group[-1], {}, recorded(*group))
            records.extend(recorded(*group))
        store.finish(records)
        assert store.finished
        assert [path.name for path in (tmp_path / name).iterdir()] == ["cold-0000.safetensors"]
    contents = {(tmp_path / name / "cold-0000.safetensors").read_bytes() for name in ("one", "three")}
    assert len(contents) == 1


def test_a_shard_has_one_worker_at_a_time(tmp_path: Path) -> None:
    """The second one is told, and gets it when the first has let go."""
    with ShardStore(tmp_path, "x").lock(1), pytest.raises(StoreError, match="another process"):
        ShardStore(tmp_path, "x").lock(0.1)
    ShardStore(tmp_path, "x").lock(0.1).release()


def test_progress_is_best_effort(tmp_path: Path) -> None:
    """NaN is said as null, and nothing to read means step 0."""
    store = opened(tmp_path)
    assert store.progress() == {"step": 0, "values": {}}
    store.report_progress(7, {"energy": np.array([1.0, np.nan])})
    assert store.progress() == {"step": 7, "values": {"energy": [1.0, None]}}
