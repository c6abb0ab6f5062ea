"""Run folders written from arrays: all that a judge reads, without the training that it would come from."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from thermo_cli.contracts import Array
from thermo_cli.experiment import prepare
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec, load_spec
from thermo_cli.store import RunFolder
from thermo_cli.store.shard_records import ShardRecords
from thermo_cli.study import begin

MEASUREMENTS = 17
Recorder = Callable[[Spec, Replica, Array], Mapping[str, Array]]


def write_run(spec_path: Path, recorder: Recorder, results: Path, overrides: Sequence[str] = ()) -> RunFolder:
    """Write the folder of a finished run that has no microstates.

    Args:
        spec_path: The YAML file.
        recorder: From the spec of a replica's point, its row and the measured steps (time,): observable to (time,).
        results: Where run folders are.
        overrides: `key.sub=value` assignments.
    """
    study = prepare(load_spec(spec_path, overrides), spec_path.parent, results)
    folder = study.folder
    folder.make()
    begin(study, spec_path.read_text())
    for name, rows in folder.shards.items():
        end = rows[0].steps
        steps = (
            np.unique(np.linspace(0, end, MEASUREMENTS).astype(np.int64)) if rows[0].role == "main" else np.array([end])
        )
        values = [recorder(folder.spec_of(row), row, steps) for row in rows]
        arrays = {f"values/{observable}": np.stack([one[observable] for one in values]) for observable in values[0]}
        folder.shard(name).finish(ShardRecords.of({"steps": steps, **arrays}))
    return folder
