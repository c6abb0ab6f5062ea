"""Networks, from the spec to what the court has to know; torch is imported where something is trained or looked at."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from thermo_cli.contracts import Dataset, Findings, Trajectories
from thermo_cli.equilibrium.ensemble import Question
from thermo_cli.kinds import gathering, learning
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
    no_rehearsal,
    nothing_to_settle,
)
from thermo_cli.metric import default_margins, observed, resolutions
from thermo_cli.replicas import Replica, budgets_of, main_rows
from thermo_cli.spec import Spec
from thermo_cli.spec.schedules import name_of
from thermo_cli.store import RunFolder
from thermo_cli.times import measurement_steps, snapshot_steps

NAMED: Final = 4  # shared tensors in the plan
WATCHED: Final = 6  # energy, its terms and the norms
begin, diagnostics, stated = learning.begin, learning.diagnostics, learning.stated
gather, raw, settle, rehearse = gathering.gather, kept_parameters, nothing_to_settle, no_rehearsal
workers_import: Final = ("thermo_cli.training", "thermo_cli.kinds.networks.learner")


def prepare(spec: Spec, base: Path, table: Sequence[Replica], loaded: dict[str, Dataset]) -> Facts:
    """Load the data, and check every protocol that is trained with."""
    from thermo_cli.kinds.networks.checks import check_names, check_protocols

    dataset, examples = learning.load(spec, base, table, loaded, [partial(check_names, spec)])
    noisy, stacked = check_protocols(spec, dataset, table)
    facts = learning.facts(spec, dataset, examples, noisy, observed(spec.observe.macro, dataset.task))
    return dataclasses.replace(facts, stacked=stacked)


def outline(setup: Setup, needs: Needs | None, workers: int) -> dict[str, str]:
    """Say what is trained, and how."""
    assert needs is not None
    spec, dynamics = setup.spec, setup.spec.dynamics
    energy, clip = getattr(dynamics, "energy", None), getattr(dynamics, "clip", None)
    terms = (*(("l1",) if energy.l1 else ()), *energy.terms) if energy is not None else ()
    words = f", batch {getattr(dynamics, 'batch_size', '')}, {name_of(getattr(dynamics, 'schedule', ''))} rate"
    words += f", clipped at {clip:g}" if clip is not None else ""
    words += "".join(f", with {name}" for name in terms)
    words += "".join(f", and again with {budget} steps" for budget in budgets_of(spec))
    made = _made_of(_protocol(setup).system)
    return {
        "data": learning.data_line(setup),
        "system": f"{spec.system.use}, {needs.parameters} parameters, {spec.ensemble.precision}{made}",
        "dynamics": f"{dynamics.use if dynamics else ''}, {spec.total} steps{words}",
    }


def needs(setup: Setup) -> Needs:
    """Add up the buffers of a stack: parameters, gradients, the optimizer's memory, activations."""
    from thermo_cli.kinds.networks import layout
    from thermo_cli.kinds.networks.stack import CHUNK_EXAMPLES

    spec, dataset, rule = setup.spec, setup.facts.dataset, _protocol(setup)
    assert dataset is not None
    item = 8 if spec.ensemble.precision == "float64" else 4
    parameters = layout.count(rule.system.blocks)
    evaluated = min(setup.facts.examples, CHUNK_EXAMPLES) + min(len(dataset.y_test), CHUNK_EXAMPLES)
    active = rule.system.activations() * 2 * (rule.batch + evaluated)
    stack = (setup.facts.stacked or spec.width) * (parameters * (4 + len(rule.optimizer.buffers)) + active) * item
    times = len(measurement_steps(spec.ends, spec.observe.window_measurements)), len(snapshot_steps(spec.ends))
    splits = 2 + (dataset.x_shifted is not None)
    observables = splits * len(observed(spec.observe.macro, dataset.task)) + WATCHED
    return needs_of(spec, parameters, item, times, observables, stack + learning.data_bytes(setup))


