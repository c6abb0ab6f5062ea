"""Where runs lie: folders, patterns and lists are understood, and runs are named by what differs in their places."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import ROOT
from thermo_cli.errors import DataError
from thermo_cli.kinds.recorded.parts import RecordedArguments
from thermo_cli.kinds.recorded.places import places_of
from thermo_cli.kinds.recorded.records import Recorded, read_logs

TABLE = "step,val_acc\n0,0.1\n10,0.8\n20,0.9\n"
LOGS = ROOT / "tests" / "logs"
STATE = json.dumps({"log_history": [{"step": step, "eval_loss": 1 / (1 + step)} for step in (0, 10)]})


def lay(folder: Path, *names: str, text: str = TABLE) -> Path:
    """Write a file at each place, and return the folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def read(folder: Path, path: str | list[str], point: str | None = None) -> Recorded:
    """Read runs, as a spec in a folder would."""
    return read_logs(RecordedArguments(path=path), folder).at(point)


def names(folder: Path, path: str | list[str]) -> list[str]:
    """Return the names of the runs."""
    return [name.removeprefix("recorded/") for name in read(folder, path).runs.replicas]


@pytest.mark.parametrize(
    ("files", "path", "expected"),
    [
        (["logs/version_10/metrics.csv", "logs/version_2/metrics.csv"], "logs", ["version_2", "version_10"]),
        (["runs/seed10.csv", "runs/seed9.csv"], "runs", ["seed9", "seed10"]),
        (["runs/10.csv", "runs/9.csv"], "runs", ["9", "10"]),
        (["m/0/csv/v/metrics.csv", "m/1/csv/v/metrics.csv"], "m", ["0", "1"]),
        (["m/a/0/metrics.csv", "m/a/1/metrics.csv", "m/b/0/metrics.csv"], "m", ["a/0", "a/1", "b/0"]),
        (["m/0/metrics.csv", "m/1/2/metrics.csv"], "m", ["0", "1/2"]),
        (["m/0/metrics.csv", "m/1/metrics.csv", "m/0/.hydra/metrics.csv", "m/.x/metrics.csv"], "m", ["0", "1"]),
        (["m/0/metrics.csv", "m/1/metrics.csv", "m/0/other.csv"], "m", ["0", "1"]),
        (["m/only/metrics.csv"], "m", ["0"]),
        (["m/0/metrics.csv", "m/1/metrics.csv"], "m/*/metrics.csv", ["0", "1"]),
        (["m/0/metrics.csv", "m/1/metrics.csv"], "m/*", ["0", "1"]),
        (["m/a-0.csv", "m/a-1.csv", "m/b.csv"], "m/a-*.csv", ["a-0", "a-1"]),
        (["m/a-0.csv", "m/a-1.csv", "m/b.csv"], "m/a-{replica}.csv", ["0", "1"]),
        (["m/0/x/0.csv", "m/1/x/1.csv", "m/1/x/0.csv"], "m/{replica}/x/{replica}.csv", ["0", "1"]),
        (["m/0/metrics.csv", "m/1/metrics.csv", "m/2/metrics.csv"], ["m/0", "m/2"], ["0", "2"]),
        (["a/x.csv", "b/x.csv"], ["b/x.csv", "a/x.csv"], ["b", "a"]),
    ],
)
def test_runs_are_named_by_their_places(tmp_path: Path, files: Sequence[str], path: str, expected: list[str]) -> None:
    """As a person would number them, without what is the same in all; hidden folders are passed over."""
    assert names(lay(tmp_path, *files), path) == expected


def test_of_checkpoints_the_latest_counts(tmp_path: Path) -> None:
    """A run's own state before those of its checkpoints, and of these the one with the largest number."""
    lay(tmp_path, "a/checkpoint-20/trainer_state.json", "b/trainer_state.json", text=STATE)
    lay(tmp_path, "a/checkpoint-9/trainer_state.json", "b/checkpoint-99/trainer_state.json", text="half of it")
    assert names(tmp_path, ".") == ["a", "b"]
    assert names(tmp_path, "*/checkpoint-20/trainer_state.json") == ["0"]
    lay(tmp_path, "a/checkpoint-3/trainer_state.json", text=STATE)
    assert [place.files[0].parent.name for place in places_of(tmp_path, ["a/*/trainer_state.json"], "auto")[0]] == [
        "checkpoint-20"
    ]


def test_fields_name_histories_and_points(tmp_path: Path) -> None:
    """A pattern has the fields {history}, {replica} and {point}; recipes are judged one by one."""
    lay(tmp_path, *(f"{p}/{h}/{r}.csv" for p in ("sgd", "adam") for h in ("cold", "hot") for r in range(2)))
    recorded = read(tmp_path, "{point}/{history}/{replica}.csv", "sgd")
    assert recorded.runs.replicas == ("cold/0", "cold/1", "hot/0", "hot/1")
    with pytest.raises(DataError, match="there are several recipes") as caught:
        read(tmp_path, "{point}/{history}/{replica}.csv")
    assert "sweep: {system.with.point: [adam, sgd]}" in caught.value.remedy
    with pytest.raises(DataError, match="there is no point 'adamw'"):
        read(tmp_path, "{point}/{history}/{replica}.csv", "adamw")


