"""Columns of text, categories and gaps, in CSV and Parquet: fitted on the pool, refused with the place and the way out."""

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thermo_cli.contracts import Dataset
from thermo_cli.data.split import load_dataset
from thermo_cli.errors import DataError, SpecError, ThermoError
from thermo_cli.spec.data_parts import TableFileData

ONE_HOT = {"use": "sklearn.preprocessing:OneHotEncoder"}
TFIDF = {"use": "sklearn.feature_extraction.text:TfidfVectorizer"}


def columns() -> dict[str, list[Any]]:
    """Forty examples with a number, a category, a text, a gap, a group, a date and a class."""
    rows = range(40)
    return {
        "size": [float(i) for i in rows],
        "city": [("Bern", "Rome", "Oslo")[i % 3] for i in rows],
        "text": ["wet road" if i % 2 else "dry lane" for i in rows],
        "gap": [None if i % 5 == 0 else float(i) for i in rows],
        "who": [f"p{i % 8}" for i in rows],
        "day": [f"2026-01-{1 + i // 2:02d}" for i in rows],
        "kind": ["ab"[i // 2 % 2] for i in rows],
    }


def write(folder: Path, use: str, table: dict[str, list[Any]]) -> str:
    """Write a table and return its name."""
    name = f"t.{use}"
    if use == "parquet":
        pq.write_table(pa.table(table), folder / name)
    else:
        lines = [
            ",".join(table),
            *(",".join("" if c is None else str(c) for c in row) for row in zip(*table.values(), strict=True)),
        ]
        (folder / name).write_text("\n".join(lines) + "\n")
    return name


def load(folder: Path, use: str = "csv", table: dict[str, list[Any]] | None = None, **given: Any) -> Dataset:
    """Load a table with all columns but the size and the city dropped, unless said otherwise."""
    with_ = {"path": write(folder, use, table or columns()), "target": "kind"}
    rest = dict.fromkeys(("text", "gap", "who", "day"), "drop")
    with_["columns"] = rest | {"city": ONE_HOT} | given.pop("columns", {})
    return load_dataset(TableFileData.model_validate({"use": use, "with": with_, **given}), folder)


@pytest.mark.parametrize("use", ["csv", "parquet"])
def test_numbers_come_first_and_categories_after(tmp_path: Path, use: str) -> None:
    """One column of numbers, standardized, and three of zeros and ones, in the order of the alphabet."""
    dataset = load(tmp_path, use)
    assert dataset.x.shape[1] == 4
    np.testing.assert_allclose(dataset.x[:, 0].std(), 1)
    assert set(np.unique(dataset.x[:, 1:])) == {0.0, 1.0}
    np.testing.assert_array_equal(dataset.x[:, 1:].sum(axis=1), 1)


def test_csv_and_parquet_give_the_same_data(tmp_path: Path) -> None:
    """The same table has the same fingerprint, text columns and gaps included."""
    more = {"text": TFIDF, "gap": {"use": "sklearn.impute:SimpleImputer"}}
    assert load(tmp_path, "csv", columns=more).fingerprint == load(tmp_path, "parquet", columns=more).fingerprint


def test_transformers_see_the_pool_alone(tmp_path: Path) -> None:
    """The vocabulary, and what fills a gap, are those of the pool; the test set changes neither."""
    table, timed = columns(), {"split": {"use": "time", "column": "day"}, "test_fraction": 0.25}
    coded = {"text": TFIDF, "gap": {"use": "sklearn.impute:SimpleImputer"}}
    before = load_timed(tmp_path, table, coded, timed)
    table["text"][-1], table["gap"][-1] = "unheard words", 1e6
    after = load_timed(tmp_path, table, coded, timed)
    np.testing.assert_array_equal(before.x, after.x)
    assert after.x_test[-1].max() == 1e6


def load_timed(folder: Path, table: dict[str, list[Any]], coded: dict[str, Any], rest: dict[str, Any]) -> Dataset:
    """Load a table that is split by its day."""
    with_ = {
        "path": write(folder, "csv", table),
        "target": "kind",
        "columns": {"city": ONE_HOT, "who": "drop", **coded},
    }
    return load_dataset(TableFileData.model_validate({"use": "csv", "with": with_, **rest}), folder)


@pytest.mark.parametrize(
    ("column", "part", "expected"),
    [
        (
            "city",
            {"use": "sklearn.preprocessing:OneHotEncoder", "with": {"unknown": 1}},
            ["takes no unknown", "handle_unknown"],
        ),
        ("city", {"use": "sklearn.preprocessing:OneHotEncoder", "with": {"drop": 3}}, ["cannot be fitted", "drop"]),
        ("city", {"use": "sklearn.preprocessing:StandardScaler"}, ["cannot be fitted", "could not convert"]),
        ("city", {"use": "sklearn.linear_model:Ridge"}, ["no scikit-learn transformer"]),
        ("city", {"use": "sklearn.preprocessing:OneHotEncodr"}, ["did you mean 'OneHotEncoder'"]),
        ("city", {"use": "os:system"}, ["--allow os"]),
        ("gap", {"use": "sklearn.preprocessing:StandardScaler"}, ["finite numbers", "SimpleImputer"]),
        ("cty", ONE_HOT, ["data.with.columns.cty: ", "no such column", "did you mean 'city'", "t.csv"]),
        ("kind", ONE_HOT, ["data.with.columns.kind: ", "the target is no feature"]),
    ],
)
def test_a_bad_entry_is_refused(tmp_path: Path, column: str, part: Any, expected: list[str]) -> None:
    """Unknown arguments, values, classes, packages, columns."""
    with pytest.raises(ThermoError) as caught:
        load(tmp_path, columns={column: part})
    assert isinstance(caught.value, DataError | SpecError)
    for words in expected:
        assert words in str(caught.value)


@pytest.mark.parametrize("use", ["csv", "parquet"])
def test_what_the_split_goes_by_may_be_dropped_too(tmp_path: Path, use: str) -> None:
    """`drop` says that a column is no feature, and so does the split; a transformer says the contrary."""
    timed: dict[str, Any] = {"split": {"use": "time", "column": "day"}}
    dataset = load(tmp_path, use, **timed)
    with_ = {
        "path": f"t.{use}",
        "target": "kind",
        "columns": {"city": ONE_HOT, "text": "drop", "gap": "drop", "who": "drop"},
    }
    part = TableFileData.model_validate({"use": use, "with": with_, **timed})
    assert dataset.fingerprint == load_dataset(part, tmp_path).fingerprint
    for column, words in (("day", "data.with.columns.day: what the split goes by"), ("kind", "data.split.column: ")):
        with pytest.raises(DataError, match=words):
            load(tmp_path, use, columns={"day": ONE_HOT}, split={"use": "time", "column": column})


def test_transformers_follow_each_other(tmp_path: Path) -> None:
    """Gaps are filled, and then the column is standardized, by the pool."""
    chain = [{"use": "sklearn.impute:SimpleImputer"}, {"use": "sklearn.preprocessing:StandardScaler"}]
    dataset = load(tmp_path, columns={"gap": chain, "city": "drop"})
    np.testing.assert_allclose([dataset.x[:, 1].mean(), dataset.x[:, 1].std()], [0, 1], atol=1e-12)


@pytest.mark.parametrize(("name", "tool"), [("city", "OneHotEncoder"), ("gap", "SimpleImputer")])
@pytest.mark.parametrize("use", ["csv", "parquet"])
def test_a_column_without_an_entry_says_how_to_add_one(tmp_path: Path, use: str, name: str, tool: str) -> None:
    """Text and gaps where numbers should be: the place, and an entry that can be copied."""
    table = {key: cells for key, cells in columns().items() if key in ("size", name, "kind")}
    part = {"use": use, "with": {"path": write(tmp_path, use, table), "target": "kind"}}
    with pytest.raises(DataError) as caught:
        load_dataset(TableFileData.model_validate(part), tmp_path)
    assert tool in str(caught.value)
    assert f"t.{use}:{'2' if use == 'csv' else 'row 1'}: {name}" in str(caught.value)


def test_a_new_category_in_the_test_set_is_named(tmp_path: Path) -> None:
    """Column, value and line; with handle_unknown: ignore it is a row of zeros."""
    table = columns()
    table["city"][-1] = "Lima"
    timed = {"split": {"use": "time", "column": "day"}}
    dropped = {"text": "drop", "gap": "drop"}
    with pytest.raises(DataError) as caught:
        load_timed(tmp_path, table, dropped, timed)
    for part in ("not in the pool", "city: 'Lima'", "t.csv:41", "handle_unknown: ignore"):
        assert part in str(caught.value)
    ignoring = {"city": {**ONE_HOT, "with": {"handle_unknown": "ignore"}}, **dropped}
    np.testing.assert_array_equal(load_timed(tmp_path, table, ignoring, timed).x_test[-1, 1:], 0)


def test_a_transformer_that_draws_uses_the_seed_of_the_split(tmp_path: Path) -> None:
    """Nobody touches the global generator, and the same spec gives the same data."""
    part = {"size": {"use": "sklearn.random_projection:GaussianRandomProjection", "with": {"n_components": 1}}}
    np.random.seed(1)  # noqa: NPY002, TID251 - to see whether it is moved
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert load(tmp_path, columns=part).fingerprint == load(tmp_path, columns=part).fingerprint
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_a_parquet_file_of_every_type(tmp_path: Path) -> None:
    """Whole numbers, truth values, dictionaries, decimals and dates; nested cells are refused."""
    table = pa.table(
        {
            "n": pa.array(range(40), pa.int32()),
            "price": pa.array([Decimal(i) for i in range(40)]),
            "flag": pa.array([i % 2 == 0 for i in range(40)]),
            "city": pa.array(columns()["city"]).dictionary_encode(),
            "kind": columns()["kind"],
            "at": pa.array([i * 10**9 + 7 for i in range(40)], pa.timestamp("ns")),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    spec = {"use": "parquet", "with": {"path": "t.parquet", "target": "kind", "columns": {"city": ONE_HOT}}}
    spec |= {"split": {"use": "time", "column": "at"}}
    assert load_dataset(TableFileData.model_validate(spec), tmp_path).x.shape[1] == 6
    pq.write_table(table.append_column("deep", pa.array([[1]] * 40)), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="numbers, text or dates"):
        load_dataset(TableFileData.model_validate(spec), tmp_path)


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"thermo-cli\[parquet\]"):
        load(tmp_path, "parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1 nonsense PAR1"])
def test_a_torn_parquet_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, or no Parquet at all."""
    (tmp_path / "t.parquet").write_bytes(content)
    spec = TableFileData.model_validate({"use": "parquet", "with": {"path": "t.parquet", "target": "y"}})
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        load_dataset(spec, tmp_path)


@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.duration("s")])
def test_a_time_that_python_cannot_hold_is_refused(tmp_path: Path, kind: pa.DataType) -> None:
    """The year 146,000 and longer."""
    table = pa.table({"at": pa.array([2**62 + i for i in range(40)], kind), "y": [float(i % 3) for i in range(40)]})
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        load_dataset(
            TableFileData.model_validate({"use": "parquet", "with": {"path": "t.parquet", "target": "y"}}), tmp_path
        )
