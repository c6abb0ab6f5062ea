"""Data from strangers: what is no file, what leads elsewhere, and what promises more than it has."""

import importlib
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT, Command
from tests.reliability.specs import Answer, answer, faults

SPEC = "name: source\ndata: {data}\nsystem: {{use: 'sklearn.naive_bayes:GaussianNB'}}\nensemble: {{replicas: 4}}\n"
SOURCES = {
    "csv": "{{use: csv, with: {{path: '{0}', target: y}}}}",
    "parquet": "{{use: parquet, with: {{path: '{0}', target: y}}}}",
    "npz": "{{use: npz, with: {{path: '{0}'}}}}",
    "npy": "{{use: npy, with: {{x: '{0}', y: '{0}'}}}}",
    "recorded": "",
}


def planned(folder: Path, source: str, file: str, *options: str) -> Answer:
    """Plan a spec that reads a file."""
    text = SPEC.format(data=SOURCES[source].format(file))
    if source == "recorded":
        text = (
            f"name: source\nsystem: {{use: recorded, with: {{path: '{file}'}}}}\nequilibrium: {{margins: {{a: 0.1}}}}\n"
        )
    (folder / "spec.yaml").write_text(text)
    return answer(str(folder / "spec.yaml"), "--plan", "--results", str(folder / "results"), *options)


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A folder with a pipe, a socket, and links: to themselves, and out of it."""
    folder = tmp_path / "spec"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("a,y\n" + "1,0\n2,1\n" * 40)
    (folder / "out.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    (folder / "zero.csv").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as one, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        one.bind("socket.csv")
        (folder / "folder.csv").mkdir()
        yield folder


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "file",
    ["pipe.csv", "socket.csv", "folder.csv", "loop.csv", "zero.csv", "/dev/zero", "/dev/stdin", "/proc/self/environ"],
)
def test_data_are_regular_files(strange: Path, source: str, file: str) -> None:
    """Nothing is waited for, nothing read without end, and nothing told about this machine."""
    given = planned(strange, source, file)
    assert given.code == 2, given.errors
    assert not faults(given, placed=False), given.errors
    assert "spec.yaml:" in given.errors or file in given.errors


def test_a_link_out_of_its_folder_is_followed_where_it_is_trusted(strange: Path) -> None:
    """A path that says where it goes hides nothing; a link beside the spec does."""
    given = planned(strange, "csv", "out.csv")
    assert given.code == 2
    assert "spec.yaml:2:" in given.errors
    assert "--allow local" in given.errors
    assert planned(strange, "csv", "out.csv", "--allow", "local").code == 0
    assert planned(strange, "csv", "../secret.csv").code == 0
    (strange / "own.csv").write_text((strange / "out.csv").read_text())
    (strange / "link.csv").symlink_to("own.csv")
    assert planned(strange, "csv", "link.csv").code == 0
    (strange / "way").symlink_to(strange.parent)
    given = planned(strange, "csv", "way/secret.csv")
    assert (given.code, "a link that leads out of its folder" in given.errors) == (2, True)


def test_recorded_runs_are_not_read_through_a_link_out_of_the_folder_of_their_spec(
    strange: Path, command: Command
) -> None:
    """A spec of a stranger's names them; whoever names files to `thermo-report` means them."""
    log = "".join(f"{step},{0.5 + 0.001 * step}\n" for step in range(20))
    (strange.parent / "log.csv").write_text(f"step,test_accuracy\n{log}")
    (strange / "runs").mkdir()
    for name in ("a.csv", "b.csv"):
        (strange / "runs" / name).symlink_to(strange.parent / "log.csv")
    spec = strange / "recorded.yaml"
    spec.write_text("system: {use: recorded, with: {path: runs}}\nequilibrium: {margins: {test_accuracy: 0.1}}\n")
    done = command("thermo-run", str(spec), "--plan")
    assert done.returncode == 2
    assert "recorded.yaml:1:" in done.stderr
    assert "a link that leads out of its folder" in done.stderr
    assert command("thermo-run", str(spec), "--plan", "--allow", "local").returncode == 0
    assert command("thermo-report", str(strange / "runs")).returncode == 0


