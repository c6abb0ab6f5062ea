"""Columns of tables, and files of them: what is missing, text that no file can hold, chunks, whole or absent."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from thermo_cli.characters import visible
from thermo_cli.errors import StoreError, UsageError
from thermo_cli.store import files
from thermo_cli.store.columns import Columns, coded, integers, joined, numbers, texts, truths
from thermo_cli.store.parquet import check_pyarrow, write_parquet


def chunk(*words: str | None) -> Columns:
    """A small table with every kind of column."""
    some = range(len(words))
    return {
        "text": texts(words),
        "whole": integers([None if word is None else place for place, word in enumerate(words)]),
        "number": numbers([float("nan") if word is None else 0.5 for word in words]),
        "truth": truths([True for _ in some]),
    }


def test_what_is_missing_is_missing_in_the_file(tmp_path: Path) -> None:
    """Nothing, NaN and infinities are null; the types do not depend on it."""
    assert write_parquet(tmp_path / "t.parquet", [chunk("a", None), chunk(None)]) == 3
    read = pq.read_table(tmp_path / "t.parquet")
    assert read.to_pydict() == {
        "text": ["a", None, None],
        "whole": [0, None, None],
        "number": [0.5, None, None],
        "truth": [True, True, True],
    }
    assert [str(kind) for kind in read.schema.types][1:] == ["int64", "double", "bool"]
    assert numbers([1, np.inf, None]).missing.tolist() == [False, True, True]


def test_chunks_with_other_words_join() -> None:
    """Codes are translated; nothing stays nothing."""
    whole = joined([chunk("a", "b"), chunk(None, "c", "a")])["text"]
    assert whole.words == ("a", "b", "c")
    assert whole.values.tolist() == [0, 1, -1, 2, 0]
    assert whole.missing.tolist() == [False, False, True, False, False]


def test_text_that_no_file_can_hold_is_visible(tmp_path: Path) -> None:
    """Lone surrogates and control characters; two texts that look alike then share a code."""
    evil = "\ud800\x1b[31m\x00"
    column = coded(np.array([0, 1, 2, -1]), (evil, "plain", visible(evil)))
    assert column.words == (r"\ud800\x1b[31m\x00", "plain")
    assert column.values.tolist() == [0, 1, 0, -1]
    write_parquet(tmp_path / "t.parquet", [{evil: column}])
    assert pq.read_table(tmp_path / "t.parquet").column_names == [visible(evil)]
    assert visible("line\nand\ttab, ünïcode 🌡") == "line\nand\ttab, ünïcode 🌡"


def test_a_table_that_breaks_off_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error on the way, or a full disk: the older file is whole, and nothing lies beside it."""
    path = tmp_path / "t.parquet"
    write_parquet(path, [chunk("old")])

    def breaking() -> Iterator[Columns]:
        yield chunk("new")
        raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        write_parquet(path, breaking())

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StoreError, match="disk is full"):
        write_parquet(path, [chunk("new")])
    assert pq.read_table(path)["text"].to_pylist() == ["old"]
    assert [one.name for one in tmp_path.iterdir()] == ["t.parquet"]


def test_without_pyarrow_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is judged."""
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(UsageError, match="not installed") as error:
        check_pyarrow()
    assert 'pip install "thermo-cli[parquet]"' in error.value.remedy
