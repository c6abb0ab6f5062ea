"""A judged run against another: the same observables, history by history, each difference held against its margin."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.baseline import Difference, Terms, difference, not_worse, overall, p_value, shares
from thermo_cli.errors import UsageError
from thermo_cli.judging.comparability import check_comparable, differences, gating_of
from thermo_cli.judging.record import Baseline, Judged, JudgedPoint, JudgedRun
from thermo_cli.judging.standards import direction, shared_margins
from thermo_cli.spec.sweeping import label_of

Comparisons = tuple[tuple[tuple[Baseline, ...], ...], ...]
"""For each run and each of its points, what it is compared with."""


@dataclass(frozen=True)
class _Pair:
    """Two judged ensembles that are held against each other.

    Attributes:
        title: What the baseline is called.
        where: Of a point of a sweep, its values.
    """

    run: Judged
    baseline: Judged
    title: str = ""
    where: str = ""


@dataclass(frozen=True, eq=False)
class _Contest:
    """One observable of one history of a pair: final values of both sides, (replica,), and by what they are judged."""

    observable: str
    history: str
    run: Array
    baseline: Array
    terms: Terms

    def judged(self, share: float) -> Difference:
        """Judge at a share of alpha."""
        terms = dataclasses.replace(self.terms, confidence=1 - share * (1 - self.terms.confidence))
        return difference(self.observable, self.history, self.run, self.baseline, terms)


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
        points = [point for point in runs[0].points if point.judged]
        return _held([[_among(point, points) for point in runs[0].points]], sides=2)
    if len(runs) < 2:
        received = ", ".join(run.folder.name for run in runs) or "no run that can be judged"
        raise UsageError("--compare takes several runs, or a sweep", received=received, remedy="name another run")
    every = []
    for number, run in enumerate(runs):
        others = [_pairs(run, other) for place, other in enumerate(runs) if place != number]
        every.append([list(chain(*point)) for point in zip(*others, strict=True)])
    return _held(every, sides=2)


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
    return _held([[[_Pair(run, baseline)]]])[0][0][0]


def _pairs(run: JudgedRun, baseline: JudgedRun) -> list[list[_Pair]]:
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
        pairs.append([_Pair(ours.judged, theirs.judged, where=ours.where)] if ours.judged else [])
    return pairs


def _among(point: JudgedPoint, points: Sequence[JudgedPoint]) -> list[_Pair]:
    """Return the pairs of a point of a sweep with the others."""
    return [
        _Pair(point.judged, other.judged, other.title, point.where)
        for other in points
        if point.judged and other.judged and other is not point
    ]


def _held(nested: Sequence[Sequence[Sequence[_Pair]]], sides: int = 1) -> Comparisons:
    """Judge all pairs together: what is gated on shares one alpha, over pairs, observables and histories.

    Args:
        nested: Run by run and point by point.
        sides: How often each pair is among them.
    """
    entries = [[[(pair, *_contests(pair)) for pair in point] for point in run] for run in nested]
    together = [contest for run in entries for point in run for _, some, _ in point for contest in some]
    levels: dict[_Contest, float] = {}
    for gates in (True, False):
        family = [contest for contest in together if contest.terms.gates == gates]
        ratios = [p_value(one.run, one.baseline, one.terms) / (1 - one.terms.confidence) for one in family]
        levels |= dict(zip(family, shares(ratios, sides), strict=True))
    return tuple(
        tuple(
            tuple(_told(pair, [one.judged(levels[one]) for one in some], notes) for pair, some, notes in point)
            for point in run
        )
        for run in entries
    )


def _contests(pair: _Pair) -> tuple[list[_Contest], list[str]]:
    """Return what is held against a margin, and what to know before relying on it."""
    run, baseline = pair.run, pair.baseline
    check_comparable(run, baseline, pair.where)
    margins, notes = shared_margins(run, baseline)
    gating = gating_of(run, baseline)
    if run.folder.path.resolve() == baseline.folder.path.resolve() and run.folder.swept == baseline.folder.swept:
        notes.append("the baseline is this very run: that it equals itself says nothing")
    if "energy" in margins and "energy" not in gating:
        notes.append(
            "the energy is another quantity in the two runs (other models or penalties): it does not gate here"
        )
    settings, contests = run.settings, []
    for name, margin in margins.items():
        least = max(side.resolutions.get(name, 0.0) for side in (run, baseline)) ** 2 / 12
        higher = direction(run.folder.spec, settings.better, name)
        terms = Terms(margin.delta, 1 - settings.alpha, higher, name in gating, settings.trim, least)
        for history in dict.fromkeys(run.observables.histories):
            ours, theirs = (_finals(side, name, history) for side in (run, baseline))
            contests.append(_Contest(name, history, ours, theirs, terms))
    return contests, notes


def _told(pair: _Pair, rows: list[Difference], notes: list[str]) -> Baseline:
    run, baseline = pair.run, pair.baseline
    rows, title = [*_lost(run, baseline, notes), *rows], pair.title or baseline.folder.name
    changes = differences(run, baseline)
    return Baseline(title, overall(rows), not_worse(rows), _words(title, rows), tuple(rows), changes, tuple(notes))


def _finals(run: Judged, observable: str, history: str) -> Array:
    """Return the values of a history's replicas at the end, (replica,)."""
    values: Array = run.observables.finals[observable][run.observables.members(history)]
    return values


