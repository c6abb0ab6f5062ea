"""What a run says of itself is believed as far as its checksums and its types go."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thermo_cli
from tests.reliability.bench import bench_of
from thermo_cli.cli.listing import _files_of, listing
from thermo_cli.errors import DamagedError, StoreError
from thermo_cli.store import RunFolder
from thermo_cli.store.files import ArrayFile, read_arrays, write_arrays
from thermo_cli.store.stored import stored_blocks


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a finished sweep."""
    return bench_of("sweep").copy(tmp_path / "results")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("points", {}),
        ("points", [[], []]),
        ("looks", [{"point": "a"}]),
        ("looks", 3),
        ("required", [1]),
        ("asked", {"spec": 3}),
        ("asked", []),
        ("work", {"seconds": "long", "replica_steps": None}),
        ("packages", None),
        ("hardware", []),
        ("data", 7),
        ("run", 1),
    ],
)
def test_a_manifest_of_other_types_is_told(run: Path, field: str, value: Any) -> None:
    """Whoever wrote it, and with the right checksum: no traceback, and the same command makes it again."""
    folder = RunFolder(run)
    folder.write_facts("manifest.json", folder.read_json("manifest.json") | {field: value})
    with pytest.raises(DamagedError, match="manifest of the run is not whole"):
        thermo_cli.open_run(run)
    assert bench_of("sweep").again(run.parent)
    assert bench_of("sweep").differences(run.parent) == []


def test_sealed_facts_that_cannot_be_judged_are_told(run: Path) -> None:
    """Anybody can write a seal: what stands under it is not judged, and no bug is reported before one is seen."""
    folder = RunFolder(run)
    manifest = folder.read_json("manifest.json")
    for facts in manifest["points"]:
        facts["constants"] = "none"
    folder.write_facts("manifest.json", manifest)
    with pytest.raises(StoreError, match="not expected"):
        thermo_cli.open_run(run)


def test_sealed_microstates_of_another_shape_are_examined_again(tmp_path: Path) -> None:
    """Their rows are untested in a report; the same command makes the file again."""
    run = bench_of("networks").copy(tmp_path / "results")
    file = run / "microstates.safetensors"
    found = read_arrays(file)
    record = {name: value for name, value in found.record.items() if name != "sha256"}
    del record["facts"]["floor"]
    write_arrays(file, ArrayFile(found.arrays, record))
    assert thermo_cli.open_run(run).verdict
    bench_of("networks").again(run.parent)
    assert bench_of("networks").differences(run.parent) == []


def test_a_resolved_spec_without_its_checksum_is_no_older_one(run: Path) -> None:
    """Its manifest has one, so it had one too; where neither has, the run is of a version that wrote none."""
    resolved, manifest = run / "resolved.yaml", run / "manifest.json"
    resolved.write_text(resolved.read_text().partition("\n")[2].replace("seed: 3", "seed: 5"))
    with pytest.raises(DamagedError, match="resolved spec of the run was edited"):
        thermo_cli.open_run(run)
    resolved.write_text(resolved.read_text().replace("seed: 5", "seed: 3"))
    content = json.loads(manifest.read_text())
    del content["sha256"]
    manifest.write_text(json.dumps(content))
    assert thermo_cli.open_run(run).points


def test_a_verdict_that_was_edited_is_not_listed(run: Path) -> None:
    """The manifest knows what was written; the same command writes it again."""
    (before,) = json.loads(listing(run.parent, as_json=True))
    path = run / "verdict.json"
    path.write_text(path.read_text().replace('"summary": "', '"summary": "all is well, ', 1))
    (edited,) = json.loads(listing(run.parent, as_json=True))
    assert (edited["verdict"], edited["summary"]) == (None, "verdict.json is not what was written")
    bench_of("sweep").again(run.parent)
    (after,) = json.loads(listing(run.parent, as_json=True))
    assert after["summary"] == before["summary"]


def test_a_hole_in_the_place_of_a_manifest_is_not_read(tmp_path: Path) -> None:
    """It takes no place on disk, and would take all of it in memory."""
    with (tmp_path / "manifest.json").open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(DamagedError, match="too large"):
        _ = RunFolder(tmp_path).manifest


def test_files_that_vanish_while_they_are_listed_are_passed_over(tmp_path: Path) -> None:
    """Whoever trains a run commits and cleans up meanwhile."""
    for name in "abc":
        (tmp_path / name).write_text(name)
    found = _files_of(tmp_path)
    assert next(found).st_size == 1
    for name in "abc":
        (tmp_path / name).unlink()
    assert list(found) == []


@pytest.mark.parametrize("rows", [5, None, "cold/0", {"a": 1}])
def test_a_shard_whose_record_says_something_odd_is_none(tmp_path: Path, rows: object) -> None:
    """Anybody can seal a file: it is no shard of a neighbour, and the command sets it aside."""
    place = tmp_path / "shards" / "cold-0000.0.safetensors"
    place.parent.mkdir()
    write_arrays(place, ArrayFile({"x": np.zeros(2)}, {"rows": rows}))
    assert stored_blocks(tmp_path, 0) == {}
