"""Scripts, from the spec to what the court has to know."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from thermo_cli.contracts import Dataset, Findings, Trajectories
from thermo_cli.data.subsample import subsample, subsample_size
from thermo_cli.equilibrium.ensemble import Question
from thermo_cli.kinds import gathering, learning
from thermo_cli.kinds.kind import (
    Facts,
    Rehearsal,
    Setup,
    Work,
    controls_of,
    kept_parameters,
    no_diagnostics,
    no_objective,
    nothing_to_begin,
    rehearsal_of,
)
from thermo_cli.kinds.scripts.examine import examine_scripts
from thermo_cli.kinds.scripts.program import program_of
from thermo_cli.kinds.scripts.rehearse import rehearse_program
from thermo_cli.kinds.scripts.train import refuse_strangers, train_script
from thermo_cli.metric import default_margins, resolutions
from thermo_cli.replicas import Replica, main_rows, pool_of, shards, streams_used
from thermo_cli.spec import Spec
from thermo_cli.store import RunFolder

begin, settle, diagnostics = nothing_to_begin, refuse_strangers, no_diagnostics
rehearse = rehearse_program
gather, raw, objective = gathering.gather, kept_parameters, no_objective
workers_import: Final = ("thermo_cli.training", "thermo_cli.kinds.scripts.kind")


def prepare(spec: Spec, base: Path, table: Sequence[Replica], loaded: dict[str, Dataset]) -> Facts:
    """Refuse a command that cannot be started, and subsamples that cannot be drawn."""
    program, pool, rule = program_of(spec, base), pool_of(spec), spec.ensemble.subsample
    program.check()
    for row in (table if rule.disjoint else table[:1]) if pool else ():
        subsample(rule, pool, row.subsample, spec.ensemble.seed, row.part)
    examples = subsample_size(rule, pool) if pool else 0
    return Facts(program.fingerprint(), examples=examples, pool=pool)


def outline(setup: Setup, needs: object, workers: int) -> dict[str, str]:
    """Say what is started, and what is not known before it has run."""
    spec, given, limits = setup.spec, setup.spec.system.arguments, _limits(setup.spec)
    mains = len(main_rows(setup.table))
    beside, groups = len(setup.table) - mains, len(shards(setup.table))
    limit = f"at most {limits.time_limit:g} s each" if limits.time_limit is not None else "no time limit"
    examples = f"the script's own: pool of {given.pool}, {setup.facts.examples} examples per replica"
    return {
        **({"data": examples} if setup.facts.examples else {}),
        "system": f"{spec.system.use}, started in {setup.base}: {program_of(spec, setup.base).shown}",
        "dynamics": f"process, {spec.total} steps, {spec.schedule} rate, {limit}, {limits.attempts} attempt(s)",
        "ensemble": f"{mains // len(spec.histories)} replicas x {len(spec.histories)} histories "
        f"({', '.join(spec.histories)}){f' and {beside} more (controls, budgets)' if beside else ''}, each a process",
        "measured": "when the script reports; the verdict rests on what it reports in the last half",
        "memory": f"unknown: what {min(workers, groups)} script(s) need at the same time, and a process for each worker",
        "time, disk": "unknown before the script has run",
    }


def needs(setup: Setup) -> None:
    """Return nothing: what a script needs is its own affair."""


def pace(setup: Setup) -> None:
    """Return nothing: a script is not started to be timed."""


def train(work: Work) -> str:
    """Start the script, and read what it has reported."""
    return train_script(work.folder, work.store, work.specs[0], work.members[0], work.base)


def examine(folder: RunFolder, dataset: Dataset | None, specimens: Any) -> Findings:
    """Examine what the scripts have kept."""
    return examine_scripts(folder, specimens)


def question(folder: RunFolder, trajectories: Trajectories) -> Question:
    """Collect what the court has to know."""
    spec, rehearsal = folder.spec, rehearsal_of(folder)
    examples, values = spec.system.arguments.test_examples, trajectories.values
    return Question(
        spec.total,
        tuple(spec.histories),
        default_margins(examples, values),
        spec.schedule,
        _scope(spec, rehearsal),
        independent=spec.ensemble.crossed is None,
        energy_margin=bool(trajectories.steps[0] == 0),
        controls=controls_of(folder),
        resolutions=resolutions(examples, values),
        idle=rehearsal.idle,
    )


def comparable_fields(spec: Spec) -> dict[str, Any]:
    """Return how subsamples are drawn, where the script is told of them."""
    return learning.comparable_fields(spec) if pool_of(spec) else {}


def stated(spec: Spec, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the spec says of the data, which cannot be seen."""
    given = spec.system.arguments
    return {"pool": given.pool, "test_examples": given.test_examples}


def _limits(spec: Spec) -> Any:
    return spec.dynamics.arguments if spec.dynamics is not None else None


def _scope(spec: Spec, rehearsal: Rehearsal) -> str:
    """Say what the verdict speaks of."""
    pool = pool_of(spec)
    consumed = streams_used(spec, subsample_size(spec.ensemble.subsample, pool) if pool else 0, pool)
    varied = [name for name in spec.ensemble.vary if name in consumed and name not in rehearsal.idle]
    fresh = ["seeds"] if set(varied) - {"subsample"} else []
    fresh += [f"subsamples of a pool of {pool} examples"] if "subsample" in varied else []
    own = ["what no seed decides"] if rehearsal.unseeded else []
    again = f" with fresh {' and '.join(fresh)}" if fresh else ""
    return f"for rerunning this {spec.system.use}{again}; varied: {', '.join([*varied, *own]) or 'nothing'}"
