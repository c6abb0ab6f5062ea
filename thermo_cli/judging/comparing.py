"""A judged run against another: the same observables, history by history, each difference held against its margin."""

from collections.abc import Sequence

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.baseline import Difference, Terms, difference, not_worse, overall
from thermo_cli.errors import UsageError
from thermo_cli.judging.comparability import check_comparable, differences, gating_of
from thermo_cli.judging.record import Baseline, Judged, JudgedRun
from thermo_cli.judging.standards import direction, shared_margins
from thermo_cli.replicas import Replica, main_rows
from thermo_cli.spec.sweeping import label_of


def compare(run: JudgedRun, baseline: JudgedRun, pairs: int = 1) -> tuple[tuple[Baseline, ...], ...]:
    """Hold every point of a run against the same point of a baseline.

    Args:
        run: Whose points are held against others.
        baseline: Of the same points.
        pairs: How many pairs of runs are looked at together.

    Returns:
        One comparison for each point, none where the point cannot be judged.

    Raises:
        UsageError: They do not compare.
    """
    _check_points(run, baseline)
    comparisons: list[tuple[Baseline, ...]] = []
    for ours, theirs in zip(run.points, baseline.points, strict=True):
        if theirs.judged is None:
            raise UsageError(
                f"this baseline measures nothing{ours.where}",
                received=f"{baseline.folder.name}: {theirs.reason}",
                remedy="name a sweep that is complete",
            )
        together = len(run.points) * pairs
        comparisons.append((compared(ours.judged, theirs.judged, ours.where, together),) if ours.judged else ())
    return tuple(comparisons)


def compare_all(runs: Sequence[JudgedRun]) -> tuple[tuple[tuple[Baseline, ...], ...], ...]:
    """Hold every run against every other, or every point of a single sweep against every other.

    Each pair is seen from both sides, and all pairs are looked at together.

    Returns:
        For each run and each of its points, one comparison with each of the others.

    Raises:
        UsageError: They do not compare, or there is nothing to compare with.
    """
    if len(runs) == 1 and runs[0].sweep:
        return (_points_compared(runs[0]),)
    if len(runs) < 2:
        received = ", ".join(run.folder.name for run in runs) or "no run that can be judged"
        raise UsageError("--compare takes several runs, or a sweep", received=received, remedy="name another run")
    pairs = len(runs) * (len(runs) - 1) // 2
    comparisons = []
    for number, run in enumerate(runs):
        others = [compare(run, other, pairs) for place, other in enumerate(runs) if place != number]
        comparisons.append(tuple(tuple(one for other in point for one in other) for point in zip(*others, strict=True)))
    return tuple(comparisons)


def _points_compared(sweep: JudgedRun) -> tuple[tuple[Baseline, ...], ...]:
    points = [point for point in sweep.points if point.judged]
    pairs = len(points) * (len(points) - 1) // 2
    return tuple(
        tuple(
            compared(point.judged, other.judged, point.where, pairs, other.title)
            for other in points
            if point.judged and other.judged and other is not point
        )
        for point in sweep.points
    )


def compared(run: Judged, baseline: Judged, where: str = "", together: int = 1, title: str = "") -> Baseline:
    """Hold a run against a baseline: every gating observable of every history, at the end of training.

    Replicas are the independent units. Histories are compared like with like, since pooled ones could hide that one has risen
    and another fallen.

    Args:
        run: A judged run.
        baseline: The run that it is held against.
        where: Of a point of a sweep, its values.
        together: How many such comparisons are looked at together.
        title: What the baseline is called; by default its name with its hash.

    Raises:
        UsageError: They do not compare.
    """
    check_comparable(run, baseline, where)
    margins, notes = shared_margins(run, baseline)
    gating, names = gating_of(run, baseline), tuple(dict.fromkeys(run.observables.histories))
    family, rows = max(len(gating) * len(names) * together, 1), []
    title = title or baseline.folder.name
    if run.folder.path.resolve() == baseline.folder.path.resolve() and run.folder.swept == baseline.folder.swept:
        notes.append("the baseline is this very run: that it equals itself says nothing")
    if "energy" in margins and "energy" not in gating:
        notes.append(
            "the energy is another quantity in the two runs (other models or penalties): it does not gate here"
        )
    for name, margin in margins.items():
        for history in names:
            ours, theirs = (_finals(one, name, history) for one in (run, baseline))
            paired = _same_streams(run, baseline, history)
            terms = Terms(margin.delta, run.settings.confidence, direction(run, name), paired, family, name in gating)
            rows.append(difference(name, history, ours, theirs, terms))
    rows = [*_lost(run, baseline, notes), *rows]
    return Baseline(
        title,
        overall(rows),
        not_worse(rows),
        _words(title, rows),
        tuple(rows),
        differences(run, baseline),
        tuple(notes),
    )


def _finals(run: Judged, observable: str, history: str) -> Array:
    """Return the values of a history's replicas at the end, (replica,)."""
    values: Array = run.observables.values[observable][run.observables.members(history), -1]
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


def _same_streams(run: Judged, baseline: Judged, history: str) -> bool:
    """Say whether replica k of both has the same streams: then they differ in nothing but what is compared."""
    if not run.folder.table:  # of streams nothing is known: the same file, or independent
        same_file = run.folder.manifest["data_fingerprint"] == baseline.folder.manifest["data_fingerprint"]
        return same_file and run.observables.replicas == baseline.observables.replicas
    disjoint = run.folder.spec.ensemble.subsample.disjoint

    def streams(rows: Sequence[Replica]) -> list[tuple[int, ...]]:
        mine = [row for row in main_rows(rows) if row.history == history]
        return [(row.index, row.init, row.subsample, row.order, row.noise, row.part if disjoint else 0) for row in mine]

    return streams(run.folder.table) == streams(baseline.folder.table)


def _words(title: str, rows: Sequence[Difference]) -> str:
    """Say in one sentence how the run compares."""
    outcome = overall(rows)
    worst = [row for row in rows if row.gates and row.outcome == outcome]
    places = ", ".join(dict.fromkeys(f"{row.observable} ({row.history})" for row in worst))
    if outcome == "equivalent":
        return f"equivalent to {title}: every final mean differs by less than its margin"
    if outcome in ("better", "worse"):
        return f"{outcome} than {title} in {places}"
    needs = [row.replicas_needed for row in worst if row.replicas_needed]
    more = f": about {max(needs)} replicas per history in both would decide" if needs else ""
    return f"undecided against {title} in {places}{', though not worse' if not_worse(rows) else ''}{more}"
