"""A wide table holds runs that something tells apart."""

from pathlib import Path

import pytest

from tests.kinds.recorded.test_rules import read
from thermo_cli.errors import DataError


def test_two_runs_under_one_name_are_refused(tmp_path: Path) -> None:
    """Seeds that two recipes share: the last of each step would count, and half of the runs be dropped; a restart is none."""
    rows = [f"r{run},{run % 2},{step},{0.1 * run + step / 100}" for run in range(4) for step in (0, 10, 20, 30)]
    (tmp_path / "two.csv").write_text("\n".join(["run_name,Seed,step,val_acc", *rows]))
    with pytest.raises(DataError, match="most steps of a replica are there twice") as caught:
        read(tmp_path / "two.csv")
    assert "run_name" in str(caught.value)
    again = [f"0,{step},{value}" for step, value in [(0, 0.1), (10, 0.2), (20, 0.3), (20, 0.31), (30, 0.4)]]
    (tmp_path / "restarted.csv").write_text("\n".join(["Seed,step,val_acc", *again]))
    assert read(tmp_path / "restarted.csv").runs.values["val_acc"].tolist() == [[0.1, 0.2, 0.31, 0.4]]
