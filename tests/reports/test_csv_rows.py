"""The CSV report: one tidy table that a spreadsheet opens without running anything."""

import csv
import dataclasses
import io
import json

import pytest

from tests.reports.made import EVIL, ROWS, hostile_view, run_view, sweep_view
from thermo_cli.characters import visible
from thermo_cli.reports.csv_rows import COLUMNS, text
from thermo_cli.reports.sweep_view import View

SCORES = 2  # of the made run


def read(*views: View) -> list[dict[str, str]]:
    """Parse the table strictly."""
    head, *rows = csv.reader(io.StringIO(text(views), newline=""), strict=True)
    assert tuple(head) == COLUMNS
    assert {len(row) for row in rows} == {len(COLUMNS)}
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_a_line_for_every_row_with_numbers_in_full() -> None:
    """Rows that do not gate too, then each score; what is missing is empty; lines end as RFC 4180 says."""
    rows = read(run_view())
    assert len(rows) == len(ROWS) + SCORES
    assert [row["observable"] for row in rows[-SCORES:]] == ["test_accuracy", "energy"]
    assert {row["criterion"] for row in rows[-SCORES:]} == {"score"}
    first, second, *_ = rows
    assert (first["run"], first["point"], first["verdict"], first["gates"]) == ("demo-01234567", "", "relaxing", "true")
    assert float(first["estimate"]) == ROWS[0].estimate
    assert (second["estimate"], second["interval_low"], second["interval_high"]) == ("-0.0467", "", "0.0571")
    assert (second["replicas_needed"], second["steps_needed"]) == ("", "2000")
    assert text([run_view()]).count("\r\n") == len(ROWS) + SCORES + 1


def test_points_of_a_sweep_are_told_apart_and_none_is_lost() -> None:
    """Swept values as JSON; a point that cannot be judged has a line with the reason and no outcome."""
    rows = read(run_view(), sweep_view())
    assert len(rows) == 3 * (len(ROWS) + SCORES) + 1
    assert json.loads(rows[len(ROWS) + SCORES]["point"]) == {"dynamics.with.lr": 0.1}
    last = rows[-1]
    assert json.loads(last["point"]) == {"dynamics.with.lr": 0.3}
    assert (last["verdict"], last["outcome"], last["explanation"]) == ("", "", "every replica failed")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"])  # noqa: RUF001 - what spreadsheets read
def test_no_cell_is_a_formula(start: str) -> None:
    """Text that would be run begins with an apostrophe; numbers below zero stay numbers."""
    row = read(run_view(title=f"{start}HYPERLINK(1)"))[1]
    assert row["run"] == "'" + visible(f"{start}HYPERLINK(1)")
    assert row["estimate"] == "-0.0467"


def test_hostile_names_stay_in_their_cells() -> None:
    """Quotes, line ends and lone surrogates: the same number of rows, and the text can be encoded."""
    rows = read(hostile_view())[:-SCORES]
    assert len(rows) == len(ROWS)
    assert {row["observable"] for row in rows} == {visible(EVIL)}
    assert text([hostile_view()]).encode()


def test_what_is_no_number_is_empty() -> None:
    """NaN and infinities are no numbers."""
    view = run_view()
    row = dataclasses.replace(ROWS[0], estimate=float("nan"), interval=(float("-inf"), float("inf")))
    view = dataclasses.replace(view, verdict=dataclasses.replace(view.verdict, criteria=(row,)))
    only, *_ = read(view)
    assert (only["estimate"], only["interval_low"], only["interval_high"]) == ("", "", "")
