"""Two judged ensembles: what of them is held against a margin, and what is said of them once that is judged."""

from collections.abc import Sequence
from dataclasses import dataclass

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.baseline import Comparison, Difference, Terms, not_worse, overall
from thermo_cli.judging.comparability import check_comparable, differences, gating_of
from thermo_cli.judging.contests import Contest
from thermo_cli.judging.record import Baseline, Judged
from thermo_cli.judging.standards import direction, shared_margins


@dataclass(frozen=True)
class Couple:
    """Two judged ensembles that are held against each other.

    Attributes:
        title: What the baseline is called.
        where: Of a point of a sweep, its values.
        mutual: Whether neither of them is the measure of the other.
        notes: What to know of the terms that all agree on.
    """

    run: Judged
    baseline: Judged
    title: str = ""
    where: str = ""
    mutual: bool = False
    notes: tuple[str, ...] = ()


def contests_of(pair: Couple) -> tuple[list[Contest], list[str]]:
    """Return what is held against a margin, and what to know before relying on it.

    Args:
        pair: The two.

    Raises:
        UsageError: They do not compare.
    """
    run, baseline = pair.run, pair.baseline
    check_comparable(run, baseline, pair.where, pair.mutual)
    margins, notes = shared_margins(run, baseline, pair.mutual)
    notes += pair.notes
    gating = gating_of(run, baseline)
    if run.folder.path.resolve() == baseline.folder.path.resolve() and run.folder.swept == baseline.folder.swept:
        other = "other" if pair.mutual else "baseline"
        notes.append(f"the {other} is this very run: that it equals itself says nothing")
    if "energy" in margins and "energy" not in gating:
        notes.append(
            "the energy is another quantity in the two runs (other models or penalties): it does not gate here"
        )
    settings, contests = run.settings, []
    lost = pair.mutual and any(
        _too_many(side) for side in (run, baseline)
    )  # then what is left of the means decides nothing
    for name, margin in margins.items():
        least = max(side.resolutions.get(name, 0.0) for side in (run, baseline)) ** 2 / 12
        higher = direction(run.folder.spec, settings.better, name)
        if pair.mutual and higher is None:
            way = f"--set equilibrium.better={{{name}: higher}}, or lower"
            notes.append(f"which way {name} is better is not known, so none ranks by it: {way}")
        terms = Terms(margin.delta, 1 - settings.alpha, higher, name in gating and not lost, settings.trim, least)
        for history in dict.fromkeys(run.observables.histories):
            ours, theirs = (_finals(side, name, history) for side in (run, baseline))
            contests.append(Contest(name, history, ours, theirs, terms, pair.mutual))
    return contests, notes


def told(pair: Couple, rows: list[Difference], notes: list[str]) -> Baseline:
    """Say how the one compares with the other.

    Args:
        pair: The two.
        rows: What has been judged of them.
        notes: What to know before relying on it.
    """
    run, baseline = pair.run, pair.baseline
    rows, title = [*_lost(pair, notes), *rows], pair.title or baseline.folder.name
    changes = differences(run, baseline)
    return Baseline(title, overall(rows), not_worse(rows), _words(title, rows), tuple(rows), changes, tuple(notes))


def _finals(run: Judged, observable: str, history: str) -> Array:
    """Return the values of a history's replicas at the end, (replica,)."""
    values: Array = run.observables.finals[observable][run.observables.members(history)]
    return values


def _too_many(run: Judged) -> bool:
    """Say whether a run has lost more replicas than it tolerates."""
    counts = run.verdict.replicas
    return counts["diverged"] + counts["crashed"] > run.settings.diverged


def _lost(pair: Couple, notes: list[str]) -> list[Difference]:
    """Count replicas without a result; more than are tolerated make the run worse than one that has kept its own."""
    run, baseline = pair.run, pair.baseline
    counts = [one.verdict.replicas for one in (run, baseline)]
    lost = [one["diverged"] + one["crashed"] for one in counts]
    here, there = (f"{gone} of {one['planned']}" for gone, one in zip(lost, counts, strict=True))
    words = f"{here} replicas diverged or crashed, in the {'other run' if pair.mutual else 'baseline'} {there}"
    too_many = _too_many(run), pair.mutual and _too_many(baseline)
    if not any(too_many):
        if any(lost):
            notes.append(f"{words}; means are over those that have finite values")
        return []
    outcome: Comparison = "undecided" if all(too_many) else "worse" if too_many[0] else "better"
    tolerated = (run if too_many[0] else baseline).settings.diverged
    shares = [one["finished"] / one["planned"] for one in counts]
    return [
        Difference(
            "finished replicas",
            "all",
            True,
            outcome,
            outcome == "better",
            mean=shares[0],
            baseline_mean=shares[1],
            replicas=(counts[0]["planned"], counts[1]["planned"]),
            higher_is_better=True,
            explanation=f"{words}; {tolerated} are tolerated",
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
