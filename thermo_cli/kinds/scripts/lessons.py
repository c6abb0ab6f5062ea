"""What the log of a rehearsal says: which scores can decide, what has no margin, what differs, in words and lines to paste."""

import re
from typing import Final

import numpy as np

from thermo_cli.errors import SpecError
from thermo_cli.kinds.importers.names import HELD_OUT
from thermo_cli.kinds.scripts.logs import Log
from thermo_cli.metric import SHARE_MARGIN, default_margins, higher_is_better, whole
from thermo_cli.registry import nearest
from thermo_cli.replicas import Replica
from thermo_cli.spec import Spec

SHARES: Final = re.compile(r"(acc|accuracy|auc|f1|precision|recall|r2|map|bleu|score|success|reward)", re.IGNORECASE)
SHOWN: Final = 12  # names in a message


def deciding(spec: Spec, log: Log) -> list[str]:
    """Return what is logged and can decide something: what has a margin, stated or by its name, or a target.

    Args:
        spec: The experiment.
        log: Of a replica.
    """
    equilibrium, given = spec.equilibrium, spec.system.arguments
    known = {**default_margins(given.test_examples), **equilibrium.margins, **equilibrium.targets}
    energy = ["energy"] if 0 in log.series.get("energy", {}) else []
    return [name for name in log.series if name in known or name in energy]


def decides(spec: Spec, log: Log) -> bool:
    """Say whether all is logged that has a stated margin, and something that can decide.

    Args:
        spec: The experiment.
        log: Of a replica.
    """
    return bool(deciding(spec, log)) and all(name in log.series for name in spec.equilibrium.margins)


def check(spec: Spec, log: Log, whole: bool, noun: str) -> None:
    """Refuse a log that can decide nothing.

    Args:
        spec: The experiment.
        log: Of a replica.
        whole: Whether the replica has been trained to its end.
        noun: What the program is called.

    Raises:
        SpecError: With the lines that would mend it.
    """
    last = log.steps[-1]
    undecided = not deciding(spec, log) and not spec.equilibrium.margins and not spec.equilibrium.targets
    other = whole and not spec.total - 1 <= last <= spec.total
    lines = [f"dynamics: {{use: process, steps: {last}}}"] * other + _lines(log) * undecided
    if last > spec.total:
        remedy = "set dynamics.steps to its last step, or let it end there"
        raise SpecError(
            f"the {noun} logs {log.time} {last}, later than T = {spec.total}",
            received=_logged(log),
            remedy=_paste(lines) if whole else remedy,
            where="dynamics.steps",
        )
    missing = [name for name in spec.equilibrium.margins if name not in log.series]
    if missing and whole:
        guess = nearest(missing[0], log.series)
        raise SpecError(
            f"{missing[0]} has a margin and is not logged",
            received=_logged(log),
            remedy=(f"did you mean {guess}? " if guess else "") + "log it, or correct equilibrium.margins",
            where="equilibrium.margins",
        )
    if undecided:
        raise SpecError(
            f"nothing that the {noun} logs has a margin, so nothing could be decided",
            received=_logged(log),
            remedy=f"state the largest difference that does not matter to you: {_paste(lines)}",
            where="equilibrium.margins",
        )


def summary(spec: Spec, log: Log, member: Replica, steps: int, noun: str) -> str:
    """Say what a replica has logged, and what of it can decide.

    Args:
        spec: The experiment.
        log: Of the replica.
        member: The replica.
        steps: Its training time in the rehearsal.
        noun: What the program is called.
    """
    scores = deciding(spec, log)
    others = [name for name in log.series if name not in scores]
    missing = [name for name in spec.equilibrium.margins if name not in log.series]
    parts = [
        f"rehearsal of {member.name} ({noun}): {_count(log)} up to {log.time} {log.steps[-1]} of {steps}, in {_files(log)}",
        f"scores that decide: {_names(scores) or 'none yet'}",
        *([f"watched: {_names(others)}"] if others else []),
        *([f"left out: {_names(log.left_out)}"] if log.left_out else []),
        *([f"not logged yet, and with a margin: {_names(missing)}"] if missing else []),
    ]
    return "; ".join(parts)


