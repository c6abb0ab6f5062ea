"""A judged run against another: the same observables, history by history, each difference held against its margin."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.baseline import Difference, Terms, difference, not_worse, overall
from thermo_cli.equilibrium.margins import Margin
from thermo_cli.errors import UsageError
from thermo_cli.judging.comparability import check_comparable, differences, gating_of
from thermo_cli.judging.record import Baseline, Judged, JudgedRun
from thermo_cli.kinds.recorded.parts import RecordedSystem
from thermo_cli.metric import higher_is_better
from thermo_cli.replicas import Replica, main_rows
from thermo_cli.spec.sweeping import label_of


def compare(run: JudgedRun, baseline: JudgedRun) -> tuple[Baseline | None, ...]:
    """Hold every point of a run against the same point of a baseline.

    Returns:
        One comparison for each point, None where the point cannot be judged.

    Raises:
        UsageError: They do not compare.
    """
    _check_points(run, baseline)
    comparisons: list[Baseline | None] = []
    for ours, theirs in zip(run.points, baseline.points, strict=True):
        if theirs.judged is None:
            raise UsageError(
                f"this baseline measures nothing{ours.where}",
                received=f"{baseline.folder.name}: {theirs.reason}",
                remedy="name a sweep that is complete",
            )
        if ours.judged is None:
            comparisons.append(None)
        else:
            comparisons.append(compared(ours.judged, theirs.judged, ours.where, len(run.points)))
    return tuple(comparisons)


def compared(run: Judged, baseline: Judged, where: str = "", points: int = 1) -> Baseline:
    """Hold a run against a baseline: every gating observable of every history, at the end of training.

    Replicas are the independent units. Histories are compared like with like, since pooled ones could hide that one has risen
    and another fallen. Margins are the run's; that of the energy, where it is derived, and what the run states none for, the
    baseline's, so that a run that learns less has no wider margin.

    Args:
        run: A judged run.
        baseline: The run that it is held against.
        where: Of a point of a sweep, its values.
        points: How many points are looked at together.

    Raises:
        UsageError: They do not compare.
    """
    check_comparable(run, baseline, where)
    margins, notes = _margins(run, baseline)
    spec = run.folder.spec
    observed = spec.observe.macro if spec.traits.learns else ()
    gating, names = gating_of(run, baseline), tuple(dict.fromkeys(run.observables.histories))
    family, rows = max(len(gating) * len(names) * points, 1), []
    if run.folder.path.resolve() == baseline.folder.path.resolve():
        notes.append("the baseline is this very run: that it equals itself says nothing")
    if "energy" in margins and "energy" not in gating:
        notes.append(
            "the energy is another quantity in the two runs (other models or penalties): it does not gate here"
        )
    for name, margin in margins.items():
        for history in names:
            ours, theirs = (_finals(one, name, history) for one in (run, baseline))
            paired = _same_streams(run, baseline, history)
            terms = Terms(
                margin.delta, run.settings.confidence, higher_is_better(name, observed), paired, family, name in gating
            )
            rows.append(difference(name, history, ours, theirs, terms))
    rows = [*_lost(run, baseline, notes), *rows]
    title = baseline.folder.name
    return Baseline(
        title,
        overall(rows),
        not_worse(rows),
        _words(title, rows),
        tuple(rows),
        differences(run, baseline),
        tuple(notes),
    )


def baseline_record(baseline: Baseline) -> dict[str, Any]:
    """Return what JSON says of a comparison.

    Args:
        baseline: The comparison.
    """
    head = {
        "run": baseline.title,
        "outcome": baseline.outcome,
        "not_worse": baseline.not_worse,
        "summary": baseline.words,
    }
    rows = [asdict(row) | {"interval": list(row.interval), "replicas": list(row.replicas)} for row in baseline.rows]
    return head | {"rows": rows, "changes": list(baseline.changes), "notes": list(baseline.notes)}


def _margins(run: Judged, baseline: Judged) -> tuple[dict[str, Margin], list[str]]:
    """Return delta of every observable that gates in either run, and a word on those that are not the same in both."""
    notes: list[str] = []
    found = {
        name: margin
        for name, margin in {**baseline.margins, **run.margins}.items()
        if name in run.observables.values and name in baseline.observables.values
    }
    if "energy" in run.margins and "energy" in baseline.margins and run.margins["energy"].derived:
        found["energy"] = baseline.margins["energy"]
    for name, margin in found.items():
        other = baseline.margins.get(name)
        if other is not None and not other.derived and other.delta != margin.delta:
            notes.append(
                f"the margin of {name} is {margin.delta:.3g} here, and {other.delta:.3g} in the baseline's own spec"
            )
    return found, notes


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
    if isinstance(run.folder.spec.system, RecordedSystem):  # of streams nothing is known: the same file, or independent
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
    named = ", ".join(dict.fromkeys(f"{row.observable} ({row.history})" for row in worst))
    if outcome == "equivalent":
        return f"equivalent to {title}: every final mean differs by less than its margin"
    if outcome in ("better", "worse"):
        return f"{outcome} than {title} in {named}"
    needs = [row.replicas_needed for row in worst if row.replicas_needed]
    more = f": about {max(needs)} replicas per history in both would decide" if needs else ""
    return f"undecided against {title} in {named}{', though not worse' if not_worse(rows) else ''}{more}"
