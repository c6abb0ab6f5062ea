"""What a report shows, computed once from a run and drawn by every format: plain values and arrays, no disk, no markup."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from thermo_cli.contracts import Array, Integers, Trajectories, Verdict
from thermo_cli.judging.record import Baseline, Gate
from thermo_cli.metric import HEADLINES
from thermo_cli.reports.evidence import (
    Course,
    Distribution,
    NoiseShare,
    OverlapMatrix,
    PairCloud,
    PlanePoint,
    Share,
    courses,
    distribution,
    noise_budget,
    noise_share,
    overlap_matrix,
    pair_clouds,
    plane,
)
from thermo_cli.reports.panels import Panel, ReplicaLine, panels, replica_lines
from thermo_cli.reports.wording import MicroLine, comparison, diagnostics, microscopic, next_steps

CURVE_POINTS = 16
MOST_CURVES = 4


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
class Material:
    """What a view is made from besides the verdict.

    Attributes:
        title: The run's name with its hash.
        description: From the spec.
        status: Of the run folder.
        trajectories: Macroscopic observables.
        margins: delta of each observable that has one.
        content: Share of replicas that the bands hold.
        apart: 1 - Q*_rs between some replicas, (replica, replica), and their names; None where there is no null.
        names: Of those replicas.
        reproduction: How to get the same run again.
        record: What verdict.json says.
        trained: Whether thermo trained the replicas; False of those recorded elsewhere.
    """

    title: str
    description: str
    status: str
    trajectories: Trajectories
    margins: Mapping[str, float] = field(default_factory=dict)
    content: float = 0.85
    apart: Array | None = None
    names: tuple[str, ...] = ()
    reproduction: Reproduction = field(default_factory=Reproduction)
    record: Mapping[str, Any] = field(default_factory=dict)
    trained: bool = True


@dataclass(frozen=True)
class RunView:
    """One run as a reader meets it, verdict first.

    Attributes:
        title: The run's name with its hash.
        description: What the experiment is for.
        status: `complete`, `partial` or `failed`.
        verdict: What was decided.
        steps: Measured steps.
        curves: Trajectories in small, of the observables that tell most.
        microscopic: How far replicas are from each other, symmetries removed.
        comparison: What the macroscopic spread has to do with that, one sentence for each observable.
        next_steps: What to do next, each with its reason.
        diagnostics: What else was found, one sentence each.
        plane: Macroscopic spread against microscopic divergence, one point per gating observable.
        panels: Trajectories in full, those that gate first.
        columns: Observables of the replica table.
        replicas: Every main replica, in the order of the replica table.
        pairs: |A_r - A_s| against 1 - Q*_rs, one cloud per gating observable.
        overlaps: Q* between replicas, alike ones side by side; None where there is no null.
        distribution: P(q) and its null; None where there is no null.
        courses: Microscopic quantities in time.
        noise_budget: Which source of randomness moves which observable; empty without a crossed design.
        noise_share: What the finite test set contributes; None where it is not known.
        reproduction: How to get the same run again.
        missing: Section to the reason why there is nothing to show.
        record: What verdict.json says.
        content: Share of replicas that the bands hold.
        gate: What was asked of the run; None where nothing was.
        baseline: How it compares with another run; None where it was not compared.
    """

    title: str
    description: str
    status: str
    verdict: Verdict
    steps: Integers
    curves: tuple[Curve, ...]
    microscopic: tuple[MicroLine, ...]
    comparison: tuple[str, ...]
    next_steps: tuple[str, ...]
    diagnostics: tuple[str, ...]
    plane: tuple[PlanePoint, ...]
    panels: tuple[Panel, ...]
    columns: tuple[str, ...]
    replicas: tuple[ReplicaLine, ...]
    pairs: tuple[PairCloud, ...]
    overlaps: OverlapMatrix | None
    distribution: Distribution | None
    courses: tuple[Course, ...]
    noise_budget: tuple[Share, ...]
    noise_share: NoiseShare | None
    reproduction: Reproduction
    missing: Mapping[str, str]
    record: Mapping[str, Any]
    content: float
    gate: Gate | None = None
    baseline: Baseline | None = None

    @property
    def histories(self) -> tuple[str, ...]:
        """Histories, in order."""
        return tuple(dict.fromkeys(replica.history for replica in self.replicas))

    @property
    def outliers(self) -> tuple[ReplicaLine, ...]:
        """Replicas that stand apart, have diverged or crashed."""
        return tuple(replica for replica in self.replicas if replica.apart or replica.state in ("diverged", "crashed"))


def view_of(verdict: Verdict, material: Material) -> RunView:
    """Choose what to show of a run.

    Args:
        verdict: What was decided.
        material: What else is known of it.
    """
    trajectories, margins = material.trajectories, material.margins
    columns = _columns(trajectories, margins)
    replicas = replica_lines(trajectories, columns, margins)
    return RunView(
        title=material.title,
        description=material.description,
        status=material.status,
        verdict=verdict,
        steps=trajectories.steps,
        curves=_curves(verdict, trajectories),
        microscopic=microscopic(verdict.microscopic),
        comparison=comparison(verdict.diagnostics),
        next_steps=next_steps(verdict, material.trained),
        diagnostics=diagnostics(verdict.diagnostics),
        plane=plane(verdict),
        panels=panels(trajectories, margins, material.content),
        columns=columns,
        replicas=replicas,
        pairs=pair_clouds(trajectories, margins, material.apart, material.names, verdict.diagnostics),
        overlaps=overlap_matrix(material.apart, material.names),
        distribution=distribution(verdict.microscopic),
        courses=courses(verdict.microscopic, int(trajectories.steps[-1])),
        noise_budget=noise_budget(verdict.diagnostics),
        noise_share=noise_share(verdict.diagnostics),
        reproduction=material.reproduction,
        missing=_missing(verdict, material),
        record=material.record,
        content=material.content,
    )


def _columns(trajectories: Trajectories, margins: Mapping[str, float]) -> tuple[str, ...]:
    """Choose the observables of the replica table: those that gate, then those of the test set."""
    names = [*margins, *(name for name in trajectories.values if name.startswith("test_")), *trajectories.values]
    known = [name for name in dict.fromkeys(names) if name in trajectories.values]
    return tuple(known[:MOST_CURVES])


def _curves(verdict: Verdict, trajectories: Trajectories) -> tuple[Curve, ...]:
    judged = [row.observable for row in verdict.criteria if row.observable is not None]
    shifted = (name.replace("test_", "shifted_") for name in HEADLINES)
    order = (*HEADLINES, *shifted, "test_loss", "energy")
    usual = [name for name in order if name in trajectories.values]
    learned = any(name.startswith("test_") for name in usual)
    shown = usual if learned else (list(dict.fromkeys([*judged, *usual])) or list(trajectories.values))[:MOST_CURVES]
    histories = list(dict.fromkeys(trajectories.histories))
    return tuple(
        Curve(name, history, _resampled(trajectories.values[name][trajectories.members(history)], trajectories.steps))
        for name in shown
        for history in histories
    )


def _resampled(values: Array, steps: Integers) -> tuple[float, ...]:
    """Average over finite replicas and read the mean off at evenly spaced log2(step + 1)."""
    finite = values[np.isfinite(values).all(axis=1)]
    if not len(finite):
        return ()
    time = np.log2(steps + 1.0)
    return tuple(float(v) for v in np.interp(np.linspace(time[0], time[-1], CURVE_POINTS), time, finite.mean(axis=0)))


def _missing(verdict: Verdict, material: Material) -> dict[str, str]:
    """Say of each section that will be empty why it is."""
    reasons = {}
    diversity = next((row.explanation for row in verdict.criteria if row.criterion == "diversity"), "")
    if material.apart is None:
        reasons["overlaps"] = diversity or "no microscopic distance with a null was observed"
    if not verdict.microscopic:
        reasons["microscopic"] = diversity or "nothing microscopic was observed"
    if not verdict.diagnostics.get("noise_budget"):
        reasons["noise_budget"] = "a crossed design (ensemble.design) tells which source of randomness moves the result"
    if noise_share(verdict.diagnostics) is None:
        reasons["noise_share"] = "no errors of single test examples were kept"
    return reasons
