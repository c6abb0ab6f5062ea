"""Commits and segments of a shard: what is committed comes back, what no state names is dropped, nothing is mixed up."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from thermo_cli.errors import StoreError
from thermo_cli.store.shard import Place, ShardStore
from thermo_cli.store.shard_records import ShardRecords

PLACE = Place("0a1b2c3d", 0, "cold-0000", ("cold/0", "cold/1"))


def recorded(*steps: int) -> ShardRecords:
    """Two replicas whose observable is ten times the step, with parameters at step 0."""
    records = ShardRecords()
    for step in steps:
        records.add(step, {"energy": np.array([10.0 * step, 10.0 * step + 1])})
        if step == 0:
            records.snapshots[0] = np.ones((2, 3), dtype=np.float32)
    return records


def opened(folder: Path, place: Place = PLACE) -> ShardStore:
    """Open the shard as a new process would."""
    store = ShardStore(folder, place)
    store.folder.mkdir(parents=True, exist_ok=True)
    return store


def test_nothing_committed_means_start_again(tmp_path: Path) -> None:
    """A commit without a state is what a crash in the first commit leaves: it is dropped."""
    store = opened(tmp_path)
    assert store.resume() is None
    store.commit(1, {"p": np.ones(2)}, recorded(0, 1))
    assert store.step == 1
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


def test_a_state_before_the_first_measurement_is_kept(tmp_path: Path) -> None:
    """It names no commit, and is not taken for nothing."""
    store = opened(tmp_path)
    store.commit(7, {"p": np.full(2, 7.0)}, ShardRecords())
    for _ in range(2):
        resumed = opened(tmp_path).resume()
        assert resumed is not None
        assert resumed[0] == 7


def test_a_finished_segment_is_one_file_whatever_its_commits_were(tmp_path: Path) -> None:
    """The bytes do not tell when commits happened, and the folder is gone."""
    for name, groups in (("one", [(0, 1, 2)]), ("three", [(0,), (1,), (2,)])):
        store = opened(tmp_path / name)
        records = ShardRecords()
        for group in groups:
            store.commit(group[-1], {}, recorded(*group))
            records.extend(recorded(*group))
        store.finish(records)
        assert store.finished
        assert [path.name for path in (tmp_path / name / "shards").iterdir()] == ["cold-0000.0.safetensors"]
    contents = {(tmp_path / name / "shards" / "cold-0000.0.safetensors").read_bytes() for name in ("one", "three")}
    assert len(contents) == 1


def test_segments_follow_each_other(tmp_path: Path) -> None:
    """The second goes on from the state at the end of the first, which is never written again; who asks for one reads one."""
    store = opened(tmp_path)
    store.finish(recorded(0, 1), 1, {"p": np.full(2, 1.0)})
    first = store.segment_file(0).read_bytes()
    longer = opened(tmp_path, dataclasses.replace(PLACE, segments=2))
    assert not longer.finished
    resumed = longer.resume()
    assert resumed is not None
    assert (resumed[0], resumed[2].steps) == (1, [])
    np.testing.assert_array_equal(resumed[1]["p"], [1, 1])
    longer.commit(2, {"p": np.full(2, 2.0)}, recorded(2))
    assert opened(tmp_path, dataclasses.replace(PLACE, segments=2)).resume()[0] == 2  # type: ignore[index]
    longer.finish(recorded(2, 3), 3, {"p": np.full(2, 3.0)})
    assert store.segment_file(0).read_bytes() == first
    assert [longer.last_file(number).exists() for number in range(2)] == [False, True]
    assert longer.read().steps == [0, 1, 2, 3]
    assert opened(tmp_path).read().steps == [0, 1]


def test_a_segment_is_not_written_in_the_place_of_the_one_before(tmp_path: Path) -> None:
    """Which was removed while it was in training: what goes on from it would pass for the beginning."""
    place = dataclasses.replace(PLACE, segments=2)
    first = opened(tmp_path, place)
    first.resume()
    first.finish(recorded(0, 1), 1, {"w": np.zeros(2)})
    second = opened(tmp_path, place)
    assert second.resume() is not None
    second.segment_file(0).unlink()
    with pytest.raises(StoreError, match="removed while it was in training"):
        second.commit(2, {"w": np.ones(2)}, recorded(2))
    with pytest.raises(StoreError, match="removed while it was in training"):
        second.finish(recorded(2, 3), 3, {"w": np.ones(2)})
    assert not second.segment_file(0).exists()
    assert not list(tmp_path.rglob("commit*"))


def test_without_a_last_state_there_is_no_next_segment(tmp_path: Path) -> None:
    """It is said with the remedy."""
    opened(tmp_path).finish(recorded(0, 1))
    with pytest.raises(StoreError, match="its steps cannot grow"):
        opened(tmp_path, dataclasses.replace(PLACE, segments=2)).resume()


@pytest.mark.parametrize(
    "other",
    [
        {"run": "ffffffff"},
        {"point": 1},
        {"rows": ("cold/0", "cold/2")},
        {"shard": "hot-0000"},
    ],
)
def test_a_file_of_another_run_or_place_is_refused(tmp_path: Path, other: dict[str, object]) -> None:
    """Finished, or in training: what its record says is held against what was here."""
    place = dataclasses.replace(PLACE, **other)  # type: ignore[arg-type]
    for folder, own in (("here", PLACE), ("there", place)):
        opened(tmp_path / folder, own).commit(1, {"p": np.ones(2)}, recorded(0, 1))
    here, there = opened(tmp_path / "here"), opened(tmp_path / "there", place)
    for name in ("commit-000000.safetensors", "state.safetensors"):
        content = (here.folder / name).read_bytes()
        (here.folder / name).write_bytes((there.folder / name).read_bytes())
        with pytest.raises(StoreError, match="belongs elsewhere"):
            opened(tmp_path / "here").resume()
        (here.folder / name).write_bytes(content)
    here.finish(recorded(0, 1))
    there.finish(recorded(0, 1))
    here.segment_file(0).write_bytes(there.segment_file(0).read_bytes())
    with pytest.raises(StoreError, match="belongs elsewhere") as caught:
        here.read()
    assert "expected" in str(caught.value)


def test_commits_that_change_places_are_refused(tmp_path: Path) -> None:
    """Each names the one that it follows."""
    store = opened(tmp_path)
    store.commit(1, {}, recorded(0, 1))
    store.commit(2, {}, recorded(2))
    first, second = (store.folder / f"commit-00000{number}.safetensors" for number in range(2))
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    with pytest.raises(StoreError, match="belongs elsewhere"):
        opened(tmp_path).resume()


def test_a_shard_has_one_worker_at_a_time(tmp_path: Path) -> None:
    """The second one is told, and gets it when the first has let go."""
    with ShardStore(tmp_path, PLACE).lock(1), pytest.raises(StoreError, match="another process"):
        ShardStore(tmp_path, PLACE).lock(0.1)
    ShardStore(tmp_path, PLACE).lock(0.1).release()


def test_progress_is_best_effort(tmp_path: Path) -> None:
    """NaN is said as null, and nothing to read means step 0."""
    store = opened(tmp_path)
    assert store.progress() == {"step": 0, "values": {}}
    store.report_progress(7, {"energy": np.array([1.0, np.nan])})
    assert store.progress() == {"step": 7, "values": {"energy": [1.0, None]}}


def test_a_folder_in_the_way_is_no_crash_of_replicas(tmp_path: Path) -> None:
    """What cannot be written is an error of the store's, whatever stands there."""
    store = opened(tmp_path)
    (store.folder / "lock").mkdir()
    with pytest.raises(StoreError, match="folder of a shard cannot be used"):
        store.lock()
    (store.folder / "progress.json").mkdir()
    with pytest.raises(StoreError, match="folder of a shard cannot be used"):
        store.report_progress(1, {})
    shutil.rmtree(store.folder)
    with pytest.raises(StoreError, match="folder of a shard cannot be used"):
        store.report_progress(1, {})
    store.folder.write_text("a file")
    with pytest.raises(StoreError, match="folder of a shard cannot be used"):
        store.lock()


def test_a_folder_that_goes_while_it_is_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of a killed run may finish the shard, and remove its folder, at that very moment."""
    store, made, mkdir = ShardStore(tmp_path, PLACE), [], Path.mkdir

    def later(path: Path, *words: int, **options: bool) -> None:
        made.append(path)
        if path != store.folder or made.count(path) > 2:  # the lock makes it too
            mkdir(path, *words, **options)

    monkeypatch.setattr(Path, "mkdir", later)
    store.lock().release()
    assert made.count(store.folder) > 2


def test_a_shard_whose_name_begins_as_another_does_is_not_astray(tmp_path: Path) -> None:
    """Histories may be called `cold` and `cold-0000.b`: what follows a shard's name is a number and nothing else."""
    store = opened(tmp_path)
    other = store.folder.parent / f"{store.folder.name}.b-0000.0.safetensors"
    other.parent.mkdir(parents=True, exist_ok=True)
    for name in (other.name, f"{store.folder.name}.7.safetensors"):
        (other.parent / name).write_bytes(b"")
    assert [path.name for path, _ in store.astray()] == [f"{store.folder.name}.7.safetensors"]
