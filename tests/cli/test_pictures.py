"""The page that a run leaves in its folder, `--format html` and `--figures`."""

from pathlib import Path

import pytest

import thermo_cli.reports.formats
from tests.conftest import SMALL, Command
from tests.reports.synthetic import run_view, trajectories
from thermo_cli.cli.pictures import FAILURE, PAGE, write_page


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec that trains in a moment."""
    path = tmp_path_factory.mktemp("short") / "small.yaml"
    path.write_text(SMALL.replace("steps: 400", "steps: 40"))
    return path


def test_the_page_is_written_before_the_gate_speaks(short: Path, command: Command) -> None:
    """A run that misses its gate has its page, with the answer in it; so have pictures and pages asked for later."""
    folder = short.parent
    done = command("thermo-run", str(short), "--require", "diverged", cwd=folder)
    assert done.returncode in (1, 4), done.stderr
    page = next((folder / "results").glob(f"small-*/{PAGE}")).read_text()
    assert "<h1>" in page
    assert ("Gate not met" if done.returncode == 1 else "Gate undecided") in page
    shown = command("thermo-report", "latest", "--format", "html", "--figures", "new/pictures", cwd=folder)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("<!DOCTYPE html>")
    names = {path.name for path in (folder / "new" / "pictures").iterdir()}
    assert {"criteria.svg", "criteria.png", "trajectory-test_accuracy.svg"} <= names
    again = command("thermo-report", "latest", "latest", "--format", "html", cwd=folder)
    assert again.returncode == 2
    assert "html holds one run" in again.stderr
    both = command("thermo-report", "--figures", "x", cwd=folder)
    assert both.returncode == 2
    assert "which run?" in both.stderr
    (folder / "file").write_text("")
    barred = command("thermo-report", "latest", "--figures", "file/x", cwd=folder)
    assert barred.returncode == 2
    assert "the folder for the figures cannot be made" in barred.stderr


def test_a_page_that_fails_does_not_take_the_run_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said, the traceback is kept until the next success, nothing is raised even where that cannot be kept."""
    view = run_view(trajectories(8, 20, 3))

    def broken(*_: object) -> str:
        raise ZeroDivisionError("\ud800")

    with monkeypatch.context() as patched:
        patched.setattr(thermo_cli.reports.formats, "rendered", broken)
        write_page(view, tmp_path)
        assert "the HTML report could not be written" in capsys.readouterr().err
        assert "ZeroDivisionError" in (tmp_path / FAILURE).read_text()
        assert not (tmp_path / PAGE).exists()
        write_page(view, tmp_path / "absent")
        assert "nor could its traceback be kept" in capsys.readouterr().err
    write_page(view, tmp_path)
    assert (tmp_path / PAGE).is_file()
    assert not (tmp_path / FAILURE).exists()
