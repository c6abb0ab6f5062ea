"""What is done on a processor where the bits of a replica depend on the width of its stack."""

from pathlib import Path

import pytest

import thermo_cli
from tests.conftest import SERIAL, SMALL
from thermo_cli.kinds.networks import checks
from thermo_cli.store import RunFolder
from thermo_cli.study import Nobody
from thermo_cli.training import tasks_of

FEW = ["ensemble.replicas=6", "dynamics.steps=40", "histories={cold: {}}", "ensemble.controls={same_bath: 2, twin: 1}"]


class Listener(Nobody):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def note(self, message: str) -> None:
        """Keep it."""
        self.heard.append(message)


def run(folder: Path, replicas: int = 6, watcher: Listener | None = None) -> RunFolder:
    """Run a small spec in this process."""
    folder.mkdir(exist_ok=True)
    (folder / "small.yaml").write_text(SMALL)
    changes = [*FEW, f"ensemble.replicas={replicas}"]
    return thermo_cli.study.execute(
        folder / "small.yaml", overrides=changes, results=folder / "results", watcher=watcher, engine=SERIAL
    ).folder


def shards(folder: RunFolder) -> dict[str, bytes]:
    """Return the bytes of what was trained."""
    return {
        str(path.relative_to(folder.path)): path.read_bytes() for path in sorted(folder.path.glob("s*/*.safetensors"))
    }


@pytest.fixture
def differing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stacks of other widths round otherwise, as they may on a processor that is not at hand."""
    monkeypatch.setattr(checks, "stackable", lambda *_: 0)


@pytest.mark.usefixtures("differing")
def test_shards_train_one_by_one_in_stacks_of_one_width(tmp_path: Path) -> None:
    """An incomplete shard is filled with copies of its first replica, and the run says that it takes longer."""
    listener = Listener()
    folder = run(tmp_path, watcher=listener)
    assert [message for message in listener.heard if "shards train one by one" in message]
    assert folder.manifest["stacked"] == 0
    for path in (folder.path / "shards").glob("*.safetensors"):
        path.unlink()
    tasks = tasks_of(folder, tmp_path, (), 1, 0)
    assert {len(task.shards) for task in tasks} == {1}
    assert all(task.filled for task in tasks)


@pytest.mark.usefixtures("differing")
def test_a_replica_keeps_its_bits_when_the_ensemble_grows(tmp_path: Path) -> None:
    """Two rows of a shard of four, then the other two in a file of their own: as if all had been trained at once."""
    at_once, later = run(tmp_path / "once", 8), run(tmp_path / "later", 6)
    later = run(tmp_path / "later", 8)
    for name, values in at_once.trajectories().values.items():
        assert values.tobytes() == later.trajectories().values[name].tobytes()


def test_filled_and_shared_stacks_give_the_same_bytes_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bits do not depend on the width, how shards are stacked changes no file."""
    stacked = shards(run(tmp_path / "stacked"))
    monkeypatch.setattr(checks, "stackable", lambda *_: 0)
    assert shards(run(tmp_path / "alone")) == stacked
