"""Files that are either whole or absent: atomic writes, and arrays with a record of what they are.

A write goes to a temporary file in the same folder, is synced, replaces the target, and the folder is synced. A safetensors
file detects truncation but not a flipped bit, so each carries a SHA-256 of its arrays and its record, verified on every read;
and who reads it says what the record must say, so that a file of another run or place is not taken for the one that was here.
"""

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from thermo_cli.errors import DamagedError, StoreError

SCHEMA_VERSION: Final = 2
MEND: Final = "give the thermo-run command again: what is damaged is set aside, and made again"
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
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as handle:  # a new file: what a link of this name leads to is nobody's business
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


def write_arrays(path: Path, content: ArrayFile) -> str:
    """Write arrays and their record with a checksum; equal content gives equal bytes.

    Args:
        path: The target.
        content: Arrays and record.

    Returns:
        The checksum, by which later files name this one.
    """
    # not ascontiguousarray: it would make a vector of an optimizer's step count, which no resumed run could take back
    arrays = {name: np.asarray(content.arrays[name], order="C") for name in sorted(content.arrays)}
    record = {"schema_version": SCHEMA_VERSION, **content.record}
    checksum = digest(arrays, record)
    text = json.dumps(record | {"sha256": checksum}, sort_keys=True)
    write_bytes(path, save(arrays, metadata={_KEY: text}))
    return checksum


def read_arrays(path: Path, expected: Mapping[str, Any] = MappingProxyType({})) -> ArrayFile:
    """Read arrays, and verify their checksum and what their record says.

    Args:
        path: A file written by `write_arrays`.
        expected: What the record must say.

    Raises:
        StoreError: The file is missing, torn, changed, of a newer version, or belongs elsewhere.
    """
    with _opened(path) as handle:
        record = _record(handle)
        arrays = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 - not a dict
    version = record.get("schema_version")
    if not isinstance(version, int):
        raise DamagedError("this is no file of a run", received=str(path), remedy=MEND)
    if version > SCHEMA_VERSION:
        raise StoreError(
            "this file was written by another version of thermo",
            received=f"{path}: schema version {version}, known up to {SCHEMA_VERSION}",
            remedy="use the version that wrote it",
        )
    if record.get("sha256") != digest(arrays, record):
        raise DamagedError("the file's content does not match its checksum", received=str(path), remedy=MEND)
    check_record(path, record, expected)
    return ArrayFile(arrays, record)


def check_record(path: Path, record: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Refuse a file that belongs elsewhere.

    Args:
        path: Of the file, for messages.
        record: What its record says.
        expected: What it must say.

    Raises:
        StoreError: They differ.
    """
    for key, value in expected.items():
        if record.get(key) != value:
            raise DamagedError(
                "this file belongs elsewhere",
                received=f"{path}: {key} {record.get(key)!r}, expected {value!r}",
                remedy=MEND,
            )


def read_record(path: Path) -> dict[str, Any]:
    """Read the record of a file alone; that it is whole is verified when its arrays are read.

    Args:
        path: A file written by `write_arrays`.

    Raises:
        StoreError: The file is missing or torn.
    """
    with _opened(path) as handle:
        return _record(handle)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise DamagedError("this is no file", received=str(path), remedy=MEND)
    try:
        with safe_open(path, framework="np") as handle:
            yield handle
    except (OSError, SafetensorError, ValueError) as error:
        raise DamagedError("a file of the run cannot be read", received=f"{path}: {error}", remedy=MEND) from None


def _record(handle: Any) -> dict[str, Any]:
    record = json.loads((handle.metadata() or {}).get(_KEY, "{}"))
    if not isinstance(record, dict):
        raise ValueError("its record is no mapping")
    return record


def seal(content: Mapping[str, Any]) -> str:
    """Return the checksum that a file of facts carries, over all that it says but the checksum.

    Args:
        content: With or without `sha256`.
    """
    words = {key: value for key, value in content.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()


def digest(arrays: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Return the checksum of a file; in schema version 1 it did not cover the record.

    Args:
        arrays: By name.
        record: With or without its checksum.
    """
    checksum = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        checksum.update(repr((name, str(array.dtype), array.shape)).encode())
        checksum.update(np.ascontiguousarray(array).tobytes())
    if record.get("schema_version") != 1:
        words = {key: value for key, value in record.items() if key != "sha256"}
        checksum.update(json.dumps(words, sort_keys=True).encode())
    return checksum.hexdigest()
