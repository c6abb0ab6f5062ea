"""Parameters of recorded runs: found by a pattern, one file for each replica, and nowhere else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from thermo_cli.contracts import Trajectories
from thermo_cli.errors import DataError
from thermo_cli.kinds.recorded.parameters import read_parameters


def ensemble(replicas: Sequence[str], histories: Sequence[str], lost: Sequence[bool]) -> Trajectories:
    """Return recorded runs without observables, to find the parameters of."""
    steps = np.array([0, 8], dtype=np.int64)
    return Trajectories(steps, {}, tuple(replicas), tuple(histories), np.array(lost))


def test_parameters_are_found_by_a_pattern(tmp_path: Path) -> None:
    """Tensors are flattened in the order of their names, rows follow the replicas, and text that looks like a field stays."""
    runs = ensemble(["hot/1", "hot/{step}", "cold/sub/3"], ["hot", "hot", "cold"], [False, False, False])
    names = ["hot/1", "hot/{step}", "cold/sub/3"]
    for number, name in enumerate(names):
        path = tmp_path / "runs" / name / "parameters-8.safetensors"
        path.parent.mkdir(parents=True)
        weight = np.arange(6, dtype=np.float32).reshape(2, 3) + 10 * number
        save_file({"w": weight, "b": np.array(number), "a.0": np.array([np.nan, 0.5])}, path)
    found = read_parameters("runs/{history}/{replica}/parameters-{step}.safetensors", tmp_path, runs, 8)
    assert found.dtype == np.float64
    rows = [[np.nan, 0.5, n, *(np.arange(6) + 10 * n)] for n in range(3)]
    np.testing.assert_array_equal(found, rows)


def test_half_precision_parameters_are_read(tmp_path: Path) -> None:
    """NumPy has no bfloat16, checkpoints do."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_torch

    save_torch({"w": torch.tensor([[1.5, -2.0]], dtype=torch.bfloat16), "v": torch.ones(1)}, tmp_path / "a-0")
    found = read_parameters("{replica}-{step}", tmp_path, ensemble(["h/a"], ["h"], [False]), 0)
    np.testing.assert_array_equal(found, [[1.0, 1.5, -2.0]])


def test_a_lost_replica_may_have_no_parameters(tmp_path: Path) -> None:
    """Its row is NaN; a file that a replica should have is asked for by name."""
    save_file({"w": np.ones(2)}, tmp_path / "b-8")
    found = read_parameters("{replica}-{step}", tmp_path, ensemble(["h/a", "h/b"], ["h", "h"], [True, False]), 8)
    np.testing.assert_array_equal(found, [[np.nan, np.nan], [1, 1]])
    with pytest.raises(DataError, match=r"no such file of parameters\n.*a-8\n.*h/a at step 8"):
        read_parameters("{replica}-{step}", tmp_path, ensemble(["h/b", "h/a"], ["h", "h"], [False, False]), 8)


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        ({"w": np.ones(3)}, r"'w' is \(3,\) in h/b and \(2,\) in h/a"),
        ({"w": np.ones((2, 1))}, r"'w' is \(2, 1\) in h/b and \(2,\) in h/a"),
        ({"v": np.ones(2)}, r"'v' is \(2,\) in h/b and missing in h/a"),
        ({"w": np.ones(2, dtype=np.complex64)}, "C64"),
        ({}, "no tensors"),
        (b"not safetensors at all", "cannot be read"),
        (b"\x80\x04]q\x00.", "cannot be read"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(tmp_path: Path, tensors: Any, expected: str) -> None:
    """Other shapes, other names, complex numbers, empty files, and anything pickled."""
    save_file({"w": np.ones(2)}, tmp_path / "a")
    if isinstance(tensors, bytes):
        (tmp_path / "b").write_bytes(tensors)
    else:
        save_file(tensors, tmp_path / "b")
    with pytest.raises(DataError, match=expected) as caught:
        read_parameters("{replica}", tmp_path, ensemble(["h/a", "h/b"], ["h", "h"], [False, False]), 0)
    assert str(tmp_path / "b") in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "replica"),
    [
        ("{replica}", "../secret"),
        ("{replica}", "/secret"),
        ("runs/{replica}", "a/../../../secret"),
        ("runs/{replica}/secret", ".."),
        ("runs/{replica}./secret", "."),
        ("runs/{replica}", "..\\secret"),
        ("runs/{replica}/{step}", "a/"),
    ],
)
def test_a_name_cannot_lead_to_another_folder(tmp_path: Path, pattern: str, replica: str) -> None:
    """Names come from the data, and the data may be a stranger's."""
    base = tmp_path / "base"
    (base / "runs" / "a").mkdir(parents=True)
    for file in (tmp_path / "secret", base / "secret"):
        save_file({"w": np.ones(2)}, file)
    with pytest.raises(DataError, match="leads to another folder") as caught:
        read_parameters(pattern, base, ensemble([f"h/{replica}"], ["h"], [False]), 0)
    assert replica in str(caught.value)


def test_replicas_do_not_share_a_file(tmp_path: Path) -> None:
    """One file for two replicas would be read as perfect agreement."""
    save_file({"w": np.ones(2)}, tmp_path / "1")
    runs = ensemble(["hot/1", "cold/1"], ["hot", "cold"], [False, False])
    with pytest.raises(DataError, match=r"same file of parameters\n.*hot/1 and cold/1"):
        read_parameters("{replica}", tmp_path, runs, 0)
