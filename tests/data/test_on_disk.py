"""Features that stay on disk: rows are those of the file, nothing reads it whole twice, and a changed file is found."""

import os
from pathlib import Path

import numpy as np
import pytest

from thermo_cli import rng
from thermo_cli.contracts import Dataset
from thermo_cli.data import mapped
from thermo_cli.data.mapped import MappedFile, MappedRows, open_mapped
from thermo_cli.data.split import load_dataset
from thermo_cli.errors import DataError
from thermo_cli.experiment import prepare
from thermo_cli.kinds.networks.kind import needs
from thermo_cli.kinds.networks.learner import Learner
from thermo_cli.replicas import replica_table
from thermo_cli.spec import load_spec
from thermo_cli.spec.data_parts import NpyData

SPEC = """\
name: disk
data:     {use: npy, with: {x: x.npy, y: y.npy, mmap: true}, test_fraction: 0.1}
system:   {use: linear}
dynamics: {use: sgd, with: {lr: 0.05}, batch_size: 16, steps: 60}
ensemble: {replicas: 4, subsample: {size: 40}, controls: {same_bath: 0, twin: 0}}
"""


def write(folder: Path, dtype: type = np.float32, examples: int = 900) -> np.ndarray:
    """Write features and a linear target, and return the features."""
    x = (5 + 3 * rng.generator(1).standard_normal((examples, 3, 2))).astype(dtype)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", x.reshape(examples, -1) @ np.arange(6.0))
    return x.reshape(examples, -1)


def data(folder: Path, mmap: bool | None, **given: object) -> Dataset:
    """Load what `write` wrote."""
    part = {"use": "npy", "with": {"x": "x.npy", "y": "y.npy", "mmap": mmap}, "test_fraction": 0.1, **given}
    return load_dataset(NpyData.model_validate(part), folder)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, ">f4"])
