"""One replica of a `command` from its row in the replica table to its file: started, watched, read, and kept or refused.

Nothing is committed in between: a replica has finished when its file is written, and one that was stopped starts again in an
empty folder, with the same seeds.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from thermo_cli.errors import DataError, RunError
from thermo_cli.fingerprints import rests_on
from thermo_cli.kinds.scripts.launch import explained, failure, launch
from thermo_cli.kinds.scripts.parts import ProcessDynamics
from thermo_cli.kinds.scripts.program import Program, program_of
from thermo_cli.kinds.scripts.reported import Metrics, read_parameters
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec
from thermo_cli.spec.sweeping import points_of
from thermo_cli.store.collected import ENDED
from thermo_cli.store.outputs import keep_output, log_file
from thermo_cli.store.run_folder import RunFolder
from thermo_cli.store.shard import ShardStore
from thermo_cli.store.shard_records import ShardRecords
from thermo_cli.times import snapshot_steps

PROGRESS_SECONDS: Final = 0.25


def train_script(folder: RunFolder, store: ShardStore, spec: Spec, member: Replica, base: Path) -> str:
    """Start a replica's script until it has reported all of its training, at most `attempts` times.

    Args:
        member: Its row of the replica table.
        base: Folder of the spec, where the script is started.

    Returns:
        `finished`, `interrupted` or `failed`; of a failure the reason is kept beside the shard.

    Raises:
        DataError: The script is not the one that the run began with.
        StoreError: The disk is full.
    """
    program = program_of(spec, base)
    specs, fingerprint = [point.spec for point in points_of(folder.spec)], folder.manifest["data_fingerprint"]
    if not rests_on(specs, fingerprint, member.point, program.fingerprint()):
        raise DataError(
            "the script, or a file that it is given, changed while the run was in progress",
            received=str(base),
            remedy="give the same command again: it begins a run of the changed script",
        )
    assert isinstance(spec.dynamics, ProcessDynamics)
    log = log_file(folder.path, member.shard)
    log.unlink(missing_ok=True)
    for attempt in range(spec.dynamics.arguments.attempts):
        try:
            found = _attempt(folder, store, program, member, log, attempt)
        except (RunError, DataError) as error:
            store.write_error(failure(explained(error, log, member), log))
            continue
        if found is None:
            return "interrupted"
        if spec.dynamics.arguments.keep_output:
            keep_output(folder.path, member.shard, store.folder / "output")
        store.finish(found)
        return "finished"
    return "failed"


def _attempt(
    folder: RunFolder, store: ShardStore, program: Program, member: Replica, log: Path, attempt: int
) -> ShardRecords | None:
    """Run the script once, and return what it reported; None where the run is asked to stop."""
    next_progress = 0.0

    def look(metrics: Metrics) -> bool:
        nonlocal next_progress
        if metrics.steps and time.monotonic() >= next_progress:
            store.report_progress(
                metrics.steps[-1], {name: np.array([value]) for name, value in metrics.latest.items()}
            )
            next_progress = time.monotonic() + PROGRESS_SECONDS
        return not folder.stop_file.exists()

    limit = program.spec.motion.arguments.time_limit
    metrics = launch(program, member, store.folder, log, limit, look, attempt + 1)
    return _records(metrics, member, program.spec.ensemble.precision) if metrics is not None else None


def _records(metrics: Metrics, member: Replica, precision: str) -> ShardRecords:
    """Read all that a script has left, from the beginning."""
    metrics.finish()
    ended = metrics.ended
    if ended and member.role == "budget":
        raise metrics.unended()
    records = ShardRecords(list(metrics.steps))
    records.final[ENDED] = np.array([ended])
    records.values = {name: [np.array([value]) for value in values] for name, values in metrics.values.items()}
    tensors: Mapping[str, Any] = {}
    for step in snapshot_steps((member.steps,)) if member.role != "budget" else ():
        kept = read_parameters(metrics.folder, step)
        if kept is None:
            continue
        vector, shapes = kept
        if tensors and shapes != tensors:
            raise DataError(
                "the parameters of two steps have different tensors",
                received=f"{shapes} at step {step}, {tensors} before",
                remedy="keep the same tensors at every step",
            )
        with np.errstate(over="ignore"):  # what is too large for the precision diverges
            tensors, records.snapshots[step] = shapes, vector.astype(precision)[None]
    if tensors:
        records.final["tensors"] = np.frombuffer(json.dumps(tensors).encode(), dtype=np.uint8)[None]
    return records


def refuse_strangers(folder: RunFolder) -> None:
    """Count replicas as failed that report other observables or keep other parameters than most: they do not compare.

    Args:
        folder: A run in which every script has ended.
    """
    shapes = {}
    for name in folder.shards:
        if folder.shard(name).finished:
            records = folder.shard(name).read()
            tensors = records.final.get("tensors", np.empty(0, np.uint8)).tobytes().decode()
            ended = bool(np.any(records.final.get(ENDED, False)))
            shapes[name] = _Shape(frozenset(records.values), tuple(sorted(records.snapshots)), tensors, ended)
    mains = [shape for name, shape in shapes.items() if folder.shards[name][0].role == "main"]
    if not mains:
        return
    whole = [shape for shape in mains if not shape.ended]
    common = Counter(whole or mains).most_common(1)[0][0]  # of equals the first in the table
    for name, shape in shapes.items():
        other = shape.differs(common, folder.shards[name][0].role)
        if other:
            error = DataError(
                f"this replica reports other {other[0]} than most, so it does not compare",
                received=other[1],
                remedy=f"most have {other[2]}; report the same from every replica",
            )
            folder.shard(name).refuse(f"{error}\n")


@dataclass(frozen=True)
class _Shape:
    """What must be alike between replicas; those that ended early may keep less."""

    observables: frozenset[str]
    kept: tuple[int, ...]
    tensors: str
    ended: bool

    def differs(self, common: "_Shape", role: str) -> tuple[str, str, str] | None:
        """Say in what a replica of this role differs, what it has, and what most have."""
        compared = {
            "observables": role in ("main", "budget"),
            "kept": role != "budget" and not self.ended,
            "tensors": role != "budget" and not self.ended,
        }
        for name in (name for name, counts in compared.items() if counts):
            own, theirs = getattr(self, name), getattr(common, name)
            if own != theirs:
                words = {"kept": "parameters (by step)", "tensors": "tensors"}.get(name, name)
                return words, _listed(own), _listed(theirs)
        return None


def _listed(items: Any) -> str:
    words = [str(item) for item in (sorted(items) if isinstance(items, frozenset) else items)]
    if isinstance(items, str):
        return items or "none"
    shown = words if len(words) <= 8 else [*words[:4], "...", *words[-2:]]
    return f"{', '.join(shown) or 'none'} ({len(words)})"
