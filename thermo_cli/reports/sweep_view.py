"""What a report shows of a sweep: every point with its order parameters. Plain values, no disk, no markup."""

import json
import math
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from thermo_cli.contracts import Verdict
from thermo_cli.judging.ranking import Standings
from thermo_cli.judging.record import Baseline, Decision, Gate
from thermo_cli.metric import HEADLINES
from thermo_cli.reports.lineup import Lineup
from thermo_cli.reports.numerals import number
from thermo_cli.reports.typed import REPORT, UNTYPED, Typed
from thermo_cli.reports.view import Reproduction, RunView, Unjudged


@dataclass(frozen=True)
class PointView:
    """One point as a reader meets it: its order parameters, and what was decided.

    Attributes:
        values: Swept field to its value.
        verdict: What was decided; `not judged` where that cannot be.
        phase: Its phase.
        observable: Which macroscopic observable is shown.
        mean: Its mean over replicas.
        spread: Its standard deviation over replicas, in margins.
        overlap: Q* between replicas on one bath.
        wandering: Q* of replicas with themselves, half the training time earlier.
        energy: Mean energy.
        summary: One sentence.
        decided: All that was decided; None where the point cannot be judged.
        partners: How it compares with the same point of another sweep, or with other points; empty where it was not compared.
    """

    values: Mapping[str, Any]
    verdict: str
    phase: str
    observable: str
    mean: float | None
    spread: float | None
    overlap: float | None
    wandering: float | None
    energy: float | None
    summary: str
    decided: Verdict | None = None
    partners: tuple[Baseline, ...] = ()

    @property
    def label(self) -> str:
        """The values of the point in words."""
        return ", ".join(f"{field}={shown(value)}" for field, value in self.values.items())

    @property
    def brief(self) -> str:
        """The same with the last key of each field alone."""
        return ", ".join(f"{last(field)}={shown(value)}" for field, value in self.values.items())


@dataclass(frozen=True)
class SweepView:
    """A sweep as a reader meets it.

    Attributes:
        title: The run's name with its hash.
        description: What the experiment is for.
        status: Of the run folder.
        scope: Which randomness was varied.
        points: In order, the last field varying fastest.
        reproduction: How to get the same run again.
        record: What verdict.json says.
        gate: What was asked of every point; None where nothing was.
        standings: How its points compare with each other; None where they were not compared.
        typed: How its commands are typed.
    """

    title: str
    description: str
    status: str
    scope: str
    points: tuple[PointView, ...]
    reproduction: Reproduction
    record: Mapping[str, Any]
    gate: Gate | None = None
    standings: Standings | None = None
    typed: Typed = UNTYPED

    @property
    def fields(self) -> list[str]:
        """The fields that are swept."""
        return list(self.points[0].values)

    @property
    def tally(self) -> list[tuple[str, int]]:
        """The verdicts with their numbers, the most frequent first."""
        return Counter(point.verdict for point in self.points).most_common()

    @cached_property
    def lineup(self) -> Lineup | None:
        """Its points beside each other; None where they were not compared."""
        if self.standings is None:
            return None
        points = [point for point in self.points if point.partners]
        brief = len({*map(last, self.fields)}) == len(self.fields)
        names = tuple(point.brief if brief else point.label for point in points)
        return Lineup(self.standings, names, tuple(point.verdict for point in points))


@dataclass(frozen=True)
class ComparisonView:
    """Runs, or sweeps point by point, that were held against each other.

    Attributes:
        views: Of each what is known of it alone.
        standings: What was found, for each point of sweeps.
        gate: What was asked, and the answer; None where nothing was.
    """

    views: tuple[RunView | SweepView, ...]
    standings: tuple[Standings, ...]
    gate: Gate | None = None

    @property
    def title(self) -> str:
        """The names of the runs."""
        return " ".join(view.title for view in self.views)

    @cached_property
    def lineups(self) -> tuple[Lineup, ...]:
        """The runs beside each other, at each point."""
        return tuple(
            Lineup(
                found, found.titles, tuple(_verdict(view, place) for view in self.views), _where(self.views[0], place)
            )
            for place, found in enumerate(self.standings)
        )


