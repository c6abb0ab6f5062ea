"""Which replicas lie in which shards: read off the files, as a run that has grown is divided otherwise than a fresh one."""

from pathlib import Path

from thermo_cli.replicas import Block
from thermo_cli.store.files import read_record


def stored_blocks(run: Path, point: int, folder: str = "") -> dict[tuple[int, str], list[Block]]:
    """Return what is on disk of a point, as the replica table is laid out by it.

    Args:
        run: The run's folder.
        point: Number of the point.
        folder: Of its shards, inside `shards`; empty of a run without a sweep.
    """
    place, blocks = run / "shards" / folder, dict[tuple[int, str], list[Block]]()
    files = {path.name.removesuffix(".0.safetensors"): path for path in place.glob("*.0.safetensors")}
    begun = {path.parent.name: path for path in place.glob("*/state.safetensors")}
    for name, path in sorted((begun | files).items()):
        numbering, _, first = name.rpartition("-")
        rows = read_record(path).get("rows", ())
        count = len(rows) if isinstance(rows, list) else 0  # whoever sealed it: it is no shard
        if first.isdecimal() and count:
            shard = f"{folder}/{name}" if folder else name
            blocks.setdefault((point, numbering), []).append(Block(int(first), count, shard))
    return blocks
