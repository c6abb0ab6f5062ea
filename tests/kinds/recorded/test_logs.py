"""Logs as their clients wrote them (tests/logs/make.py): each is recognised, and holds what the client was told."""

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT
from thermo_cli.errors import DataError
from thermo_cli.kinds.recorded.parts import RecordedArguments
from thermo_cli.kinds.recorded.records import Recorded, read_logs

LOGS = ROOT / "tests" / "logs"
CLIENTS = ROOT.parent / "shared" / "data" / "clients"
COURSE = np.array(
    [0.4375, 0.9479166666666666]
)  # accuracy of the first run at steps 0 and 10, as three clients were told


def read(path: Path, *named: str, **given: str) -> Recorded:
    """Read runs, as a spec beside them would."""
    if "tensorboard" in path.parts or "tfevents" in path.name:
        pytest.importorskip("tensorboard", reason="event files are read with the extra thermo-cli[tensorboard]")
    return read_logs(RecordedArguments(path=path.name, **given), path.parent, named).at(None)


def write_database(path: Path) -> Path:
    """Write MLflow's database, of which the tables with runs are kept as SQL, and return its path."""
    with sqlite3.connect(path) as connection:
        connection.executescript((LOGS / "mlflow" / "mlflow.sql").read_text())
    connection.close()
    return path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """MLflow's database."""
    return write_database(tmp_path / "mlflow.db")


def test_logs_are_small() -> None:
    """No format has more than 20 kB, without what writes it."""
    for folder in filter(Path.is_dir, LOGS.iterdir()):
        if folder.name != "__pycache__":
            assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 20_000, folder


@pytest.mark.parametrize(
    ("path", "names", "last", "taken"),
    [
        ("lightning", ["val_acc", "val_loss"], 29, "Lightning's CSVLogger: it has the columns epoch and step"),
        ("keras", ["val_accuracy", "val_loss"], 9, "Keras' CSVLogger: its first column is epoch"),
        (
            "trainer_state",
            ["eval_accuracy", "eval_loss"],
            40,
            "Hugging Face's Trainer: it is called trainer_state.json",
        ),
        ("tensorboard", ["val/accuracy"], 100, "event files of TensorBoard: tfevents is in its name"),
        ("wandb/export.csv", ["val/accuracy"], 100, "W&B has exported: beside Step each column is called"),
        ("mlflow/mlruns", ["val_accuracy"], 100, "MLflow's tracking store: it has folders of experiments and runs"),
    ],
)
def test_what_a_client_wrote_is_recognised(path: str, names: list[str], last: int, taken: str) -> None:
    """Three runs, the scores on held-out examples, and in words what the log was taken for and why."""
    recorded = read(LOGS / path)
    assert len(recorded.runs.replicas) == 3
    assert sorted(recorded.runs.values) == names
    assert recorded.runs.steps[-1] == last
    assert recorded.runs.states == ("finished",) * 3
    assert np.isfinite(recorded.runs.finals[names[0]]).all()
    assert any(taken in words for words in recorded.notes)


def test_the_database_is_recognised(database: Path) -> None:
    """Its runs by their names, without those that were deleted."""
    recorded = read(database)
    assert recorded.runs.replicas == tuple(f"recorded/seed{seed}" for seed in range(3))
    np.testing.assert_array_equal(recorded.runs.values["val_accuracy"][0, :2], COURSE)
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE runs SET lifecycle_stage = 'deleted' WHERE name = 'seed1'")
    connection.close()
    assert read(database).runs.replicas == ("recorded/seed0", "recorded/seed2")


def test_clients_that_were_told_the_same_say_the_same(database: Path) -> None:
    """MLflow's two stores, TensorBoard's old and new scalars, which have single precision, and W&B's table."""
    logs = [
        read(database),
        read(LOGS / "mlflow" / "mlruns"),
        read(LOGS / "wandb" / "export.csv"),
        read(LOGS / "tensorboard"),
    ]
    first, *others = (next(iter(one.runs.values.values())) for one in logs)
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-7)


def test_a_named_observable_is_read_whatever_it_is_called(database: Path) -> None:
    """Of each format, the loss of training."""
    assert "train/loss" in read(database, "train/loss").runs.values
    assert "train/loss" in read(LOGS / "mlflow" / "mlruns", "train/loss").runs.values
    assert "train_loss" in read(LOGS / "lightning", "train_loss").runs.values
    assert "grad_norm" in read(LOGS / "trainer_state", "grad_norm").runs.values


