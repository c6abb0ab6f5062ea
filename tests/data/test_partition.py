"""Groups stay on one side, the latest examples are the test set, and a random split is what it was."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from tests.conftest import SMALL
from thermo_cli import rng
from thermo_cli.contracts import Examples
from thermo_cli.data.partition import partition
from thermo_cli.data.split import load_dataset
from thermo_cli.errors import DataError
from thermo_cli.spec import identity, load_spec
from thermo_cli.spec.data_parts import FunctionData, NpyData, NpzData, TableFileData
from thermo_cli.spec.data_rules import OwnData


def spec(use: str, test_fraction: float = 0.3, seed: int = 0) -> OwnData:
    """Rules of a split."""
    given = {"use": "a:b", "split": {"use": use}, "test_fraction": test_fraction, "split_seed": seed}
    return FunctionData.model_validate(given)


def examples(key: np.ndarray) -> Examples:
    """Examples of two classes with groups or times."""
    return Examples(np.arange(len(key))[:, None] * 1.0, np.arange(len(key)) % 2, "classification", ("a", "b"), key)


@pytest.mark.parametrize("seed", range(5))
def test_no_group_is_on_both_sides(seed: int) -> None:
    """Whatever the seed; every example is on one side."""
    groups = rng.generator(3).integers(0, 20, 300)
    pool, test = partition(examples(groups), spec("grouped", seed=seed))
    assert not set(groups[pool]) & set(groups[test])
    np.testing.assert_array_equal(np.sort(np.concatenate([pool, test])), np.arange(300))
    assert len(set(groups[test])) == 6
    random = partition(examples(groups), spec("random", seed=seed))
    assert set(groups[random[0]]) & set(groups[random[1]])


def test_the_latest_examples_are_the_test_set() -> None:
    """Every time of the test set is later than every time of the pool; ties stay together."""
    times = rng.generator(4).permutation(np.repeat(np.arange(50.0), 4))
    pool, test = partition(examples(times), spec("time", 0.29))
    assert times[pool].max() < times[test].min()
    assert len(test) == 60


@pytest.mark.parametrize(
    ("use", "key", "expected"),
    [
        ("grouped", np.zeros(20), "two groups or more"),
        ("time", np.zeros(20), "no example is earlier"),
        ("time", np.arange(20) % 2 * 1.0, "class is in the test set alone"),
        ("grouped", None, "needs the groups"),
        ("time", None, "needs the time"),
    ],
)
def test_a_key_that_cannot_split_is_refused(use: str, key: np.ndarray, expected: str) -> None:
    """One group, one time, a class that comes late, no key at all."""
    some = Examples(np.ones((20, 1)), np.arange(20) % 2, "classification", ("a", "b"), key)
    with pytest.raises(DataError, match=expected):
        partition(some, spec(use))


@pytest.mark.parametrize(
    ("model", "part", "expected"),
    [
        (
            TableFileData,
            {"use": "csv", "with": {"path": "a", "target": "y"}, "split": {"use": "grouped"}},
            "needs column",
        ),
        (NpzData, {"use": "npz", "with": {"path": "a"}, "split": {"use": "time", "column": "t"}}, "needs array"),
        (NpyData, {"use": "npy", "with": {"x": "a", "y": "b"}, "split": {"array": "t"}}, "takes no array"),
        (FunctionData, {"use": "a:b", "split": {"use": "time", "column": "t"}}, "takes no column"),
    ],
)
def test_a_split_needs_the_right_name(model: type[OwnData], part: dict[str, object], expected: str) -> None:
    """A column of tables, an array of archives and files, nothing of functions."""
    with pytest.raises(ValidationError, match=expected):
        model.model_validate(part)


@pytest.mark.parametrize("use", ["csv", "npz", "npy"])
def test_every_file_takes_groups_and_times(tmp_path: Path, use: str) -> None:
    """The key is no feature, and decides the split."""
    x, y, day = np.arange(60.0).reshape(30, 2), np.arange(30) % 2, np.arange(30) // 3
    dates = np.datetime64("2026-01-01") + day
    np.savez(tmp_path / "a.npz", x=x, y=y, day=dates)
    for name, array in {"x": x, "y": y, "day": dates}.items():
        np.save(tmp_path / f"{name}.npy", array)
    rows = [f"{a},{b},{c},{d}" for (a, b), c, d in zip(x, y, dates, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["u,v,y,day", *rows]))
    model, with_, key = {
        "csv": (TableFileData, {"path": "a.csv", "target": "y"}, {"column": "day"}),
        "npz": (NpzData, {"path": "a.npz"}, {"array": "day"}),
        "npy": (NpyData, {"x": "x.npy", "y": "y.npy"}, {"array": "day.npy"}),
    }[use]
    for rule in ("time", "grouped"):
        part = {"use": use, "with": with_, "split": {"use": rule, **key}, "scale": "none", "test_fraction": 0.2}
        dataset = load_dataset(model.model_validate(part), tmp_path)
        assert dataset.inputs == 2
        pool, test = dataset.x[:, 0] // 6, dataset.x_test[:, 0] // 6
        assert not set(pool) & set(test)
        assert rule == "grouped" or pool.max() < test.min()


@pytest.mark.parametrize("cell", ["soon", ""])
def test_a_time_that_is_none_is_refused_with_its_line(tmp_path: Path, cell: str) -> None:
    """Neither a number nor a date, or nothing."""
    (tmp_path / "a.csv").write_text(f"u,y,day\n1,0,2026-01-01\n2,1,{cell}\n3,0,2026-01-03T10:00:00+02:00\n")
    part = {"use": "csv", "with": {"path": "a.csv", "target": "y"}, "split": {"use": "time", "column": "day"}}
    with pytest.raises(DataError, match=r":3: day"):
        load_dataset(TableFileData.model_validate(part), tmp_path)


def test_a_default_that_is_said_is_the_same_run(tmp_path: Path) -> None:
    """Said or not, what is at its default gives one identity; another value is another run."""
    (tmp_path / "s.yaml").write_text(SMALL)
    plain, said, other = (
        identity(load_spec(tmp_path / "s.yaml", changes), "x", "cpu")
        for changes in ([], ["data.label_noise=0"], ["data.label_noise=0.1"])
    )
    assert plain == said != other
