"""The plan: what would run, what it would need, and what so many replicas can decide; nothing is kept."""

import shlex
import time
from dataclasses import dataclass
from typing import Final

import numpy as np

from thermo_cli.data.split import draw_subsamples
from thermo_cli.engines.workers import usable_cores
from thermo_cli.equilibrium.criteria.diversity import PAIRS
from thermo_cli.equilibrium.statistics.share import count_to_hold, replicas_for_share
from thermo_cli.experiment import Study
from thermo_cli.kinds.estimators.fit import few
from thermo_cli.kinds.estimators.train import fit_replica, measured_steps
from thermo_cli.kinds.physical.walk import BLOCK_STEPS, walk
from thermo_cli.kinds.scripts.parts import CommandSystem, ProcessDynamics
from thermo_cli.metric import observed
from thermo_cli.replicas import Replica, budgets_of, control_rows, main_rows, replicas_of, shards
from thermo_cli.spec import Spec
from thermo_cli.spec.schedules import name_of
from thermo_cli.store import free_bytes
from thermo_cli.times import measurement_steps, snapshot_steps
from thermo_cli.training import movement

DECIDES: Final = "What so many replicas can decide"
PILOT_SECONDS: Final = 1.5
PILOT_MEASUREMENTS: Final = 4
STARTUP_SECONDS: Final = 4.0
PROCESS_BYTES: Final = 350_000_000  # a worker with torch and scikit-learn loaded, before any array
WATCHED: Final = 6  # energy, its terms and the norms


@dataclass(frozen=True)
class Pace:
    """Measured cost of a shard.

    Attributes:
        step: Seconds per step of one shard.
        measurement: Seconds per measurement of one shard.
    """

    step: float
    measurement: float


@dataclass(frozen=True)
class Needs:
    """What a run needs.

    Attributes:
        shards: Number of shards.
        workers: Processes that can work at the same time.
        parameters: Parameters of one replica.
        measurements: Measured times.
        memory: Bytes, all workers together.
        disk: Bytes of the finished run folder.
    """

    shards: int
    workers: int
    parameters: int
    measurements: int
    memory: int
    disk: int


def needs(study: Study, workers: int | None) -> Needs:
    """Estimate memory and disk of a run from its shapes.

    Args:
        study: What would run.
        workers: Number of processes, None for all cores.
    """
    spec, width, groups = study.spec, study.spec.width, shards(study.table)
    item = 8 if spec.ensemble.precision == "float64" or not spec.traits.learns else 4
    fitted = spec.traits.name == "estimators"
    measurements = (
        len(measured_steps(spec, study.table[0]))
        if fitted
        else len(measurement_steps(spec.ends, spec.observe.window_measurements))
    )
    kept = 1 if fitted else len(snapshot_steps(spec.ends))
    active = min(workers or usable_cores(), len(groups))
    parameters, per_shard, observables = _stack_needs(study, item)
    snapshots = width * parameters * kept * item
    disk = len(main_rows(study.table)) * (parameters * kept * item + measurements * observables * 8)
    return Needs(len(groups), active, parameters, measurements, active * (PROCESS_BYTES + per_shard + snapshots), disk)


def _stack_needs(study: Study, item: int) -> tuple[int, int, int]:
    """Return the parameters of a replica, the bytes of a shard in training, and the number of observables."""
    spec, dataset, width = study.spec, study.dataset, study.spec.width
    if dataset is None:
        moving = walk(spec, study.table[:1], spec.total)
        parameters = moving.vectors().shape[1]
        return parameters, width * BLOCK_STEPS * parameters * 3 * item, len(moving.measure())
    splits = 2 + (dataset.x_shifted is not None)
    held = len(dataset.y) if isinstance(dataset.x, np.ndarray) else min(width * study.subsample_size, len(dataset.y))
    data = (held + (splits - 1) * len(dataset.y_test)) * dataset.inputs * 8 * 3
    if spec.traits.name == "estimators":
        rows = few(draw_subsamples(spec, len(dataset.y), study.table[:1], dataset.classes)[0], dataset)
        tried = fit_replica(spec, dataset, study.table[0], rows)
        number = next(iter(tried.snapshots.values())).size
        return number, width * number * item + data, len(tried.values)
    from thermo_cli.kinds.networks import layout
    from thermo_cli.kinds.networks.protocols import protocol
    from thermo_cli.kinds.networks.stack import CHUNK_EXAMPLES  # torch is imported where there are networks

    rule = protocol(spec.system, spec.dynamics, dataset, study.subsample_size, spec.total, spec.ensemble.precision)
    parameters = layout.count(rule.system.blocks)
    evaluated = min(study.subsample_size, CHUNK_EXAMPLES) + min(len(dataset.y_test), CHUNK_EXAMPLES)
    active = rule.system.activations() * 2 * (rule.batch + evaluated)
    stack = width * (parameters * (4 + len(rule.optimizer.buffers)) + active) * item
    return parameters, stack + data, splits * len(observed(spec.observe.macro, dataset.task)) + WATCHED


def _spec_of(study: Study, member: Replica) -> Spec:
    """Return the experiment of a replica: that of its point, in a sweep."""
    return study.points[member.point].spec if study.points else study.spec