def test_columns_of_lightning_are_where_they_were_written() -> None:
    """Rows of training and of validation share no step, and an empty cell is no value."""
    runs = read(LOGS / "lightning", "train_loss").runs
    rows = [line.split(",") for line in (LOGS / "lightning" / "version_1" / "metrics.csv").read_text().splitlines()]
    header, *cells = rows
    for name, values in runs.values.items():
        written = {int(row[header.index("step")]): row[header.index(name)] for row in cells if row[header.index(name)]}
        place = np.searchsorted(runs.steps, sorted(written))
        np.testing.assert_array_equal(values[1, place], [float(written[step]) for step in sorted(written)])
        assert np.isnan(np.delete(values[1], place)).all()


def test_another_format_can_be_stated() -> None:
    """What the spec says is not asked again, and what a folder has of other formats is not read."""
    assert any("the spec says so" in words for words in read(LOGS / "keras", format="wide").notes)
    with pytest.raises(DataError, match="there are no runs in this folder"):
        read(LOGS / "keras", format="tensorboard")


@settings(max_examples=60, deadline=None)
@given(
    log=st.sampled_from(["keras", "lightning", "trainer_state", "wandb", "mlflow/mlruns", "mlflow.db"]),
    place=st.floats(0, 1),
    length=st.integers(0, 60),
    written=st.sampled_from([b"", b",", b"\n", b'"', b"nan", b"1e999", b"-", b"\0", b"\xff", b"[", b"\r", b"9" * 20]),
    number=st.integers(0, 20),
)
def test_damaged_logs_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, log: str, place: float, length: int, written: bytes, number: int
) -> None:
    """Whatever is cut out of a file or written over it, no error is met but those that say what is wrong and where."""
    folder = tmp_path_factory.mktemp("logs")
    if log == "mlflow.db":
        write_database(folder / log)
    else:
        shutil.copytree(LOGS / log, folder / "copy")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = files[number % len(files)]
    data = path.read_bytes()
    start = int(place * len(data))
    path.write_bytes(data[:start] + written + data[start + length :])
    with contextlib.suppress(DataError):  # it says what is wrong; anything else fails this test
        assert read_logs(RecordedArguments(path="."), folder).at(None).runs.values


