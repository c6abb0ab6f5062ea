"""What a report shows of a sweep: every point with its order parameters. Plain values, no disk, no markup."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thermo_cli.contracts import Verdict
from thermo_cli.judging.record import Baseline, Decision, Gate
from thermo_cli.metric import HEADLINES
from thermo_cli.reports.numerals import number
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
    """

    title: str
    description: str
    status: str
    scope: str
    points: tuple[PointView, ...]
    reproduction: Reproduction
    record: Mapping[str, Any]
    gate: Gate | None = None

    @property
    def fields(self) -> list[str]:
        """The fields that are swept."""
        return list(self.points[0].values)

    @property
    def tally(self) -> list[tuple[str, int]]:
        """The verdicts with their numbers, the most frequent first."""
        return Counter(point.verdict for point in self.points).most_common()


View = RunView | SweepView | Unjudged


def decisions(view: View) -> tuple[Decision, ...]:
    """List all verdicts of a view: one, or one for each point."""
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
