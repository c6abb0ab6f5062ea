"""Files of data: what cannot be used is named with its line and column."""

from pathlib import Path

import numpy as np
import pytest

from thermo_cli.contracts import Examples
from thermo_cli.data.sources import npz_file, table_file
from thermo_cli.data.split import load_dataset
from thermo_cli.errors import DataError
from thermo_cli.spec import load_spec
from thermo_cli.spec.data_parts import NpzData, TableFileData


def write(folder: Path, text: str) -> str:
    """Write a CSV file and return its name."""
    (folder / "t.csv").write_text(text)
    return "t.csv"


def csv(folder: Path, path: str, target: str, task: str | None = None) -> Examples:
    """Read a CSV file."""
    given = {"use": "csv", "with": {"path": path, "target": target, "task": task}}
    return table_file.csv(TableFileData.model_validate(given), folder)


def npz(folder: Path, **arguments: str) -> Examples:
    """Read an NPZ file."""
    return npz_file.load(NpzData.model_validate({"use": "npz", "with": {"path": "d.npz", **arguments}}), folder)


def test_a_csv_file_becomes_examples(tmp_path: Path) -> None:
    """Features keep their order, text targets become classes in alphabetical order."""
    name = write(tmp_path, "a,kind,b\n1,x,2\n3,w,4.5\n")
    examples = csv(tmp_path, name, "kind")
    assert examples.task == "classification"
    assert examples.labels == ("w", "x")
    np.testing.assert_array_equal(examples.x, [[1, 2], [3, 4.5]])
    np.testing.assert_array_equal(examples.y, [1, 0])


def test_many_distinct_numbers_mean_regression(tmp_path: Path) -> None:
    """A target with fractions, or with more than twenty whole numbers, is a number to predict."""
    name = write(tmp_path, "a,y\n1,0.5\n2,1\n3,2\n")
    assert csv(tmp_path, name, "y").task == "regression"
    name = write(tmp_path, "a,y\n" + "".join(f"{i},{i}\n" for i in range(21)))
    assert csv(tmp_path, name, "y").task == "regression"
    assert csv(tmp_path, name, "y", "classification").task == "classification"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b,y\n1,2,0\n1,nan,1\n", [":3: b", "missing", "'nan'"]),
        ("a,b,y\n1,2,0\n1,red,1\n", [":3: b", "expected a number", "'red'"]),
        ("a,b,y\n1,2,0\n1,,1\n", [":3: b", "missing", "''"]),
        ("a,b,y\n1,2,0\n1,2,\n", [":3: y", "missing"]),
        ("a,b,y\n1,2,0\n1,2\n", [":3", "3 cells", "2 cells"]),
        ("a,b,z\n1,2,0\n", ["data.with.target: ", "no such target column", "t.csv", "a, b, z"]),
        ("a,a,y\n1,2,0\n", ["same name", "a"]),
        ("a,b,y\n1,2,7\n3,4,7\n", ["constant", "7"]),
        ("a,b,y\n1,2,inf\n3,4,7\n", ["not finite"]),
        ("a,b,y\n", ["no examples"]),
        ("y\n1\n2\n", ["only column"]),
        ("", ["no examples"]),
    ],
)
def test_a_bad_csv_file_is_refused_with_the_place(tmp_path: Path, text: str, expected: list[str]) -> None:
    """NaN, text, gaps, ragged lines, missing and constant targets."""
    with pytest.raises(DataError) as caught:
        csv(tmp_path, write(tmp_path, text), "y")
    for part in expected:
        assert part in str(caught.value)


def test_a_missing_csv_file_is_named(tmp_path: Path) -> None:
    """The path that was looked for is in the message."""
    with pytest.raises(DataError, match=r"data\.with\.path: there is no such file"):
        csv(tmp_path, "absent.csv", "y")


def test_an_npz_file_becomes_examples(tmp_path: Path) -> None:
    """Images are flattened, arrays are found by name."""
    np.savez(tmp_path / "d.npz", images=np.arange(24.0).reshape(3, 2, 4), label=np.array([0, 1, 1]))
    examples = npz(tmp_path, features="images", target="label")
    assert examples.x.shape == (3, 8)
    assert examples.labels == ("0", "1")


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"x": np.ones((3, 2)), "y": np.ones(2)}, "examples, features"),
        ({"x": np.ones((3, 2))}, "no such array"),
        ({"x": np.array([[1, np.nan], [1, 1]]), "y": np.array([0, 1])}, "example 1, feature 2"),
        ({"x": np.ones((3, 2)), "y": np.zeros(3)}, "constant"),
        ({"x": np.array([["a"], ["b"]]), "y": np.array([0, 1])}, "expected numbers"),
        ({"x": np.ones((2, 1)), "y": np.array([{}, {}], dtype=object)}, "plain arrays"),
    ],
)
def test_a_bad_npz_file_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], expected: str) -> None:
    """Wrong shapes, NaN, missing arrays, constant targets, and anything pickled."""
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(DataError, match=expected):
        npz(tmp_path)


def test_a_torn_npz_file_is_refused(tmp_path: Path) -> None:
    """Half a file is not an archive."""
    np.savez(tmp_path / "d.npz", x=np.ones((50, 2)), y=np.arange(50))
    whole = (tmp_path / "d.npz").read_bytes()
    (tmp_path / "d.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="not an NPZ archive"):
        npz(tmp_path)


@pytest.mark.parametrize("shape", [(True, 2), (0, 10**23)])
def test_an_array_of_no_shape_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """A header holds what Python reads as numbers, and NumPy does not."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape!r}, }}"
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    (tmp_path / "x.npy").write_bytes(
        b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + b"\0" * 64
    )
    np.save(tmp_path / "y.npy", np.zeros(40))
    spec = {"data": {"use": "npy", "with": {"x": "x.npy", "y": "y.npy"}}, "system": {"use": "linear"}}
    data = load_spec({**spec, "dynamics": {"use": "sgd", "steps": 4}}).data
    assert data is not None
    with pytest.raises(DataError, match="not an NPY file"):
        load_dataset(data, tmp_path)