@pytest.mark.parametrize("scale", ["none", "standardize"])
def test_rows_on_disk_are_those_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: type, scale: str
) -> None:
    """Whatever the type and the pieces: any index, the same split, the same scale but for rounding."""
    monkeypatch.setattr(mapped, "PIECE_BYTES", 1000)
    write(tmp_path, dtype)
    disk, memory = data(tmp_path, True, scale=scale), data(tmp_path, False, scale=scale)
    assert isinstance(disk.x, MappedRows)
    assert isinstance(memory.x, np.ndarray)
    assert disk.x.shape == memory.x.shape
    for index in (np.array([7, 3, 3, 801]), slice(5, 40, 7), np.array([[1, 2], [0, 1]])):
        np.testing.assert_allclose(disk.x[index], memory.x[index], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(disk.x_test, memory.x_test, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(disk.y, memory.y)


def test_a_shard_on_disk_trains_like_one_in_memory(tmp_path: Path) -> None:
    """The same numbers to rounding, from a pool that holds only the rows that its replicas use."""
    write(tmp_path)
    (tmp_path / "s.yaml").write_text(SPEC)
    found = []
    for mmap in ("true", "false"):
        spec = load_spec(tmp_path / "s.yaml", [f"data.with.mmap={mmap}"])
        learner = Learner(spec, load_dataset(spec.data, tmp_path), replica_table(spec)[:4])
        learner.advance(60)
        found.append((learner.vectors(), learner.measure(), learner.finish()))
        assert (len(learner.stack.x) <= 160) == (mmap == "true")
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5)
    for name, values in found[1][1].items():
        np.testing.assert_allclose(found[0][1][name], values, rtol=1e-3, err_msg=name)


def test_the_plan_counts_rows_and_not_the_file(tmp_path: Path) -> None:
    """Memory of a pool on disk does not grow with the file."""
    (tmp_path / "s.yaml").write_text(SPEC)
    counted = []
    for examples in (2000, 60_000):
        write(tmp_path, examples=examples)
        over = [f"data.test_fraction={200 / examples}"]
        study = prepare(load_spec(tmp_path / "s.yaml", over), tmp_path, tmp_path / "r")
        counted.append(needs(study.points[0]).memory)
    assert counted[0] == counted[1]


def test_a_known_file_is_not_read_whole_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With size and time of the last change as they were; otherwise it is, and the same content has the same fingerprint."""
    write(tmp_path)
    part = NpyData.model_validate(
        {"use": "npy", "with": {"x": "x.npy", "y": "y.npy", "mmap": True}, "test_fraction": 0.1}
    )
    first = load_dataset(part, tmp_path)
    surveys = []
    survey = MappedFile.survey
    monkeypatch.setattr(MappedFile, "survey", lambda self, pool: surveys.append(1) or survey(self, pool))
    again = load_dataset(part, tmp_path, first.source)
    assert not surveys
    assert again.fingerprint == first.fingerprint
    np.testing.assert_array_equal(again.x[:5], first.x[:5])
    os.utime(tmp_path / "x.npy", ns=(1, 1))
    assert load_dataset(part, tmp_path, first.source).fingerprint == first.fingerprint
    assert len(surveys) == 1
    with (tmp_path / "x.npy").open("r+b") as handle:  # one byte, in the middle of the file
        handle.seek(9000)
        byte = handle.read(1)
        handle.seek(9000)
        handle.write(bytes([byte[0] ^ 1]))
    assert load_dataset(part, tmp_path, first.source).fingerprint != first.fingerprint


def test_rows_of_a_file_that_was_written_to_are_refused(tmp_path: Path) -> None:
    """Also when it is the same size."""
    write(tmp_path)
    dataset = data(tmp_path, True)
    os.utime(tmp_path / "x.npy", ns=(1, 1))
    with pytest.raises(DataError, match="changed while the run was in progress"):
        dataset.x[np.arange(3)]


def test_a_pool_on_disk_is_never_read_whole(tmp_path: Path) -> None:
    """Turning it into an array is refused."""
    write(tmp_path)
    with pytest.raises(DataError, match="not read whole"):
        np.asarray(data(tmp_path, True).x)


def test_large_files_stay_on_disk_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above a size, unless mmap is false."""
    write(tmp_path)
    monkeypatch.setattr("thermo_cli.data.sources.npy_file.LARGE_BYTES", 1000)
    assert isinstance(data(tmp_path, None).x, MappedRows)
    assert isinstance(data(tmp_path, False).x, np.ndarray)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"test_fraction": 0.9}, "at most"),
        ({"covariate_shift": {"strength": 1.0}}, "principal component"),
        ({"shifted": {"covariate": 1.0}}, "principal component"),
    ],
)
def test_what_would_need_the_whole_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, object], expected: str
) -> None:
    """A large test set, a principal component; noise on the test set is possible."""
    write(tmp_path)
    monkeypatch.setattr(mapped, "TEST_BYTES", 20_000)
    with pytest.raises(DataError, match=expected):
        data(tmp_path, True, **given)
    shifted = data(tmp_path, True, shifted={"noise": 0.5}, label_noise=0.1)
    assert shifted.x_shifted is not None
    assert 0.3 < (shifted.x_shifted - shifted.x_test).std() < 0.7


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (np.ones((9, 2)), np.arange(8), "examples, features"),
        (np.ones(9), np.arange(9) * 0.5, "array of numbers|examples, features"),
        (np.asfortranarray(np.ones((9, 2))), np.arange(9) * 0.5, "Fortran order"),
        (np.full((9, 2), np.nan), np.arange(9) * 0.5, "example 1, feature 1"),
        (np.array([["a"]] * 9), np.arange(9) * 0.5, "numbers"),
        (np.array([[{}]] * 9), np.arange(9) * 0.5, "not an NPY file"),
    ],
)
@pytest.mark.parametrize("mmap", [True, False])
def test_a_bad_pair_is_refused(tmp_path: Path, x: np.ndarray, y: np.ndarray, expected: str, mmap: bool) -> None:
    """Wrong shapes, order, gaps, text, and anything pickled."""
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    if expected == "Fortran order" and not mmap:
        assert data(tmp_path, mmap, scale="none").inputs == 2
        return
    with pytest.raises(DataError, match=expected):
        data(tmp_path, mmap)


@pytest.mark.parametrize("mmap", [True, False])
def test_a_torn_or_missing_file_is_refused(tmp_path: Path, mmap: bool) -> None:
    """Half a file, an archive, no file."""
    write(tmp_path)
    whole = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="not an NPY file"):
        data(tmp_path, mmap)
    with (tmp_path / "x.npy").open("wb") as handle:
        np.savez(handle, x=np.ones((3, 2)))
    with pytest.raises(DataError, match=r"not an NPY file|array of numbers"):
        data(tmp_path, mmap)
    (tmp_path / "x.npy").unlink()
    with pytest.raises(DataError, match=r"data\.with\.x: there is no such file"):
        data(tmp_path, mmap)


def test_the_spread_is_that_of_the_pool(tmp_path: Path) -> None:
    """In one pass in pieces, against NumPy, also far from zero."""
    x = write(tmp_path, np.float64) + 1e6
    np.save(tmp_path / "x.npy", x)
    pool = np.sort(rng.generator(2).permutation(900)[:500])
    found = open_mapped(tmp_path / "x.npy").survey(pool)
    np.testing.assert_allclose(found.mean, x[pool].mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.sd, x[pool].std(axis=0), rtol=1e-9)


def test_complex_features_are_refused_on_disk_as_in_memory(tmp_path: Path) -> None:
    """Their imaginary parts would be dropped."""
    np.save(tmp_path / "x.npy", np.ones((60, 3), dtype=np.complex128))
    with pytest.raises(DataError, match="features are an array of numbers"):
        open_mapped(tmp_path / "x.npy")
