"""The rules by which runs become an ensemble: each is applied as it is stated, and said."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from thermo_cli.errors import DamagedError, DataError
from thermo_cli.kinds.recorded.parts import RecordedArguments
from thermo_cli.kinds.recorded.records import Recorded, read_logs
from thermo_cli.store.recorded import read_recorded, write_recorded

TABLE = "step,val_acc\n0,0.1\n10,0.8\n20,0.9\n"


def write(folder: Path, **texts: str) -> Path:
    """Write a table for each run, and return their folder."""
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def read(path: Path, *named: str, **columns: str) -> Recorded:
    """Read runs, as a spec beside them would."""
    return read_logs(RecordedArguments(path=path.name, columns=columns), path.parent, named).at(None)


def said(recorded: Recorded, words: str) -> bool:
    """Say whether a note has these words."""
    return any(words in note for note in recorded.notes)


def test_exact_steps_and_ends(tmp_path: Path) -> None:
    """Each run has its own steps; who ends before the others has ended, and has not diverged."""
    recorded = read(
        write(tmp_path, a=TABLE, b="step,val_acc\n0,0.1\n10,0.8\n", c="step,val_acc\n0,0.1\n15,0.5\n20,1\n")
    )
    np.testing.assert_array_equal(recorded.runs.steps, [0, 10, 15, 20])
    np.testing.assert_array_equal(recorded.runs.values["val_acc"][0], [0.1, 0.8, np.nan, 0.9])
    assert recorded.runs.states == ("finished", "ended", "finished")


def test_the_last_of_a_repeated_step_counts(tmp_path: Path) -> None:
    """Also where steps go back, as where a run was resumed; both are said, with the place."""
    recorded = read(write(tmp_path, a=TABLE + "20,0.95\n10,0.7\n", b=TABLE))
    np.testing.assert_array_equal(recorded.runs.values["val_acc"][0], [0.1, 0.7, 0.95])
    assert said(recorded, "of a repeated step the last value counts: 2 left out, the first in val_acc of")
    assert said(recorded, "steps go back, as where a run was resumed")
    assert said(recorded, "a.csv, from 20 to 10")


def test_a_repeated_record_of_a_long_table(tmp_path: Path) -> None:
    """The last counts where few are repeated; where most are, those are two runs under one name."""
    rows = [f"a,{step},val_acc,0.{step}" for step in range(9)]
    (tmp_path / "runs.csv").write_text("\n".join(["replica,step,observable,value", *rows, "a,8,val_acc,0.99", ""]))
    recorded = read(tmp_path / "runs.csv")
    assert recorded.runs.values["val_acc"][0, -1] == 0.99
    assert said(
        recorded, "of a repeated step the last value counts: 1 left out, the first in val_acc of recorded/a in "
    )
    assert said(recorded, f"{tmp_path.name}/runs.csv")
    twice = [row for row in rows for _ in range(2)]
    (tmp_path / "runs.csv").write_text("\n".join(["replica,step,observable,value", *twice, ""]))
    with pytest.raises(DataError, match="this record is there twice"):
        read(tmp_path / "runs.csv")


def test_a_long_table_and_a_wide_one_say_the_same(tmp_path: Path) -> None:
    """An empty cell is no value, wherever it stands: it repeats no step, is none, and puts none out of order."""
    cells = [(0, "0.1"), (10, ""), (10, "0.8"), (20, "0.9"), (20, ""), (15, ""), (30, "")]
    (tmp_path / "wide.csv").write_text("replica,step,val_acc\n" + "".join(f"a,{s},{cell}\n" for s, cell in cells))
    long = [f"a,{step},val_acc,{cell}" for step, cell in cells]
    (tmp_path / "long.csv").write_text("\n".join(["replica,step,observable,value", *long, ""]))
    wide, long = (read(tmp_path / f"{name}.csv") for name in ("wide", "long"))
    for one in (wide, long):
        np.testing.assert_array_equal(one.runs.steps, [0, 10, 20])
        np.testing.assert_array_equal(one.runs.values["val_acc"], [[0.1, 0.8, 0.9]])
        assert not said(one, "repeated")


@pytest.mark.parametrize("end", ["30,0.", "30", "3"])
def test_a_torn_line_is_left_out(tmp_path: Path, end: str) -> None:
    """Only the last, where it has no end and is no row; the same line in the middle is refused."""
    recorded = read(write(tmp_path, a=TABLE, b=TABLE + end))
    assert said(recorded, "the last line is torn") == (end != "30,0.")
    with pytest.raises(DataError, match="2 cells"):
        read(write(tmp_path, a=TABLE, b=f"{TABLE}3\n{TABLE[13:]}"))


def test_a_torn_line_of_json_is_left_out(tmp_path: Path) -> None:
    """What was whole before it is read."""
    lines = [json.dumps({"step": step, "val_acc": step / 10}) for step in range(9)]
    (tmp_path / "log.jsonl").write_text("\n".join([*lines, '{"step": 9, "val_']))
    recorded = read(tmp_path / "log.jsonl")
    assert recorded.runs.steps[-1] == 8
    assert said(recorded, "the last line is torn")


def test_per_cent_is_told_from_shares(tmp_path: Path) -> None:
    """By its size; both in one observable are refused."""
    percent = "step,val_acc\n0,10\n10,80\n20,90\n"
    recorded = read(write(tmp_path, a=percent, b=percent))
    assert said(recorded, "val_acc is in per cent, up to 90: a margin of 2 is two points of a hundred")
    assert not said(read(write(tmp_path, a=TABLE, b=TABLE)), "per cent")
    with pytest.raises(DataError, match="val_acc is in per cent in some runs, and a share in others"):
        read(write(tmp_path, a=percent, b=TABLE))


def test_a_collapsed_run_in_per_cent_is_a_run(tmp_path: Path) -> None:
    """One class of a thousand at chance, .1 per cent, among runs at 80: no share, for 10 per cent lie among no others."""
    percent = "step,val_acc\n0,0.1\n10,70\n20,80\n"
    recorded = read(write(tmp_path, a=percent, b=percent, c="step,val_acc\n0,0.1\n10,0.1\n20,0.1\n"))
    assert said(recorded, "val_acc is in per cent, up to 80")
    assert recorded.runs.values["val_acc"][2].tolist() == [0.1, 0.1, 0.1]


def test_what_some_runs_lack_is_left_out_unless_it_is_named(tmp_path: Path) -> None:
    """A score that one run lacks, a log that has none of them, and a score that is asked for."""
    more = "step,val_acc,val_f1\n0,0.1,0.2\n10,0.8,0.7\n20,0.9,0.85\n"
    folder = write(tmp_path, a=more, b=more, c=TABLE)
    recorded = read(folder)
    assert list(recorded.runs.values) == ["val_acc"]
    assert said(recorded, "val_f1 is left out: 1 of 3 runs have none, recorded/c first")
    with pytest.raises(DataError, match="no 'val_f1' of recorded/c"):
        read(folder, "val_f1")
    recorded = read(write(tmp_path, d="step,other\n0,1\n"))
    assert said(recorded, "left out: 1 of 4 logs, which know nothing of this: d")
    assert len(recorded.runs.replicas) == 3


def test_a_run_without_a_value_is_no_run_to_leave_out(tmp_path: Path) -> None:
    """It has logged the score and never measured it: its loss would make the others look better."""
    with pytest.raises(DataError, match="no 'val_acc' of recorded/b"):
        read(write(tmp_path, a=TABLE, b="step,val_acc\n0,\n10,\n20,\n"))


def test_a_rule_names_the_files_of_which_it_was_applied(tmp_path: Path) -> None:
    """The first and how many more there are, where there are several; of one alone it goes without saying."""
    plain, noted = TABLE + "30,0.9\n", "epoch,step,val_acc,val_f1,note\n0,0,0.1,0.1,x\n1,10,0.9,0.9,y\n"
    folder = write(tmp_path, a=plain, b=TABLE, c=noted, d=noted, e=TABLE + "20,0.95\n")
    recorded, here = read(folder), tmp_path.name
    assert f"{here}/c.csv: time is counted by step, not by epoch" in recorded.notes
    assert f"{here}/c.csv: observables: val_acc, val_f1; left out: epoch (a margin brings one in)" in recorded.notes
    assert f"{here}/c.csv and 1 more: no numbers, left out: note" in recorded.notes
    assert (
        f"{here}/a.csv and 2 more: taken for a wide table, a column for each observable: step counts time"
        in recorded.notes
    )
    assert said(recorded, f"1 left out, the first in val_acc of {here}/e.csv")
    assert not any(":" in note.partition("left out")[0] for note in read(folder / "c.csv").notes if "numbers" in note)
    (folder / "a.csv").write_text(plain + "".join(f"{step},0.9\n" for step in range(40, 300, 10)))
    words = "left out, for the file that was read first has none: val_f1"
    assert f"{here}/c.csv and 1 more: {words}" in read(folder).notes


def test_a_repeated_step_of_a_named_replica_names_its_file(tmp_path: Path) -> None:
    """Two tables with a column of seeds: which of them it is in."""
    for name, more in (("a", ""), ("b", "3,20,0.5\n")):
        rows = "".join(f"{seed},{step},0.{step}\n" for seed in (3, 4) for step in (10, 20))
        (tmp_path / f"{name}.csv").write_text("seed,step,val_acc\n" + rows + more)
    assert said(read(tmp_path), f"1 left out, the first in val_acc of 3 in {tmp_path.name}/b.csv")


def test_an_error_names_the_file_of_its_run(tmp_path: Path) -> None:
    """Of a folder or a pattern it named that alone: the file that lacks a score, that is a share, that has no such column."""
    text = TABLE.replace("val_acc", "val_acc,val_f1").replace("0.", "0.5,0.")
    folder = write(tmp_path, a=text, b=text, c=TABLE)
    with pytest.raises(DataError, match="an observable is missing") as caught:
        read(folder, "val_f1")
    assert caught.value.where == str(folder / "c.csv")
    percent = TABLE.replace("0.", "9")
    with pytest.raises(DataError, match="is in per cent in some runs") as caught:
        read(write(folder, a=percent, b=TABLE, c=percent))
    assert caught.value.where == str(folder / "b.csv")
    with pytest.raises(DataError, match="which counts time in other files") as caught:
        read(write(folder, a=TABLE, b=TABLE, c="epoch,val_acc\n0,0.1\n"))
    assert f"it does in {folder.name}/a.csv" in str(caught.value.received)


def test_the_column_that_counts_time_is_said(tmp_path: Path) -> None:
    """The first of the known ones, the same in all files, or the one that is stated."""
    text = "epoch,global_step,val_acc\n0,10,0.1\n1,20,0.9\n"
    recorded = read(write(tmp_path, a=text, b=text))
    np.testing.assert_array_equal(recorded.runs.steps, [10, 20])
    assert said(recorded, "time is counted by global_step, not by epoch")
    np.testing.assert_array_equal(read(tmp_path, step="epoch").runs.steps, [0, 1])
    with pytest.raises(DataError, match=r"a\.csv|b\.csv: there is no column 'step', which counts time in other files"):
        read(write(tmp_path, a=TABLE * 1 + "30,0.9\n40,0.9\n50,0.9\n60,0.9\n"))


def test_columns_of_words_are_left_out_and_words_among_numbers_refused(tmp_path: Path) -> None:
    """A column of notes says nothing; a word in a column of numbers is named with its line."""
    text = "step,val_acc,note\n0,0.1,first\n10,0.9,\n"
    recorded = read(write(tmp_path, a=text, b=text))
    assert said(recorded, "no numbers, left out: note")
    with pytest.raises(DataError, match=r"c\.csv:3: val_acc: expected a number\n[^\n]*'oops'"):
        read(write(tmp_path, c=text.replace("0.9", "oops")))


def test_rows_name_their_replica(tmp_path: Path) -> None:
    """A column of seeds, or the one that is stated, with histories and points beside it."""
    rows = [
        f"{seed},{step},{history},{seed / 10 + step / 100}" for history in "ab" for seed in (10, 9) for step in (0, 5)
    ]
    (tmp_path / "runs.csv").write_text("\n".join(["seed,step,history,test_acc", *rows, ""]))
    runs = read(tmp_path / "runs.csv").runs
    assert runs.replicas == ("a/9", "a/10", "b/9", "b/10")
    np.testing.assert_allclose(runs.values["test_acc"][0], [0.9, 0.95])
    (tmp_path / "runs.csv").write_text("\n".join(["who,step,history,test_acc", *rows, ""]))
    assert read(tmp_path / "runs.csv", replica="who").runs.replicas == runs.replicas


def test_final_scores_alone(tmp_path: Path) -> None:
    """A row for each replica, and nothing that counts time; several rows of one are refused."""
    path = tmp_path / "runs.csv"
    path.write_text("seed,test_acc\n" + "".join(f"{seed},0.{seed}\n" for seed in range(1, 9)))
    recorded = read(path)
    np.testing.assert_array_equal(recorded.runs.finals["test_acc"], [seed / 10 for seed in range(1, 9)])
    assert said(recorded, "nothing counts time: each row is the final score of its replica")
    path.write_text("seed,test_acc\n1,0.5\n1,0.6\n")
    with pytest.raises(DataError, match=r"runs\.csv:3: nothing counts time, and a replica has several rows"):
        read(path)


def test_columns_of_a_long_table_have_other_names(tmp_path: Path) -> None:
    """Those that are stated; a name that is not there is refused with the nearest."""
    (tmp_path / "runs.csv").write_text("run,iter,metric,score,recipe\nx,0,acc,0.5,sgd\nx,1,acc,0.6,sgd\n")
    columns = {"replica": "run", "step": "iter", "observable": "metric", "value": "score"}
    runs = read(tmp_path / "runs.csv", **columns, point="recipe").runs
    assert runs.replicas == ("recorded/x",)
    np.testing.assert_array_equal(runs.values["acc"], [[0.5, 0.6]])
    with pytest.raises(DataError, match="there is no column 'scores'") as caught:
        read(tmp_path / "runs.csv", **{**columns, "value": "scores"})
    assert "columns: {value: score}" in caught.value.remedy


def test_of_many_observables_one_has_to_be_named(tmp_path: Path) -> None:
    """Ten thousand are refused with a line that would do; the one that is named is read, and nothing beside it."""
    header = ",".join(["step", *(f"m{number}" for number in range(10_000))])
    (tmp_path / "runs.csv").write_text(
        "\n".join([header, *(",".join([str(s), *["0.5"] * 10_000]) for s in range(3)), ""])
    )
    with pytest.raises(DataError, match="which of 10,000 observables are to be judged") as caught:
        read(tmp_path / "runs.csv")
    assert "--margin m0=0.02" in caught.value.remedy
    recorded = read(tmp_path / "runs.csv", "m77")
    assert list(recorded.runs.values) == ["m77"]
    assert said(recorded, "and 9,991 more")


def test_the_likeliest_scores_are_chosen_and_named(tmp_path: Path) -> None:
    """Those of held-out examples; no clocks, no rates, and what is left out is said."""
    text = "step,train_loss,val_acc,val_loss,lr,runtime,val_runtime\n0,1,0.5,1,0.1,3,4\n1,1,0.6,1,0.1,3,4\n"
    recorded = read(write(tmp_path, a=text, b=text))
    assert list(recorded.runs.values) == ["val_acc", "val_loss"]
    assert said(recorded, "observables: val_acc, val_loss; left out: train_loss, lr, runtime, val_runtime")


def test_smaller_budgets_tell_of_longer_training(tmp_path: Path) -> None:
    """Final values of the same replicas with T/4, T/2 and T; where some have none, the largest alone is judged."""
    rows = [f"{r},{s},{b},acc,{b / 100 + r / 10}" for r in range(3) for b in (10, 20, 40) for s in (0, b)]
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(["replica,step,budget,observable,value", *rows, ""]))
    recorded = read(path)
    np.testing.assert_array_equal(recorded.runs.steps, [0, 40])
    np.testing.assert_allclose(recorded.runs.budgets["acc"], [[0.1 + r, 0.2 + r, 0.4 + r] for r in (0, 0.1, 0.2)])
    assert said(recorded, "stationarity is told by the final values of T/4, T/2 and T = 40")
    write_recorded(tmp_path / "kept", "run", recorded.runs, None)
    np.testing.assert_array_equal(read_recorded(tmp_path / "kept", "run").budgets["acc"], recorded.runs.budgets["acc"])
    forged = dataclasses.replace(recorded.runs, replicas=("0", "1", "2\n::error::told"))
    write_recorded(tmp_path / "forged", "run", forged, None)
    with pytest.raises(DamagedError, match="cannot be printed"):
        read_recorded(tmp_path / "forged", "run")
    path.write_text("\n".join(["replica,step,budget,observable,value", *rows[2:], ""]))
    recorded = read(path)
    assert not recorded.runs.budgets
    assert said(recorded, "budgets 10, 20 and 40: the smaller are left out")


def test_seconds_are_an_observable_where_they_are_named(tmp_path: Path) -> None:
    """They differ between copies of one run, and are no evidence that these differ."""
    rows = [f"{r},{s},acc,0.5,{s * 2 + r}" for r in range(2) for s in range(3)]
    (tmp_path / "runs.csv").write_text("\n".join(["replica,step,observable,value,seconds", *rows, ""]))
    assert list(read(tmp_path / "runs.csv").runs.values) == ["acc"]
    runs = read(tmp_path / "runs.csv", "seconds").runs
    np.testing.assert_array_equal(runs.values["seconds"], [[0, 2, 4], [1, 3, 5]])


BUDGETS = "replica,step,budget,observable,value\n"


def budgeted(budgets: Sequence[int], replicas: Sequence[int] = range(3), total: int = 0) -> list[str]:
    """Return the records of replicas that were trained once with each budget; `total` is where they end, else the budget."""
    return [
        f"{r},{s},{b},acc,{b / 100 + r / 10}" for r in replicas for b in budgets for s in (0, total or b)
    ]  # fmt: skip


def write_long(folder: Path, rows: Sequence[str], name: str = "runs.csv", header: str = BUDGETS) -> Path:
    """Write a long table, and return its path."""
    (folder / name).write_text(header + "\n".join(rows) + "\n")
    return folder / name


def test_a_replica_without_the_largest_budget_is_refused(tmp_path: Path) -> None:
    """It was dropped: whoever was trained shorter than the others, or says no budget, is named with its file."""
    rows = [*budgeted((10, 20, 40)), *budgeted((20,), (7,))]
    with pytest.raises(
        DataError, match=r"runs\.csv: a replica was not trained with the largest total budget"
    ) as caught:
        read(write_long(tmp_path, rows))
    assert caught.value.received == "20 of recorded/7, 40 of recorded/0"
    points = read_logs(RecordedArguments(path="runs.csv", columns={"point": "budget"}), tmp_path)
    assert points.at("20").runs.replicas == tuple(f"recorded/{name}" for name in (0, 1, 2, 7))
    folder = tmp_path / "two"
    folder.mkdir()
    write_long(folder, budgeted((40,)), "a.csv")
    write_long(folder, ["8,0,acc,0.5", "8,40,acc,0.5"], "b.csv", "replica,step,observable,value\n")
    with pytest.raises(DataError, match="some runs say their total budget and some do not") as caught:
        read(folder)
    assert "none of recorded/b in" in str(caught.value.received)


@pytest.mark.parametrize(
    ("budgets", "words"),
    [
        ((10, 20, 30, 40), "stationarity is told by the final values of T/4, T/2 and T = 40; left out: 30"),
        ((10, 21, 42), "the smaller are left out, for T/4 and T/2 of T = 42 are 10.5 and 21"),
        ((5, 20, 40), "the smaller are left out, for T/4 and T/2 of T = 40 are 10 and 20"),
    ],
)
def test_other_budgets_are_left_out_and_named(tmp_path: Path, budgets: Sequence[int], words: str) -> None:
    """One that is neither T/4 nor T/2, beside those or instead of them."""
    recorded = read(write_long(tmp_path, budgeted(budgets)))
    assert bool(recorded.runs.budgets) == (10 in budgets and 20 in budgets)
    assert said(recorded, words)


def test_a_training_that_ended_before_its_budget_has_no_final_value(tmp_path: Path) -> None:
    """Its last value is not that of T/2; one that has diverged is final whenever it was measured."""
    rows = budgeted((10, 20, 40))
    short = [row.replace("1,20,20,acc", "1,15,20,acc") for row in rows]
    recorded = read(write_long(tmp_path, short))
    assert not recorded.runs.budgets
    assert said(recorded, "not all replicas came to their end with T/4, T/2 and T = 40")
    lost = [f"{row.rsplit(',', 1)[0]},inf" if row.startswith("1,15,20,acc") else row for row in short]
    assert read(write_long(tmp_path, lost)).runs.budgets["acc"][1, 1] == np.inf
    more = [row.replace(",acc,", ",f1,") for row in short]
    recorded = read(write_long(tmp_path, [*rows, *more]))
    assert list(recorded.runs.budgets) == ["acc"]
    assert said(recorded, "not of f1, which not all replicas have at the end of each")


def test_a_budget_of_one_replica_is_there_once(tmp_path: Path) -> None:
    """The same replica with the same smaller budget in two files: one of them would count in silence."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    write_long(tmp_path / "a", budgeted((10, 20, 40), (0,)), "0.csv")
    write_long(tmp_path / "b", budgeted((10, 20), (0,)), "0.csv")
    with pytest.raises(DataError, match=r"two replicas have the same name\n[^\n]*a/0\.csv and [^\n]*b/0\.csv"):
        read_logs(RecordedArguments(path="*/{replica}.csv"), tmp_path).at(None)


