"""The plan: what would run, what it would need, and what so many replicas can decide; nothing is kept."""

import time
from dataclasses import dataclass
from typing import Final

from thermo_cli.design import shards
from thermo_cli.dynamics.gradient import CHUNK_EXAMPLES, Stack, protocol
from thermo_cli.engines.local import usable_cores
from thermo_cli.equilibrium.intervals import count_to_hold, replicas_for_share
from thermo_cli.observables.macroscopic import METRICS, measure, measurement_steps, snapshot_steps
from thermo_cli.preparation import Study
from thermo_cli.store import free_bytes
from thermo_cli.systems import layout
from thermo_cli.training import build_stack

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
    spec, width = study.spec, study.spec.ensemble.shard
    rule = protocol(spec, study.dataset, study.subsample_size)
    item = 8 if spec.ensemble.precision == "float64" else 4
    parameters = layout.count(rule.system.blocks)
    measurements = len(measurement_steps(spec.dynamics.steps, spec.observe.window_measurements))
    count = len(shards(study.table))
    active = min(workers or usable_cores(), count)
    evaluated = min(study.subsample_size, CHUNK_EXAMPLES) + min(len(study.dataset.y_test), CHUNK_EXAMPLES)
    stack = (
        width
        * (parameters * (4 + len(rule.optimizer.buffers)) + rule.system.activations() * 2 * (rule.batch + evaluated))
        * item
    )
    data = (study.dataset.x.nbytes + study.dataset.x_test.nbytes) * 3
    snapshots = width * parameters * len(snapshot_steps(spec.dynamics.steps)) * item
    observables = 2 * len(METRICS[study.dataset.task]) + WATCHED
    disk = len(study.table) * (
        parameters * len(snapshot_steps(spec.dynamics.steps)) * item + measurements * observables * 8
    )
    return Needs(count, active, parameters, measurements, active * (PROCESS_BYTES + stack + data + snapshots), disk)


def measure_pace(study: Study) -> Pace:
    """Train the first shard for a moment, in memory, and time a step and a measurement.

    Args:
        study: What would run.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        stack = build_stack(study.spec, study.dataset, next(iter(shards(study.table).values())))
        stack.advance(min(4, study.spec.dynamics.steps))
        _measure(study, stack)
        start, first = time.perf_counter(), stack.step
        while time.perf_counter() - start < PILOT_SECONDS and stack.step < study.spec.dynamics.steps:
            stack.advance(min(stack.step + 32, study.spec.dynamics.steps))
        step = (time.perf_counter() - start) / max(stack.step - first, 1)
        start = time.perf_counter()
        for _ in range(PILOT_MEASUREMENTS):
            _measure(study, stack)
        return Pace(step, (time.perf_counter() - start) / PILOT_MEASUREMENTS)
    finally:
        torch.set_num_threads(threads)


def _measure(study: Study, stack: Stack) -> None:
    now = stack.evaluate()
    measure(
        study.spec.observe.macro, study.dataset, stack.subsamples, now.train, now.test, now.parameters, now.gradient,
        now.parameters, stack.protocol.optimizer.penalty,
    )  # fmt: skip


def describe(study: Study, workers: int | None, pace: Pace | None) -> str:
    """Write the plan.

    Args:
        study: What would run.
        workers: Number of processes, None for all cores.
        pace: Measured cost, or None.
    """
    spec, need = study.spec, needs(study, workers)
    dynamics, unfinished = spec.dynamics, study.folder.path.exists()
    lines = [
        f"Plan of {study.folder.name}" + ("  (exists: would be resumed or judged again)" if unfinished else ""),
        f"  data        {spec.data.use}: pool of {len(study.dataset.y)}, test set of {len(study.dataset.y_test)}, "
        f"{study.subsample_size} examples per replica",
        f"  system      {spec.system.use}, {need.parameters} parameters, {spec.ensemble.precision}",
        f"  dynamics    {dynamics.use}, {dynamics.steps} steps, batch {dynamics.batch_size}, {dynamics.schedule} rate",
        f"  ensemble    {spec.ensemble.replicas} replicas x {len(spec.histories)} histories ({', '.join(spec.histories)}), "
        f"{need.shards} shards of {spec.ensemble.shard}",
        f"  measured    {need.measurements} times, {spec.observe.window_measurements} of them in the last half",
        f"  memory      about {_bytes(need.memory)} in {need.workers} worker(s)",
        f"  disk        about {_bytes(need.disk)} ({_bytes(free_bytes(study.folder.path))} free)",
    ]
    if pace is not None:
        lines += _timing(study, need, pace)
    return "\n".join([*lines, "What so many replicas can decide", *_power(study)])


def _timing(study: Study, need: Needs, pace: Pace) -> list[str]:
    """Estimate the time from the measured pace; shards run in rounds of as many as there are workers."""
    steps = study.spec.dynamics.steps
    rounds = -(-need.shards // need.workers)
    seconds = STARTUP_SECONDS + rounds * (steps * pace.step + need.measurements * pace.measurement)
    width = study.spec.ensemble.shard
    return [
        f"  pace        {pace.step / width * 1e6:.1f} us per replica-step: {width / pace.step:,.0f} a second in each worker",
        f"  time        about {seconds:.0f} s with {need.workers} worker(s); measuring adds "
        f"{need.measurements * pace.measurement / (steps * pace.step):.0%} to the training",
    ]


def _power(study: Study) -> list[str]:
    """Say which criteria can hold with the planned number of replicas, and how many may lie outside."""
    spec = study.spec
    content, alpha = spec.equilibrium.content, 1 - spec.equilibrium.confidence
    replicas, total = spec.ensemble.replicas, len(study.table)
    lines = []
    for name, count, spare, whole in (
        ("S1 stillness, per history", replicas, 0, "per history"), ("A agreement, all histories", total, 1, "in all")
    ):  # fmt: skip
        hold = count_to_hold(count, content, alpha)
        if hold is not None and hold <= count - spare:
            outside = count - spare - hold
            lines.append(f"  {name:<28} can hold, with up to {outside} of {count} outside the margin")
        else:
            enough = replicas_for_share(1.0, content, alpha, spare)
            lines.append(f"  {name:<28} cannot hold with {count}: at least {enough} are needed {whole}")
    lines.append(f"  {'H history, D diversity':<28} untested; the best verdict is settled")
    if spec.dynamics.schedule != "constant":
        lines.append(f"  {'S stationarity':<28} untested under a {spec.dynamics.schedule} schedule")
    return lines


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
