"""The rehearsal: before all replicas are started, one is, for a few steps, and once more for each of its seeds.

What it logs shows whether the run can decide anything; where it cannot, the rehearsal says so with the lines of the spec that
would mend it, and nothing else is started.
"""

import dataclasses
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Final

from thermo_cli.errors import DataError, RunError, ThermoError
from thermo_cli.kinds.kind import Rehearsal, Setup
from thermo_cli.kinds.scripts import lessons
from thermo_cli.kinds.scripts.launch import SHOWN_LINES, explained, launch
from thermo_cli.kinds.scripts.logs import Log, read_log
from thermo_cli.kinds.scripts.program import Program, program_of
from thermo_cli.kinds.scripts.reported import Metrics, nothing_logged
from thermo_cli.replicas import Replica, main_rows, streams_used
from thermo_cli.rng import STREAMS

FEW, SHARE = 16, 20  # steps of a rehearsal at least, and the part of T that it is where that is more
ENOUGH: Final = 3  # steps logged, after which a program that takes no number of steps is ended
PATIENCE: Final = 60.0  # seconds to wait for them
MOMENT, LINGER = 1.0, 20.0  # seconds to wait for an end, once they are there, and after the last step


@dataclass(frozen=True)
class Take:
    """What one start has shown.

    Attributes:
        log: What was logged.
        ended: Whether the program ended by itself.
        told: Its training time, T or fewer.
        seconds: It took.
        hangs: Whether it went on for long after its last step.
    """

    log: Log
    ended: bool
    told: int
    seconds: float
    hangs: bool

    @property
    def compared(self) -> Log:
        """What was logged and will not change: of a program that was ended, all but its last step, of which more may follow."""
        last = None if self.ended or not self.log.steps else self.log.steps[-1]
        series = {
            name: {step: value for step, value in values.items() if step != last}
            for name, values in self.log.series.items()
        }
        return dataclasses.replace(self.log, series=series)


@dataclass
class Stage:
    """Where takes are made.

    Attributes:
        setup: What will be trained.
        program: What is started.
        place: A folder for what it leaves.
        stop: Set once nobody waits for takes any more.
    """

    setup: Setup
    program: Program
    place: Path
    stop: Event

    def take(self, name: str, member: Replica, seconds: float, enough: Callable[[Log], bool]) -> Take:
        """Start the program until it has ended, has logged enough, or has had so many seconds.

        Args:
            name: Of the take.
            member: The replica.
            seconds: To wait, where the program itself may take longer.
            enough: Says of what was logged whether that is enough.

        Raises:
            RunError: It cannot be started, or failed.
            DataError: What it has logged cannot be used.
        """
        spec, place, began = self.setup.spec, self.place / name, time.monotonic()
        place.mkdir()
        since: dict[str, float] = {}  # when something was seen first

        def look(metrics: Metrics) -> bool:
            now, log = time.monotonic(), metrics.log
            if log.steps and log.steps[-1] >= member.steps - 1:
                since.setdefault("last", now)
            elif enough(log):
                since.setdefault("enough", now)
            waits = [(began, seconds), (since.get("last", now), LINGER), (since.get("enough", now), MOMENT)]
            return not (self.stop.is_set() or any(now - start > most for start, most in waits))

        whole = launch(self.program, member, place, self.log(name), spec.motion.arguments.time_limit, look, least=True)
        log = read_log(place / "output", spec.equilibrium.margins, whole=whole is not None)
        if whole is not None and not log.series:
            raise nothing_logged(place / "output", log)
        hangs = whole is None and time.monotonic() - since.get("last", time.monotonic()) > LINGER
        return Take(log, whole is not None, member.steps, time.monotonic() - began, hangs)

    def log(self, name: str) -> Path:
        """Return where a take prints.

        Args:
            name: Of the take.
        """
        return self.place / f"{name}.log"


def rehearse_program(setup: Setup, workers: int) -> Rehearsal:
    """Start one replica for a few steps, and again with the same and with other seeds.

    Args:
        setup: What will be trained.
        workers: Processes at the same time, at most.

    Raises:
        DataError: The program fails, or what it logs can decide nothing.
    """
    with tempfile.TemporaryDirectory(prefix="thermo-") as place:
        stage = Stage(setup, program_of(setup.spec, setup.base), Path(place), Event())
        member = main_rows(setup.table)[0]
        first = _first(stage, member)
        if not first.log.steps and not first.ended:
            words = f"rehearsal of {member.name}: nothing was logged in {first.seconds:.0f} s, so nothing is known of it yet"
            return Rehearsal((words,))
        lessons.check(setup.spec, first.log, first.ended and first.told == setup.spec.total, stage.program.noun)
        if first.hangs and setup.spec.motion.arguments.time_limit is None:
            raise lessons.endless(setup.spec, first.log, LINGER, stage.program.noun)
        told = dataclasses.replace(member, steps=first.told)
        changes = _changes(setup, told)
        takes = _others(stage, [told, *changes.values()], first, workers)
        return _rehearsal(stage, member, first, takes[0], dict(zip(changes, takes[1:], strict=True)))