def test_budgets_of_a_wide_table(tmp_path: Path) -> None:
    """A column `budget` tells trainings of one replica apart, in one file or several of a folder; it was taken for a score."""
    rows = [f"{r},{s},{b},{b / 100 + r / 10}" for r in range(3) for b in (10, 20, 40) for s in (0, b)]
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        write_long(tmp_path / run, rows, "x.csv", "seed,step,budget,val_acc\n")
        write_long(tmp_path / run, rows, "y.csv", "seed,step,budget,val_loss\n")
    one = read(tmp_path / "a" / "x.csv")
    assert list(one.runs.values) == ["val_acc"]
    np.testing.assert_allclose(one.runs.budgets["val_acc"], [[0.1 + r, 0.2 + r, 0.4 + r] for r in (0, 0.1, 0.2)])
    both = read(tmp_path)
    assert set(both.runs.budgets) == {"val_acc", "val_loss"}
    assert len(both.runs.replicas) == 6
    write_long(tmp_path, ["1,0,10.5,0.5"], "z.csv", "seed,step,budget,val_acc\n")
    with pytest.raises(DataError, match=r"z\.csv:2: budget: a total budget is a whole number of steps"):
        read(tmp_path / "z.csv")


@pytest.mark.parametrize("given", [{"path": "a\0b.csv"}, {"path": ["a\0b/*"]}, {"path": "a", "parameters": "a\0b"}])
def test_a_zero_byte_is_no_path(given: dict[str, object]) -> None:
    """The system would take it for the end of the path."""
    with pytest.raises(ValidationError, match="zero byte"):
        RecordedArguments.model_validate(given)
