"""Growing until decided: an ensemble is trained as far as a look has it, judged, and grown where its verdict is open.

    for look in looks(experiment, required, note):
        train(experiment, look, ...)
        examine(experiment, look)

What is looked at follows from the run folder alone, so that an interrupted run goes on with the look in which it was stopped.
Each point of a sweep has looks of its own; one that is decided drops out. An ensemble that does not grow has one look.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from thermo_cli.experiment import Experiment
from thermo_cli.judging.gating import Required
from thermo_cli.judging.judge import judge_folder
from thermo_cli.judging.record import JudgedPoint
from thermo_cli.replicas import replica_table, replicas_of
from thermo_cli.spec import Spec
from thermo_cli.spec.size import Size, at, doubled, first_size, grows
from thermo_cli.store import RunFolder
from thermo_cli.store.run_folder import Sizes


@dataclass(frozen=True)
class Stage:
    """What is trained before the next look at all points that are not decided.

    Attributes:
        number: Of the look, from 1.
        folder: The run as the look sees it.
        ahead: Replica-steps that the look after it would add, at most.
    """

    number: int
    folder: RunFolder
    ahead: int


def looks(experiment: Experiment, required: Required, note: Callable[[str], None]) -> Iterator[Stage]:
    """Yield what is to be trained and examined, until every point is decided or has grown as far as it may.

    Args:
        experiment: What has been prepared, its folder begun.
        required: What ends a point instead of a verdict, once it is met or not met; empty for no gate.
        note: Hears what each look has left open.
    """
    run, specs = experiment.folder, [setup.spec for setup in experiment.points]
    growing = {place: first_size(spec) for place, spec in enumerate(specs) if grows(spec)}
    sizes, number = dict(growing), 1
    run.note_looks([], required if growing else ())
    while True:
        stage = Stage(number, run.seen(sizes), _ahead(specs, growing))
        stage.folder.write_table([setup.facts.examples for setup in experiment.points])
        began = time.monotonic()
        yield stage
        run.note_looks(_costs(specs, growing, number, time.monotonic() - began), required if growing else ())
        if not growing:
            return
        points = judge_folder(run).points
        following = {place: _size(points[place], number) for place in growing}
        views = stage.folder.points or (stage.folder,)
        growing = {place: size for place, size in following.items() if size is not None}
        for place in growing:
            views[place].shelve_findings(number)
        note(_words(number, [points[place] for place in following], growing))
        if not growing:
            return
        sizes, number = sizes | growing, number + 1


def _size(point: JudgedPoint, number: int) -> Size | None:
    """Return what a point has at the look after this one; None where that look is its last, or is not over."""
    if point.judged is None:
        return None
    past = point.judged.verdict.looks
    if len(past) > number:
        return Size(past[number].replicas, past[number].steps)
    return point.judged.ahead if len(past) == number else None


def _ahead(specs: list[Spec], sizes: Sizes) -> int:
    """Count the replica-steps that a further look at these points would add, if everything that may double did."""
    counts = [
        [
            sum(row.steps for row in replica_table(at(specs[place], whole)))
            for whole in (size, doubled(specs[place], size))
        ]
        for place, size in sizes.items()
    ]
    return sum(larger - smaller for smaller, larger in counts)


def _costs(specs: list[Spec], growing: Sizes, number: int, seconds: float) -> list[dict[str, float]]:
    """Say what was looked at, at which points, and how long it took; look 0 is that of an ensemble that does not grow."""
    whole = {place: Size(replicas_of(spec), spec.total) for place, spec in enumerate(specs) if spec.traits.trains}
    shown = growing or {place: size for place, size in whole.items() if not grows(specs[place])}
    return [
        {
            "point": place,
            "look": number if growing else 0,
            "replicas": size.replicas,
            "steps": size.steps,
            "seconds": round(seconds, 1),
        }
        for place, size in shown.items()
    ]


def _words(number: int, points: list[JudgedPoint], growing: Sizes) -> str:
    """Say what a look left open, and what is added."""
    if len(points) > 1:
        return f"look {number}: {len(growing)} of {len(points)} points are open, and grow"
    (point,) = points
    if point.judged is None:
        return f"look {number}: {point.reason}"
    look = point.judged.verdict.looks[number - 1] if len(point.judged.verdict.looks) >= number else None
    if look is None:
        return f"look {number} is not over: some of it could not be trained"
    words = f"look {number}, {look.replicas} replicas per history, {look.steps} steps: {look.verdict}"
    words += f", open: {', '.join(look.open)}" if look.open else ""
    more = "".join(f"; the next has {size.replicas} replicas, {size.steps} steps" for size in growing.values())
    return words + more
