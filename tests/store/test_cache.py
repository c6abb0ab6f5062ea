"""The cache of what is slow to make: made once, made again when damaged, and never in the way."""

from pathlib import Path

import pytest

from thermo_cli.store.cache import cached


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of one's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "thermo"


def test_a_text_is_made_once(folder: Path) -> None:
    """The second time it comes from the file."""
    made: list[int] = []

    def make() -> str:
        made.append(1)
        return "gr\u00fcn\n\nx"

    assert cached("a.js", make) == cached("a.js", make) == "gr\u00fcn\n\nx"
    assert made == [1]
    assert (folder / "a.js").exists()


@pytest.mark.parametrize("damage", [b"", b"x", b"\xff\xfe\n\xff", b"0" * 64 + b"\nold"])
def test_what_is_damaged_is_made_again(folder: Path, damage: bytes) -> None:
    """Whatever stands in the file, only a text that matches its checksum is believed."""
    folder.mkdir()
    (folder / "a.js").write_bytes(damage)
    assert cached("a.js", lambda: "new") == "new"
    assert cached("a.js", lambda: "not made") == "new"


def test_a_cache_that_cannot_be_written_is_none(folder: Path) -> None:
    """A file where the folder should be: the text is made each time."""
    folder.write_text("in the way")
    assert cached("a.js", lambda: "1") == "1"
    assert cached("a.js", lambda: "2") == "2"