def header(shape: tuple[int, ...]) -> bytes:
    """Return the header of an NPY file of doubles, with a little data."""
    words = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    words += b" " * (-(len(words) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(words).to_bytes(2, "little") + words + bytes(64)


def test_an_array_that_promises_more_than_it_has_is_not_made(tmp_path: Path) -> None:
    """Neither of an NPY file nor of an archive, whatever their headers say."""
    (tmp_path / "x.npy").write_bytes(header((10**10, 10)))
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        for name in ("x", "y"):
            archive.writestr(f"{name}.npy", header((10**10, 10)))
    for source in ("npy", "npz"):
        given = planned(tmp_path, source, f"x.{source}")
        assert not faults(given, placed=False), given.errors
        assert given.code == 2
        assert "promises 800,000,000,000 bytes" in given.errors


def test_an_archive_that_unpacks_to_more_than_the_memory_is_not_unpacked(tmp_path: Path) -> None:
    """Its declared size is looked at first: some megabytes hold hundreds of gigabytes of zeros."""
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("x.npy", "w", force_zip64=True) as member:
            member.write(header((3 * 2**17, 2**10))[:-64])
            for _ in range(3 * 2**7):
                member.write(bytes(2**23))
        archive.writestr("y.npy", header((8,)))
    assert (tmp_path / "x.npz").stat().st_size < 2**25
    given = planned(tmp_path, "npz", "x.npz")
    assert not faults(given), given.errors
    assert "does not fit into memory" in given.errors


def test_a_file_larger_than_the_memory_is_not_read(tmp_path: Path) -> None:
    """Of a table, and of recorded runs."""
    with (tmp_path / "x.csv").open("wb") as file:
        file.truncate(2**42)
    for source in ("csv", "recorded"):
        given = planned(tmp_path, source, "x.csv")
        assert not faults(given, placed=False), given.errors
        assert "does not fit into memory" in given.errors


def test_a_table_of_more_rows_than_the_memory_holds_is_not_read(tmp_path: Path) -> None:
    """Repeats take no room in a Parquet file, and all of it in memory."""
    pyarrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    piece = pyarrow.table({name: pyarrow.array(np.zeros(2**24)) for name in ("a", "y")})
    with parquet.ParquetWriter(tmp_path / "x.parquet", piece.schema) as writer:
        for _ in range(20):
            writer.write_table(piece)
    assert (tmp_path / "x.parquet").stat().st_size < 2**22
    given = planned(tmp_path, "parquet", "x.parquet")
    assert not faults(given), given.errors
    assert "does not fit into memory" in given.errors


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    """An array of objects is refused by what its header says."""
    array = np.array([{"a": 1}] * 20, dtype=object)
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=array, y=array)
    for source in ("npy", "npz"):
        given = planned(tmp_path, source, f"x.{source}")
        assert given.code == 2
        assert "objects can run code" in given.errors


@pytest.mark.parametrize("name", ["pipe.csv", "socket.csv", "loop.csv", "zero.csv", "/dev/zero", "/proc/self/environ"])
def test_runs_made_elsewhere_are_regular_files_too(strange: Path, name: str) -> None:
    """`thermo-report` waits for no pipe and reads no device."""
    done = subprocess.run(
        [sys.executable, "-m", "thermo_cli.cli.report", name, "--margin", "a=0.1"],
        cwd=strange,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
    )
    assert done.returncode in (2, 3), done.stderr
    assert "Traceback" not in done.stderr
    assert name.removeprefix("/") in done.stderr


def test_a_folder_of_very_many_files_is_answered(tmp_path: Path, command: Command) -> None:
    """20,000 files that are no runs end in a sentence."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(20_000):
        (folder / f"{number}.csv").touch()
    done = command("thermo-report", str(folder), "--margin", "a=0.1")
    assert done.returncode in (2, 3)
    assert "Traceback" not in done.stderr
