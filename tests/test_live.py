"""What is seen while an ensemble trains."""

import io
from pathlib import Path

import nbclient
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.conftest import ROOT, SERIAL, SMALL
from tests.kinds.scripts.toy import toy, trained
from thermo_cli.live import Live, onlooker
from thermo_cli.store import RunFolder
from thermo_cli.study import execute


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


def test_workers_that_say_nothing_are_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ten minutes without a step or a fit, and again when one came and nothing after it."""
    folder, _ = trained(toy(tmp_path), shards=[])
    live, clock = Live(), [0.0]
    monkeypatch.setattr("thermo_cli.live.time.monotonic", lambda: clock[0])
    live.begin(RunFolder(folder.path), 0)
    said = []
    for clock[0] in (590.0, 620.0, 1300.0, 1310.0, 1900.0, 1920.0, 9000.0):
        if clock[0] == 1310.0:
            shard = folder.shard("cold-0001")
            shard.folder.mkdir(parents=True)
            shard.report_progress(4, {"energy": np.array([3.0])})
        live.tick()
        said.append("no worker has said anything for 10 minutes" in capsys.readouterr().err)
    assert said == [False, True, False, False, False, True, False]


class Terminal(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def test_python_shows_progress_where_somebody_looks(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal it draws, and leaves one line; where standard error is none, it is silent."""
    monkeypatch.chdir(small.parent)
    monkeypatch.setattr("sys.stderr", quiet := io.StringIO())
    assert onlooker() is None
    execute(small, results="quiet", engine=SERIAL)
    assert "trained" not in quiet.getvalue()
    monkeypatch.setattr("sys.stderr", seen := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    execute(small, results="seen", engine=SERIAL)
    assert "Ctrl-C stops and keeps everything" in seen.getvalue()
    assert "100% trained" in seen.getvalue().splitlines()[-1]


def test_a_notebook_shows_progress_and_the_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cell that trains draws in its own output, without a warning; the verdict and the run are what later cells show."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "small.yaml").write_text(SMALL)
    cells = [
        'import thermo_cli\nrun = thermo_cli.run("small.yaml", workers=1)',
        "run.verdict",
        "print(run.verdict)",
        'run.to_pandas("steps").head()',
    ]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    trained, verdict, printed, table = (cell.outputs for cell in notebook.cells)
    assert [one.output_type for one in trained if one.output_type == "display_data"] == ["display_data"]
    assert "100% trained" in "".join(one.text for one in trained if one.output_type == "stream")
    assert "Warning" not in str(trained)
    assert "<strong>UNDECIDED</strong>" in verdict[0].data["text/html"]
    assert printed[0].text.startswith("╭─ verdict")
    assert "interval_low" in table[0].data["text/plain"]
