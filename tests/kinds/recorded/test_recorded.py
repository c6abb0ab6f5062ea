"""Recorded runs: three formats with one content, and whatever cannot be used is named with its line."""

import csv
import hashlib
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thermo_cli.contracts import Trajectories
from thermo_cli.errors import DataError
from thermo_cli.kinds.importers import IMPORTERS
from thermo_cli.kinds.recorded.parts import RecordedArguments
from thermo_cli.kinds.recorded.records import read_logs

HEADER = "replica,step,observable,value\n"
Record = tuple[Any, int, str, float | None, str]


def read_records(path: Path) -> tuple[Trajectories, str]:
    """Read one file, as a spec beside it would; nothing is said of a table whose columns have their plain names."""
    recorded = read_logs(RecordedArguments(path=path.name), path.parent).at(None)
    return recorded.runs, recorded.fingerprint


def records() -> list[Record]:
    """Two histories of eleven numbered replicas; replica 10 of `hot` ends early, one value is null and one infinite."""
    found: list[Record] = []
    for history in ("hot", "cold"):
        for replica in (10, *range(10)):
            for step in (0, 5, 20)[: 2 if (history, replica) == ("hot", 10) else 3]:
                loss = None if (history, replica, step) == ("cold", 3, 20) else replica + step / 8
                found.append((replica, step, "loss", loss, history))
                accuracy = math.inf if (history, replica, step) == ("cold", 2, 0) else 1 / (replica + step + 1)
                found.append((replica, step, "accuracy", accuracy, history))
    return found


def columns(found: Sequence[Record]) -> dict[str, list[Any]]:
    """Return records as columns, with one more that is not read."""
    names = ("replica", "step", "observable", "value", "history")
    return {name: [record[i] for record in found] for i, name in enumerate(names)} | {"note": ["x"] * len(found)}


def write(folder: Path, text: str, name: str = "runs.csv") -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def write_csv(path: Path, found: Sequence[Record]) -> Path:
    """Write records as CSV."""
    table = columns(found)
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    return path