def pace(setup: Setup) -> Pace:
    """Train a stack of the first shards for a moment, on one thread as workers do, and say what a shard of it costs."""
    import torch

    from thermo_cli.kinds.networks.learner import Learner

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert setup.facts.dataset is not None
        first = [row for row in main_rows(setup.table) if row.history == setup.table[0].history]
        members = first[: setup.facts.stacked or setup.spec.width]
        whole, share = pace_of(Learner(setup.spec, setup.facts.dataset, members), setup.spec.total), 1 / len(members)
        return Pace(setup.spec.width * share * whole.step, setup.spec.width * share * whole.measurement)
    finally:
        torch.set_num_threads(threads)


def train(work: Work) -> str:
    """Train a stack."""
    import torch

    from thermo_cli.kinds.networks.learner import Learner

    torch.set_num_threads(1)
    learner = Learner(work.specs, work.dataset(), work.members)
    word = work.move(learner)
    for shard in dict.fromkeys(member.shard for member in work.members):
        if word == "finished" and (words := learner.crashes(shard)):
            work.folder.shard(shard).write_error(words)
    return word


def examine(folder: RunFolder, dataset: Dataset | None, specimens: Any) -> Findings:
    """Examine overlaps, then representations, functions and paths as far as the spec asks for them."""
    from thermo_cli.kinds.networks.examine import examine_networks

    assert dataset is not None
    return examine_networks(folder, dataset, specimens)


def question(folder: RunFolder, trajectories: Trajectories) -> Question:
    """Collect what the court has to know."""
    spec, data, idle = folder.spec, folder.manifest["data"], idle_sources(folder)
    return Question(
        spec.total,
        tuple(spec.histories),
        default_margins(int(data["test_examples"])),
        spec.schedule,
        learning.scope(spec, data, idle),
        rate_of(spec.dynamics.arguments if spec.dynamics is not None else None),
        independent=spec.ensemble.crossed is None,
        controls=controls_of(folder),
        resolutions=resolutions(int(data["test_examples"])),
        **learning.constant_of(data),
        idle=idle,
    )


def objective(spec: Spec) -> Any:
    """Return the penalties and further terms of the energy; decoupled decay belongs to none."""
    dynamics = spec.dynamics
    assert dynamics is not None
    arguments = dynamics.arguments if isinstance(dynamics.arguments, Mapping) else dynamics.arguments.model_dump()
    energy = getattr(dynamics, "energy", None)
    decay = 0.0 if dynamics.use == "adamw" else arguments.get("weight_decay", 0.0)
    return decay, energy.model_dump(mode="json") if energy is not None else None


def comparable_fields(spec: Spec) -> dict[str, Any]:
    """Return how subsamples are drawn, and how parameters are rounded."""
    return {**learning.comparable_fields(spec), "precision": spec.ensemble.precision}


def _made_of(system: Any) -> str:
    """Say of a module what replicas have of their own beside what is trained, what they share, and how they are trained."""
    fixed = sum(block.size for block in system.blocks if not block.trained)
    shared, words = getattr(system, "shared", {}), ""
    if fixed:
        words += f", {fixed} of them not trained but each replica's own"
    if shared:
        names = ", ".join(list(shared)[:NAMED]) + (", ..." if len(shared) > NAMED else "")
        words += f"; {sum(shared.values())} frozen ones are shared by all replicas, and in no microstate: {names}"
    if looped := getattr(system, "looped", ""):
        words += f"; not stacked, but looped over: {looped}"
    if single := getattr(system, "single", ""):
        words += f"; checked in single precision, as it does not compute in double: {single}"
    return words


def _protocol(setup: Setup) -> Any:
    from thermo_cli.kinds.networks.protocols import protocol

    spec, facts = setup.spec, setup.facts
    assert facts.dataset is not None
    return protocol(spec.system, spec.dynamics, facts.dataset, facts.examples, spec.total, spec.ensemble.precision)
