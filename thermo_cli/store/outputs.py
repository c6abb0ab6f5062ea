"""What scripts print and leave, `logs/<shard>.log` and `outputs/<shard>`: kept as it is, whole, and never looked into."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from thermo_cli.errors import StoreError


def log_file(run: Path, shard: str) -> Path:
    """Return where a replica's script prints.

    Args:
        run: Folder of the run.
        shard: The replica's.
    """
    log = run / "logs" / f"{shard}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    return log


def keep_output(run: Path, shard: str, output: Path) -> None:
    """Keep what a replica's script has left, in the place of what was left there before.

    Args:
        run: Folder of the run.
        shard: The replica's.
        output: The script's output folder, which is moved.
    """
    place = run / "outputs" / shard
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    output.rename(place)


def adopt_output(run: Path, shard: str, other: Path, theirs: str) -> None:
    """Copy what a script has printed and left in another run: files and folders, and links as links; no pipe is waited for.

    Args:
        run: Folder of the run.
        shard: The replica's.
        other: Folder of the run that it was trained in.
        theirs: Its shard there.

    Raises:
        StoreError: The disk is full.
    """
    there = other.resolve()
    log, output = other / "logs" / f"{theirs}.log", other / "outputs" / theirs
    if log.is_file() and log.resolve() == there / "logs" / f"{theirs}.log":
        shutil.copy2(log, log_file(run, shard))
    if output.is_dir() and output.resolve() == there / "outputs" / theirs:
        aside = run / "outputs" / f".{shard.replace('/', ' ')}.tmp"
        shutil.rmtree(aside, ignore_errors=True)
        try:
            shutil.copytree(output, aside, symlinks=True, ignore=_special)
        except shutil.Error as error:
            *_, (file, _, reason) = error.args[0]
            raise StoreError(
                "what a script has left cannot be copied",
                received=f"{file}: {reason}",
                remedy="make room on the disk, then give the same command again",
            ) from None
        keep_output(run, shard, aside)


def _special(folder: str, names: Sequence[str]) -> list[str]:
    """Return what is no file, folder or link: a pipe, a socket, a device."""
    paths = {name: Path(folder, name) for name in names}
    return [name for name, path in paths.items() if not (path.is_symlink() or path.is_file() or path.is_dir())]