def measure_pace(study: Study) -> Pace | None:
    """Train the first shard for a moment, in memory, and time a step and a measurement; None where that is not done here.

    Args:
        study: What would run.
    """
    if not study.table or study.spec.traits.name == "scripts":
        return None
    if study.spec.traits.name == "estimators":
        start = time.perf_counter()
        assert study.dataset is not None  # estimators have data: the schema holds that
        fit_replica(study.spec, study.dataset, study.table[0])
        return Pace(study.spec.width * (time.perf_counter() - start) / study.spec.total, 0.0)
    import torch

    threads, total = torch.get_num_threads(), study.spec.total
    torch.set_num_threads(1)
    try:
        members = next(iter(shards(study.table).values()))
        stack = movement([_spec_of(study, member) for member in members], study.dataset, members)
        stack.advance(min(4, total))
        stack.measure()
        start, first = time.perf_counter(), stack.step
        while time.perf_counter() - start < PILOT_SECONDS and stack.step < total:
            stack.advance(min(stack.step + 32, total))
        step = (time.perf_counter() - start) / max(stack.step - first, 1)
        start = time.perf_counter()
        for _ in range(PILOT_MEASUREMENTS):
            stack.measure()
        return Pace(step, (time.perf_counter() - start) / PILOT_MEASUREMENTS)
    finally:
        torch.set_num_threads(threads)


def describe(study: Study, workers: int | None, pace: Pace | None) -> str:
    """Write the plan.

    Args:
        study: What would run.
        workers: Number of processes, None for all cores.
        pace: Measured cost, or None.
    """
    spec = study.spec
    head = f"Plan of {study.folder.name}"
    if study.folder.path.exists():
        head += "  (exists: would be resumed or judged again)"
    if study.recorded is not None:
        recorded = study.recorded
        counts = {history: recorded.histories.count(history) for history in dict.fromkeys(recorded.histories)}
        ensemble = ", ".join(f"{count} of {history}" for history, count in counts.items())
        lines = [
            f"  recorded    {ensemble}; {len(recorded.steps)} times up to step {recorded.steps[-1]}; nothing is trained",
            f"  observed    {', '.join(recorded.values)}",
        ]
        smallest, total = min(counts.values()), len(recorded.replicas)
        return "\n".join([head, *lines, DECIDES, *_power(study, smallest, total)])
    if isinstance(spec.system, CommandSystem):
        lines = _command_parts(study, spec.system, workers)
    else:
        lines = _parts(study, need := needs(study, workers))
    if study.points:
        lines.insert(
            0, f"  sweep       {len(study.points)} points over {', '.join(spec.sweep)}; of each, or of the first:"
        )
    if pace is not None:
        lines += _timing(study, need, pace)
    if spec.ensemble.crossed is not None:
        return "\n".join([head, *lines, "A crossed design gives a noise budget; S, A and H are untested on it"])
    alone = len(main_rows(study.points[0].table if study.points else study.table))
    return "\n".join([head, *lines, DECIDES, *_power(study, replicas_of(spec), alone)])


def _parts(study: Study, need: Needs) -> list[str]:
    spec, dataset, dynamics = study.spec, study.dataset, study.spec.dynamics
    lines = []
    if dataset is not None and spec.data is not None:
        lines.append(
            f"  data        {spec.data.use}: pool of {len(dataset.y)}, test set of {len(dataset.y_test)}, "
            f"{study.subsample_size} examples per replica"
        )
    batch, rate = getattr(dynamics, "batch_size", None), name_of(getattr(dynamics, "schedule", "constant"))
    words = (
        f", batch {batch}, {rate} rate" if batch is not None else f", time: {spec.time}" if spec.time != "steps" else ""
    )
    clip, energy = getattr(dynamics, "clip", None), getattr(dynamics, "energy", None)
    words += f", clipped at {clip:g}" if clip is not None else ""
    words += "".join(f", with {name}" for name in (*(("l1",) if energy.l1 else ()), *energy.terms)) if energy else ""
    budgets = "".join(f", and again with {budget} steps" for budget in budgets_of(spec))
    fitted = spec.traits.name == "estimators"
    precision = f", {spec.ensemble.precision}" if dataset is not None and not fitted else ""
    what = "numbers of structure" if fitted else "parameters"
    rows = study.points[0].table if study.points else study.table
    beside = len(rows) - sum(row.role in ("main", "budget") for row in rows)
    controls = f" and {beside} controls" if beside else ""
    return [
        *lines,
        f"  system      {spec.system.use}, {need.parameters} {what}{precision}{_looped(study)}",
        f"  dynamics    {dynamics.use if dynamics else ''}, {spec.total} steps{words}{budgets}",
        f"  ensemble    {replicas_of(spec)} replicas x {len(spec.histories)} histories ({', '.join(spec.histories)})"
        f"{controls}, {need.shards} shards of {spec.width}",
        f"  measured    {need.measurements} time(s)"
        + (f", {spec.observe.window_measurements} of them in the last half" if need.measurements > 1 else ""),
        f"  memory      about {_bytes(need.memory)} in {need.workers} worker(s)",
        f"  disk        about {_bytes(need.disk)} ({_bytes(free_bytes(study.folder.path))} free)",
    ]