def write_json_lines(path: Path, found: Sequence[Record]) -> Path:
    """Write records as JSON, one object a line."""
    table = columns(found)
    lines = [json.dumps(dict(zip(table, row, strict=True))) for row in zip(*table.values(), strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_parquet(path: Path, found: Sequence[Record]) -> Path:
    """Write records as Parquet, or skip the test."""
    pyarrow = pytest.importorskip("pyarrow", reason="Parquet is read with the extra thermo-cli[parquet]")
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet is read with the extra thermo-cli[parquet]")
    parquet.write_table(pyarrow.table(columns(found)), path)
    return path


def write_tsv(path: Path, found: Sequence[Record]) -> Path:
    """Write records as TSV."""
    write_csv(path, found)
    path.write_text(path.read_text().replace(",", "\t"))
    return path


WRITERS = {
    "csv": write_csv,
    "tsv": write_tsv,
    "jsonl": write_json_lines,
    "ndjson": write_json_lines,
    "parquet": write_parquet,
}


def refused(path: Path) -> str:
    """Return the message that a file is refused with."""
    with pytest.raises(DataError) as caught:
        read_records(path)
    assert caught.value.remedy
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_every_importer_is_tested() -> None:
    """A suffix that is read is one whose records are held against those of the others below."""
    assert set(IMPORTERS) == {f".{suffix}" for suffix in WRITERS}


@pytest.mark.parametrize("suffix", WRITERS)
def test_each_format_gives_the_records(tmp_path: Path, suffix: str) -> None:
    """Every record is at its place, nothing else has a number, and the fingerprint is that of the bytes."""
    path = WRITERS[suffix](tmp_path / f"runs.{suffix}", records())
    recorded, fingerprint = read_records(path)
    order = [f"{history}/{replica}" for history in ("hot", "cold") for replica in range(11)]
    assert recorded.replicas == tuple(order)
    assert recorded.histories == ("hot",) * 11 + ("cold",) * 11
    assert list(recorded.values) == ["loss", "accuracy"]
    assert recorded.steps.dtype == np.int64
    np.testing.assert_array_equal(recorded.steps, [0, 5, 20])
    expected = {name: np.full((22, 3), np.nan) for name in recorded.values}
    for replica, step, observable, value, history in records():
        at = order.index(f"{history}/{replica}"), [0, 5, 20].index(step)
        expected[observable][at] = np.nan if value is None else value
    for name, values in recorded.values.items():
        assert values.dtype == np.float64
        np.testing.assert_array_equal(values, expected[name])
    assert fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()


def test_missing_ended_and_diverged_are_told_apart(tmp_path: Path) -> None:
    """A written nan is a value and no end; an empty cell, however it is written, and no row at all are no measurement."""
    rows = "a,0,loss,3\nb,0,loss,4\na,1,loss,2\na,2,loss,nan\nc,0,loss,5\nc,1,loss,\nc,2,loss,NULL\n"
    rows += "d,0,loss,6\nd,1,loss,#N/A\nd,2,loss,7\ne,2,loss,8\nf,0,loss,9\nf,1,loss,-inf\nf,2,loss,1\n"
    recorded, _ = read_records(write(tmp_path, HEADER + rows))
    assert recorded.states == ("diverged", "ended", "ended", "finished", "finished", "finished")
    assert not recorded.crashed.any()
    nan, inf = np.nan, np.inf
    expected = [[3, 2, inf], [4, nan, nan], [5, nan, nan], [6, nan, 7], [nan, nan, 8], [9, -inf, 1]]
    np.testing.assert_array_equal(recorded.values["loss"], expected)


def test_each_observable_has_its_own_steps(tmp_path: Path) -> None:
    """A loss at every step and a score at every other; who has no score at the last of its steps has not diverged."""
    rows = [f"{name},{step},loss,{step}" for name in "ab" for step in range(6)]
    rows += [f"{name},{step},score,{step}" for name in "ab" for step in (0, 2, 4)][:-1]
    recorded, _ = read_records(write(tmp_path, HEADER + "\n".join(rows) + "\n"))
    np.testing.assert_array_equal(recorded.logged["score"], [True, False] * 3)
    assert recorded.logged["loss"].all()
    assert recorded.states == ("finished", "finished")
    np.testing.assert_array_equal(recorded.finals["score"], [4, 2])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["10", "9", "-1", "9.5"], ["-1", "9", "9.5", "10"]),
        (["9007199254740993", "9007199254740992"], ["9007199254740992", "9007199254740993"]),
        (["10", "9", "a"], ["10", "9", "a"]),
        (["b", "a"], ["b", "a"]),
        (["inf", "3"], ["inf", "3"]),
    ],
)
def test_numbers_are_ordered_as_numbers_and_names_as_they_appear(
    tmp_path: Path, written: list[str], expected: list[str]
) -> None:
    """Replica 10 comes after 9 and not after 1; seeds beyond 2^53 keep their digits; text keeps the order of the file."""
    recorded, _ = read_records(write(tmp_path, HEADER + "".join(f"{name},0,loss,1\n" for name in written)))
    assert [name.removeprefix("recorded/") for name in recorded.replicas] == expected


def test_histories_that_alternate_are_grouped(tmp_path: Path) -> None:
    """Groups come in order of first appearance, and values follow their replicas."""
    text = "history,value,step,replica,observable\nhot,1,0,2,e\ncold,2,0,1,e\nhot,3,0,1,e\ncold,4,0,2,e\n"
    recorded, _ = read_records(write(tmp_path, text))
    assert recorded.replicas == ("hot/1", "hot/2", "cold/1", "cold/2")
    np.testing.assert_array_equal(recorded.values["e"], [[3], [1], [2], [4]])