View = RunView | SweepView | Unjudged | ComparisonView


def alone(views: Sequence[View]) -> Iterator[RunView | SweepView | Unjudged]:
    """Return what there is to each run alone, those that were compared among them."""
    for view in views:
        if isinstance(view, ComparisonView):
            yield from view.views
        else:
            yield view


def is_ranked(view: View) -> bool:
    """Say whether runs, or the points of a sweep, were held against each other."""
    return isinstance(view, ComparisonView) or (isinstance(view, SweepView) and view.standings is not None)


def reported(view: View) -> str:
    """Write the command that reports on a view as it is: on several where they are compared."""
    ones = list(alone([view]))
    settings = {one.typed.settings: None for one in ones if not isinstance(one, Unjudged)}
    words = ["thermo-report", *map(_named, ones), *(["--compare"] if is_ranked(view) else []), *settings]
    return " ".join(filter(None, words))


def _named(view: RunView | SweepView | Unjudged) -> str:
    if isinstance(view, Unjudged) or view.typed.report == REPORT:
        return shlex.quote(view.title)
    return view.typed.report.removeprefix("thermo-report ")


def _verdict(view: RunView | SweepView, place: int) -> str:
    return view.verdict.verdict if isinstance(view, RunView) else view.points[place].verdict


def _where(view: RunView | SweepView, place: int) -> str:
    return "" if isinstance(view, RunView) else view.points[place].brief


def decisions(view: View) -> tuple[Decision, ...]:
    """List all verdicts of a view: one, or one for each point or run."""
    if isinstance(view, ComparisonView):
        return tuple(decision for one in view.views for decision in decisions(one))
    if isinstance(view, RunView):
        return (Decision(view.title, {}, view.verdict, "", view.partners),)
    if isinstance(view, Unjudged):
        return (Decision(view.title, {}, None, view.reason),)
    return tuple(
        Decision(view.title, point.values, point.decided, point.summary, point.partners) for point in view.points
    )


def point_view(values: Mapping[str, Any], verdict: Verdict | None, reason: str) -> PointView:
    """Choose what is shown of a point.

    Args:
        values: Swept field to its value.
        verdict: What was decided; None where that cannot be.
    """
    if verdict is None:
        return PointView(values, "not judged", "", "", None, None, None, None, None, reason)
    margins = {row.observable: row.margin for row in verdict.criteria if row.observable and row.margin}
    names = [name for name in (*HEADLINES, *margins) if name in verdict.macroscopic]
    name = names[0] if names else next(iter(verdict.macroscopic), "")
    state, overlap = verdict.macroscopic.get(name, {}), verdict.microscopic.get("overlap") or {}
    margin, sd = margins.get(name), state.get("sd")
    return PointView(
        values,
        verdict.verdict,
        verdict.phase,
        name,
        _finite(state.get("mean")),
        _finite(sd / margin if sd is not None and margin else None),
        _finite((overlap.get("same_bath") or {}).get("estimate")),
        _finite(overlap.get("self")),
        _finite(verdict.macroscopic.get("energy", {}).get("mean")),
        verdict.summary,
        verdict,
    )


def _finite(value: float | None) -> float | None:
    """Return a number that charts can draw, or None."""
    return value if value is not None and math.isfinite(value) else None


def means(points: Sequence[PointView]) -> tuple[str, list[str]]:
    """Return the head and the cells of a column of means: points that do not show the same observable name their own."""
    names = list(dict.fromkeys(point.observable for point in points if point.observable))
    if len(names) == 1:
        return names[0], [number(point.mean, 4) for point in points]
    return "mean", [f"{point.observable} {number(point.mean, 4)}".strip() for point in points]


def reasons(points: Sequence[PointView]) -> list[str]:
    """Say of each point that cannot be judged why not."""
    return [f"{point.label}: {point.summary}" for point in points if point.decided is None]


def shown(value: Any) -> str:
    """Write a swept value."""
    return value if isinstance(value, str) else json.dumps(value)


def last(field: str) -> str:
    """Return the last of the dotted keys of a field, which names a column."""
    return field.rpartition(".")[2]