def test_what_is_not_read_is_said(tmp_path: Path) -> None:
    """How many runs were found and what the first is called; which files were passed over."""
    lay(tmp_path, "logs/0/metrics.csv", "logs/1/metrics.csv", "logs/0/notes.txt", "logs/1/predictions.csv")
    notes = read(tmp_path, "logs").notes
    assert "2 runs, found in logs: 0/metrics.csv is 0" in notes
    assert "not read: 2 other files (0/notes.txt, 1/predictions.csv)" in notes


def test_what_is_not_read_is_said_of_patterns_and_lists_too(tmp_path: Path) -> None:
    """Files of folders that fit, with the folders' names, and all checkpoints but the latest."""
    lay(tmp_path, "m/0/metrics.csv", "m/1/metrics.csv", "m/0/notes.txt", "m/1/notes.txt")
    for path in ("m/*", ["m/0", "m/1"]):
        assert "not read: 2 other files (m/0/notes.txt, m/1/notes.txt)" in read(tmp_path, path).notes
    lay(tmp_path, *(f"a/checkpoint-{number}/trainer_state.json" for number in (9, 20)), text=STATE)
    words = "not read: 1 other files (a/checkpoint-9/trainer_state.json)"
    assert words in read(tmp_path, "a/*/trainer_state.json").notes


def test_tables_of_one_folder_are_one_run(tmp_path: Path) -> None:
    """Training and validation in a file each; the same observable in both is refused."""
    lay(tmp_path, *(f"{run}/val.csv" for run in "abc"))
    lay(tmp_path, *(f"{run}/test.csv" for run in "abc"), text=TABLE.replace("val_acc", "test_loss"))
    assert set(read(tmp_path, ".").runs.values) == {"val_acc", "test_loss"}
    lay(tmp_path, *(f"{run}/test.csv" for run in "abc"))
    with pytest.raises(DataError, match="val_acc is logged in two files of one folder") as caught:
        read(tmp_path, ".")
    assert str(caught.value.received) == f"{tmp_path / 'a/test.csv'} and {tmp_path / 'a/val.csv'}"