def test_cells_are_read_as_other_programs_write_them(tmp_path: Path) -> None:
    """A byte order mark, blanks, blank lines, quotes, steps such as 10.0 and numbers in quotes mean what they say."""
    text = '\ufeff\n replica, step ,observable,value\r\n" 7 ",0.0,"a,b", 1e-3 \r\n\r\n'
    text += '7,1e1,"a,b",-Infinity\r\n7,20,"a,b",NA\r\n7,9007199254740993,"a,b",3\r\n'
    recorded, _ = read_records(write(tmp_path, text))
    assert recorded.replicas == ("recorded/7",)
    np.testing.assert_array_equal(recorded.steps, [0, 10, 2**53 + 1])
    np.testing.assert_array_equal(recorded.values["a,b"], [[0.001, -np.inf, 3]])
    lines = '{"replica": 7.0, "step": 0.0, "observable": "l", "value": NaN}\n \n'
    lines += '{"replica": "7", "step": "10", "observable": "l", "value": "2.5", "history": ""}'
    recorded, _ = read_records(write(tmp_path, lines, "runs.JSONL"))
    assert recorded.replicas == ("recorded/7",)
    np.testing.assert_array_equal(recorded.values["l"], [[np.inf, 2.5]])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("a,0,loss,1\na,1.5,loss,1\n", [":3: step", "whole number", "'1.5'"]),
        ("a,-1,loss,1\n", [":2: step", "0 or more", "'-1'"]),
        ("a,,loss,1\n", [":2: step", "whole number", "nothing"]),
        ("a,nan,loss,1\n", [":2: step", "whole number", "'nan'"]),
        ("a,inf,loss,1\n", [":2: step", "whole number", "'inf'"]),
        ("a,99999999999999999999,loss,1\n", [":2: step", "whole number"]),
        ("a,0,loss,1\na,1,loss,red\n", [":3: value", "expected a number", "'red'"]),
        ("a,0,loss,1_0\n", [":2: value", "expected a number", "'1_0'"]),
        ("a,0,loss,1\n ,0,loss,1\n", [":3: replica", "needs a name", "nothing"]),
        ("a,0,,1\n", [":2: observable", "needs a name", "nothing"]),
        ("a\x07,0,loss,1\n", [":2: replica", "needs a name", "'a\\x07'"]),
        ("a,0,loss,1\nb,0,loss\n", [":3: ", "4 cells", "3 cells"]),
        ('a,0,loss,1\nb,0,"loss,1\n', [":3: ", "cannot be read as CSV"]),
        ("", ["no records"]),
        ("\n\n", ["no records"]),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, rows: str, expected: list[str]) -> None:
    """Steps, values and names that mean nothing, ragged lines, open quotes, and a header alone."""
    message = refused(write(tmp_path, HEADER + rows))
    for part in expected:
        assert part in message


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("a,0,l,1\na,1,l,1\na,0,l,2\n", [":4: this record is there twice", "'l' of recorded/a at step 0", "csv:2"]),
        ("a,0,l,1\na,0,l,1\na,0,l,1\n", [":3: this record is there twice", "'history'"]),
        ("a,0,l,1\na,2,l,1\na,1,l,1\n", [":4: step: steps must increase", "'l' of recorded/a at step 1 after 2"]),
        ("a,0,l,1\na,0,m,1\nb,0,l,1\n", ["missing for some replicas", "no 'm' of recorded/b"]),
        ("a,0,l,1\nb,0,l,1\nb,0,m,1\n", ["missing for some replicas", "no 'm' of recorded/a"]),
        ("a,0,l,1\na,1,l,2\nb,0,l,\nb,1,l,NA\n", ["missing for some replicas", "no 'l' of recorded/b"]),
    ],
)
def test_records_that_leave_the_grid_are_named(tmp_path: Path, rows: str, expected: list[str]) -> None:
    """Duplicates, steps that go back, and an observable of which a replica has no value."""
    message = refused(write(tmp_path, HEADER + rows))
    for part in expected:
        assert part in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run,step,observable,value\na,0,l,1\n", [":1: there is no column 'replica'", "columns: run, step"]),
        ("replicas,step,observable,value\na,0,l,1\n", ["rename 'replicas' to 'replica'"]),
        ("replica,step,observable,Value\na,0,l,1\n", ["there is no column 'value'", "rename 'Value' to 'value'"]),
        ("replica;step;observable;value\na;0;l;1,5\n", ["there is no column 'replica'"]),
        ("replica,step,observable,value,step\na,0,l,1,0\n", [":1: two columns have the same name", "step"]),
        ("history,replica,step,observable,value\nh,a,0,l,1\n,b,0,l,1\n", [":3: history", "leave the column out"]),
        ("history,replica,step,observable,value\nh/a,b,0,l,1\nh,a/b,0,l,1\n", ["same name", "h/a/b"]),
        ("", ["no records"]),
    ],
)
def test_a_bad_header_is_refused(tmp_path: Path, text: str, expected: list[str]) -> None:
    """Columns that are missing (with the nearest name) or there twice, and histories that are not named everywhere."""
    message = refused(write(tmp_path, text))
    for part in expected:
        assert part in message


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"replica": 1,', [":2: this line is not JSON"]),
        ("[" * 100_000, [":2: this line is not JSON"]),
        ("[1, 0]", [":2: expected an object", "[1, 0]"]),
        ('{"replica": 1, "steps": 0, "observable": "l", "value": 1}', [":2: there is no column", "rename 'steps'"]),
        ('{"replica": 1, "step": 0, "observable": "l", "value": true}', [":2: value", "text or a number", "True"]),
        ('{"replica": [1], "step": 0, "observable": "l", "value": 1}', [":2: replica", "text or a number", "[1]"]),
        ('{"replica": 1, "step": true, "observable": "l", "value": 1}', [":2: step", "text or a number", "True"]),
        ('{"replica": 1, "step": 1.5, "observable": "l", "value": 1}', [":2: step", "whole number", "1.5"]),
        ('{"replica": null, "step": 0, "observable": "l", "value": 1}', [":2: replica", "needs a name", "nothing"]),
        ('{"replica": NaN, "step": 0, "observable": "l", "value": 1}', [":2: replica", "needs a name", "nan"]),
        ('{"replica": 1, "step": 0, "observable": "l", "value": 1' + "0" * 400 + "}", [":2: value", "a number"]),
    ],
)
def test_a_bad_json_line_is_named(tmp_path: Path, line: str, expected: list[str]) -> None:
    """Torn lines, lines that are no objects, keys that are missing, and cells that are neither text nor numbers."""
    good = '{"replica": 0, "step": 0, "observable": "l", "value": 1}\n'
    message = refused(write(tmp_path, good + line + "\n", "runs.jsonl"))
    for part in expected:
        assert part in message


