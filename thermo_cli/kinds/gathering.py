"""The parameters that a run has kept, collected for the examination of its microstates."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from thermo_cli import rng
from thermo_cli.microstates.material import Material, Parameters
from thermo_cli.replicas import Replica, control_rows, main_rows
from thermo_cli.store import RunFolder
from thermo_cli.times import snapshot_steps

UNALIGNED: Final = ("steps", "raw_", "memory", "twin/")  # findings that mean something without alignment


def gather(folder: RunFolder, most: int) -> Material | None:
    """Collect the microstates that are looked at; None where fewer than two replicas have finished with finite parameters.

    Args:
        folder: A run that has been trained.
        most: Main replicas that are looked at, at most.
    """
    spec, table = folder.spec, folder.table
    finished = [row for row in table if row.shard in folder.records]
    share = most // len(spec.histories) or 1
    mains = [main for main in main_rows(finished) if main.index < share]
    kept = [step for step in snapshot_steps(spec.ends) if all(step in folder.records[m.shard].snapshots for m in mains)]
    times = [step for step in kept if step > 0]
    if not mains or spec.total not in kept:  # a script keeps what it likes
        return None
    rows = {step: folder.microstates(step, mains) for step in kept}
    finite = np.all([np.isfinite(found).all(axis=1) for found in rows.values()], axis=0)
    mains = [main for main, good in zip(mains, finite, strict=True) if good]
    if len(mains) < 2:
        return None
    partners, twins = _controls(folder, "same_bath"), _controls(folder, "twin")
    seed, firsts = spec.ensemble.seed, list(partners)
    none = rows[times[-1]][:0]

    def at(step: int, members: Sequence[Replica]) -> Parameters:
        return folder.microstates(step, members) if members else none

    initial = rows[0] if 0 in rows else np.full_like(rows[times[-1]], np.nan)
    half = spec.total // 2
    earlier = at(half if half in kept else spec.total, firsts)
    first = next(iter(spec.histories.values())).first
    if spec.total < 2 or half not in kept or (first is not None and first.steps > half):
        earlier = np.full_like(earlier, np.nan)
    return Material(
        replicas=tuple(main.name for main in mains),
        pairs=tuple(main.name for main in firsts),
        mains={step: rows[step][finite] for step in times},
        initial=initial[finite],
        firsts=at(times[-1], firsts),
        partners=at(times[-1], list(partners.values())),
        earlier=earlier,
        streams=[_null_stream(seed, main) for main in mains],
        pair_streams=[(_null_stream(seed, main), _null_stream(seed, partner)) for main, partner in partners.items()],
        twins={step: (at(step, list(twins.values())), at(step, list(twins))) for step in (1, *times) if twins},
        twin_names=tuple(main.name for main in twins),
        seed=seed,
    )


def _controls(folder: RunFolder, role: str) -> dict[Replica, Replica]:
    """Return main replicas and their controls, where both have finished."""
    rows = control_rows(folder.table, role).items()
    return {main: control for main, control in rows if {main.shard, control.shard} <= folder.records.keys()}


def _null_stream(seed: int, replica: Replica) -> int:
    return rng.stream(seed, "noise", f"{replica.name.rpartition('/')[0]}/{replica.role}/null", replica.index)
