"""What is seen while an ensemble trains."""

from pathlib import Path

import numpy as np
import pytest

from tests.kinds.scripts.toy import toy, trained
from thermo_cli.cli.live import Live
from thermo_cli.store import RunFolder


@pytest.mark.parametrize(
    ("margins", "expected"),
    [({}, "grade cold 3 sd -, val_acc cold 0.5 sd -"), ({"val_acc": 0.1}, "val_acc cold 0.5 sd -")],
)
def test_scores_of_any_name_are_seen_from_the_first_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], margins: dict[str, float], expected: str
) -> None:
    """Those with a margin, else those with a name that is known, else the first that there are."""
    folder, _ = trained(toy(tmp_path, equilibrium={"margins": margins}), shards=[])
    shard = folder.shard("cold-0001")
    shard.folder.mkdir(parents=True)
    shard.report_progress(4, {"grade": np.array([3.0]), "val_acc": np.array([0.5])})
    live = Live()
    live.begin(RunFolder(folder.path), 0)
    live.next_line = 0.0
    live.tick()
    assert f"   3% of 128 replica-steps; {expected}" in capsys.readouterr().err.replace(" %", "%")


def test_what_finished_unseen_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Replicas that are quicker than the display do not look as if nothing had begun."""
    folder, _ = trained(toy(tmp_path), shards=["cold-0000"])
    live = Live()
    live.begin(RunFolder(folder.path), 0)
    live.next_line = 0.0
    live.tick()
    assert "1 of 4 shards have finished" in capsys.readouterr().err
