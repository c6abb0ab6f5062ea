"""What scripts have left goes from run to run as it is, whole, and leads nowhere."""

import os
import resource
from pathlib import Path

import pytest

from thermo_cli.errors import StoreError
from thermo_cli.store.outputs import adopt_output


def test_what_a_script_left_is_copied_and_nothing_else(tmp_path: Path) -> None:
    """Files and links as they are; a link in the place of a folder or a log, and a pipe, lead to nothing."""
    there, here = tmp_path / "there", tmp_path / "here"
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("secret")
    output = there / "outputs" / "a"
    output.mkdir(parents=True)
    (output / "model").write_text("weights")
    (output / "latest").symlink_to("model")
    (output / "far").symlink_to(tmp_path / "secret")
    os.mkfifo(output / "pipe")
    (there / "outputs" / "b").symlink_to(tmp_path / "secret")
    (there / "logs").mkdir()
    (there / "logs" / "a.log").write_text("epoch 1")
    (there / "logs" / "b.log").symlink_to(tmp_path / "secret" / "key")
    for name in "ab":
        adopt_output(here, name, there, name)
    copied = {path.relative_to(here).as_posix() for path in here.rglob("*") if not path.is_dir()}
    assert copied == {"outputs/a/model", "outputs/a/latest", "logs/a.log"}
    assert (here / "outputs" / "a" / "far").is_symlink()
    assert (here / "outputs" / "a" / "latest").readlink() == Path("model")


def test_what_a_script_left_is_whole_or_not_there(tmp_path: Path) -> None:
    """On a full disk the copy is refused as such, and made whole the next time."""
    there, here = tmp_path / "there", tmp_path / "here"
    (there / "outputs" / "p0" / "a").mkdir(parents=True)
    (there / "outputs" / "p0" / "a" / "model").write_bytes(b"w" * 300_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StoreError, match="cannot be copied"):
            adopt_output(here, "p1/a", there, "p0/a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (here / "outputs" / "p1").exists()
    adopt_output(here, "p1/a", there, "p0/a")
    assert (here / "outputs" / "p1" / "a" / "model").stat().st_size == 300_000
    assert [path.name for path in (here / "outputs").iterdir()] == ["p1"]
