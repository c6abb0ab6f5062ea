"""Views of ensembles that never were: any number of replicas, any names, everything that a report can show, or nothing."""

import dataclasses
from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from thermo_cli.contracts import Array, Trajectories
from thermo_cli.equilibrium.baseline import Terms, not_worse, overall
from thermo_cli.equilibrium.court import judge
from thermo_cli.equilibrium.ensemble import Ensemble, Question, Settings
from thermo_cli.judging.contests import Contest, judged_together
from thermo_cli.judging.ranking import Standings
from thermo_cli.judging.record import Baseline, Gate
from thermo_cli.metric import default_margins
from thermo_cli.reports.sweep_view import ComparisonView, SweepView, point_view
from thermo_cli.reports.view import Reproduction, RunView

HOSTILE = (
    '</script><script>alert("x")</script>',
    "<img src=x onerror=alert(1)>",
    "**bold** [a](http://e.example) | `c`",
    "[red]x[/red]",
    "::error::x",
    "\x1b[31mred\x00\x07",
    "&lt;&amp;",
    "\u202etxet",
    "{{ 7 * 7 }}",
    "' onmouseover='x",
    "\ud800",
)
Naming = Callable[[str], str]


def as_is(name: str) -> str:
    """Return a name unchanged."""
    return name


def hostile(name: str) -> str:
    """Return a name that means ill wherever it is not escaped."""
    return name + "".join(HOSTILE)


