"""A value more in a sweep trains that value alone, and leaves the bytes that training all of it would have left."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SERIAL, SMALL
from thermo_cli import environment
from thermo_cli.environment import changes
from thermo_cli.runs.judged_run import Run
from thermo_cli.store.shard import ShardStore
from thermo_cli.study import Nobody, execute

WELLS: dict[str, Any] = {
    "name": "wells",
    "system": {"use": "double_well", "with": {"height": 3.0}},
    "dynamics": {"use": "langevin", "with": {"lr": 0.01, "temperature": 0.5}, "steps": 400},
    "ensemble": {"replicas": 5, "seed": 1, "vary": ["init", "noise"]},
    "equilibrium": {"margins": {"position": 3.0}},
}
FIELD = "dynamics.with.temperature"


class Listener(Nobody):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, message: str) -> None:
        """Keep it."""
        self.said.append(message)


def swept(values: Sequence[float], results: Path, **more: Any) -> tuple[Run, list[str]]:
    """Train wells at some temperatures; return the run and what was said of points that were trained before."""
    listener, fresh = Listener(), more.pop("fresh", False)
    spec = {**WELLS, **more, **({"sweep": {FIELD: list(values)}} if values else {})}
    run = execute(spec, results=results, engine=SERIAL, watcher=listener, fresh=fresh)
    return run, [words for words in listener.said if "trained before" in words]


def content(run: Run) -> dict[str, bytes]:
    """Everything that two equal runs have in common, byte for byte."""
    path = run.folder.path
    files = [*path.rglob("*.safetensors"), path / "verdict.json", path / "replicas.csv"]
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def test_a_value_more_keeps_the_other_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, between and behind them; what was finished is not trained, and nothing tells the run from one made at once."""
    first, said = swept([0.5, 1.0], tmp_path / "a")
    assert not said
    finished: list[str] = []
    finish = ShardStore.finish
    monkeypatch.setattr(
        ShardStore, "finish", lambda self, *given: (finished.append(self.place.shard), finish(self, *given))[1]
    )
    more, said = swept([0.25, 0.5, 0.75, 1.0], tmp_path / "a")
    assert said == [f"2 of 4 points were trained before and are not trained again: 2 from {first.folder.name}"]
    assert {name.partition("/")[0] for name in finished} == {"p0000", "p0002"}
    whole, said = swept([0.25, 0.5, 0.75, 1.0], tmp_path / "b")
    assert not said
    assert content(more) == content(whole)
    again, said = swept([0.25, 0.5, 0.75, 1.0], tmp_path / "a")
    assert (again.folder.name, said) == (more.folder.name, [])


def test_the_points_of_a_network_are_copied_with_all_that_training_leaves(tmp_path: Path) -> None:
    """Controls and last states among them, under the new run's name and place."""
    spec = tmp_path / "small.yaml"
    spec.write_text(SMALL)
    full = (
        "ensemble={replicas: 4, seed: 3, subsample: {fraction: 0.6}, controls: {same_bath: 4, twin: 4}}"  # whole shards
    )
    whole, part = (["sweep={dynamics.with.lr: [" + values + "]}", full] for values in ("0.02, 0.05", "0.05"))
    execute(spec, overrides=part, results=tmp_path / "a", engine=SERIAL)
    listener = Listener()
    both = execute(spec, overrides=whole, results=tmp_path / "a", engine=SERIAL, watcher=listener)
    assert any("1 of 2 points were trained before" in words for words in listener.said)
    once = execute(spec, overrides=whole, results=tmp_path / "b", engine=SERIAL)
    copied, trained = ({n: b for n, b in content(run).items() if "/p0001/" in n} for run in (both, once))
    assert len(copied) > 4
    assert copied == trained


def test_a_run_without_a_sweep_is_a_point(tmp_path: Path) -> None:
    """And a point is a run: in either direction, and with more replicas, of which the new ones are trained."""
    alone, _ = swept([], tmp_path)
    _, said = swept([0.25, 0.5], tmp_path)
    assert said == [f"1 of 2 points were trained before and are not trained again: 1 from {alone.folder.name}"]
    more = {"ensemble": {**WELLS["ensemble"], "replicas": 40}}
    grown, said = swept([0.5, 0.125], tmp_path, **more)
    assert said
    assert [run.verdict.replicas["finished"] for run in grown.runs if run is not None] == [40, 40]
    assert grown.runs[0] is not None
    assert (
        grown.runs[0].verdict.criteria
        == execute({**WELLS, **more}, results=tmp_path / "b", engine=SERIAL).verdict.criteria
    )