@pytest.mark.parametrize("content", [b"", b"no events at all" * 20, b"\x18" + b"\0" * 40])
def test_another_file_of_events_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, of another version, or none at all: an error that names the file."""
    (tmp_path / "events.out.tfevents.1").write_bytes(content)
    with pytest.raises(DataError, match="the event file cannot be read"):
        read(tmp_path / "events.out.tfevents.1")


def test_a_torn_file_of_events_is_read_up_to_there(tmp_path: Path) -> None:
    """Half a record at the end is no record."""
    (source,) = (LOGS / "tensorboard" / "seed0").iterdir()
    (tmp_path / source.name).write_bytes(source.read_bytes()[:-10])
    runs = read(tmp_path / source.name).runs
    assert runs.steps[-1] == 90


@pytest.mark.parametrize("damage", ["no database", "other tables", "torn"])
def test_a_damaged_database_is_refused(database: Path, damage: str) -> None:
    """With its name, and what it should be."""
    if damage == "other tables":
        with sqlite3.connect(database) as connection:
            connection.execute("DROP TABLE metrics")
        connection.close()
    else:
        data = database.read_bytes()
        database.write_bytes(data[: len(data) // 3] if damage == "torn" else data[:16] + b"x" * 400)
    with pytest.raises(DataError, match=r"mlflow\.db: the file cannot be read as MLflow's database"):
        read(database)


def test_logs_that_would_never_end_or_hold_no_numbers_are_told(tmp_path: Path) -> None:
    """A view in the place of a table, aliases that stand for gigabytes, a step beyond 64 bits, an object as a value."""
    database = write_database(tmp_path / "mlflow.db")
    with sqlite3.connect(database) as connection:
        connection.execute("ALTER TABLE metrics RENAME TO kept")
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
        connection.execute(f"CREATE VIEW METRICS AS {endless} SELECT 'k' AS key, x AS value, x AS step FROM n")
    with pytest.raises(DataError, match="METRICS is a view"):
        read(database)
    columns = "run_uuid, key, value, step, timestamp, is_nan"
    for number, made in enumerate(
        (
            f"CREATE VIRTUAL TABLE metrics USING fts5({columns}, content='endless')",
            f"CREATE TABLE metrics ({columns}, more AS (hex(zeroblob(400000000))))",
        )
    ):
        with sqlite3.connect(write_database(tmp_path / f"{number}.db")) as connection:
            connection.execute("ALTER TABLE metrics RENAME TO kept")
            connection.execute(made)
        with pytest.raises(DataError, match="metrics is a virtual or computed table"):
            read(tmp_path / f"{number}.db")
    store = shutil.copytree(LOGS / "mlflow" / "mlruns", tmp_path / "mlruns")
    metric = next(iter(store.glob("*/*/metrics/val_accuracy")))
    before = metric.read_text()
    metric.write_text("1 0.5 99999999999999999999\n")
    with pytest.raises(DataError, match="does not fit into 64 bits"):
        read(store)
    for line in ("1 0.5 -3", "1 0.5 1.5"):
        metric.write_text(f"{line}\n")
        with pytest.raises(DataError):
            read(store)
    metric.write_text(before)
    with sqlite3.connect(write_database(tmp_path / "below.db")) as connection:
        connection.execute("UPDATE metrics SET step = -3 WHERE step = (SELECT max(step) FROM metrics)")
    with pytest.raises(DataError, match="a step is a whole number, 0 or more"):
        read(tmp_path / "below.db")
    meta = next(iter(store.glob("*/meta.yaml")))
    bombs = "".join(f"b{n}: &b{n} [*b{n - 1}, *b{n - 1}]\n" for n in range(1, 40))
    meta.write_text(f"b0: &b0 [x, x]\n{bombs}name: *b39\n")
    with pytest.raises(DataError, match="aliases"):
        read(store)
    meta.write_text("[" * 3000)
    with pytest.raises(DataError, match=r"meta\.yaml: the file cannot be read"):
        read(store)
    meta.write_text('name: !!bool "x"\nother: !!int ""\n')  # nothing but text is made of it
    assert read(store).runs.values
    state = {"log_history": [{"step": step, "eval_accuracy": 0.5, "more": {"a": [1]}} for step in range(4)]}
    (tmp_path / "trainer_state.json").write_text(json.dumps(state))
    assert list(read(tmp_path / "trainer_state.json").runs.values) == ["eval_accuracy"]
    (tmp_path / "a.jsonl").write_text('{"step": 0, "accuracy": 1}\n{"step": 1, "accuracy": [1]}\n')
    with pytest.raises(DataError, match=r"a\.jsonl:2"):
        read(tmp_path / "a.jsonl", "accuracy")


def test_a_torn_state_is_refused(tmp_path: Path) -> None:
    """Half of the JSON, and JSON of something else."""
    for text in ('{"log_history": [{"step": 1, "lo', "[]", '{"log_history": []}', '{"log_history": [3]}'):
        (tmp_path / "trainer_state.json").write_text(text)
        with pytest.raises(
            DataError, match=r"trainer_state\.json: (the file is not whole JSON|there is no log_history)"
        ):
            read(tmp_path / "trainer_state.json")


@pytest.mark.skipif(not CLIENTS.exists(), reason="the logs of other clients are not at hand")
@pytest.mark.parametrize(
    ("name", "replicas", "observable"),
    [
        ("dvclive_error.tsv", 1, "error"),
        ("events.out.tfevents.example", 1, "test/error"),
        ("keras.csv", 1, "val_accuracy"),
        ("lightning_metrics.csv", 1, "val_acc"),
        ("trainer_state.json", 1, "eval_accuracy"),
        ("wandb_ui.csv", 8, "test_error"),
    ],
)
def test_logs_of_other_clients_are_read(name: str, replicas: int, observable: str) -> None:
    """Each by its own name, without a word on what it is."""
    runs = read(CLIENTS / name).runs
    assert len(runs.replicas) == replicas
    assert observable in runs.values


@pytest.mark.skipif(not CLIENTS.exists(), reason="the logs of other clients are not at hand")
@pytest.mark.parametrize("name", ["lgb0.json", "xgb0.json", "sacred_metrics.json"])
def test_what_is_no_table_is_answered_with_what_would_do(name: str) -> None:
    """What was tried, and lines of a table."""
    with pytest.raises(DataError, match="tried: tables") as caught:
        read(CLIENTS / name)
    assert "step,test_accuracy" in caught.value.remedy
