"""What is on disk is whole, or refused."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thermo_cli.errors import StoreError
from thermo_cli.store import files
from thermo_cli.store.files import ArrayFile, read_arrays, read_record, write_arrays, write_text

ARRAYS = {
    "a": np.arange(12.0).reshape(3, 4).T,
    "b": np.array([1, 2], dtype=np.int64),
    "empty": np.zeros((0, 3), dtype=np.float32),
    "one number": np.array(3.0, dtype=np.float32),
}


def test_arrays_come_back_as_they_went(tmp_path: Path) -> None:
    """Also those that are not contiguous, which the library below would write wrongly."""
    write_arrays(tmp_path / "f", ArrayFile(ARRAYS, {"step": 3}))
    read = read_arrays(tmp_path / "f")
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read.arrays[name], array)
        assert (read.arrays[name].dtype, read.arrays[name].shape) == (array.dtype, array.shape)
    assert read.record["step"] == 3


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    """The order in which arrays are given does not matter."""
    write_arrays(tmp_path / "f", ArrayFile(ARRAYS))
    write_arrays(tmp_path / "g", ArrayFile(dict(reversed(ARRAYS.items()))))
    assert (tmp_path / "f").read_bytes() == (tmp_path / "g").read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.data())
def test_a_flipped_bit_is_found(tmp_path: Path, data: st.DataObject) -> None:
    """Anywhere in the arrays, where the file format itself would not notice."""
    write_arrays(tmp_path / "f", ArrayFile(ARRAYS))
    content = bytearray((tmp_path / "f").read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    content[data.draw(st.integers(start, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(StoreError, match="checksum"):
        read_arrays(tmp_path / "f")


def test_torn_missing_and_newer_files_are_refused(tmp_path: Path) -> None:
    """Each with its reason."""
    with pytest.raises(StoreError, match="cannot be read"):
        read_arrays(tmp_path / "absent")
    write_arrays(tmp_path / "f", ArrayFile(ARRAYS))
    content = (tmp_path / "f").read_bytes()
    (tmp_path / "f").write_bytes(content[:-9])
    with pytest.raises(StoreError, match="cannot be read"):
        read_arrays(tmp_path / "f")
    write_arrays(tmp_path / "f", ArrayFile(ARRAYS, {"schema_version": 99}))
    with pytest.raises(StoreError, match="another version"):
        read_arrays(tmp_path / "f")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.data())
def test_a_flipped_bit_of_the_record_is_found(tmp_path: Path, data: st.DataObject) -> None:
    """Anywhere in the head of the file, names and shapes of the arrays among it; a blank that fills it up means nothing."""
    record = {"kind": "segment", "run": "01234567", "rows": ["cold/0", "cold/1"], "sequence": 3, "follows": "0" * 64}
    write_arrays(tmp_path / "f", ArrayFile(ARRAYS, record))
    content = bytearray((tmp_path / "f").read_bytes())
    head = 8 + int.from_bytes(content[:8], "little")
    content[data.draw(st.integers(0, head - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (tmp_path / "f").write_bytes(content)
    try:
        read = read_arrays(tmp_path / "f")
    except StoreError:
        return
    assert {name: read.record[name] for name in record} == record
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read.arrays[name], array)


def test_a_file_of_another_place_is_refused(tmp_path: Path) -> None:
    """By what its record says and what was expected; what is not asked for may be anything."""
    write_arrays(tmp_path / "f", ArrayFile(ARRAYS, {"run": "aaaaaaaa", "shard": "cold-0000"}))
    assert read_arrays(tmp_path / "f", {"shard": "cold-0000"}).record["run"] == "aaaaaaaa"
    with pytest.raises(StoreError, match="belongs elsewhere") as caught:
        read_arrays(tmp_path / "f", {"run": "bbbbbbbb", "shard": "cold-0000"})
    assert "run 'aaaaaaaa', expected 'bbbbbbbb'" in str(caught.value)
    assert read_record(tmp_path / "f") == read_arrays(tmp_path / "f").record


def test_a_full_disk_keeps_the_old_file_and_leaves_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old content stays, the temporary file goes, the message says what to do."""
    write_text(tmp_path / "f", "old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StoreError, match="disk is full") as caught:
        write_text(tmp_path / "f", "new")
    assert "free space and give the same command again" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_text() == "old"