def test_a_bad_parquet_file_is_refused(tmp_path: Path) -> None:
    """Half a file, a file without records, a missing column, and a cell with its row."""
    path = write_parquet(tmp_path / "runs.parquet", records())
    path.write_bytes(path.read_bytes()[:-20])
    assert "cannot be read as Parquet" in refused(path)
    assert "no records" in refused(write_parquet(path, []))
    assert "row 3: step: a step is a whole number" in refused(
        write_parquet(path, [("a", 0, "l", 1.0, "h"), ("b", 0, "l", 1.0, "h"), ("c", -1, "l", 1.0, "h")])
    )
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table({"replica": [1], "step": [0], "observable": ["l"], "values": [1]}), path)
    assert "rename 'values' to 'value'" in refused(path)


def test_parquet_without_its_reader_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the command."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert 'pip install "thermo-cli[parquet]"' in refused(write(tmp_path, "PAR1", "runs.parquet"))


def test_files_that_are_not_runs_are_refused(tmp_path: Path) -> None:
    """Another suffix, no file, a folder, and bytes that are no text."""
    assert ".csv, .jsonl, .ndjson, .parquet" in refused(write(tmp_path, HEADER, "runs.txt"))
    assert "there is no such file" in refused(tmp_path / "absent.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "regular files" in refused(tmp_path / "folder.csv")
    (tmp_path / "latin.csv").write_bytes(HEADER.encode() + b"\xe9,0,l,1\n")
    assert "UTF-8" in refused(tmp_path / "latin.csv")


def test_a_large_table_is_read_in_a_moment(tmp_path: Path) -> None:
    """64 replicas x 200 steps x 10 observables, no two values alike: under a second of this thread."""
    values = np.random.default_rng(1).standard_normal((200, 64, 10))
    found = [(r, s, f"o{o}", float(values[s, r, o]), "h") for s in range(200) for r in range(64) for o in range(10)]
    path = write_csv(tmp_path / "runs.csv", found)
    start = time.thread_time()
    recorded, _ = read_records(path)
    assert time.thread_time() - start < 1.0
    assert recorded.values["o3"].shape == (64, 200)
    np.testing.assert_array_equal(recorded.values["o3"], values[:, :, 3].T)


def test_numbers_whose_powers_overflow_have_diverged(tmp_path: Path) -> None:
    """What lies beyond 1e75 counts as infinite."""
    rows = "".join(f"{replica},{step},1.7e308\n" for replica in range(4) for step in range(3))
    (tmp_path / "big.csv").write_text(f"replica,step,score\n{rows}")
    runs, _ = read_records(tmp_path / "big.csv")
    assert np.isinf(runs.values["score"]).all()
