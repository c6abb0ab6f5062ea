"""Growing until decided: the looks of real runs, the same by every path, each judged on its own replicas and steps."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import thermo_cli
from tests.conftest import SERIAL
from tests.test_growing import content
from thermo_cli.errors import StoreError
from thermo_cli.runs.judged_run import Run
from thermo_cli.store import RunFolder

LEVEL = """\
name: level
system: {use: autoregressive, with: {phi: 0.5, sd: 0.1, start: 10.0, offset_sd: 0.3}}
dynamics: {use: recursion, steps: 128}
ensemble: {replicas: 64, seed: 3}
observe: {window_measurements: 16}
equilibrium: {margins: {level: 1.0}}
"""
SLOW = "system.with={phi: 0.5, sd: 0.1, offset_sd: 0.3, drift: exponential, drift_size: 4.0, tau: 128}"
REPLICAS = "ensemble.replicas={from: 32, to: 256}"
STEPS = "dynamics.steps={from: 128, to: 2048}"
WAYS = {
    "replicas": ([REPLICAS], [(32, 128, "undecided", ["agreement"]), (64, 128, "settled", [])]),
    "steps": (
        [STEPS, SLOW],
        [
            (64, 128, "relaxing", []),
            (64, 256, "relaxing", []),
            (64, 512, "undecided", ["stationarity"]),
            (64, 1024, "settled", []),
        ],
    ),
    "both": (
        [REPLICAS, STEPS, SLOW],
        [
            (32, 128, "relaxing", ["agreement"]),
            (64, 256, "relaxing", []),
            (64, 512, "undecided", ["stationarity"]),
            (64, 1024, "settled", []),
        ],
    ),
}


def run(folder: Path, *changes: str, spec: str = LEVEL, **given: Any) -> Run:
    """Run the spec in this process."""
    folder.mkdir(exist_ok=True)
    (folder / "spec.yaml").write_text(spec)
    given = {"engine": SERIAL, "results": folder / "results", **given}
    return thermo_cli.run(folder / "spec.yaml", overrides=changes, **given)


def looks(done: Run) -> list[tuple[int, int, str, Sequence[str]]]:
    """Return the looks as verdict.json has them."""
    return [tuple(look.values()) for look in done.as_dict()["looks"]]


@pytest.mark.parametrize("way", WAYS)
def test_it_grows_in_the_direction_that_is_open_until_it_is_decided(tmp_path: Path, way: str) -> None:
    """Replicas where agreement is open, steps where stationarity fails or is open, both where both; then no more."""
    changes, expected = WAYS[way]
    done = run(tmp_path, *changes)
    assert looks(done) == expected
    assert (done.verdict.verdict, done.folder.status) == ("settled", "complete")
    assert len(done.observables.replicas) == expected[-1][0]
    assert done.observables.steps[-1] == expected[-1][1]
    assert len(list(done.folder.path.glob("shards/level-*"))) == 0
    stored = sum(len(members) for name, members in done.folder.shards.items() if "@" not in name)
    assert stored == len(
        [row for row in (done.folder.path / "replicas.csv").read_text().splitlines() if ",main," in row]
    )
    assert json.loads((done.folder.path / "verdict.json").read_text()) == done.as_dict()


@pytest.mark.parametrize("way", WAYS)
def test_judged_again_from_disk_it_follows_the_same_looks(tmp_path: Path, way: str) -> None:
    """Nothing but the folder is asked, nothing is written; another margin ends them elsewhere."""
    changes, _ = WAYS[way]
    done = run(tmp_path, *changes)
    before = content(done.folder.path)
    again = thermo_cli.open_run(done.folder.path)
    assert again.as_dict() == done.as_dict()
    assert content(done.folder.path) == before
    narrow = again.judge(margins={"level": 1e-3})
    assert looks(narrow)[-1][2] != "settled"
    wide = again.judge(margins={"level": 9.0})
    assert len(looks(wide)) <= len(looks(done))


def test_each_look_has_its_own_level_and_rows(tmp_path: Path) -> None:
    """Look 2 is judged at alpha / 4 on 64 replicas; a fixed ensemble of as many at alpha, and it has one look."""
    grown, fixed = run(tmp_path / "grown", REPLICAS), run(tmp_path / "fixed")
    assert [grown.settings.alpha, fixed.settings.alpha] == pytest.approx([0.05 / 4, 0.05])
    assert looks(fixed) == [(64, 128, "settled", [])]
    assert {row.confidence for row in grown.verdict.criteria if row.confidence is not None} == {
        1 - grown.settings.alpha
    }
    pairs = zip(grown.verdict.criteria, fixed.verdict.criteria, strict=True)
    widths = [[row.interval[1] for row in rows] for rows in pairs if rows[0].statistic.startswith("S2 proj")]  # type: ignore[index]
    assert all(strict > plain for strict, plain in widths)
    assert widths


@pytest.mark.parametrize("way", WAYS)
def test_by_every_path_it_is_the_run_that_was_planned(tmp_path: Path, way: str) -> None:
    """A first look asked for alone, then growth; growth to the first doubling, then more: the bytes of a run planned so."""
    changes, expected = WAYS[way]
    planned = content(run(tmp_path / "planned", *changes).folder.path)
    first = [f"ensemble.replicas={expected[0][0]}", f"dynamics.steps={expected[0][1]}"]
    second = [change.replace("to: 256", "to: 64").replace("to: 2048", "to: 256") for change in changes]
    for name, path in {"first": [*changes, *first], "second": second}.items():
        run(tmp_path / name, *path)
        assert content(run(tmp_path / name, *changes).folder.path) == planned


@pytest.mark.parametrize("end", [1, 2])
@pytest.mark.parametrize("way", ["replicas", "both"])
def test_stopped_in_any_look_and_resumed_the_looks_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, end: int
) -> None:
    """The stop file amid look 1 or 2: the report tells the last look that is over; then the bytes of an undisturbed run."""
    changes, expected = WAYS[way]
    planned = content(run(tmp_path / "planned", *changes).folder.path)
    monkeypatch.setattr("thermo_cli.segments.CHUNK_STEPS", 40)

    class Stopping(thermo_cli.study.Nobody):
        count = 0

        def begin(self, folder: RunFolder, ahead: int) -> None:
            self.count += 1
            if self.count == end:
                folder.stop_file.touch()

    with contextlib.suppress(StoreError):  # of look 1 nothing can be judged
        run(tmp_path / "stopped", *changes, watcher=Stopping())
    (folder,) = (tmp_path / "stopped" / "results").iterdir()
    if end == 2:
        half = thermo_cli.open_run(folder)
        assert looks(half) == expected[:1]
        assert half.as_dict()["run"]["status"] == "partial"
    done = run(tmp_path / "stopped", *changes)
    assert looks(done) == expected
    assert content(done.folder.path) == planned


LINES = """\
name: lines
data: {use: wine}
system: {use: linear}
dynamics: {use: sgd, with: {lr: 0.05, weight_decay: 0.1}, batch_size: 16, steps: {from: 3000, to: 6000}}
ensemble: {replicas: {from: 4, to: 8}, seed: 3, subsample: {fraction: 0.6}, controls: {same_bath: 2, twin: 1}}
observe: {window_measurements: 8, micro: [overlap]}
"""


def test_killed_in_each_of_two_looks_it_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    """Killed (-9) as soon as look 1, and then look 2, has committed something: the looks and bytes of an undisturbed run."""
    planned = run(tmp_path / "planned", spec=LINES)
    assert len(looks(planned)) == 2
    spec, results = tmp_path / "spec.yaml", tmp_path / "results"
    spec.write_text(LINES)
    words = [sys.executable, "-m", "thermo_cli.cli.run", str(spec), "--results", str(results), "--workers", "1"]
    for last in ("cold-0000.0.safetensors", "cold-0004.0.safetensors"):
        with subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as child:
            while child.poll() is None and not list(results.glob(f"*/shards/{last}")):
                time.sleep(0.01)
            os.killpg(child.pid, signal.SIGKILL)
        assert not list(results.glob("*/verdict.json"))
    done = run(tmp_path, spec=LINES)
    assert looks(done) == looks(planned)
    assert content(done.folder.path) == content(planned.folder.path)


def test_each_point_of_a_sweep_grows_by_itself(tmp_path: Path) -> None:
    """Offsets of four widths: two are decided at 64, one at 128, and one, glassy, at 32; nobody trains for another."""
    done = run(tmp_path, REPLICAS, "sweep={system.with.offset_sd: [0.0, 0.3, 0.4, 2.0]}")
    words = [(point["verdict"], [look["replicas"] for look in point["looks"]]) for point in done.as_dict()["points"]]
    assert words == [("settled", [32, 64])] * 2 + [("settled", [32, 64, 128]), ("glassy", [32])]
    rows = [len(part.folder.table) - 10 for part in done.runs if part is not None]
    assert rows == [64, 64, 128, 32]
    assert (
        len(list(done.folder.path.glob("shards/p0003/level-*")))
        == len(list(done.folder.path.glob("shards/p0003/cold-*"))) - 2
    )
    assert thermo_cli.open_run(done.folder.path).as_dict() == done.as_dict()


def test_judged_again_a_first_look_keeps_its_level_and_may_be_followed(tmp_path: Path) -> None:
    """Glassy at look 1, judged with other margins: at alpha / 2 still; and what was stored for later looks is found again."""
    glass = run(tmp_path, REPLICAS, "system.with.offset_sd=2.0")
    assert glass.judge(margins={"level": 1.1}).settings.alpha == pytest.approx(0.025)
    grown = run(tmp_path / "grown", REPLICAS)
    strict = thermo_cli.open_run(grown.folder.path).judge(margins={"level": 0.01})
    assert looks(strict) == [(32, 128, "relaxing", [])]
    assert looks(strict.judge(margins={"level": 1.0})) == looks(grown)


def test_what_is_required_ends_it(tmp_path: Path) -> None:
    """A gate ends it when it is met or not met, and not before, also where a verdict stands; judged again likewise."""
    changes = ["ensemble.replicas={from: 32, to: 128}"]
    plain = run(tmp_path, *changes)
    assert [look[2] for look in looks(plain)] == ["undecided", "settled"]
    glass = run(tmp_path / "glass", *changes, "system.with.offset_sd=2.0", require=[["settled"]])
    assert [look[2] for look in looks(glass)] == ["glassy"]
    other = run(tmp_path / "open", *changes, "system.with.offset_sd=0.4", require=[["diverged", "relaxing"]])
    assert [look[2] for look in looks(other)] == ["undecided", "undecided", "settled"]
    assert thermo_cli.open_run(other.folder.path).as_dict() == other.as_dict()


def test_a_look_that_nothing_can_add_to_is_the_last(tmp_path: Path) -> None:
    """Agreement is open, and only steps may grow: one look, undecided, nothing trained for nothing."""
    done = run(tmp_path, "ensemble.replicas=32", STEPS)
    assert looks(done) == [(32, 128, "undecided", ["agreement"])]


def test_the_first_look_has_whole_shards(tmp_path: Path) -> None:
    """From 20, in shards of 16: 32; never more than is asked for in the end."""
    assert [look[0] for look in looks(run(tmp_path, "ensemble.replicas={from: 20, to: 64}"))] == [32, 64]
    assert [look[0] for look in looks(run(tmp_path / "few", "ensemble.replicas={from: 20, to: 24}"))] == [24]


def test_the_manifest_says_what_looks_cost(tmp_path: Path) -> None:
    """Number, size and seconds of each look, once; verdict.json has no time in it."""
    done = run(tmp_path, REPLICAS)
    run(tmp_path, REPLICAS)
    kept = done.folder.read_json("manifest.json")["looks"]
    assert [(look["look"], look["replicas"], look["steps"]) for look in kept] == [(1, 32, 128), (2, 64, 128)]
    assert all(look["seconds"] >= 0 for look in kept)
