"""What people write into tables: gaps, other notations of numbers, partial dates, other encodings and separators."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thermo_cli.contracts import Examples
from thermo_cli.data.dates import year_first
from thermo_cli.data.sources import npz_file, table_file
from thermo_cli.errors import DataError
from thermo_cli.spec.data_parts import NpzData, TableFileData

IMPUTE = {"use": "sklearn.impute:SimpleImputer"}
ROWS = 24


def table(**more: list[Any]) -> dict[str, list[Any]]:
    """A number and a class, with further columns."""
    return {"size": [i / 7 for i in range(ROWS)], "kind": ["ab"[i % 2] for i in range(ROWS)]} | more


def load(folder: Path, use: str, content: dict[str, list[Any]], target: str = "kind", **given: Any) -> Examples:
    """Write columns in a format, and read them."""
    task, entries = given.pop("task", None), given.pop("columns", {})
    if use == "npz":
        arrays = {name: np.array(cells) for name, cells in content.items()}
        np.savez(folder / "t.npz", x=arrays["size"][:, None], **arrays)
        if "split" in given:
            given["split"] = {"use": given["split"]["use"], "array": given["split"]["column"]}
        part = {"use": "npz", "with": {"path": "t.npz", "target": target, "task": task}}
        return npz_file.load(NpzData.model_validate(part | given), folder)
    if use == "parquet":
        pq.write_table(pa.table(content), folder / "t.parquet")
    else:
        lines = [",".join(map(str, row)) for row in zip(*content.values(), strict=True)]
        (folder / "t.csv").write_text("\n".join([",".join(content), *lines]) + "\n")
    part = {"use": use, "with": {"path": f"t.{use}", "target": target, "task": task, "columns": entries}}
    return getattr(table_file, use)(TableFileData.model_validate(part | given), folder)


def refused(folder: Path, use: str, content: dict[str, list[Any]], **given: Any) -> str:
    """Return the message with which a table is refused."""
    with pytest.raises(DataError) as caught:
        load(folder, use, content, **given)
    return str(caught.value)


@pytest.mark.parametrize("marker", ["NA", "n/a", "null", "?", "-", "", "NaN"])
@pytest.mark.parametrize("use", ["csv", "parquet", "npz"])
@pytest.mark.parametrize("role", ["target", "time", "grouped"])
def test_a_gap_is_a_gap_wherever_it_stands(tmp_path: Path, use: str, marker: str, role: str) -> None:
    """In a target, in times and in groups, in every format: the cell is named, and nothing is learned from it."""
    cells: list[Any] = [f"2026-01-{1 + i:02d}" for i in range(ROWS)]
    cells[5] = marker
    given = {"target": "odd", "task": "classification"} if role == "target" else {}
    given |= {"split": {"use": role, "column": "odd"}} if role != "target" else {}
    words = refused(tmp_path, use, table(odd=cells), **given)
    assert "missing" in words
    assert {"csv": "t.csv:7: odd", "parquet": "row 6: odd", "npz": "example 6: odd"}[use] in words


@pytest.mark.parametrize("use", ["csv", "parquet"])
def test_markers_are_filled_like_empty_cells(tmp_path: Path, use: str) -> None:
    """A column of numbers with NA and ? stays one of numbers for its transformer, and is refused without one."""
    cells = [str(i) for i in range(ROWS)]
    cells[3], cells[9] = "NA", "?"
    examples = load(tmp_path, use, table(gap=cells), columns={"gap": IMPUTE})
    pool, test = np.arange(20), np.arange(20, 24)
    assert examples.encode is not None
    assert examples.encode(pool, test, 0)[0][3, 0] == pytest.approx(np.mean([i for i in pool if i not in (3, 9)]))
    words = refused(tmp_path, use, table(gap=cells))
    assert "'NA'" in words
    assert "'?'" in words
    assert "SimpleImputer" in words


def test_gaps_in_text_can_be_filled_too(tmp_path: Path) -> None:
    """The most frequent word fills a gap; for an encoder a gap is a category of its own, however it is written."""
    cells = ["x"] * 12 + ["y"] * 9 + ["", "NA", "-"]
    fill = [{**IMPUTE, "with": {"strategy": "most_frequent"}}, {"use": "sklearn.preprocessing:OneHotEncoder"}]
    everything = np.arange(ROWS)
    filled = load(tmp_path, "csv", table(word=cells), columns={"word": fill})
    coded = load(tmp_path, "csv", table(word=cells), columns={"word": fill[1]})
    assert filled.encode is not None
    assert coded.encode is not None
    assert filled.encode(everything, everything, 0)[0].sum(axis=0).tolist() == [15, 9]
    assert coded.encode(everything, everything, 0)[0].sum(axis=0).tolist() == [3, 12, 9]


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda i: f'"{i},{i}5"', ["decimal commas", "3.35"]),
        (lambda i: f'"{i + 1},250"', ["commas", "4250 or 4.250, whichever is meant"]),
        (lambda i: f'"{i + 1},250.50"', ["commas between thousands", "4250.50"]),
        (lambda i: f'"1.{100 + i},5"', ["decimal commas", "1103.5"]),
        (lambda i: f"{i}_0", ["underscores", "30"]),
        (lambda i: f"{i} %", ["per cent", "3"]),
        (lambda i: f"${i}.5", ["currencies", "3.5"]),
        (lambda i: f"1'{100 + i}.5", ["apostrophes", "1103.5"]),
    ],
)
@pytest.mark.parametrize("role", ["target", "feature"])
def test_numbers_in_another_notation_are_recognised(tmp_path: Path, write: Any, words: list[str], role: str) -> None:
    """No regression becomes a classification of two dozen classes; the notation is named, and how to write it."""
    lines = [f"{i},{write(i)},{'ab'[i % 2]}" for i in range(3, ROWS)]
    (tmp_path / "t.csv").write_text("\n".join(["size,price,kind", *lines]) + "\n")
    part = {"use": "csv", "with": {"path": "t.csv", "target": "price" if role == "target" else "kind"}}
    part["with"]["columns"] = {"kind": "drop"} if role == "target" else {}
    with pytest.raises(DataError) as caught:
        table_file.csv(TableFileData.model_validate(part), tmp_path)
    for word in [*words, "t.csv:2: price"]:
        assert word in str(caught.value)


@pytest.mark.parametrize("use", ["csv", "parquet", "npz"])
def test_words_among_the_numbers_of_a_target_are_named(tmp_path: Path, use: str) -> None:
    """Unless the spec says that they are classes, or they are frequent as classes are."""
    cells = [f"{i}.5" for i in range(ROWS)]
    cells[7] = "twelve"
    words = refused(tmp_path, use, table(age=cells), target="age", columns={"kind": "drop"})
    assert "'twelve'" in words
    assert {"csv": "t.csv:9: age", "parquet": "row 8: age", "npz": "example 8: age"}[use] in words
    drop = {} if use == "npz" else {"columns": {"kind": "drop"}}
    said = load(tmp_path, use, table(age=cells), target="age", task="classification", **drop)
    assert len(said.labels) == ROWS
    bands = [("1", "2", "3+")[i % 3] for i in range(ROWS)]
    assert load(tmp_path, use, table(age=bands), target="age", **drop).labels == ("1", "2", "3+")


def test_all_that_is_wrong_with_a_table_is_told_at_once(tmp_path: Path) -> None:
    """A short line, a gap, a word among numbers, text without an entry, and gaps in the target and the times."""
    lines = [f"{i},{i},red,2026-01-{i:02d},{i}.5" for i in range(1, ROWS)]
    lines[2], lines[4], lines[6] = "1,2,red", "5,,red,2026-01-05,NA", "x,7,red,yesterday,7.5"
    (tmp_path / "t.csv").write_text("\n".join(["a,b,colour,when,y", *lines]) + "\n")
    part = {"use": "csv", "with": {"path": "t.csv", "target": "y"}, "split": {"use": "time", "column": "when"}}
    with pytest.raises(DataError) as caught:
        table_file.csv(TableFileData.model_validate(part), tmp_path)
    for place in ("t.csv:4: ", "t.csv:8: a", "t.csv:6: b", "t.csv:2: colour", "t.csv:6: y", "t.csv:8: when"):
        assert place in str(caught.value)
    part["with"] = {"path": "t.csv", "target": "z", "columns": {"hue": "drop"}}
    with pytest.raises(DataError) as caught:
        table_file.csv(TableFileData.model_validate(part), tmp_path)
    assert "received: z" in str(caught.value)
    assert "received: hue" in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "late"),
    [
        (["2023.9", "2023.10", "2023.2", "2022.11"], "2023.10"),
        (["2023-09", "2023-10", "2023-02", "2023"], "2023-10"),
        (["2023Q4", "2023Q1", "2023Q2", "2022Q4"], "2023Q4"),
        (["2023/1/9", "2023/1/10", "2023/1/2", "2022/12/30"], "2023/1/10"),
        (["2023.5", "2023.25", "2023.75", "2023.125"], "2023.75"),
    ],
)
@pytest.mark.parametrize("use", ["csv", "parquet", "npz"])
def test_partial_dates_have_their_order(tmp_path: Path, use: str, cells: list[str], late: str) -> None:
    """October comes after September though 2023.10 is the smaller number; fractions of a year stay numbers."""
    examples = load(tmp_path, use, table(when=cells * 6), split={"use": "time", "column": "when"})
    assert examples.key is not None
    assert {(cells * 6)[i] for i in np.flatnonzero(examples.key == examples.key.max())} == {late}


def test_dates_that_can_be_read_in_two_ways_are_refused(tmp_path: Path) -> None:
    """The day or the month first; and months that were saved as fractions, so that October is lost."""
    given: dict[str, Any] = {"split": {"use": "time", "column": "when"}}
    assert "the day or with the month" in refused(tmp_path, "csv", table(when=["01/02/2023"] * ROWS), **given)
    lost = [2023.1, 2023.2, 2023.11, 2023.9] * 6
    assert "January or October" in refused(tmp_path, "parquet", table(when=lost), **given)
    assert "January or October" in refused(tmp_path, "npz", table(when=lost), **given)


@pytest.mark.parametrize(
    ("cells", "plain"),
    [
        (["13.07.2022", "?", "01.02.2023 08:30"], ["2022-07-13", "?", "2023-02-01 08:30"]),
        (["7/13/2022", "12/1/2022"], ["2022-07-13", "2022-12-01"]),
        (["01-01-2022", "01-01-2022"], ["2022-01-01", "2022-01-01"]),
        (["01/02/2023", "03/04/2023"], None),
        (["13/01/2023", "01/13/2023"], None),
        (["13.07.2022", "soon"], None),
        (["31.02.2022"], None),
        (["?", ""], None),
        (["2022-07-13"], None),
    ],
)
def test_the_column_says_whether_the_day_comes_first(cells: list[str], plain: list[str] | None) -> None:
    """A part above 12 is a day; where both orders are possible, or none, nothing is changed."""
    assert year_first(cells) == (None if plain is None else tuple(plain))


def test_dates_that_the_column_decides_are_no_riddle(tmp_path: Path) -> None:
    """What begins with the day for certain is not said to be in doubt; the command that rewrites it is."""
    given: dict[str, Any] = {"split": {"use": "time", "column": "when"}}
    said = refused(tmp_path, "csv", table(when=["13.07.2022", *["01.02.2023"] * (ROWS - 1)]), **given)
    assert "do not begin with the year" in said
    assert "or with the month" not in said
    assert "--example" in said


LINES = "größe,kind\n" + "".join(f"{i},{'äb'[i % 2]}\n" for i in range(ROWS))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (LINES.encode("latin-1"), ["windows-1252", "größe", "t.csv:1", "--example t.csv --into DIR"]),
        (LINES.encode("utf-16"), ["utf-16"]),
        (LINES.encode("utf-16-le"), ["utf-16"]),
        (LINES.replace(",", ";").encode(), ["semicolons", "t.csv:1", "--example t.csv --into DIR"]),
        (LINES.replace(",", "\t").encode(), ["tabs"]),
        (LINES.replace(",", "|").encode(), ["bars"]),
        (b"5.1,3.5,a\n4.9,3.0,b\n", ["no such target column", "looks like values"]),
    ],
)
def test_what_is_no_plain_csv_file_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, words: list[str]
) -> None:
    """Encodings, separators and a missing header are named with the way out; a byte order mark does no harm."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_bytes(data)
    part = TableFileData.model_validate({"use": "csv", "with": {"path": "t.csv", "target": "kind"}})
    with pytest.raises(DataError) as caught:
        table_file.csv(part, tmp_path)
    for word in words:
        assert word in str(caught.value)
    (tmp_path / "t.csv").write_bytes(LINES.encode("utf-8-sig"))
    assert table_file.csv(part, tmp_path).labels == ("b", "ä")


def test_a_record_over_several_lines_is_named_by_its_first(tmp_path: Path) -> None:
    """Quoted line breaks do not shift the lines that are named; lines of commas alone are no examples."""
    (tmp_path / "t.csv").write_text('a,note,y\n1,"two\nlines",0\n,,\n\n2,"x\ny",NA\n3,z,1\n')
    columns = {"note": {"use": "sklearn.preprocessing:OneHotEncoder"}}
    part = {"use": "csv", "with": {"path": "t.csv", "target": "y", "columns": columns}}
    with pytest.raises(DataError, match=r"t\.csv:6: y"):
        table_file.csv(TableFileData.model_validate(part), tmp_path)
