"""The plan: what would run, what it would need, and what so many replicas can decide; nothing is kept."""

from typing import Final

import numpy as np
from scipy import stats

from thermo_cli.contracts import Array
from thermo_cli.engines.workers import usable_cores
from thermo_cli.equilibrium.criteria.diversity import PAIRS
from thermo_cli.equilibrium.statistics.share import count_to_hold, least_replicas
from thermo_cli.equilibrium.statistics.tolerance import count_to_agree, half_width
from thermo_cli.experiment import Experiment
from thermo_cli.kinds.kind import Needs, Pace, Setup, kind_of
from thermo_cli.kinds.learned_target import target_lines
from thermo_cli.kinds.learning import metric_lines
from thermo_cli.replicas import budgets_of, main_rows, shards
from thermo_cli.spec import Spec
from thermo_cli.spec.size import Size, first_size, grows
from thermo_cli.store import free_bytes

DECIDES: Final = "What so many replicas can decide"
LOOKS: Final = "What each look can decide, at the level alpha / 2^k (A: if replicas are spread normally, at even odds)"
STARTUP_SECONDS: Final = 4.0
PROCESS_BYTES: Final = 350_000_000  # a worker with torch and scikit-learn loaded, before any array
INDENT: Final = 12


def describe(experiment: Experiment, workers: int | None, pilot: bool = False) -> str:
    """Write the plan.

    Args:
        experiment: What would run.
        workers: Number of processes, None for all cores.
        pilot: Whether to measure time and throughput on a few steps.
    """
    setup = experiment.points[0]
    kind, active = kind_of(setup.spec), min(workers or usable_cores(), len(shards(experiment.table)) or 1)
    needs = kind.needs(setup)
    lines = {
        "sweep": f"{len(experiment.points)} points over {', '.join(experiment.spec.sweep)}; of each, or of the first:"
    }
    lines = (lines if experiment.spec.sweep else {}) | kind.outline(setup, needs, active) | target_lines(setup)
    rehearsal = kind.rehearse(setup, active) if pilot else None
    if rehearsal is not None:
        lines |= {"rehearsal": f"\n{'':<{INDENT + 2}}".join(rehearsal.words)}
    if needs is not None:
        lines |= capacity(experiment, needs, active) | metric_lines(setup, needs.measurements)
        pace = kind.pace(setup) if pilot else None
        lines |= _timing(experiment, needs, pace, active) if pace is not None else {}
    text = [_head(experiment), *(f"  {name:<{INDENT}}{words}" for name, words in lines.items())]
    text += [f"  {'look at':<{INDENT}}{remark}" for remark in setup.facts.worth_a_look]
    if setup.spec.ensemble.crossed is not None:
        return "\n".join([*text, "A crossed design gives a noise budget; S, A and H are untested on it"])
    if not grows(setup.spec):
        return "\n".join([*text, DECIDES, *_power(setup)])
    return "\n".join([*text, f"  {'grows':<{INDENT}}{_growth(setup.spec)}", LOOKS, *_looks(setup), *_others(setup)])


def capacity(experiment: Experiment, needs: Needs, workers: int) -> dict[str, str]:
    """Say how many replicas there are, and what memory and disk they take.

    Args:
        experiment: What would run.
        needs: Of a shard of its first point.
        workers: Processes that can work at the same time.
    """
    spec, rows = experiment.points[0].spec, experiment.points[0].table
    beside = len(rows) - sum(row.role in ("main", "budget") for row in rows)
    controls = f" and {beside} controls" if beside else ""
    per_history = f"{len(main_rows(rows)) // len(spec.histories)} replicas"
    per_history = f"up to {per_history}" if spec.ensemble.replicas.grows else per_history
    window = f", {spec.observe.window_measurements} of them in the last half" if needs.measurements > 1 else ""
    memory = workers * (PROCESS_BYTES + needs.memory)
    disk, free = len(main_rows(experiment.table)) * needs.disk, free_bytes(experiment.folder.path)
    return {
        "ensemble": f"{per_history} x {len(spec.histories)} histories ({', '.join(spec.histories)})"
        f"{controls}, {len(shards(experiment.table))} shards of {spec.width}",
        "measured": f"{needs.measurements} time(s){window}",
        "memory": f"about {_bytes(memory)} in {workers} worker(s)",
        "disk": f"about {_bytes(disk)} ({_bytes(free)} free)",
    }


def _head(experiment: Experiment) -> str:
    exists = "  (exists: would be resumed or judged again)" if experiment.folder.path.exists() else ""
    return f"Plan of {experiment.folder.name}{exists}"


def _timing(experiment: Experiment, needs: Needs, pace: Pace, workers: int) -> dict[str, str]:
    """Estimate the time from the measured pace; shards run in rounds of as many as there are workers."""
    spec, groups = experiment.points[0].spec, shards(experiment.table)
    whole = sum(members[0].steps for members in groups.values()) / spec.total  # smaller budgets count by their length
    shard = spec.total * pace.step + needs.measurements * pace.measurement
    seconds = STARTUP_SECONDS + max(whole / workers, 1.0) * shard
    measuring = needs.measurements * pace.measurement / (spec.total * pace.step)
    micro, rate = pace.step / spec.width * 1e6, spec.width / pace.step
    return {
        "pace": f"{micro:.1f} us per replica-step: {rate:,.0f} a second in each worker",
        "time": f"about {seconds:.0f} s with {workers} worker(s); measuring adds {measuring:.0%} to the training",
    }


