"""Physical systems, from the spec to what the court has to know."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from thermo_cli.contracts import Dataset, Findings, Trajectories
from thermo_cli.equilibrium.ensemble import Question
from thermo_cli.errors import SpecError
from thermo_cli.kinds import gathering
from thermo_cli.kinds.capacity import needs_of, pace_of, rate_of
from thermo_cli.kinds.kind import (
    Facts,
    Needs,
    Pace,
    Setup,
    Work,
    controls_of,
    idle_sources,
    kept_parameters,
    no_comparable_fields,
    no_diagnostics,
    no_objective,
    no_rehearsal,
    nothing_stated,
    nothing_to_begin,
    nothing_to_settle,
)
from thermo_cli.kinds.physical.walk import BLOCK_STEPS, walk
from thermo_cli.microstates.survey import examine_particles
from thermo_cli.replicas import Replica, main_rows, shards, streams_used
from thermo_cli.spec import Spec
from thermo_cli.store import RunFolder
from thermo_cli.times import measurement_steps, snapshot_steps

comparable_fields = no_comparable_fields
begin, settle, diagnostics = nothing_to_begin, nothing_to_settle, no_diagnostics
rehearse = no_rehearsal
gather, raw, objective, stated = gathering.gather, kept_parameters, no_objective, nothing_stated
workers_import: Final = ("thermo_cli.training", "thermo_cli.kinds.physical.kind")


def prepare(spec: Spec, base: Path, table: Sequence[Replica], loaded: dict[str, Dataset]) -> Facts:
    """Put a replica of each history at its start: a first phase must keep the shapes of the microstates."""
    for history in spec.histories:
        moving = walk(spec, [row for row in table if row.history == history][:1], spec.total)
        shapes = [
            {name: array.shape for name, array in rule.start(table[0], 1.0).items()} for rule in moving.rules.values()
        ]
        if shapes[0] != shapes[-1]:
            raise SpecError(
                "the first phase has microstates of other shapes",
                received=str(shapes[0]),
                remedy=f"keep {shapes[-1]}",
                where=f"histories.{history}.first.system",
            )
    return Facts(observables=tuple(walk(spec, table[:1], spec.total).measure()))


def outline(setup: Setup, needs: Needs | None, workers: int) -> dict[str, str]:
    """Say what moves, and how."""
    assert needs is not None
    assert setup.spec.dynamics is not None
    return {
        "system": f"{setup.spec.system.use}, {needs.parameters} parameters",
        "dynamics": f"{setup.spec.dynamics.use}, {setup.spec.total} steps",
    }


def needs(setup: Setup) -> Needs:
    """Add up microstates and a block of noise."""
    spec, moving = setup.spec, walk(setup.spec, setup.table[:1], setup.spec.total)
    parameters, item = moving.vectors().shape[1], 8
    times = len(measurement_steps(spec.ends, spec.observe.window_measurements)), len(snapshot_steps(spec.ends))
    noise = spec.width * BLOCK_STEPS * parameters * 3 * item
    return needs_of(spec, parameters, item, times, len(moving.measure()), noise)


def pace(setup: Setup) -> Pace:
    """Move the first shard for a moment."""
    members = next(iter(shards(setup.table).values()))
    return pace_of(walk(setup.spec, members, setup.spec.total), setup.spec.total)


def train(work: Work) -> str:
    """Walk."""
    return work.move(walk(work.specs[0], work.members, work.specs[0].ends[0]))


def examine(folder: RunFolder, dataset: Dataset | None, specimens: Any) -> Findings:
    """Compare microstates coordinate by coordinate, against draws from the system's own law."""
    spec = folder.spec
    moving = walk(spec, main_rows(folder.table)[:1], spec.total)
    findings = examine_particles(specimens, moving.reference)
    if "noise" in spec.ensemble.vary:
        return findings
    reason = "partners on one bath would be driven by the same noise: what makes them alike is not the landscape"
    return Findings(findings.arrays, {**findings.facts, "untested": reason})


def question(folder: RunFolder, trajectories: Trajectories) -> Question:
    """Collect what the court has to know."""
    spec, idle = folder.spec, idle_sources(folder)
    consumed = streams_used(spec, 0, 0).difference(idle)
    varied = ", ".join(name for name in spec.ensemble.vary if name in consumed)
    return Question(
        spec.total,
        tuple(spec.histories),
        {},
        spec.schedule,
        f"for fresh replicas of this {spec.system.use} system; varied: {varied}",
        rate_of(spec.dynamics.arguments if spec.dynamics is not None else None),
        energy_margin=False,
        controls=controls_of(folder),
        idle=idle,
    )
