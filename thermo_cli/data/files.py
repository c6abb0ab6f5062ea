"""Which files are read as data: regular ones, that lie where they seem to, and hold no more than memory does."""

import math
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
    """Refuse a link that leads out of the folder where it lies: a path that says where it goes (`../data.csv`) hides nothing.

    Args:
        file: Its path.
        where: The field of the spec that names it.

    Raises:
        DataError: It does, and local files of a spec are not trusted.
    """
    place = file.resolve()
    if file.is_symlink() and not place.is_relative_to(file.parent.resolve()) and "local" not in trust().allowed:
        raise DataError(
            "a link that leads out of its folder is not followed",
            received=f"{file}, a link to {place}",
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