def _check_points(run: JudgedRun, baseline: JudgedRun) -> None:
    """Refuse a sweep against one run, and sweeps over other points."""
    if run.sweep != baseline.sweep:
        kinds = ["a sweep" if one.sweep else "one run" for one in (run, baseline)]
        raise UsageError(
            "a sweep compares with a sweep of the same points only",
            received=f"{run.folder.name} is {kinds[0]}, the baseline {baseline.folder.name} is {kinds[1]}",
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


def _lost(run: Judged, baseline: Judged, notes: list[str]) -> list[Difference]:
    """Count replicas without a result; more than are tolerated make the run worse than a baseline that has kept its own."""
    counts = [one.verdict.replicas for one in (run, baseline)]
    lost = [one["diverged"] + one["crashed"] for one in counts]
    shares = [one["finished"] / one["planned"] for one in counts]
    here, there = (f"{gone} of {one['planned']}" for gone, one in zip(lost, counts, strict=True))
    words = f"{here} replicas diverged or crashed, in the baseline {there}"
    if lost[0] <= run.settings.diverged:
        if any(lost):
            notes.append(f"{words}; means are over those that have finite values")
        return []
    return [
        Difference(
            "finished replicas",
            "all",
            True,
            "worse",
            False,
            mean=shares[0],
            baseline_mean=shares[1],
            replicas=(counts[0]["planned"], counts[1]["planned"]),
            higher_is_better=True,
            explanation=f"{words}; {run.settings.diverged} are tolerated",
        )
    ]


def _words(title: str, rows: Sequence[Difference]) -> str:
    """Say in one sentence how the run compares, and how many of its replicas have collapsed."""
    outcome = overall(rows)
    deciding = [row for row in rows if row.gates and row.outcome == outcome]
    places = ", ".join(dict.fromkeys(f"{row.observable} ({row.history})" for row in deciding))
    row = max((row for row in rows if row.gates), key=lambda row: row.collapsed, default=None)
    lost = f": {row.collapsed} of {row.replicas[0]} collapsed" if row and row.collapsed else ""
    if outcome == "equivalent":
        return f"equivalent to {title}: every final mean differs by less than its margin"
    if outcome == "differs":
        return f"differs from {title} in {places}, of which the good direction is not known{lost}"
    if outcome in ("better", "worse"):
        return f"{outcome} than {title} in {places}{lost}"
    needs = [row.replicas_needed for row in deciding if row.replicas_needed]
    more = f"{';' if lost else ':'} about {max(needs)} replicas per history in both would decide" if needs else ""
    return f"undecided against {title} in {places}{', though not worse' if not_worse(rows) else ''}{lost}{more}"