@pytest.mark.parametrize("why", ["fresh", "another seed", "another name", "other versions", "damaged manifest"])
def test_what_may_differ_is_trained_again(tmp_path: Path, why: str) -> None:
    """Asked to start again, another experiment, or files that other versions wrote; what is damaged stops nobody."""
    first, _ = swept([0.5, 1.0], tmp_path)
    manifest = first.folder.path / "manifest.json"
    more: dict[str, Any] = {
        "fresh": {"fresh": True},
        "another seed": {"ensemble": {**WELLS["ensemble"], "seed": 2}},
        "another name": {"name": "others"},
    }.get(why, {})
    if why == "other versions":
        manifest.write_text(manifest.read_text().replace('"numpy": "', '"numpy": "1'))
    if why == "damaged manifest":
        manifest.write_text(manifest.read_text()[:100])
    run, said = swept([0.5, 2.0], tmp_path, **more)
    assert not said
    assert run.folder.status == "complete"


def ridges(names: Sequence[str], folder: Path) -> list[str]:
    """Fit ridges to some tables with two strengths each; return what was said of points that were trained before."""
    listener = Listener()
    spec = {
        "name": "ridges",
        "data": {"use": "csv", "with": {"path": f"{names[0]}.csv", "target": "y"}},
        "system": {"use": "sklearn.linear_model:Ridge", "with": {"alpha": 1.0}},
        "ensemble": {"replicas": 4, "seed": 1, "subsample": 0.7},
        "sweep": {"data.with.path": [f"{name}.csv" for name in names], "system.with.alpha": [1.0, 2.0]},
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    execute(folder / "spec.json", results=folder / "results", engine=SERIAL, watcher=listener)
    return [words for words in listener.said if "trained before" in words]


def test_a_point_rests_on_its_own_data(tmp_path: Path) -> None:
    """Two tables that changed places are two others to their points; a third one leaves the first two what they were."""
    tables = {name: "x,y\n" + "".join(f"{i},{i * i % (7 + k)}.5\n" for i in range(60)) for k, name in enumerate("abc")}
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text)
    assert ridges("ab", tmp_path) == []
    (said,) = ridges("abc", tmp_path)
    assert said.startswith("4 of 6 points were trained before")
    (tmp_path / "a.csv").write_text(tables["b"])
    (tmp_path / "b.csv").write_text(tables["a"])
    assert ridges("ab", tmp_path) == []


def test_of_data_that_are_copies_of_each_other_each_point_has_its_own(tmp_path: Path) -> None:
    """Two of three tables are one another's copies: the run says of each point what it rests on."""
    for name, odd in (("a", 7), ("b", 7), ("c", 8)):
        (tmp_path / f"{name}.csv").write_text("x,y\n" + "".join(f"{i},{i * i % odd}.5\n" for i in range(60)))
    assert ridges("abc", tmp_path) == []
    (said,) = ridges("ca", tmp_path)
    assert said.startswith("4 of 4 points were trained before")


def test_a_damaged_shard_is_trained_and_the_rest_is_copied(tmp_path: Path) -> None:
    """A flipped bit in one of its files."""
    first, _ = swept([0.5, 1.0], tmp_path / "a", ensemble={**WELLS["ensemble"], "replicas": 200})
    broken = max((first.folder.path / "shards" / "p0000").glob("*.safetensors"))
    data = bytearray(broken.read_bytes())
    data[-1] ^= 1
    broken.write_bytes(data)
    more = {"ensemble": {**WELLS["ensemble"], "replicas": 200}}
    run, _ = swept([0.5, 1.0, 2.0], tmp_path / "a", **more)
    assert content(run) == content(swept([0.5, 1.0, 2.0], tmp_path / "b", **more)[0])


def test_another_version_of_what_computes_is_another_run(tmp_path: Path) -> None:
    """Of scikit-learn too, and of packages that the spec takes code from: their version stands in the manifest."""
    run, _ = swept([0.2], tmp_path)
    manifest = run.folder.manifest
    older = {**manifest, "packages": {**manifest["packages"], "scikit-learn": "0.24.0"}}
    assert changes(older, manifest) == [f"scikit-learn 0.24.0 -> {manifest['packages']['scikit-learn']}"]
    named = environment.manifest({}, "", tmp_path, False, ["pytest:raises", "mine:train", "sklearn.svm:SVC"])[
        "packages"
    ]
    assert named["pytest"] == pytest.__version__
    assert "mine" not in named