def _power(setup: Setup) -> list[str]:
    """Say which criteria can hold with so many replicas, and how many may lie outside."""
    spec, histories = setup.spec, setup.histories
    return [
        _share(spec, "S1 stillness, per history", min(histories.values()), pooled=False),
        _share(spec, "A agreement, all histories", sum(histories.values()), pooled=True),
        *_others(setup),
    ]


def _growth(spec: Spec) -> str:
    """Say from where to where, what makes it grow, and why steps do not where they cannot."""
    first, last = first_size(spec), Size(spec.ensemble.replicas.last, spec.total)
    replicas = (
        f"{first.replicas} to {last.replicas} replicas per history, doubled while a criterion other than S is undecided"
    )
    steps = f"{first.steps} to {last.steps} steps, doubled while S fails or is undecided"
    parts = [replicas] if spec.ensemble.replicas.grows else []
    parts += [steps] if spec.motion.steps.grows else [f"steps cannot grow: {spec.closed}"] if spec.closed else []
    return "; ".join(parts)


def _looks(setup: Setup) -> list[str]:
    """Say, look by look, with how many replicas S1 and A can hold, and up to which spread."""
    spec, content, histories = setup.spec, setup.spec.equilibrium.content, len(setup.histories)
    first, last, lines = first_size(spec).replicas, spec.ensemble.replicas.last, []
    for number in range(1, (-(-last // first) - 1).bit_length() + len(spec.ends) + 1):
        alpha, most = (1 - spec.equilibrium.confidence) / 2**number, min(first << number - 1, last)
        least = first if spec.motion.steps.grows else most
        still, alike = least_replicas(content, alpha), least_replicas(content, alpha, count_to_agree)
        spread = 1 / half_width(_scores(most * histories), content, alpha).upper
        words = f"S1 {_from(still, least, most)}, A {_from(max(-(-alike // histories), still), least, most)}"
        words += f", with a spread (sd) of up to {spread:.2g} margins" if spread else ""
        count = f"{least}" if least == most else f"{least} to {most}"
        lines.append(f"  {f'look {number}, {count} replicas':<28} {words}")
    return lines


def _from(least: int, low: int, high: int) -> str:
    if least > high:
        return f"cannot hold ({least} needed)"
    return "can hold" if least <= low else f"can hold from {least} on"


def _scores(count: int) -> Array:
    """Return so many values as a normal law spreads them: its quantiles at (i - 3/8) / (n + 1/4) (Blom 1958)."""
    return np.asarray(stats.norm.ppf((np.arange(count) + 0.625) / (count + 0.25)))


def _others(setup: Setup) -> list[str]:
    """Say what H, D and S need beside a number of replicas."""
    spec, histories = setup.spec, setup.histories
    words = (
        "can hold once the histories were seen apart before T/2" if len(histories) > 1 else "untested with one history"
    )
    lines = [f"  {'H history':<28} {words}", f"  {'D diversity':<28} {_pairs(setup)}"]
    if spec.schedule != "constant" and not budgets_of(spec):
        lines.append(f"  {'S stationarity':<28} untested under a {spec.schedule} schedule without observe.budgets")
    return lines


def _share(spec: Spec, name: str, count: int, pooled: bool) -> str:
    """Say whether a criterion about a share of fresh replicas can hold with so many, of one history or of all."""
    content, alpha = spec.equilibrium.content, 1 - spec.equilibrium.confidence
    if pooled and spec.equilibrium.tolerance == "normal":
        return f"  {name:<28} rests on normality, and can hold with {count}"
    rule = count_to_agree if pooled else count_to_hold
    hold = rule(count, content, alpha)
    if hold is not None:
        return f"  {name:<28} can hold, with up to {count - hold} of {count} outside the margin"
    enough = least_replicas(content, alpha, rule)
    return (
        f"  {name:<28} cannot hold with {count}: at least {enough} are needed {'in all' if pooled else 'per history'}"
    )


def _pairs(setup: Setup) -> str:
    """Say whether same-bath pairs can tell different models from one."""
    pairs, reason = setup.pairs, setup.spec.traits.no_pairs
    if reason and not pairs:
        return f"untested: {reason}"
    if pairs < PAIRS:
        return f"cannot hold with {pairs} same-bath pairs: {PAIRS} are needed (ensemble.controls.same_bath)"
    equilibrium = setup.spec.equilibrium
    alike = least_replicas(equilibrium.content, 1 - equilibrium.confidence)
    words = f"can hold, with {pairs} same-bath pairs"
    return f"{words}; one model takes {alike}" if pairs < alike else f"{words}, or find one model"


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
