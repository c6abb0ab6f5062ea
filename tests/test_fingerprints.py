"""What a run rests on: each point's own, and other content in the place of one is another run."""

from collections.abc import Callable
from pathlib import Path

import pytest

import thermo_cli
from tests.conftest import SERIAL
from thermo_cli import training
from thermo_cli.engines.serial import SerialEngine
from thermo_cli.errors import DataError
from thermo_cli.experiment import prepare
from thermo_cli.fingerprints import PLUS, joined, own, rests_on
from thermo_cli.spec import load_spec

SPEC = """\
name: three
data: {use: csv, with: {path: a.csv, target: y}}
system: {use: mlp, with: {hidden: [3]}}
dynamics: {use: sgd, with: {lr: 0.05}, batch_size: 8, steps: 32}
ensemble: {replicas: 2, seed: 1, subsample: {fraction: 0.5}, controls: {same_bath: 0, twin: 0}}
sweep: {data.with.path: [a.csv, b.csv, c.csv]}
"""
NET = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.a, self.b = nn.Linear(inputs, 3), nn.Linear(3, outputs)

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)) * FACTOR)
"""


def table(shift: float) -> str:
    """Forty rows of one feature and two classes; every second row is shifted, which no scale takes away."""
    rows = "".join(f"{number % 7 + number % 2 * shift},{'ab'[number % 2]}\n" for number in range(40))
    return f"x,y\n{rows}"


@pytest.mark.parametrize(
    ("hashes", "text"),
    [("AAA", "A"), ("ABC", "A+B+C"), ("ABA", "A+B+A"), ("ABB", "A+B+B"), ("AAB", "A+A+B"), ("A", "A")],
)
def test_each_point_finds_its_own_again(hashes: str, text: str) -> None:
    """Whatever is equal to what; a point twice under one name counts once."""
    names = [f"{place}.csv" for place in range(len(hashes))]
    assert joined([*names, names[0]], [*hashes, hashes[0]], PLUS) == text
    rest = {"system": {"use": "linear"}, "dynamics": {"use": "sgd", "with": {"lr": 0.1}, "steps": 8}}
    specs = [load_spec({"data": {"use": "csv", "with": {"path": name, "target": "y"}}, **rest}) for name in names]
    assert own(specs, text) == list(hashes)
    assert all(rests_on(specs, text, point, found) for point, found in enumerate(hashes))
    assert not rests_on(specs, text, 0, "B")


def test_other_data_of_one_point_are_another_run(tmp_path: Path) -> None:
    """A, B, A and A, B, B of three files are two runs, and a worker takes no point's data for another's."""
    (tmp_path / "three.yaml").write_text(SPEC)
    for name, shift in zip("abc", (0.0, 0.5, 0.0), strict=True):
        (tmp_path / f"{name}.csv").write_text(table(shift))
    spec = load_spec(tmp_path / "three.yaml")
    first = prepare(spec, tmp_path, tmp_path / "results").identity
    (tmp_path / "c.csv").write_text(table(0.5))
    assert prepare(spec, tmp_path, tmp_path / "results").identity != first


def changing(path: Path, text: str) -> Callable[[], None]:
    """Return what writes a file when the first task begins."""
    return lambda: (path.write_text(text), None)[1]


class Late(SerialEngine):
    """Something happens between preparing and the first task.

    Args:
        happens: What.
    """

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        self.happens = happens

    def run(self, function, tasks, tick, stop):  # type: ignore[no-untyped-def]
        """Let it happen, then run the tasks."""
        self.happens()
        training._dataset.cache_clear()
        return super().run(function, tasks, tick, stop)


def test_a_table_that_takes_the_place_of_another_is_noticed(tmp_path: Path) -> None:
    """The hash of another point's data is not that of this one."""
    (tmp_path / "three.yaml").write_text(SPEC)
    for name, shift in zip("abc", (0.0, 0.5, 1.0), strict=True):
        (tmp_path / f"{name}.csv").write_text(table(shift))
    with pytest.raises(DataError, match="the data changed while the run was in progress"):
        thermo_cli.run(
            tmp_path / "three.yaml", results=tmp_path / "results", engine=Late(changing(tmp_path / "a.csv", table(0.5)))
        )


def test_code_that_changes_before_a_worker_imports_it_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is bound to the hash of what was there before; given again, the command begins a run of what is there."""
    module = tmp_path / "late_net.py"
    module.write_text(NET.replace("FACTOR", "1.0"))
    (tmp_path / "a.csv").write_text(table(0.0))
    (tmp_path / "net.yaml").write_text(
        SPEC.partition("sweep")[0].replace("{use: mlp, with: {hidden: [3]}}", '{use: "late_net:Net"}')
    )
    given = {"results": tmp_path / "results", "allow": ["local"]}
    with pytest.raises(DataError, match="code that the spec names changed"):
        thermo_cli.run(tmp_path / "net.yaml", engine=Late(changing(module, NET.replace("FACTOR", "0.0"))), **given)
    assert thermo_cli.run(tmp_path / "net.yaml", engine=SERIAL, **given).folder.status == "complete"
