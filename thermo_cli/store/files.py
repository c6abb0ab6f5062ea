"""Files that are either whole or absent: atomic writes, and arrays with a checksum of their content.

A write goes to a temporary file in the same folder, is synced, replaces the target, and the folder is synced. A safetensors
file detects truncation but not a flipped bit, so each carries a SHA-256 of its arrays, verified on every read.
"""

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from thermo_cli.errors import StoreError

SCHEMA_VERSION: Final = 1
_KEY: Final = "thermo"  # one metadata key: with two, the bytes vary between saves


@dataclass(frozen=True)
class ArrayFile:
    """Named arrays and a small record beside them."""

    arrays: Mapping[str, Any]
    record: Mapping[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its place atomically and durably when all is written, and not at all otherwise.

    Args:
        path: The target.

    Raises:
        StoreError: The disk is full or the folder cannot be written; the target is what it was.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise StoreError(
            "the disk is full" if full else "a file of the run cannot be written",
            received=f"{path}: {error.strerror}",
            remedy="free space and give the same command again: everything committed before is kept"
            if full
            else "make the folder writable, or choose another with --results",
        ) from None


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically and durably.

    Args:
        path: The target.
        data: Its content.

    Raises:
        StoreError: The disk is full or the folder cannot be written; the target is what it was.
    """
    with replacing(path) as handle:
        handle.write(data)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically and durably.

    Args:
        path: The target.
        text: Its content.
    """
    write_bytes(path, text.encode())


def write_device(path: Path, text: str) -> None:
    """Write into what is no file, such as a pipe or /dev/null, and leave it what it is.

    Args:
        path: The target.
        text: Its content.

    Raises:
        StoreError: It takes nothing more.
    """
    try:
        with path.open("wb") as handle:
            handle.write(text.encode())
    except OSError as error:
        raise StoreError(
            "this cannot be written to", received=f"{path}: {error.strerror}", remedy="name a file"
        ) from None


def write_arrays(path: Path, content: ArrayFile) -> None:
    """Write arrays with a checksum; equal content gives equal bytes.

    Args:
        path: The target.
        content: Arrays and record.
    """
    # not ascontiguousarray: it would make a vector of an optimizer's step count, which no resumed run could take back
    arrays = {name: np.asarray(content.arrays[name], order="C") for name in sorted(content.arrays)}
    record = {"schema_version": SCHEMA_VERSION, "sha256": _digest(arrays), **content.record}
    write_bytes(path, save(arrays, metadata={_KEY: json.dumps(record, sort_keys=True)}))


def read_arrays(path: Path) -> ArrayFile:
    """Read arrays and verify their checksum.

    Args:
        path: A file written by `write_arrays`.

    Raises:
        StoreError: The file is missing, torn, changed, or of a newer version.
    """
    try:
        with safe_open(path, framework="np") as handle:
            record = json.loads((handle.metadata() or {}).get(_KEY, "{}"))
            arrays = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError, ValueError) as error:
        raise StoreError(
            "a file of the run cannot be read", received=f"{path}: {error}", remedy="start again with --fresh"
        ) from None
    version = record.get("schema_version")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise StoreError(
            "this file was written by another version of thermo",
            received=f"{path}: schema version {version}, known up to {SCHEMA_VERSION}",
            remedy="use the version that wrote it",
        )
    if record.get("sha256") != _digest(arrays):
        raise StoreError(
            "the file's content does not match its checksum",
            received=str(path),
            remedy="restore it from a copy, or start again with --fresh",
        )
    return ArrayFile(arrays, record)


def _digest(arrays: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(repr((name, str(array.dtype), array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
