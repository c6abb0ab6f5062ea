"""Which files are read as data: regular ones, that lie where they seem to, and hold no more than memory does."""

import math
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from thermo_cli.errors import DataError
from thermo_cli.trust import trust

SYSTEM: Final = ("/proc", "/sys", "/dev")
KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_regular(file: Path, where: str) -> None:
    """Refuse what is no regular file, or one that the system makes up.

    Args:
        file: Its path.
        where: The field of the spec that names it, or its place.

    Raises:
        DataError: It may never end, or tells about this machine.
        OSError: It cannot be looked at.
    """
    mode = file.stat().st_mode
    kind = next((words for is_one, words in KINDS if is_one(mode)), "")
    if any(file.resolve().is_relative_to(root) for root in SYSTEM):
        kind = kind or "a file that the system makes up"
    if kind:
        received = f"{file}: {kind}"
        raise DataError(
            "data are read from regular files", received=received, remedy="name a file of data", where=where
        )


def check_link(file: Path, where: str) -> None:
    """Refuse a link that leads out of the spec's folder, of a file or of a folder on the way to it.

    A path that says where it goes (`../data.csv`) hides nothing; there the last part alone is looked at.

    Args:
        file: Its path.
        where: The field of the spec that names it.

    Raises:
        DataError: It does, and local files of a spec are not trusted.
    """
    if "local" in trust().allowed:
        return
    path, base = (Path(os.path.normpath(place.absolute())) for place in (file, trust().base))
    inside = path.is_relative_to(base)
    home = base if inside else path.parent
    for link in (place for place in (path, *path.parents) if place.is_relative_to(home) and place != home):
        if link.is_symlink() and not link.resolve().is_relative_to(home.resolve()):
            raise DataError(
                "a link that leads out of its folder is not followed",
                received=f"{link}, a link to {link.resolve()}",
                remedy="name the file itself, or if you trust it: --allow local",
                where=where,
            )


def declared_bytes(handle: BinaryIO | Any) -> int:
    """Return how many bytes the header of an NPY file promises.

    Args:
        handle: At the beginning of the file.

    Raises:
        ValueError: There is no such header.
    """
    header = np.lib.format
    version = header.read_magic(handle)
    read = header.read_array_header_1_0 if version == (1, 0) else header.read_array_header_2_0
    shape, _, dtype = read(handle)
    return math.prod(shape) * dtype.itemsize
