"""What is set aside of a run, and what is left alone; that all of it comes back is attacked in tests/reliability."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import thermo_cli
from tests.conftest import Command
from tests.reliability.bench import Bench, bench_of, run_of
from thermo_cli.errors import DamagedError, StoreError
from thermo_cli.store import RunFolder
from thermo_cli.store.files import ArrayFile, read_arrays, write_arrays
from thermo_cli.store.healing import heal_arrays, heal_facts


@pytest.fixture
def attacked(tmp_path: Path) -> tuple[Bench, Path]:
    """A growing run of networks, and its folder."""
    bench = bench_of("growing")
    return bench, bench.copy(tmp_path / "results")


def healed(run: Path) -> list[str]:
    """Return what is set aside of a run, each with its reason."""
    words = [*heal_facts(RunFolder(run), RunFolder(run).identity), *heal_arrays(RunFolder(run))]
    return [text.partition("; set aside")[0] for text in words]


def test_a_whole_run_is_left_alone(attacked: tuple[Bench, Path]) -> None:
    """Nothing is said, nothing moved; nor of what a script keeps in its own folder, whatever it is."""
    _, run = attacked
    output = run / "shards" / "cold-0000" / "output"
    output.mkdir(parents=True)
    save_file({"w": np.zeros(3)}, output / "parameters-8.safetensors")
    assert healed(run) == []
    assert not (run / "damaged").exists()


def test_files_of_others_are_set_aside(attacked: tuple[Bench, Path]) -> None:
    """A shard of a run with another seed, one of another place, and tensors that nobody here wrote."""
    _, run = attacked
    other = run_of(bench_of("growing", "seed: 3", "seed: 4").folder / "clean")
    shutil.copy(other / "shards" / "cold-0000.0.safetensors", run / "shards" / "cold-0000.0.safetensors")
    shutil.copy(run / "shards" / "cold-0004.1.safetensors", run / "shards" / "cold-0004.0.safetensors")
    save_file({"w": np.zeros(3)}, run / "microstates.safetensors")
    told = healed(run)
    assert told[:3] == [
        "microstates.safetensors: this is no file of a run",
        "shards/cold-0000.0.safetensors: this file belongs elsewhere",
        "shards/cold-0004.0.safetensors: this file belongs elsewhere",
    ]
    assert {text.partition(": ")[2] for text in told[3:]} == {"the one before it is gone"}
    assert (run / "damaged" / "shards" / "cold-0000.0.safetensors").exists()


def test_a_damaged_last_state_is_made_again_by_what_ends_in_it(attacked: tuple[Bench, Path]) -> None:
    """The segments before it are trained again, as nothing else leads there; those of other shards are not."""
    bench, run = attacked
    state = run / "states" / "cold-0000.1.safetensors"
    state.write_bytes(state.read_bytes()[:-1])
    assert [text.partition(":")[0] for text in healed(run)] == [
        "states/cold-0000.1.safetensors",
        "shards/cold-0000.0.safetensors",
        "shards/cold-0000.1.safetensors",
    ]
    bench.again(run.parent)
    assert bench.differences(run.parent) == []


def test_what_is_set_aside_twice_is_kept_twice(attacked: tuple[Bench, Path]) -> None:
    """The second time under another name."""
    bench, run = attacked
    for content in (b"one", b"two"):
        (run / "manifest.json").write_bytes(content)
        said = bench.again(run.parent)
        assert said[0].startswith("manifest.json: a file of the run is not valid JSON")
    assert [(run / "damaged" / name).read_bytes() for name in ("manifest.json", "manifest.json.2")] == [b"one", b"two"]


def test_what_a_newer_version_wrote_is_not_touched(attacked: tuple[Bench, Path]) -> None:
    """It is no damage: the command stops, and says so."""
    bench, run = attacked
    path = run / "manifest.json"
    path.write_text(path.read_text().replace('"schema_version": 2', '"schema_version": 3').replace('"sha256"', '"was"'))
    with pytest.raises(Exception, match="another version"):
        bench.again(run.parent)
    assert not (run / "damaged").exists()


def test_facts_of_another_run_are_set_aside(attacked: tuple[Bench, Path]) -> None:
    """Its manifest or its resolved spec in this folder: a report refuses them, the command makes them again, and no more."""
    bench, run = attacked
    other = run_of(bench_of("growing", "lr: 0.05", "lr: 0.06").folder / "clean")
    for name in ("manifest.json", "resolved.yaml"):
        shutil.copy(other / name, run / name)
        with pytest.raises(DamagedError, match="belongs elsewhere"):
            thermo_cli.open_run(run)
        assert not [words for words in bench.again(run.parent) if "shards/" in words]
        assert bench.differences(run.parent) == []
    assert (run / "damaged" / "manifest.json").exists()


def test_a_run_under_the_name_of_another_is_not_taken_for_it(attacked: tuple[Bench, Path]) -> None:
    """By the command of the name; it may be called anything, and is read there."""
    bench, run = attacked
    other = bench_of("growing", "lr: 0.05", "lr: 0.06")
    taken = run.rename(run.with_name(run_of(other.folder / "clean").name))
    found, clean = (thermo_cli.open_run(place).as_dict() for place in (taken, run_of(bench.folder / "clean")))
    assert (found["verdict"], found["criteria"]) == (clean["verdict"], clean["criteria"])
    assert any("manifest.json: this is that of run" in words for words in other.again(taken.parent))
    assert other.differences(taken.parent) == []


@pytest.mark.parametrize("name", ["manifest.json", "resolved.yaml", "microstates.safetensors"])
def test_what_is_no_file_is_not_waited_for(name: str, attacked: tuple[Bench, Path], command: Command) -> None:
    """A pipe or a folder in the place of a file: a report goes on or says so, the command sets it aside."""
    bench, run = attacked
    for make in (os.mkfifo, os.mkdir):
        (run / name).unlink()
        make(run / name)
        assert command("thermo-report", str(run)).returncode in (0, 3)
        bench.again(run.parent)
        assert bench.differences(run.parent) == []


@pytest.mark.parametrize("content", ["[]", "5", "null", '"x"', "{}", '{"verdict": {"a": 1}, "summary": ""}'])
def test_json_of_another_shape_is_no_bug(content: str, attacked: tuple[Bench, Path], command: Command) -> None:
    """The list goes on, a report says what is wrong, the command makes it again."""
    bench, run = attacked
    for name in ("manifest.json", "verdict.json", "rehearsal.json"):
        (run / name).write_text(content)
        assert command("thermo-report", "--results", str(run.parent)).returncode == 0
        assert command("thermo-report", str(run)).returncode in (0, 3)
        bench.again(run.parent)
        assert bench.differences(run.parent) == []


def test_nothing_is_written_where_a_link_leads(attacked: tuple[Bench, Path], tmp_path: Path) -> None:
    """A run that somebody handed on: links in the place of files that are about to be written, or of folders, however deep."""
    bench, run = attacked
    victim, elsewhere = tmp_path / "victim", tmp_path / "elsewhere"
    victim.write_text("mine")
    elsewhere.mkdir()
    (run / "shards" / "cold-0000.0.safetensors").unlink()
    links = {name: victim for name in ("verdict.json.tmp", "manifest.json.tmp", "shards/cold-0000.0.safetensors.tmp")}
    links |= {"shards/.writable": elsewhere / "new", "shards/cold-0000": elsewhere, "logs/a.log": victim}
    links |= {name: elsewhere for name in ("verdicts", "damaged", "tables")}
    for name, target in links.items():
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).symlink_to(target)
        with pytest.raises(StoreError, match="a part of the run is a link"):
            bench.again(run.parent)
        (run / name).unlink()
    assert (victim.read_text(), list(elsewhere.iterdir())) == ("mine", [])
    (run / "outputs" / "cold-0000").mkdir(parents=True)
    (run / "outputs" / "cold-0000" / "latest").symlink_to(victim)  # a script's own
    bench.again(run.parent)
    assert bench.differences(run.parent) == []


def test_files_of_version_0_5_are_none_of_a_new_run(attacked: tuple[Bench, Path]) -> None:
    """They do not say whose they are: microstates of another run would be shown as those of this one."""
    _, run = attacked
    before = thermo_cli.open_run(run).as_dict()
    kept = read_arrays(run / "microstates.safetensors")
    facts = {"schema_version": 1, "facts": kept.record["facts"]}
    arrays = {name: array * 2 for name, array in kept.arrays.items()}
    write_arrays(run / "microstates.safetensors", ArrayFile(arrays, facts))
    after = thermo_cli.open_run(run).as_dict()
    assert before["microscopic"]["overlap"]["estimate"] is not None
    assert (after["microscopic"] or {}).get("overlap") is None


def test_a_file_in_the_place_of_a_folder_is_set_aside(attacked: tuple[Bench, Path]) -> None:
    """It is named, and the states that grew on it are made again where a longer run needs them."""
    bench, run = attacked
    shutil.rmtree(run / "states")
    shutil.rmtree(run / "damaged", ignore_errors=True)
    for name in ("states", "damaged"):
        (run / name).write_text("a file")
    (run / "stop").mkdir()
    told = bench.again(run.parent)
    assert [words for words in told if words.startswith("states: this is no folder; set aside as damaged/states")]
    assert [words for words in told if words.startswith("damaged: this is no folder; set aside as damaged.2")]
    assert [words for words in told if words.startswith("stop: this is no file")]
    assert (run / "damaged" / "states").read_text() == "a file"
