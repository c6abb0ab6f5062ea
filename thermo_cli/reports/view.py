"""What a report shows of a run: what is known of it, and what follows from that, worked out once. No disk, no markup."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Array, Integers, Trajectories, Verdict
from thermo_cli.judging.record import Baseline, Gate
from thermo_cli.judging.verdict_json import document
from thermo_cli.reports import evidence
from thermo_cli.reports.panels import Panel, ReplicaLine, panels, replica_lines
from thermo_cli.reports.typed import UNTYPED, Typed

CURVE_POINTS: Final = 16
MOST_COLUMNS: Final = 4  # of the replica table


@dataclass(frozen=True)
class Curve:
    """Mean of an observable over the replicas of one history, at times evenly spaced in log2(step)."""

    observable: str
    history: str
    means: tuple[float, ...]


@dataclass(frozen=True)
class Reproduction:
    """How to get the same run again.

    Attributes:
        commands: To be typed, in order.
        spec: The resolved spec, every default filled in.
        facts: What it was made with, name to value, in order.
        promise: What determinism is promised.
        cautions: What stands in the way of it (an uncommitted change, a script's files).
    """

    commands: tuple[str, ...] = ()
    spec: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    promise: str = ""
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunView:
    """One run as a reader meets it: the attributes are what is known, the properties what is shown of that.

    Attributes:
        title: The run's name with its hash.
        description: What the experiment is for.
        status: `complete`, `partial` or `failed`.
        verdict: What was decided.
        trajectories: Macroscopic observables.
        margins: delta of each observable that has one.
        content: Share of replicas that the bands hold.
        apart: 1 - Q*_rs between some replicas, (replica, replica); None where there is no null.
        names: Of those replicas.
        reproduction: How to get the same run again.
        record: What verdict.json says.
        pace: Replica-steps that were trained in a second; None where that was not measured.
        gate: What was asked of the run; None where nothing was.
        partners: How it compares with other runs; empty where it was not compared.
        seconds: What each look cost, None where that is not known.
        before: What is to be known of looks at other numbers of replicas or steps; empty where there was none.
        typed: How its commands are typed.
        asked: Observables that were asked for by name.
    """

    title: str
    description: str
    status: str
    verdict: Verdict
    trajectories: Trajectories
    margins: Mapping[str, float] = field(default_factory=dict)
    content: float = 0.85
    apart: Array | None = None
    names: tuple[str, ...] = ()
    reproduction: Reproduction = field(default_factory=Reproduction)
    record: Mapping[str, Any] = field(default_factory=dict)
    pace: float | None = None
    gate: Gate | None = None
    partners: tuple[Baseline, ...] = ()
    seconds: tuple[float | None, ...] = ()
    before: tuple[str, ...] = ()
    typed: Typed = UNTYPED
    asked: tuple[str, ...] = ()

    @property
    def steps(self) -> Integers:
        """Measured steps, (time,)."""
        return self.trajectories.steps

    @property
    def histories(self) -> tuple[str, ...]:
        """Histories, in order."""
        return tuple(dict.fromkeys(self.trajectories.histories))

    @cached_property
    def panels(self) -> tuple[Panel, ...]:
        """Trajectories, those that gate first."""
        return panels(self.trajectories, self.margins, self.content)

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """Trajectories in small, in the order of the panels."""
        values, members = self.trajectories.values, self.trajectories.members
        return tuple(
            Curve(panel.observable, history, _resampled(values[panel.observable][members(history)], self.steps))
            for panel in self.panels
            for history in self.histories
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Observables of the replica table: those that gate, then those of the test set."""
        names = [*self.margins, *(name for name in self.trajectories.values if name.startswith("test_"))]
        names = list(dict.fromkeys([*names, *self.trajectories.values]))
        return tuple(name for name in names if name in self.trajectories.values)[:MOST_COLUMNS]

    @cached_property
    def replicas(self) -> tuple[ReplicaLine, ...]:
        """Every main replica, in the order of the replica table."""
        return replica_lines(self.trajectories, self.columns, self.margins)

    @property
    def outliers(self) -> tuple[ReplicaLine, ...]:
        """Replicas that stand apart, have diverged or crashed."""
        return tuple(replica for replica in self.replicas if replica.apart or replica.state in ("diverged", "crashed"))

    @property
    def plane(self) -> tuple[evidence.PlanePoint, ...]:
        """Macroscopic spread and microscopic divergence, one point for each gating observable."""
        return evidence.plane(self.verdict)

    @cached_property
    def pairs(self) -> tuple[evidence.PairCloud, ...]:
        """|A_r - A_s| against 1 - Q*_rs, one cloud for each gating observable."""
        return evidence.pair_clouds(self.trajectories, self.margins, self.apart, self.names, self.verdict.diagnostics)

    @cached_property
    def overlaps(self) -> evidence.OverlapMatrix | None:
        """Q* between replicas, alike ones side by side; None where there is no null."""
        return evidence.overlap_matrix(self.apart, self.names)

    @property
    def distribution(self) -> evidence.Distribution | None:
        """P(q) and its null; None where there is no null."""
        return evidence.distribution(self.verdict.microscopic)

    @property
    def courses(self) -> tuple[evidence.Course, ...]:
        """Microscopic quantities in time."""
        return evidence.courses(self.verdict.microscopic, int(self.steps[-1]))

    @property
    def noise_budget(self) -> tuple[evidence.NoiseSource, ...]:
        """Which source of randomness moves which observable; empty without a crossed design."""
        return evidence.noise_budget(self.verdict.diagnostics)

    @property
    def noise_share(self) -> evidence.NoiseShare | None:
        """What the finite test set contributes; None where it is not known."""
        return evidence.noise_share(self.verdict.diagnostics)


@dataclass(frozen=True)
class Unjudged:
    """A run of which nothing can be said but why.

    Attributes:
        title: The run's name with its hash.
        status: `partial` or `failed`.
        reason: What is wrong, what was received, what to do.
        gate: Never met.
    """

    title: str
    status: str
    reason: str
    gate: Gate

    @property
    def record(self) -> dict[str, Any]:
        """What takes the place of verdict.json: no verdict, no count, the reason."""
        return document(self.title, self.status, None, self.reason)


def _resampled(values: Array, steps: Integers) -> tuple[float, ...]:
    """Average over finite replicas and read the mean off at evenly spaced log2(step + 1)."""
    finite = values[np.isfinite(values).all(axis=1)]
    if not len(finite):
        return ()
    time = np.log2(steps + 1.0)
    return tuple(float(v) for v in np.interp(np.linspace(time[0], time[-1], CURVE_POINTS), time, finite.mean(axis=0)))
