"""What a script reports: taken as it is, or refused with the line, what was received and what to do."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.kinds.scripts.toy import reason, toy, trained
from thermo_cli.data.subsample import subsample
from thermo_cli.errors import DataError
from thermo_cli.kinds.scripts.logs import MOST_BYTES
from thermo_cli.kinds.scripts.reported import Metrics, read_parameters
from thermo_cli.replicas import replica_table

GOOD = '{"step": 0, "a": 1, "b": 2}\n{"step": 4, "a": 3, "b": 4}\n{"step": 8, "a": 5.5, "b": null}'


def read(folder: Path, text: str | bytes) -> Metrics:
    """Read a report of eight steps."""
    (folder / "metrics.jsonl").write_bytes(text if isinstance(text, bytes) else text.encode())
    metrics = Metrics(folder, 8, ["a"])
    metrics.finish()
    return metrics


def test_a_whole_report_is_taken_as_it_is(tmp_path: Path) -> None:
    """Blank lines and a missing last line end are nothing; null is no measurement; NaN, like what is too large, is infinite."""
    metrics = read(tmp_path, GOOD)
    assert metrics.steps == [0, 4, 8]
    assert metrics.values["a"] == [1.0, 3.0, 5.5]
    assert np.isnan(metrics.values["b"][2])
    odd = '\n{"a": NaN, "step": 2.0}\n\n{"step": 3, "a": -Infinity}\n{"step": 4, "a": 1e999}\n'
    metrics = read(tmp_path, odd + '{"step": "8", "a": "0.5"}\n')
    assert metrics.steps == [2, 3, 4, 8]
    np.testing.assert_array_equal(metrics.values["a"], [np.inf, -np.inf, np.inf, 0.5])


def test_each_observable_has_its_own_steps(tmp_path: Path) -> None:
    """Rows of training and of validation share steps or do not; of a repeated step the last counts; clocks measure nothing."""
    rows = [{"step": 3, "train_loss": 2.0}, {"step": 3, "val_acc": 0.5}, {"step": 3, "val_acc": 0.6, "seconds": 9}]
    metrics = read(tmp_path, "".join(json.dumps({**row, "a": 0, "epoch": 1}) + "\n" for row in [*rows, {"step": 7}]))
    assert metrics.steps == [3, 7]
    assert metrics.values["a"] == [0, 0]
    np.testing.assert_array_equal(metrics.values["train_loss"], [2.0, np.nan])
    np.testing.assert_array_equal(metrics.values["val_acc"], [0.6, np.nan])
    assert metrics.log.left_out == ["epoch", "seconds"]
    assert not metrics.ended, "a log that counts from 0 ends one step before T"


def test_lines_are_read_while_they_are_written(tmp_path: Path) -> None:
    """A line counts when it is whole, and the report read in pieces is the report read at once."""
    metrics, path = Metrics(tmp_path, 8), tmp_path / "metrics.jsonl"
    assert not metrics.read()
    with path.open("w") as file:
        for position, letter in enumerate(GOOD):
            file.write(letter)
            file.flush()
            assert metrics.read() == (letter == "\n")
            assert len(metrics.steps) == GOOD[: position + 1].count("\n")
    assert metrics.latest == {"a": 3.0, "b": 4.0}
    metrics.finish()
    assert metrics.steps == read(tmp_path, GOOD).steps


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "nothing was logged"),
        ('{"step": 4, "a": 1}\n{"step": 0, "a": 1}\n', "jsonl:2: steps of a go back: 0 after 4"),
        ('{"step": 0, "a": 1}\n{"step": 9, "a": 1}\n', "step 9 is later than T = 8"),
        ('{"step": 0, "a": 1}\n{"a": 1}\n', "jsonl:2: step is no whole number"),
        ('{"a": 1}\n', "there is no column of steps"),
        ('{"step": 0.5, "a": 1}\n', "no whole number"),
        ('{"step": true, "a": 1}\n', "jsonl:1: step: expected text or a number"),
        ('{"step": "one", "a": 1}\n', "no whole number"),
        ('{"step": NaN, "a": 1}\n', "no whole number"),
        ('{"step": -1, "a": 1}\n', "no whole number"),
        ('\n{"step": 0, "a": 1\n', "jsonl:2: this line is not JSON"),
        (b'\xff\xfe{"step": 0}\n', "not text in UTF-8"),
        ("[" * 100_000 + "\n", "jsonl:1"),
        ("[0, 1]\n", "expected an object"),
        ('{"step": 0, "a": "low"}\n', "jsonl:1: a: expected a number"),
        ('{"step": 0, "a": true}\n', "jsonl:1: a: expected text or a number"),
        ('{"step": 0, "a": [1]}\n', "jsonl:1: a: expected text or a number"),
        ('{"step": 0, "a": -1' + "0" * 400 + "}\n", "jsonl:1: a: expected a number"),
        ('{"step": 0, "a": 1, "": 1}\n', "no usable name"),
        ('{"step": 0}\n', "and no observables"),
        ('{"step": 0, "b": 1}\n', "a has a margin and is not reported"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_line(tmp_path: Path, text: str | bytes, expected: str) -> None:
    """What, what was received, and what to do."""
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    assert expected in str(caught.value)
    assert caught.value.remedy
    assert len(str(caught.value)) < 800
    if "jsonl" in expected and str(text).strip():
        assert caught.value.received


def test_no_file_or_a_huge_one(tmp_path: Path) -> None:
    """A script that never reports, one that reports into a folder, and one that does not stop to."""
    with pytest.raises(DataError, match="nothing was logged"):
        Metrics(tmp_path, 8).finish()
    with (tmp_path / "metrics.jsonl").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(DataError, match="too large"):
        Metrics(tmp_path, 8).read()
    (tmp_path / "metrics.jsonl").unlink()
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(DataError, match="nothing was logged"):
        Metrics(tmp_path, 8).finish()


def test_parameters_are_flattened_in_the_order_of_names(tmp_path: Path) -> None:
    """Names and shapes are known too; what is no safetensors file is refused, and none is none."""
    save_file({"b": np.arange(3.0), "a": np.arange(4.0).reshape(2, 2) + 10}, tmp_path / "parameters-8.safetensors")
    found = read_parameters(tmp_path, 8)
    assert found is not None
    np.testing.assert_array_equal(found[0], [10, 11, 12, 13, 0, 1, 2])
    assert found[1] == {"a": [2, 2], "b": [3]}
    assert read_parameters(tmp_path, 4) is None
    (tmp_path / "parameters-4.safetensors").write_bytes(b"nonsense")
    with pytest.raises(DataError, match="cannot be read"):
        read_parameters(tmp_path, 4)


def test_the_run_holds_what_scripts_reported(tmp_path: Path) -> None:
    """Numbers, parameters at 0, T/4, T/2 and T, and what the script was told of its examples; nothing else is left."""
    path = toy(tmp_path, ensemble={"replicas": 2, "precision": "float64", "subsample": {"size": 7}})
    folder, words = trained(path, "dynamics.with.keep_output=true")
    assert set(words.values()) == {"finished"}
    assert not [place for place in (folder.path / "shards").iterdir() if place.is_dir()]
    found = folder.trajectories()
    for row, replica in enumerate(replica_table(folder.spec)):
        output = folder.path / "outputs" / replica.shard
        lines = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
        assert found.steps.tolist() == [line["step"] for line in lines]
        assert found.values["energy"][row].tolist() == [line["energy"] for line in lines]
        chosen = subsample(folder.spec.ensemble.subsample, 50, replica.subsample, 0, replica.part)
        gap = lines[-1]["test_accuracy"] - lines[-1]["energy"]
        assert gap == pytest.approx(0.9 + chosen.mean() / 1000)
        for step in (0, 8, 16, 32):
            kept = read_parameters(output, step)
            assert kept is not None
            np.testing.assert_array_equal(folder.parameters(step)[row], kept[0])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("sys.exit(3)", ["the script failed", "exit code 3", "The end of logs/cold-0001.log", "replica 1 starts"]),
        (
            "raise RuntimeError('no such luck')",
            ["replica cold/1: ", "toy.py, line 45: the script failed", "RuntimeError: no such luck (exit code 1)"],
        ),
        ("os.kill(os.getpid(), 9)", ["killed by SIGKILL (out of memory?)"]),
        (
            "(args.out / 'metrics.jsonl').unlink(); sys.exit()",
            ["nothing was logged", "parameters-0.safetensors", "such as {"],
        ),
        ("log.seek(0); log.truncate(); sys.exit()", ["nothing was logged", "metrics.jsonl (empty)"]),
        (
            "log.write('hello\\n'); log.flush(); time.sleep(60)",
            ["metrics.jsonl:18: this line is not JSON", "hello"],
        ),
        ("report(17, energy='low', test_accuracy=0.5)", ["metrics.jsonl:18: energy: expected a number", "'low'"]),
        ("report(3, energy=1, test_accuracy=1)", ["steps of energy go back: 3 after 16"]),
        ("(args.out / 'parameters-16.safetensors').write_text('x')", ["the parameters cannot be read"]),
        (
            "theta = theta[:12]; keep = lambda step: (args.out / f'parameters-{step}.safetensors').write_bytes((lambda h: "
            "struct.pack('<Q', len(h)) + h + bytes(96))"
            "(json.dumps({'w': {'dtype': 'F64', 'shape': [12], 'data_offsets': [0, 96]}}).encode()))",
            ["the parameters of two steps have different tensors"],
        ),
    ],
)
def test_a_failure_is_one_replica_s(tmp_path: Path, mode: str, expected: list[str]) -> None:
    """Its reason and the end of its log are kept; nothing of it becomes a number; a bad line ends the script at once."""
    folder, words = trained(toy(tmp_path, mode), shards=["cold-0001"])
    assert words == {"cold-0001": "failed"}
    text = reason(folder, "cold-0001")
    for part in expected:
        assert part in text, text
    assert folder.unfinished() == list(folder.shards)