def early(spec: Spec, log: Log) -> str:
    """Say that a replica has ended before T.

    Args:
        spec: The experiment.
        log: Of the replica.
    """
    last = log.steps[-1]
    return (
        f"it ended at {log.time} {last}, before T = {spec.total}: if that is its whole training, paste "
        f"dynamics: {{use: process, steps: {last}}}"
    )


def endless(spec: Spec, log: Log, seconds: float, noun: str) -> SpecError:
    """Return the refusal of a program that does not end.

    Args:
        spec: The experiment.
        log: Of a replica.
        seconds: That were waited for its end.
        noun: What the program is called.
    """
    return SpecError(
        f"after its last step the {noun} does not end",
        received=f"{_logged(log)}, and {seconds:.0f} s later it still ran",
        remedy="let it end, or "
        + _paste([f"dynamics: {{use: process, steps: {spec.total}, with: {{time_limit: 3600}}}}"])
        + "\n    what a replica has logged by then counts, where that is all of its training",
        where="dynamics.with.time_limit",
    )


def difference(first: Log, second: Log) -> str | None:
    """Say what differs first between two logs at a step that both have; empty where nothing does, None where none is common.

    Args:
        first: Of a replica.
        second: Of another start.
    """
    common = 0
    for name, series in first.series.items():
        for step, value in series.items():
            other = second.series.get(name, {}).get(step)
            common += other is not None
            if other is not None and other != value:
                return f"{name} at {first.time} {step}: {value!r} and {other!r}"
    return "" if common else None


def unseeded(spec: Spec, words: str) -> SpecError:
    """Return the refusal of a function that draws what its seed does not decide.

    Args:
        spec: The experiment.
        words: What differs.
    """
    return SpecError(
        "called twice with the same seed, the function reports other numbers",
        received=f"{spec.system.arguments.run}, {words}",
        remedy="let seed decide all that it draws: numpy.random.default_rng(seed); random, numpy.random and torch are seeded "
        "already; files and clocks are not",
        where="system.with.run",
    )


def idle_words(idle: list[str], every: bool, steps: int, noun: str) -> str:
    """Say which seeds change nothing.

    Args:
        idle: Their streams.
        every: Whether that is all of them.
        steps: Steps that were compared.
        noun: What the program is called.
    """
    names = ", ".join(idle)
    ending = "replicas would be copies of one: does it use its seed?" if every else "does it use what it is told of it?"
    return f"another {names} changes nothing in {steps} steps that the {noun} logs, to the last bit; {ending}"


def _paste(lines: list[str]) -> str:
    return "\n    ".join(["paste, and correct", *lines])


def _lines(log: Log) -> list[str]:
    """Write the lines that give a score its margin: of a score on held-out examples, where there is one."""
    held_out = [name for name in log.series if HELD_OUT.fullmatch(name)]
    watched = [name for name in log.series if not name.startswith("train") and name not in ("lr", "learning_rate")]
    names = held_out or watched or list(log.series)
    shares = [name for name in names if SHARES.search(name)]
    name = (shares or names)[0]
    values = list(log.series[name].values())
    last = abs(values[-1]) if values else 1.0
    alike = 0 < last < float("inf") and not shares
    margin = float(f"{SHARE_MARGIN * last:.1g}") if alike else SHARE_MARGIN * whole(name, {name: np.array(values)})
    lines = ["equilibrium:", f"  margins: {{{_key(name)}: {margin}}}"]
    if higher_is_better(name) is None:
        lines.append(f"  better: {{{_key(name)}: {'higher' if shares else 'lower'}}}")
    return lines


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][\w./-]*", name) else f'"{name}"'


def _logged(log: Log) -> str:
    return f"{_names(list(log.series))} ({_count(log)} up to {log.time} {log.steps[-1]}, in {_files(log)})"


def _count(log: Log) -> str:
    return f"{len(log.steps)} record{'s' * (len(log.steps) != 1)}"


def _files(log: Log) -> str:
    return ", ".join(log.files)


def _names(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