def _first(stage: Stage, member: Replica) -> Take:
    """Make the first take: of few steps where the program takes their number and that works, else of what T asks for."""
    spec = stage.setup.spec
    few = max(FEW, spec.total // SHARE)
    if "steps" in stage.program.taken and 2 * few < spec.total:
        try:
            take = stage.take("few", dataclasses.replace(member, steps=few), PATIENCE, lambda log: _beyond(log, few))
        except ThermoError:
            take = None
        slow = take is not None and not take.log.steps
        if take is not None and (slow or lessons.decides(spec, take.log)) and not _beyond(take.log, few):
            return take

    def enough(log: Log) -> bool:
        return len(log.steps) >= ENOUGH and lessons.decides(spec, log) and not _beyond(log, spec.total)

    try:
        return stage.take("first", member, PATIENCE, enough)
    except (RunError, DataError) as error:
        raise _refusal(error, stage.log("first"), member) from None


def _others(stage: Stage, members: Sequence[Replica], first: Take, workers: int) -> list[Take | None]:
    """Make the other takes, side by side; None where one fails: the replicas will tell."""
    seconds, steps = 2 * first.seconds + LINGER, len(first.log.steps)

    def other(number: int) -> Take | None:
        try:
            return stage.take(f"take-{number}", members[number], seconds, lambda log: _many(log, first, steps))
        except ThermoError:
            return None

    with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
        try:
            return list(pool.map(other, range(len(members))))
        finally:
            stage.stop.set()


def _many(log: Log, first: Take, steps: int) -> bool:
    """Say whether a take that is like the first has logged as much; one that ended by itself is to end."""
    return not first.ended and len(log.steps) > steps


def _changes(setup: Setup, member: Replica) -> dict[str, Replica]:
    """Return, for each source of randomness that varies, the replica with this one alone drawn anew."""
    spec = setup.spec
    changed: dict[str, Replica] = {}
    used = streams_used(spec, setup.facts.examples, setup.facts.pool)
    for stream in (name for name in STREAMS if name in used and name in spec.ensemble.vary):
        others = [row for row in main_rows(setup.table) if getattr(row, stream) != getattr(member, stream)]
        for row in others[:1]:
            drawn: dict[str, Any] = {stream: getattr(row, stream)}
            drawn |= {"part": row.part} if stream == "subsample" else {}
            changed[stream] = dataclasses.replace(member, **drawn)
    return changed


def _rehearsal(
    stage: Stage, member: Replica, first: Take, same: Take | None, changed: dict[str, Take | None]
) -> Rehearsal:
    """Say what was found out."""
    setup, noun = stage.setup, stage.program.noun
    words = [lessons.summary(setup.spec, first.log, member, first.told, noun)]
    if first.ended and first.told == setup.spec.total and first.log.steps[-1] < setup.spec.total - 1:
        words.append(lessons.early(setup.spec, first.log))
    difference = lessons.difference(first.compared, same.compared) if same is not None else None
    if difference and noun == "function":
        raise lessons.unseeded(setup.spec, difference)
    if difference:
        words.append(
            f"started twice with the same seeds, the {noun} logs other numbers ({difference}): it draws what no seed decides"
        )
        return Rehearsal(tuple(words), unseeded=True)
    if same is None:
        return Rehearsal(tuple(words))
    changing = [
        name for name, take in changed.items() if take is not None and lessons.difference(first.compared, take.compared)
    ]
    if changing:
        names = " or ".join(changing)
        words.append(f"started again with the same seeds it logs the same numbers; another {names} changes them")
    idle = [name for name, take in changed.items() if take is not None and _alike(first, take)]
    if idle:
        words.append(lessons.idle_words(idle, len(idle) == len(changed), len(first.log.steps), noun))
    return Rehearsal(tuple(words), idle=tuple(idle))


def _alike(first: Take, other: Take) -> bool:
    """Say whether another seed changed nothing, where something has moved that it could have changed."""
    moved = any(len(set(series.values())) > 1 for series in first.compared.series.values())
    return moved and lessons.difference(first.compared, other.compared) == ""


def _beyond(log: Log, steps: int) -> bool:
    return bool(log.steps) and log.steps[-1] > steps


def _refusal(error: ThermoError, log: Path, member: Replica) -> DataError:
    """Return why nothing is trained, with the last that the program printed."""
    told = explained(error, log, member)
    lines = log.read_text(errors="replace").splitlines()[1:][-SHOWN_LINES:] if log.exists() else []
    shown = "\n    ".join([str(told.received), *(["it printed last:", *lines] if lines else [])])
    return DataError(told.what, received=shown, remedy=told.remedy, where=f"rehearsal: {told.where}")