def _command_parts(study: Study, system: CommandSystem, workers: int | None) -> list[str]:
    spec, dynamics, groups = study.spec, study.spec.dynamics, len(shards(study.table))
    assert isinstance(dynamics, ProcessDynamics)
    limits, beside = dynamics.arguments, groups - len(main_rows(study.table))
    words = shlex.join(str(word) for word in system.arguments.run)
    pool = (
        f"pool of {system.arguments.pool}, {study.subsample_size} examples per replica" if study.subsample_size else ""
    )
    limit = f"at most {limits.time_limit:g} s each" if limits.time_limit is not None else "no time limit"
    return [
        *([f"  data        the script's own: {pool}"] if pool else []),
        f"  system      command, started in {study.base}: {words}",
        f"  dynamics    process, {spec.total} steps, {dynamics.schedule} rate, {limit}, {limits.attempts} attempt(s)",
        f"  ensemble    {replicas_of(spec)} replicas x {len(spec.histories)} histories ({', '.join(spec.histories)})"
        f"{f' and {beside} more (controls, budgets)' if beside else ''}, each a process",
        "  measured    when the script reports; the verdict rests on what it reports in the last half",
        f"  memory      unknown: what {min(workers or usable_cores(), groups)} script(s) need at the same time, and "
        f"{_bytes(PROCESS_BYTES)} for each worker",
        f"  time, disk  unknown before the script has run ({_bytes(free_bytes(study.folder.path))} free)",
    ]


def _looped(study: Study) -> str:
    """Say whether replicas are trained one after the other, and why."""
    if study.dataset is None or study.spec.traits.name == "estimators":
        return ""
    from thermo_cli.kinds.networks.protocols import protocol

    spec = study.spec
    rule = protocol(
        spec.system, spec.dynamics, study.dataset, study.subsample_size, spec.total, spec.ensemble.precision
    )
    why = getattr(rule.system, "looped", "")
    return f"; not stacked, but looped over: {why}" if why else ""


def _timing(study: Study, need: Needs, pace: Pace) -> list[str]:
    """Estimate the time from the measured pace; shards run in rounds of as many as there are workers."""
    steps, groups = study.spec.total, shards(study.table)
    whole = sum(members[0].steps for members in groups.values()) / steps  # smaller budgets count by their length
    rounds = max(whole / need.workers, 1.0)
    seconds = STARTUP_SECONDS + rounds * (steps * pace.step + need.measurements * pace.measurement)
    width = study.spec.width
    return [
        f"  pace        {pace.step / width * 1e6:.1f} us per replica-step: {width / pace.step:,.0f} a second in each worker",
        f"  time        about {seconds:.0f} s with {need.workers} worker(s); measuring adds "
        f"{need.measurements * pace.measurement / (steps * pace.step):.0%} to the training",
    ]


def _power(study: Study, replicas: int, total: int) -> list[str]:
    """Say which criteria can hold with so many replicas, and how many may lie outside."""
    spec = study.spec
    content, alpha = spec.equilibrium.content, 1 - spec.equilibrium.confidence
    lines = []
    for name, count, spare, whole in (
        ("S1 stillness, per history", replicas, 0, "per history"),
        ("A agreement, all histories", total, 1, "in all"),
    ):
        if spare and spec.equilibrium.tolerance == "normal":
            lines.append(f"  {name:<28} rests on normality, and can hold with {count}")
            continue
        hold = count_to_hold(count, content, alpha)
        if hold is not None and hold <= count - spare:
            outside = count - spare - hold
            lines.append(f"  {name:<28} can hold, with up to {outside} of {count} outside the margin")
        else:
            enough = replicas_for_share(1.0, content, alpha, spare)
            lines.append(f"  {name:<28} cannot hold with {count}: at least {enough} are needed {whole}")
    histories = len(dict.fromkeys(study.recorded.histories)) if study.recorded is not None else len(spec.histories)
    words = "can hold once the histories were seen apart before T/2" if histories > 1 else "untested with one history"
    lines.append(f"  {'H history':<28} {words}")
    lines.append(f"  {'D diversity':<28} {_pairs(study)}")
    if spec.schedule != "constant" and not budgets_of(spec):
        lines.append(f"  {'S stationarity':<28} untested under a {spec.schedule} schedule without observe.budgets")
    return lines


def _pairs(study: Study) -> str:
    """Say whether same-bath pairs can tell different models from one."""
    pairs = len(control_rows(study.table, "same_bath"))
    if study.recorded is not None:
        return "untested: recorded parameters say nothing of their symmetries"
    if study.spec.traits.name == "scripts" and not pairs:
        return "untested: needs parameters that compare (system.with.symmetries: none, or one init), and a varied seed"
    if pairs < PAIRS:
        return f"cannot hold with {pairs} same-bath pairs: {PAIRS} are needed (ensemble.controls.same_bath)"
    return f"can hold or fail, with {pairs} same-bath pairs"


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
