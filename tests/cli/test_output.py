"""Where a report goes: terminals that know no more than ASCII, devices, links, disks that are full."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Command


def report(folder: Path, *arguments: str, **streams: object) -> "subprocess.CompletedProcess[bytes]":
    """Run `thermo-report latest` as a process whose standard output knows ASCII only."""
    return subprocess.run(
        [sys.executable, "-m", "thermo_cli.cli.report", "latest", *arguments],
        cwd=folder,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "COLUMNS": "80", "NO_COLOR": "1"},
        **({"capture_output": True} | streams),  # type: ignore[call-overload]
    )


def test_a_terminal_of_ascii_shows_the_report(finished: Path) -> None:
    """What it cannot draw is a question mark; what another program reads is UTF-8 all the same."""
    done = report(finished)
    assert done.returncode == 0, done.stderr
    assert b"UNDECIDED" in done.stdout
    assert done.stdout.isascii()
    content = report(finished, "--format", "json").stdout.decode("utf-8")
    assert json.loads(content)["verdict"] == "undecided"


def test_a_device_is_written_to_and_stays_one(finished: Path, tmp_path: Path) -> None:
    """A pipe in place of a file gets the report; a link keeps pointing at what is written."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    assert report(finished, "--format", "json", "--output", str(pipe)).returncode == 0
    assert json.loads(reader.communicate(timeout=60)[0])["verdict"] == "undecided"
    assert pipe.is_fifo()
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    assert report(finished, "--format", "json", "--output", str(tmp_path / "link.json")).returncode == 0
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["verdict"] == "undecided"


def test_a_folder_is_no_place_for_a_report(finished: Path) -> None:
    """Exit code 2: it is the request that is wrong, not the run."""
    done = report(finished, "--format", "json", "--output", ".")
    assert done.returncode == 2
    assert b"--output is a folder" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_an_output_that_is_full_is_explained(finished: Path) -> None:
    """Exit code 3 and a sentence, no traceback."""
    with Path("/dev/full").open("wb") as full:
        done = report(finished, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert b"cannot be written" in done.stderr
    assert b"Traceback" not in done.stderr


def test_messages_show_control_characters_instead_of_obeying_them(command: Command) -> None:
    """What a terminal would take for an order is written as an escape."""
    done = command("thermo-report", "a\x1b[31mb")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert "a\\x1b[31mb" in done.stderr
