"""From a table as somebody exported it to a spec that runs: what is recognised, what is dropped, what is changed and said."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thermo_cli.contracts import Dataset
from thermo_cli.data.first_spec import FirstSpec, first_spec, write_table
from thermo_cli.data.split import load_dataset
from thermo_cli.errors import DataError, ThermoError, UsageError
from thermo_cli.spec import Spec, load_spec

ROWS = 120
NOISE = np.random.default_rng(3).normal(size=ROWS).round(3)
KIND = [("no", "yes")[int(value > 0)] for value in np.roll(NOISE, 5)]
ROW = range(ROWS)


def rows(*columns: Any, separator: str = ",") -> str:
    """Write lines of cells, one of a list or one and the same for each row."""
    whole = [column if isinstance(column, list) else [column] * ROWS for column in columns]
    return "".join(separator.join(map(str, row)) + "\n" for row in zip(*whole, strict=True))


def made(
    folder: Path, data: bytes | str, name: str = "t.csv", target: str | None = None
) -> tuple[FirstSpec, Spec, Dataset]:
    """Make a spec of a table, and load what it says unchanged."""
    file = folder / name
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    first = first_spec(file, target)
    copy = folder / "copy" / (name if name.endswith(".parquet") else "t.csv")
    copy.parent.mkdir(exist_ok=True)
    write_table(first, copy)
    (copy.parent / "s.yaml").write_text(first.text(copy.name))
    spec = load_spec(copy.parent / "s.yaml")
    assert spec.data is not None
    return first, spec, load_dataset(spec.data, copy.parent)


def test_every_column_has_what_suits_it(tmp_path: Path) -> None:
    """No features of ids, of dates or of an index; gaps are filled, words become categories, sentences words."""
    head = ",customer,when,plan,city,age,size,note,churned\n"
    columns: list[Any] = [
        list(ROW),
        [f"C{i:05d}" for i in ROW],
        [f"2026-01-{1 + i % 28:02d}" for i in ROW],
        [("free", "pro", "NA")[i % 3] for i in ROW],
        [f"city {i % 40}" for i in ROW],
        ["" if i % 9 == 0 else i % 50 for i in ROW],
        NOISE.tolist(),
        [f"the parcel number {i} came late" for i in ROW],
        KIND,
    ]
    first, spec, dataset = made(tmp_path, head + rows(*columns))
    assert not first.copied
    assert (tmp_path / "copy" / "t.csv").read_bytes() == (tmp_path / "t.csv").read_bytes()
    entries = spec.data.arguments.columns
    assert [name for name, entry in entries.items() if entry == "drop"] == ["", "customer", "when"]
    assert {name: entry.use.rpartition(":")[2] for name, entry in entries.items() if hasattr(entry, "use")} == {
        "plan": "OneHotEncoder",
        "city": "OneHotEncoder",
        "note": "TfidfVectorizer",
    }
    assert [step.use.rpartition(":")[2] for step in entries["age"]] == ["SimpleImputer", "StandardScaler"]
    assert dataset.labels == ("no", "yes")
    assert dataset.inputs < 130
    text = first.text("t.csv")
    for words in ("an id?", "counts the rows", "dates such as '2026-01-01'", "14 gaps", "'no' ", "# size: numbers"):
        assert words in text


def test_an_export_with_decimal_commas_is_written_plainly(tmp_path: Path) -> None:
    """Semicolons, commas, thousands and an encoding of Windows: read, copied as UTF-8, and said."""
    amounts = [f"1.{100 + i},5" for i in ROW]
    lines = "sep=;\nUmsatz;Größe;Kündigung\n" + rows(
        amounts, [f"{v:.2f}".replace(".", ",") for v in NOISE], KIND, separator=";"
    )
    first, _, dataset = made(tmp_path, lines.encode("cp1252"))
    assert first.target == "Kündigung"
    assert (tmp_path / "copy" / "t.csv").read_text().startswith("Umsatz,Größe,Kündigung\n1100.5,")
    assert dataset.inputs == 2
    said = " ".join(first.notes)
    for words in (
        "windows-1252",
        "semicolons",
        "decimal commas",
        "1.100,5 written as 1100.5",
        "target: Kündigung, guessed",
    ):
        assert words in said
    assert "changed in the copy" in first.text("t.csv")


@pytest.mark.parametrize(
    ("text", "note", "left"),
    [
        ("x,t\n" + rows(NOISE.tolist(), KIND) + "Total,\n", "totals (Total)", ROWS),
        ("Report 2026\n\nx,t\n" + rows(NOISE.tolist(), KIND), "above the header", ROWS),
        ("x,t\n" + rows(NOISE.tolist(), KIND) + "1,2,3\n", "not 2 cells", ROWS),
        (rows(NOISE.tolist(), KIND), "no header", ROWS),
        ("x,x,t\n" + rows(NOISE.tolist(), NOISE[::-1].tolist(), KIND), "x to x_2", ROWS),
        ("x,t\n" + rows(NOISE.tolist(), ["NA", "?", *KIND[2:]]), "no t: lines 2, 3", ROWS - 2),
        ("x,t\n" + rows(NOISE.tolist(), ["odd", "odd", *KIND[2:]]), "t odd, fewer than 4", ROWS - 2),
        ("x,k,t\n" + rows(NOISE.tolist(), ["n.b.", *NOISE[1:].tolist()], KIND), "'n.b.' in line 2", ROWS),
        ("x,t\n" + rows(NOISE.tolist(), [f"{v:.1f} %" for v in NOISE[::-1]]), "per cent", ROWS),
        ("x\tt\n" + rows(NOISE.tolist(), KIND, separator="\t"), "tabs", ROWS),
    ],
)
def test_what_is_changed_is_said(tmp_path: Path, text: str, note: str, left: int) -> None:
    """Lines and cells that nothing can be learned from do not stand in the copy; the table itself stays as it is."""
    first, _, dataset = made(tmp_path, text)
    assert first.copied
    assert any(note in said for said in first.notes), first.notes
    assert len(dataset.y) + len(dataset.y_test) == left
    assert (tmp_path / "t.csv").read_text() == text


def test_the_target_is_guessed_or_given(tmp_path: Path) -> None:
    """A usual name first, else the last column that can be one; a given one needs no other edit."""
    text = "label,x,when\n" + rows(KIND, NOISE.tolist(), "2026-01-01")
    assert made(tmp_path, text)[0].target == "label"
    assert made(tmp_path, text.replace("label", "what", 1))[0].target == "x"
    first, _, dataset = made(tmp_path, text, target="x")
    assert (dataset.task, first.notes) == ("regression", ())
    with pytest.raises(DataError, match=r"(?s)no such column.*one of label, x"):
        made(tmp_path, text, target="z")
    with pytest.raises(DataError, match=r"did you mean --set data\.with\.target=label\?"):
        made(tmp_path, text, target="lable")


@pytest.mark.parametrize(
    "target", [[f"C{i:05d}" for i in ROW], [f"2026-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in ROW]], ids=["id", "date"]
)
def test_a_target_that_hardly_repeats_is_refused(tmp_path: Path, target: list[str]) -> None:
    """Ids and dates, of which most rows would have to be left out; others that can be learned are named."""
    with pytest.raises(DataError, match=r"(?s)most classes of the target.*distinct values.*one of x, churned"):
        made(tmp_path, "code,x,churned\n" + rows(target, NOISE.tolist(), KIND), target="code")


def test_a_target_of_one_class_that_has_examples_enough_is_refused(tmp_path: Path) -> None:
    """All others are so rare that their rows would be left out, and one class is nothing to predict; what can be is named."""
    for rare in (["yes"] * 3, ["yes", "perhaps", "yes", "perhaps"]):
        target = [*rare, *["no"] * (ROWS - len(rare))]
        with pytest.raises(
            DataError, match=r"(?s)too few classes of the target have enough examples.*'no'.*one of x, churned"
        ):
            made(tmp_path, "t,x,churned\n" + rows(target, NOISE.tolist(), KIND), target="t")


def test_dates_with_the_year_last_are_written_with_the_year_first(tmp_path: Path) -> None:
    """So that the line for a split by time, which stands beside them, works as it is."""
    days = [f"{1 + i % 28:02d}.{1 + i % 12:02d}.2026" for i in ROW]
    first, spec, _ = made(tmp_path, "when,x,t\n" + rows(days, NOISE.tolist(), KIND))
    assert first.notes[0] == "when: dates, 01.01.2026 written as 2026-01-01"
    assert "split: {use: time, column: when}" in first.text("t.csv")
    timed = spec.model_dump()["data"] | {"split": {"use": "time", "column": "when"}}
    assert load_dataset(type(spec.data).model_validate(timed), tmp_path / "copy").inputs == 1


def test_names_that_are_numbers_in_their_order_are_names(tmp_path: Path) -> None:
    """Wavelengths name columns; values of a file without a header do not."""
    first, _, dataset = made(
        tmp_path, "400.5,402.5,404.5,t\n" + rows(NOISE.tolist(), NOISE[::-1].tolist(), list(ROW), KIND)
    )
    assert not first.copied
    assert list(first.table.columns) == ["400.5", "402.5", "404.5", "t"]
    assert dataset.inputs == 2  # the third counts the rows


def test_a_copy_of_the_target_is_left_out(tmp_path: Path) -> None:
    """And it is said, so that whoever knows it beforehand takes the line out."""
    first, spec, _ = made(tmp_path, "x,code,t\n" + rows(NOISE.tolist(), [int(kind == "yes") for kind in KIND], KIND))
    assert spec.data.arguments.columns["code"] == "drop"
    assert "a copy of it?" in first.text("t.csv")


def test_skewed_classes_are_measured_by_what_serves_them(tmp_path: Path) -> None:
    """The metrics stand in the spec, with margins, so that skill is told in them."""
    _, spec, _ = made(tmp_path, "x,t\n" + rows(NOISE.tolist(), [("usual", "rare")[i % 8 == 0] for i in ROW]))
    assert {"balanced_accuracy", "roc_auc"} <= set(spec.observe.macro)
    assert set(spec.equilibrium.margins) == {"test_balanced_accuracy", "test_roc_auc"}


def test_a_parquet_file_becomes_a_spec_too(tmp_path: Path) -> None:
    """Dictionaries, nulls, nested cells and a target with a gap."""
    columns = {
        "city": pa.array([("Bern", "Oslo", None)[i % 3] for i in ROW]).dictionary_encode(),
        "x": pa.array([None if i % 9 == 0 else float(NOISE[i]) for i in ROW]),
        "deep": pa.array([[1]] * ROWS),
        "t": pa.array([None, *KIND[1:]]),
    }
    pq.write_table(pa.table(columns), tmp_path / "raw.parquet")
    first, _, dataset = made(tmp_path, (tmp_path / "raw.parquet").read_bytes(), "t.parquet")
    assert len(dataset.y) + len(dataset.y_test) == ROWS - 1
    assert "no t: row 1 left out" in first.notes
    assert "nested" in first.text("t.parquet")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no table"),
        ("some words\nand more\n", "no table"),
        ("x,t\n1,a\n2,b\n3,a\n", "too small"),
        ("a,b,t\n" + rows(list(ROW), 5, [f"{v:.2f}".replace(".", ",") for v in NOISE], KIND), "than the header"),
        ("a,t\n" + rows(list(ROW), KIND), "no column is left"),
        ("a,t\n" + rows(1, "x"), "no column can be the target"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """With what there is instead, and no traceback."""
    with pytest.raises(DataError, match=words):
        made(tmp_path, text)
    with pytest.raises(UsageError, match="no such table"):
        first_spec(tmp_path / "absent.csv", None)


@pytest.mark.parametrize(
    "name", ["q\u2028  label_noise: 0.4 #", "q\u2029x", "a\x85b", "a\x1bb", "a\tb", "\u202eb", "a: b #c"]
)
def test_a_name_ends_no_line_of_the_spec(tmp_path: Path, name: str) -> None:
    """Whatever a header holds: it adds no field, and the spec is read with the columns that the table has."""
    rows = "".join(f"{number % 7},{'uvw'[number % 3]},{'ab'[number % 2]}\n" for number in range(60))
    (tmp_path / "odd.csv").write_text(f'x,"{name}",y\n{rows}', encoding="utf-8")
    text = first_spec(tmp_path / "odd.csv", "y").text("odd.csv")
    (tmp_path / "odd.yaml").write_text(text, encoding="utf-8")
    data = load_spec(tmp_path / "odd.yaml").data
    assert data.label_noise == 0.0
    assert list(data.arguments.columns) == [name]


def test_a_table_without_an_end_is_refused(tmp_path: Path) -> None:
    """A pipe would be waited for, and a device or a hole read into all of the memory."""
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    with (tmp_path / "hole.csv").open("wb") as file:
        file.truncate(2**43)
    for name, words in (("pipe", "regular files"), ("zero", "regular files"), ("hole", "memory")):
        with pytest.raises(ThermoError, match=words):
            first_spec(tmp_path / f"{name}.csv", None)
