"""A judged run against another: the same observables, history by history, each difference held against its margin."""

from collections.abc import Sequence

from thermo_cli.errors import UsageError
from thermo_cli.judging.contests import judged_together
from thermo_cli.judging.couple import Couple, contests_of, told
from thermo_cli.judging.ranking import Standings
from thermo_cli.judging.record import Baseline, Judged, JudgedPoint, JudgedRun
from thermo_cli.judging.standards import agreed
from thermo_cli.spec.sweeping import label_of

Comparisons = tuple[tuple[tuple[Baseline, ...], ...], ...]
"""For each run and each of its points, what it is compared with."""


def compare(runs: Sequence[JudgedRun], baseline: JudgedRun) -> Comparisons:
    """Hold every point of some runs against the same point of a baseline.

    Args:
        runs: Whose points are held against others.
        baseline: Of the same points.

    Returns:
        For each run and each of its points one comparison, none where the point cannot be judged.

    Raises:
        UsageError: They do not compare.
    """
    return _held([_pairs(run, baseline) for run in runs])


def compare_all(runs: Sequence[JudgedRun]) -> Comparisons:
    """Hold every run against every other, or every point of a single sweep against every other; each pair from both sides.

    Returns:
        For each run and each of its points, one comparison with each of the others.

    Raises:
        UsageError: They do not compare, or there is nothing to compare with.
    """
    if len(runs) == 1 and runs[0].sweep:
        return _held([_among(runs[0])], mutual=True)
    if len(runs) < 2:
        received = ", ".join(run.folder.name for run in runs) or "no run that can be judged"
        raise UsageError("--compare takes several runs, or a sweep", received=received, remedy="name another run")
    for number, run in enumerate(runs):
        for other in runs[:number]:
            _check_points(run, other)
    nested: list[list[list[Couple]]] = [[] for _ in runs]
    for points in zip(*(run.points for run in runs), strict=True):
        for own, pairs in zip(nested, _each(points, points[0].where), strict=True):
            own.append(pairs)
    return _held(nested, mutual=True)


def standings(runs: Sequence[JudgedRun], comparisons: Comparisons) -> tuple[Standings, ...]:
    """Rank what `compare_all` has held against each other: runs, the points of one sweep, or sweeps point by point.

    Args:
        runs: As they were given to it.
        comparisons: What it has returned.
    """
    if len(runs) == 1:
        compared = [(point, found) for point, found in zip(runs[0].points, comparisons[0], strict=True) if found]
        return (
            Standings(
                tuple(label_of(dict(point.values)) for point, _ in compared), tuple(found for _, found in compared)
            ),
        )
    titles = [run.folder.name if run.sweep else _title(run.only) for run in runs]
    places = range(len(runs[0].points))
    return tuple(Standings(_distinct(titles), tuple(one[place] for one in comparisons)) for place in places)


def compared(run: Judged, baseline: Judged) -> Baseline:
    """Hold a run against a baseline: every observable with a margin, history by history, at the end of training.

    Replicas are the independent units. Histories are compared like with like, since pooled ones could hide that one has risen
    and another fallen.

    Args:
        run: A judged run.
        baseline: The run that it is held against.

    Raises:
        UsageError: They do not compare.
    """
    return _held([[[Couple(run, baseline)]]])[0][0][0]


def incomparable(point: JudgedPoint) -> str:
    """Say why a point of a sweep is not compared with the others; nothing where it is."""
    if point.judged is None:
        return point.reason
    unfinished = point.judged.verdict.unfinished
    return f"{unfinished} replicas are still to be trained" if unfinished else ""


def _pairs(run: JudgedRun, baseline: JudgedRun) -> list[list[Couple]]:
    """Return the pairs of each point of a run."""
    _check_points(run, baseline)
    pairs = []
    for ours, theirs in zip(run.points, baseline.points, strict=True):
        if theirs.judged is None:
            raise UsageError(
                f"this baseline measures nothing{ours.where}",
                received=f"{baseline.folder.name}: {theirs.reason}",
                remedy="name a sweep that is complete",
            )
        pairs.append([Couple(ours.judged, theirs.judged, where=ours.where)] if ours.judged else [])
    return pairs


