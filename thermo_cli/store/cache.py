"""What is slow to make and always the same, kept between processes in the user's cache folder; losing it costs time only."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from thermo_cli.errors import StoreError
from thermo_cli.store.files import write_bytes


def cached(name: str, make: Callable[[], str]) -> str:
    """Return a text from the cache, or make it and keep it where that is possible.

    A file that is damaged, or was written by half, does not match its checksum and is made again.

    Args:
        name: Of the file; whatever changes the text must be part of it.
        make: Makes the text.
    """
    path = cache_folder() / name
    try:
        digest, _, content = path.read_bytes().partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() == digest:
            return content.decode()
    except (OSError, UnicodeDecodeError):
        content = b""  # not there, or not readable: made below
    text = make()
    content = text.encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    except (OSError, StoreError):
        return text  # a cache that cannot be written is none
    return text


def cache_folder() -> Path:
    """Return where such files are: `$XDG_CACHE_HOME/thermo`, by default `~/.cache/thermo`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "thermo"
