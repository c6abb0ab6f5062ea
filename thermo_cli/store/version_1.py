"""Runs that version 0.5 wrote: read, judged and given more replicas; what they hold is never written again.

Their shards are one file each, whose record says nothing of where it belongs; controls lie in shards with other controls, and
shards of a sweep hold replicas of several points. Which row lies where is told by their replica table alone, so it is kept
aside before a run gets more replicas. They kept no last states: their steps cannot grow.
"""

import csv
import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from thermo_cli.errors import StoreError, ThermoError
from thermo_cli.replicas import Block
from thermo_cli.spec import from_resolved, identity

TABLE: Final = "replicas-0.5.csv"
NUMBERS: Final = ("index", "slot")
COLUMNS: Final = ("role", "history", "shard", "steps", *NUMBERS)
DEVICE: Final = "cpu"  # the only one there was


def is_old(manifest: Mapping[str, Any]) -> bool:
    """Say whether version 0.5 made a run.

    Args:
        manifest: Of the run.
    """
    return manifest.get("schema_version") == 1


def is_whole(resolved: str) -> bool:
    """Say whether a resolved spec has its end, which is the sweep: these runs carry no checksums.

    Args:
        resolved: As YAML.
    """
    return resolved.endswith("\n") and "\nsweep:" in resolved


def identity_of(manifest: Mapping[str, Any]) -> str:
    """Return eight digits for files that are added to a run which knew none.

    Args:
        manifest: Of the run; what is noted of its looks does not count.
    """
    content = {name: value for name, value in manifest.items() if name not in ("looks", "required")}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def segment_file(run: Path, shard: str) -> Path:
    """Return where a finished shard is.

    Args:
        run: The run's folder.
        shard: Name of the shard.
    """
    return run / "shards" / f"{shard}.safetensors"


def old_blocks(run: Path, point: int) -> dict[tuple[int, str], list[Block]]:
    """Return what is on disk of a point.

    Args:
        run: The run's folder.
        point: Number of the point.
    """
    table = run / TABLE if (run / TABLE).exists() else run / "replicas.csv"
    blocks: dict[tuple[int, str], list[Block]] = {}
    if not table.exists():
        return blocks
    for row in _rows(table):
        if int(row.get("point") or 0) != point or not segment_file(run, row["shard"]).exists():
            continue
        ending = {"main": "", "budget": f"@{row['steps']}"}.get(row["role"], f"@{row['role']}")
        line = blocks.setdefault((point, row["history"] + ending), [])
        index, slot, last = int(row["index"]), int(row["slot"]), line[-1] if line else None
        if last is not None and (last.shard, last.first + last.count, last.slot + last.count) == (
            row["shard"],
            index,
            slot,
        ):
            line[-1] = Block(last.first, last.count + 1, last.shard, last.slot)
        else:
            line.append(Block(index, 1, row["shard"], slot))
    return blocks


def _rows(table: Path) -> list[dict[str, str]]:
    """Read a replica table; all that says where rows lie is in it, so that one which is not whole stops the run."""
    rows = list(csv.DictReader(table.read_text(errors="replace").splitlines()))
    for number, row in enumerate(rows, start=2):
        broken = [name for name in COLUMNS if row.get(name) is None]
        broken += [name for name in NUMBERS if name not in broken and not row[name].isdecimal()]
        if broken:
            raise StoreError(
                "the replica table of the run is damaged",
                received=f"{table}:{number}: {broken[0]}",
                remedy="bring the table back from a copy: of a run of version 0.5 it alone says where replicas lie",
            )
    return rows


def prepare_to_grow(run: Path) -> None:
    """Keep the table that tells where rows lie, and remove what had not finished: it is trained anew.

    Args:
        run: The run's folder.
    """
    if not (run / TABLE).exists() and (run / "replicas.csv").exists():
        shutil.copyfile(run / "replicas.csv", run / TABLE)
        for state in (run / "shards").glob("*/state.safetensors"):
            shutil.rmtree(state.parent)


def same_run(results: Path, name: str, digits: str, fingerprint: str) -> Path | None:
    """Find the folder in which version 0.5 began this very run, under another name.

    Args:
        results: Where run folders are.
        name: Of the run, without digits.
        digits: Its identity today.
        fingerprint: Hash of the data.
    """
    for path in sorted(results.glob(f"{name}-????????")):
        try:
            manifest = json.loads((path / "manifest.json").read_text())
            spec = from_resolved((path / "resolved.yaml").read_text(), str(path / "resolved.yaml"))
        except (OSError, ValueError, ThermoError):
            continue
        same = is_old(manifest) and manifest.get("data_fingerprint") == fingerprint
        if same and identity(spec, fingerprint, DEVICE) == digits:
            return path
    return None