def _among(run: JudgedRun) -> list[list[Couple]]:
    """Return the pairs of each point of a sweep with the others; none of points of which there is nothing to compare."""
    points = [point for point in run.points if not incomparable(point)]
    if len(points) < 2:
        reasons = [f"{label_of(dict(point.values))}: {incomparable(point)}" for point in run.points]
        raise UsageError(
            "--compare takes a sweep of which at least two points are trained",
            received="\n    ".join([f"{run.folder.name}:", *reasons]),
            remedy="give its thermo-run command again",
        )
    pairs = iter(_each(points, ""))
    return [[] if incomparable(point) else next(pairs) for point in run.points]


def _each(points: Sequence[JudgedPoint], where: str) -> list[list[Couple]]:
    """Return the pairs of each of several ensembles with all others, on terms that all agree on.

    Raises:
        UsageError: One of them cannot be judged.
    """
    for point in points:
        if point.judged is None:
            received = f"{point.folder.name}: {point.reason}"
            raise UsageError(
                f"nothing is known of a run{where}", received=received, remedy="name a sweep that is complete"
            )
    members, notes = agreed([point.judged for point in points if point.judged is not None])
    titles = _distinct([member.folder.name if where else _title(member) for member in members])
    return [
        [
            Couple(member, other, title, where, True, notes)
            for place, (other, title) in enumerate(zip(members, titles, strict=True))
            if place != number
        ]
        for number, member in enumerate(members)
    ]


def _held(nested: Sequence[Sequence[Sequence[Couple]]], mutual: bool = False) -> Comparisons:
    """Judge all pairs together: what is gated on shares one alpha, over pairs, observables and histories.

    Args:
        nested: Run by run and point by point.
        mutual: Whether each pair is among them from both sides.
    """
    entries = [[[(pair, *contests_of(pair)) for pair in point] for point in run] for run in nested]
    together = [contest for run in entries for point in run for _, some, _ in point for contest in some]
    rows = iter(judged_together(together, 2 if mutual else 1))
    return tuple(
        tuple(tuple(told(pair, [next(rows) for _ in some], notes) for pair, some, notes in point) for point in run)
        for run in entries
    )


def _check_points(run: JudgedRun, baseline: JudgedRun) -> None:
    """Refuse a sweep against one run, and sweeps over other points."""
    if run.sweep != baseline.sweep:
        kinds = ["a sweep" if one.sweep else "one run" for one in (run, baseline)]
        raise UsageError(
            "a sweep compares with a sweep of the same points only",
            received=f"{run.folder.name} is {kinds[0]}, {baseline.folder.name} is {kinds[1]}",
            remedy="name two runs, or two sweeps",
        )
    here, there = ([label_of(dict(point.values)) for point in one.points] for one in (run, baseline))
    if here != there:
        alone = [f"only here: {point}" for point in here if point not in there]
        alone += [f"only in the baseline: {point}" for point in there if point not in here]
        raise UsageError(
            f"the sweeps {run.folder.name} and {baseline.folder.name} have other points",
            received="\n    ".join(["what differs:", *(alone or ["their order"])]),
            remedy="sweep the same values in both",
        )


def _title(run: Judged) -> str:
    """Return the run's name with its hash, and in brackets which point of a sweep it is."""
    swept = run.folder.swept
    return f"{run.folder.name} [{label_of(swept)}]" if swept else run.folder.name


def _distinct(titles: Sequence[str]) -> tuple[str, ...]:
    """Number those that are called the same."""
    return tuple(f"{title} ({place})" if titles.count(title) > 1 else title for place, title in enumerate(titles, 1))
