"""What is worth a look in a table that can be learned from: told in the plan, before training, and in the report."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thermo_cli.data.remarks import remarks_of
from thermo_cli.data.split import load_dataset
from thermo_cli.experiment import prepare
from thermo_cli.plan import describe
from thermo_cli.spec import load_spec
from thermo_cli.spec.data_parts import NpzData, TableFileData

ROWS = 60
ONE_HOT = {"use": "sklearn.preprocessing:OneHotEncoder", "with": {"handle_unknown": "ignore"}}
SPEC = """\
name: look
data: {use: csv, with: {path: t.csv, target: y, columns: {}}}
system: {use: "sklearn.linear_model:LogisticRegression"}
dynamics: {use: fit}
ensemble: {replicas: 4, subsample: {fraction: 0.8, stratified: true}, controls: {same_bath: 0, twin: 0}}
"""
NOISE = np.random.default_rng(0).normal(size=ROWS)


def write(folder: Path, **columns: list[Any]) -> None:
    """Write a table with a column of noise, and classes unless there are others."""
    columns = {"noise": NOISE.tolist()} | columns
    columns.setdefault("y", ["ab"[int(value > 0)] for value in np.roll(NOISE, 7)])
    lines = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    (folder / "t.csv").write_text("\n".join([",".join(columns), *lines]) + "\n")


def remarks(folder: Path, entries: dict[str, Any] | None = None, **columns: list[Any]) -> str:
    """Return what is said of a table."""
    write(folder, **columns)
    part = {"use": "csv", "with": {"path": "t.csv", "target": "y", "columns": entries or {}}}
    return "\n".join(remarks_of(load_dataset(TableFileData.model_validate(part), folder)))


@pytest.mark.parametrize(
    ("name", "cells", "words"),
    [
        ("", list(range(ROWS)), ["counts the rows", "`'': drop`"]),
        ("Unnamed: 0", [i * 3 for i in range(ROWS)], ["an index", "`'Unnamed: 0': drop`"]),
        ("place", list(range(ROWS, 0, -1)), ["an index", "`place: drop`"]),
        ("shuffled", np.random.default_rng(1).permutation(ROWS).tolist(), ["an index"]),
        ("customer_id", [i * i + 5 for i in range(ROWS)], ["an id", "`customer_id: drop`"]),
        ("version", [3] * ROWS, ["constant", "`version: drop`"]),
    ],
)
def test_numbers_that_tell_nothing_are_named(tmp_path: Path, name: str, cells: list[Any], words: list[str]) -> None:
    """An index, an id or a constant; dropped, nothing is said."""
    said = remarks(tmp_path, **{name: cells})
    for word in words:
        assert word in said
    assert remarks(tmp_path, {name: "drop"}, **{name: cells}) == ""


@pytest.mark.parametrize(
    "cells", [[i % 9 for i in range(ROWS)], [round(value, 1) for value in NOISE * 40], [i * i for i in range(ROWS)]]
)
def test_plain_numbers_are_let_be(tmp_path: Path, cells: list[Any]) -> None:
    """Counts, measurements and squares are no ids."""
    assert remarks(tmp_path, **{"size": cells}) == ""


def test_words_that_tell_nothing_are_named(tmp_path: Path) -> None:
    """As many categories as rows, one category, and words that differ in case alone."""
    columns = {"who": [f"p{i}" for i in range(ROWS)], "land": ["DE"] * ROWS, "paid": ["yes", "No", "YES"] * (ROWS // 3)}
    said = remarks(tmp_path, dict.fromkeys(columns, ONE_HOT), **columns)
    assert "who has 60 distinct values in 60 rows" in said
    assert "land is constant" in said
    assert "values of paid differ in upper and lower case alone: YES, yes" in said


def test_a_copy_of_the_target_is_named(tmp_path: Path) -> None:
    """As codes, as words, and as another unit of a number; a column that only goes with it is not."""
    classes = ["abc"[i % 3] for i in range(ROWS)]
    codes, words = [i % 3 * 7 for i in range(ROWS)], [("low", "mid", "high")[i % 3] for i in range(ROWS)]
    said = remarks(tmp_path, {"word": ONE_HOT}, y=classes, code=codes, word=words)
    assert "code tells the target in every row" in said
    assert "word tells the target in every row" in said
    assert "copy" not in remarks(tmp_path, y=classes, code=[1, *codes[1:]])
    cents = [round(value * 100, 4) for value in NOISE[::-1].round(2)]
    assert "cents tells the target" in remarks(tmp_path, y=NOISE[::-1].round(2).tolist(), cents=cents)


def test_rows_that_repeat_others_are_counted(tmp_path: Path) -> None:
    """In every feature and the target, whatever a dropped column says; not within groups, and not by their target alone."""
    noise, row = [*NOISE[:-3].tolist(), *NOISE[:3].tolist()], list(range(ROWS))
    word, given = ["red" if value > 0 else "blue" for value in noise], {"id": "drop", "word": ONE_HOT}
    columns: dict[str, list[Any]] = {
        "noise": noise,
        "id": row,
        "word": word,
        "y": ["ab"[value > 0.3] for value in noise],
    }
    said = remarks(tmp_path, given, **columns)
    assert "3 of 60 rows repeat another one, target and all, such as line 59 and line 2" in said
    other = ["a" if place >= ROWS - 3 else "b" for place in row]
    for change in ({"word": [*word[:-3], *"xyz"]}, {"y": other}, {"noise": NOISE.tolist()}):
        assert "repeat" not in remarks(tmp_path, given, **columns | change)
    write(tmp_path, **columns)
    split = {"use": "grouped", "column": "id"}
    part = {"use": "csv", "with": {"path": "t.csv", "target": "y", "columns": {"word": ONE_HOT}}, "split": split}
    assert "repeat" not in "".join(remarks_of(load_dataset(TableFileData.model_validate(part), tmp_path)))


def test_doubtful_classes_are_named(tmp_path: Path) -> None:
    """Those that differ in case alone, and those with a handful of examples."""
    said = remarks(tmp_path, y=["Yes", "Yes"] + ["no", "yes"] * (ROWS // 2 - 1))
    assert "differ in upper and lower case alone: Yes, yes" in said
    assert "fewer than 10 examples" in said
    assert "Yes (2)" in said


def test_an_index_among_the_features_of_an_array_is_named(tmp_path: Path) -> None:
    """By its number; constant ones are counted."""
    x = np.column_stack([NOISE, np.arange(ROWS), np.zeros(ROWS), np.ones(ROWS)])
    np.savez(tmp_path / "d.npz", x=x, y=NOISE > 0)
    said = remarks_of(load_dataset(NpzData.model_validate({"use": "npz", "with": {"path": "d.npz"}}), tmp_path))
    assert any("feature 2 counts the examples" in remark for remark in said)
    assert any("2 of 4 features are constant" in remark for remark in said)


def planned(folder: Path, *overrides: str) -> str:
    """Return the plan of the table that has been written."""
    (folder / "s.yaml").write_text(SPEC)
    return describe(prepare(load_spec(folder / "s.yaml", list(overrides)), folder, folder / "results"), 1)


def test_the_plan_counts_the_classes_and_names_what_serves_them(tmp_path: Path) -> None:
    """Skewed classes come with lines to paste; pasted, nothing more is asked for. Numbers are said to be a regression."""
    write(tmp_path, y=["rare" if i % 10 == 0 else "usual" for i in range(ROWS)], place=list(range(ROWS)))
    plan = planned(tmp_path)
    assert "y: classification, 2 classes: usual 54, rare 6" in plan
    assert "always answering usual is right in 90.0%" in plan
    assert "place counts the rows" in plan
    pasted = plan.split("--set '")[1:]
    overrides = [part.split("'")[0] for part in pasted[:2]]
    assert "balanced_accuracy, roc_auc]" in overrides[0]
    assert "read balanced_accuracy and roc_auc rather than accuracy" in planned(tmp_path, *overrides)
    write(tmp_path, y=NOISE[::-1].tolist())
    regression = planned(tmp_path, "system.use='sklearn.linear_model:Ridge'", "ensemble.subsample={fraction: 0.8}")
    assert "y: regression" in regression
    assert "skewed" not in regression