def trajectories(
    replicas: int = 64, times: int = 200, observables: int = 10, naming: Naming = as_is, odd: int = 1
) -> Trajectories:
    """Two histories that relax to the same values; the first `odd` replicas end far from the others."""
    noise = np.random.default_rng(7)
    steps = np.unique(np.concatenate([np.arange(8), np.geomspace(8, 16000, times).round()])).astype(np.int64)[-times:]
    steps[0] = 0
    known = ["test_accuracy", "energy", "energy_loss", "test_loss"]
    names = [*known, *(naming(f"train_{number}") for number in range(observables))][:observables]
    histories = tuple(naming("cold") if row < replicas // 2 else naming("hot") for row in range(replicas))
    values = {}
    for name in names:
        rise = 1 - np.exp(-steps / 200.0)
        apart = noise.normal(0, 0.004, (replicas, 1)) + noise.normal(0, 0.001, (replicas, len(steps)))
        values[name] = 0.1 + 0.86 * rise + apart
        values[name][:odd, -1] += 0.2
    rows = tuple(f"{history}/{row}" for row, history in enumerate(histories))
    return Trajectories(steps, values, rows, histories, np.zeros(replicas, dtype=bool))


def microscopic(last: int) -> dict[str, Any]:
    """Everything that is known of microstates, as a verdict holds it."""
    edges = np.linspace(-0.5, 1.0, 31).tolist()
    counts = {
        "edges": edges,
        "counts": [0] * 15 + [4, 30, 20] + [0] * 12,
        "null_counts": [0] * 9 + [20, 30, 4] + [0] * 18,
        "with_itself": [0] * 29 + [64],
    }
    overlap = {
        "estimate": 0.36,
        "interval": [0.34, 0.38],
        "null": 0.0,
        "self": 0.97,
        "distribution": counts,
        "between": {str(last // 4): 0.28, str(last // 2): 0.31, str(last): 0.36},
        "with_itself": {str(last // 4): 0.9, str(last // 2): 0.97},
    }
    state = {"estimate": 0.03, "interval": [0.02, 0.04], "null": 0.9, "self": 0.01}
    return {
        "overlap": overlap,
        "disagreement": state,
        "dispersion": {"between": {str(last // 2): -1.1, str(last): -1.4}},
    }


def diagnostics(names: list[str]) -> dict[str, Any]:
    """Everything that is reported beside a verdict."""
    part = {"share": 0.5, "sd": 0.004, "lower": 1e-6, "upper": 1e-4}
    mantel = {"correlation": 0.02, "interval": [-0.1, 0.1], "p_value": 0.7, "reason": None}
    return {
        "comparison": {name: {"spread": 0.3, "divergence": 0.64, "mantel": mantel} for name in names},
        "test_noise": {"noise_share": 0.8, "variance": 4e-5, "distribution_wise": 1e-5},
        "noise_budget": {name: {"init": part, "subsample": part, "rest": part} for name in names},
    }


def run_view(told: Trajectories | None = None, naming: Naming = as_is, small: bool = False) -> RunView:
    """A run that has everything a report can show; with `small`, nothing but trajectories."""
    told = told if told is not None else trajectories(naming=naming)
    question = Question(
        int(told.steps[-1]),
        tuple(dict.fromkeys(told.histories)),
        default_margins(500),
        "constant",
        naming("this pool"),
        0.1,
    )
    gating = ["test_accuracy", "energy"]
    last = int(told.steps[-1])
    extra = ({}, {}) if small else (microscopic(last), diagnostics(gating))
    verdict = judge(Ensemble(told, question, Settings()), *extra)
    chosen = told.replicas[: min(len(told.replicas), 80)]
    made = Reproduction(
        ("thermo-run a/resolved.yaml", naming("thermo-report a")),
        naming("name: a"),
        {naming("python"): naming("3.11")},
        naming("same bytes"),
        (naming("uncommitted changes"),),
    )
    return RunView(
        title=naming("demo-01234567"),
        description=naming("what it is for"),
        status="complete",
        verdict=verdict,
        trajectories=told,
        margins={"test_accuracy": 0.02, "energy": 0.05},
        apart=None if small else apart(len(chosen)),
        names=() if small else chosen,
        reproduction=made,
    )


def apart(replicas: int) -> Array:
    """1 - Q* between replicas, symmetric."""
    noise = np.random.default_rng(3).uniform(0.5, 0.8, (replicas, replicas))
    between: Array = (noise + noise.T) / 2
    np.fill_diagonal(between, 0.0)
    return between


def sweep_view(fields: int = 2, naming: Naming = as_is, gate: Gate | None = None) -> SweepView:
    """A sweep of one field with four values, or of more with two each; the last point cannot be judged."""
    run = run_view(trajectories(replicas=16, times=40, observables=4))
    words = ("relaxing", "thermalized", "glassy", "crystallized", "settled", "diverged", "undecided", "undecided")
    points = []
    count = max(4, 2**fields)
    for number in range(count):
        values: dict[str, Any] = {"dynamics.with.lr": 0.001 * 10.0**number}
        if fields > 1:
            values = {
                f"dynamics.with.{'lmb'[place]}r": 0.01 * 10 ** (number >> place & 1) for place in range(fields - 1)
            }
            values[naming("system.activation")] = naming(("tanh", "relu")[number >> (fields - 1) & 1])
        decided = dataclasses.replace(run.verdict, verdict=words[number], summary=naming("what was found"))
        last = number == count - 1
        points.append(point_view(values, None if last else decided, naming("every replica failed")))
    made = Reproduction(("thermo-run a/resolved.yaml",), "name: a")
    return SweepView(
        naming("sweep-01234567"), naming("why"), "partial", naming("a scope"), tuple(points), made, {}, gate
    )


def standings(titles: Sequence[str], seed: int = 4, replicas: int = 32, collapsed: bool = False) -> Standings:
    """Ensembles of two observables whose means lie 0.8 margins apart, held against each other.

    Args:
        collapsed: Whether two replicas of the first lie far below.
    """
    noise = np.random.default_rng(seed).normal(size=(2, len(titles), replicas))
    finals = 0.1 * noise + 0.8 * np.arange(len(titles))[:, None]
    if collapsed:
        finals[0, 0, :2] = -9.0
    pairs = list(permutations(range(len(titles)), 2))
    contests = [
        Contest(name, "cold", values[one], values[other], Terms(1.0, 0.95, True, gates), True)
        for one, other in pairs
        for name, values, gates in zip(("test_accuracy", "energy"), finals, (True, False), strict=True)
    ]
    rows = iter(judged_together(contests, 2))
    found: dict[int, list[Baseline]] = {}
    for one, other in pairs:
        both = (next(rows), next(rows))
        words = f"{overall(both)} than {titles[other]}"
        known = Baseline(
            titles[other], overall(both), not_worse(both), words, both, ("lr: 1 (baseline: 2)",), ("a note",)
        )
        found.setdefault(one, []).append(known)
    return Standings(tuple(titles), tuple(tuple(some) for some in found.values()))


def comparison_view(count: int = 3, naming: Naming = as_is, collapsed: bool = False) -> ComparisonView:
    """Several runs, each held against every other."""
    found = standings([naming(f"run-{place}") for place in range(count)], collapsed=collapsed)
    run = run_view(trajectories(8, 30, 4), naming, small=True)
    views = (
        dataclasses.replace(run, title=title, partners=partners)
        for title, partners in zip(found.titles, found.partners, strict=True)
    )
    return ComparisonView(tuple(views), (found,))


def ranked_sweep(count: int = 3, naming: Naming = as_is) -> SweepView:
    """A sweep whose points are held against each other; the last cannot be judged."""
    sweep = sweep_view(1, naming)
    decided = [point for point in sweep.points if point.decided is not None]
    points = [
        dataclasses.replace(decided[place % len(decided)], values={"dynamics.with.lr": 0.001 * (place + 1)})
        for place in range(count)
    ]
    found = standings([point.label for point in points])
    compared = [
        dataclasses.replace(point, partners=partners) for point, partners in zip(points, found.partners, strict=True)
    ]
    return dataclasses.replace(sweep, points=(*compared, sweep.points[-1]), standings=found)