def exported(metric: str, runs: Sequence[str] = ("run-0", "run-1"), shift: float = 0.0) -> str:
    """Return what W&B exports of one metric: a column for each run, with two of ranges beside it."""
    names = [f"{run} - {metric}{more}" for run in runs for more in ("", "__MIN", "__MAX")]
    rows = [[str(step), *(str(shift + step / 10 + place // 3 / 100) for place in range(len(names)))] for step in (0, 5)]
    return "\n".join(",".join(f'"{cell}"' for cell in row) for row in [["Step", *names], *rows]) + "\n"


@pytest.mark.parametrize("path", ["w", "w/*.csv", ["w/acc.csv", "w/loss.csv"], "w/{history}"])
def test_exports_of_one_folder_are_one(tmp_path: Path, path: str | list[str]) -> None:
    """A metric in each file of W&B's and the same runs in both; of a folder, a pattern, a list."""
    folder = "w/hot" if path == "w/{history}" else "w"
    lay(tmp_path, f"{folder}/acc.csv", text=exported("val/acc"))
    lay(tmp_path, f"{folder}/loss.csv", text=exported("val/loss", shift=1.0))
    runs = read(tmp_path, path).runs
    assert [name.partition("/")[2] for name in runs.replicas] == ["run-0", "run-1"]
    assert runs.values["val/acc"].tolist() == [[0, 0.5], [0.01, 0.51]]
    assert runs.values["val/loss"].tolist() == [[1, 1.5], [1.01, 1.51]]


def test_exports_in_several_folders_are_runs_of_each(tmp_path: Path) -> None:
    """Two files in each folder, merged by run, and named by the folder."""
    for folder in "ab":
        lay(tmp_path, f"{folder}/acc.csv", text=exported("val/acc"))
        lay(tmp_path, f"{folder}/loss.csv", text=exported("val/loss"))
    recorded = read(tmp_path, ".")
    assert recorded.runs.replicas == tuple(f"recorded/{folder}/run-{run}" for folder in "ab" for run in (0, 1))
    assert set(recorded.runs.values) == {"val/acc", "val/loss"}


def test_exports_of_other_runs_are_files_of_their_own(tmp_path: Path) -> None:
    """The same column in both, or no run in common: named by their files, as any table."""
    lay(tmp_path, "same/a.csv", "same/b.csv", text=exported("val/acc"))
    assert names(tmp_path, "same") == ["a/run-0", "a/run-1", "b/run-0", "b/run-1"]
    for seed in (0, 1):
        lay(tmp_path, f"other/seed{seed}.csv", text=exported("val/acc", (f"sunny-{seed}",)))
    assert names(tmp_path, "other") == ["seed0", "seed1"]
    lay(tmp_path, "named/a.csv", text=exported("val/acc"))
    lay(tmp_path, "named/b.csv", text=exported("val/loss"))
    places, _ = places_of(tmp_path, ["named/{point}.csv"], "auto")
    assert [(place.point, len(place.files)) for place in places] == [("a", 1), ("b", 1)]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("empty", "there are no runs in this folder"),
        ("texts", r"there are no runs in this folder[^\n]*\n[^\n]*1 files: a.txt\n[^\n]*tried: tables"),
        ("texts/a.txt", "not read from files of this kind"),
        ("absent", "there is no such file"),
        ("absent/*", "no file fits the pattern"),
        ("{replica}/absent.csv", "no file fits the pattern"),
        (["texts/a.txt", "absent"], "not read from files of this kind"),
    ],
)
def test_places_without_runs_are_refused(tmp_path: Path, path: str, message: str) -> None:
    """With what there is, and what was tried."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=message):
        read(lay(tmp_path, "texts/a.txt"), path)


def test_two_runs_of_one_name_are_refused(tmp_path: Path) -> None:
    """Both of their files are named."""
    lay(tmp_path, "a/0/x.csv", "b/0/x.csv")
    with pytest.raises(DataError, match=r"two replicas have the same name\n[^\n]*a/0/x.csv and [^\n]*b/0/x.csv"):
        read(tmp_path, "*/{replica}/x.csv")


def test_the_fingerprint_is_that_of_all_files(tmp_path: Path) -> None:
    """Another value, or another name, is another experiment; the order in which they are found is not."""
    lay(tmp_path, "m/0.csv", "m/1.csv")
    before = read(tmp_path, "m").fingerprint
    assert read(tmp_path, "m/*.csv").fingerprint == before
    lay(tmp_path, "m/1.csv", text=TABLE.replace("0.9", "0.8"))
    assert read(tmp_path, "m").fingerprint != before


def test_a_folder_with_brackets_in_its_name_is_that_folder(tmp_path: Path) -> None:
    """A shell would take `exp[12]` for exp1 and exp2; the place of the spec is no pattern."""
    lay(tmp_path, "exp1/a/metrics.csv", "exp2/a/metrics.csv", "exp[12]/x/metrics.csv", "exp[12]/y/metrics.csv")
    for pattern in ("*/metrics.csv", "{replica}/metrics.csv", "./{replica}/metrics.csv"):
        assert names(tmp_path / "exp[12]", pattern) == ["x", "y"]


def test_points_are_named_by_all_runs_or_by_none(tmp_path: Path) -> None:
    """Those without would be of no point, and judged nowhere."""
    lay(tmp_path, "b.csv", text="replica,step,observable,value\n0,0,loss,1\n0,1,loss,2\n")
    lay(tmp_path, "a.csv", text="point,replica,step,observable,value\np,0,0,loss,1\nq,0,1,loss,2\n")
    with pytest.raises(DataError, match="some runs name a point and some do not"):
        read(tmp_path, ["a.csv", "b.csv"], "p")


def test_event_files_of_one_folder_are_told_apart_by_their_names(tmp_path: Path) -> None:
    """A pattern says that each is a run; of two with the same name of a run both are read."""
    (source,) = (LOGS / "tensorboard" / "seed0").iterdir()
    for name in ("1.seed0", "2.seed0", "1.seed1"):
        (tmp_path / f"events.out.tfevents.{name}").write_bytes(source.read_bytes())
    assert names(tmp_path, "events.out.tfevents.*.seed{replica}") == ["0", "1"]


def test_training_and_validation_are_no_two_runs(tmp_path: Path) -> None:
    """As Keras writes them; the pattern that the remedy names reads one of them."""
    (source,) = (LOGS / "tensorboard" / "seed0").iterdir()
    for seed in "01":
        for split in ("train", "validation"):
            place = tmp_path / "keras" / f"seed{seed}" / split
            place.mkdir(parents=True)
            (place / source.name).write_bytes(source.read_bytes())
    for path in ("keras", "keras/{replica}"):
        with pytest.raises(DataError, match="training and validation of one run") as caught:
            read(tmp_path, path)
        assert "keras/{replica}/validation" in str(caught.value)
    assert names(tmp_path, "keras/{replica}/validation") == ["seed0/validation", "seed1/validation"]


def test_a_pattern_starts_where_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the working directory, above it, or at the root."""
    monkeypatch.chdir(lay(tmp_path, "m/0/metrics.csv", "m/1/metrics.csv") / "m")
    for base, pattern in ((Path(), "{replica}/metrics.csv"), (Path("../m"), "{replica}/metrics.csv")):
        assert names(base, pattern) == ["0", "1"]
    assert names(Path(), f"{tmp_path}/m/{{replica}}/metrics.csv") == ["0", "1"]
    assert names(Path(), "../m/{replica}/metrics.csv") == ["0", "1"]
