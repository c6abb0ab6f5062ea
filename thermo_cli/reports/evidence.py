"""The numbers behind the figures: pairs, overlaps, noise. Pure: a verdict and arrays in, arrays out, thinned for the eye."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from thermo_cli.contracts import Array, Trajectories, Verdict

MOST_PAIRS: Final = 2100  # points of a cloud: all pairs of 64 replicas are 2,016


@dataclass(frozen=True)
class PlanePoint:
    """One point of the plane of macroscopic spread (sd over delta) against microscopic divergence (1 - Q*)."""

    label: str
    spread: float
    divergence: float
    verdict: str


@dataclass(frozen=True)
class PairCloud:
    """|A_r - A_s| against 1 - Q*_rs over pairs of replicas, with their Mantel correlation and its null's interval.

    Attributes:
        observable: A.
        margin: delta.
        divergence: 1 - Q*_rs, (pair,).
        difference: |A_r - A_s|, (pair,).
        first: Names r, (pair,).
        second: Names s, (pair,).
        total: How many pairs there are.
        correlation: Mantel's r; None where there is none.
        interval: Of r when the replicas' names are shuffled.
    """

    observable: str
    margin: float
    divergence: Array
    difference: Array
    first: tuple[str, ...]
    second: tuple[str, ...]
    total: int
    correlation: float | None
    interval: tuple[float | None, float | None]


@dataclass(frozen=True)
class OverlapMatrix:
    """Q*_rs, (replica, replica), in an order that puts alike replicas side by side; 1 on the diagonal."""

    replicas: tuple[str, ...]
    values: Array


@dataclass(frozen=True)
class Distribution:
    """P(q): shares of pairs in bins of Q*.

    Attributes:
        edges: Of the bins, (bin + 1,); the outermost bins hold what lies beyond.
        between: Of pairs of replicas, (bin,).
        null: Of pairs without anything in common, through the same pipeline.
        own: Of replicas with themselves, T/2 earlier; None where that was not kept.
    """

    edges: Array
    between: Array
    null: Array
    own: Array | None


@dataclass(frozen=True)
class Course:
    """A microscopic quantity at the kept steps."""

    words: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class NoiseSource:
    """What one source of randomness contributes to the variance of an observable, with the ends of its sd's interval."""

    observable: str
    source: str
    share: float | None
    sd: float | None
    interval: tuple[float | None, float | None]


@dataclass(frozen=True)
class NoiseShare:
    """Standard deviation of the test error over replicas, what of it an infinite test set would leave, and the set's share.

    What would be left is None where its variance is estimated to be negative: it is lost in the noise, not zero.
    """

    sd: float
    distribution_wise: float | None
    share: float


def plane(verdict: Verdict) -> tuple[PlanePoint, ...]:
    """Place the ensemble in the plane, once for each gating observable.

    Args:
        verdict: With `comparison` among its diagnostics.
    """
    compared: Mapping[str, Any] = verdict.diagnostics.get("comparison") or {}
    return tuple(
        PlanePoint(name, point["spread"], point["divergence"], verdict.verdict)
        for name, point in compared.items()
        if _number(point["spread"]) and _number(point["divergence"])
    )


def pair_clouds(
    trajectories: Trajectories,
    margins: Mapping[str, float],
    apart: Array | None,
    names: Sequence[str],
    diagnostics: Mapping[str, Any],
) -> tuple[PairCloud, ...]:
    """Set the difference of two replicas against their microscopic divergence, pair by pair.

    Args:
        margins: delta of each gating observable.
        apart: 1 - Q*_rs, (replica, replica).
        diagnostics: With `comparison`, which has the correlations.
    """
    if apart is None or len(names) < 2:
        return ()
    place = {name: row for row, name in enumerate(trajectories.replicas)}
    rows = [place[name] for name in names]
    first, second = np.triu_indices(len(names), 1)
    chosen = np.unique(np.linspace(0, len(first) - 1, min(MOST_PAIRS, len(first))).round().astype(np.int64))
    clouds = []
    for name, delta in margins.items():
        if name not in trajectories.values:
            continue
        finals = trajectories.values[name][rows, -1]
        difference, divergence = np.abs(finals[first] - finals[second])[chosen], apart[first, second][chosen]
        finite = np.isfinite(difference) & np.isfinite(divergence)
        pairs = chosen[finite]
        related = (diagnostics.get("comparison") or {}).get(name, {}).get("mantel") or {}
        low, high = related.get("interval") or (None, None)
        clouds.append(
            PairCloud(
                name,
                delta,
                divergence[finite],
                difference[finite],
                tuple(names[i] for i in first[pairs].tolist()),
                tuple(names[i] for i in second[pairs].tolist()),
                len(first),
                related.get("correlation"),
                (low, high),
            )
        )
    return tuple(clouds)


def overlap_matrix(apart: Array | None, names: Sequence[str]) -> OverlapMatrix | None:
    """Order Q* so that alike replicas stand side by side: average linkage on 1 - Q*, leaves in the optimal order.

    Args:
        apart: 1 - Q*_rs, (replica, replica).

    Source: Bar-Joseph 2001 (optimal leaf ordering).
    """
    if apart is None or not len(names):
        return None
    overlap = 1 - apart
    np.fill_diagonal(overlap, 1.0)
    order = np.arange(len(names))
    if len(names) > 2 and np.isfinite(apart).all():
        distances = np.clip((apart + apart.T) / 2, 0.0, None)
        np.fill_diagonal(distances, 0.0)
        condensed = squareform(distances, checks=False)
        order = leaves_list(optimal_leaf_ordering(linkage(condensed, "average"), condensed))
    return OverlapMatrix(tuple(names[i] for i in order.tolist()), overlap[np.ix_(order, order)])


def distribution(microscopic: Mapping[str, Mapping[str, Any]]) -> Distribution | None:
    """Turn the counts of P(q) into shares."""
    counts = (microscopic.get("overlap") or {}).get("distribution")
    if not counts:
        return None
    own = counts.get("with_itself")
    return Distribution(
        np.array(counts["edges"], dtype=np.float64),
        _shares(counts["counts"]),
        _shares(counts["null_counts"]),
        _shares(own) if own else None,
    )


def courses(microscopic: Mapping[str, Mapping[str, Any]], last: int) -> tuple[Course, ...]:
    """Collect what is known of the microstates at several steps.

    Args:
        last: Step T, at which a replica overlaps with itself by 1.
    """
    overlap = microscopic.get("overlap") or {}
    own = overlap.get("with_itself") or {}
    quantities = [
        ("overlap Q* between replicas", overlap.get("between") or {}),
        ("overlap Q* of a replica with itself at T", {**own, str(last): 1.0} if own else {}),
        ("dispersion: log-variance less the null's", (microscopic.get("dispersion") or {}).get("between") or {}),
    ]
    return tuple(
        Course(words, tuple(int(step) for step in values), tuple(float(v) for v in values.values()))
        for words, values in quantities
        if len(values) > 1 and all(_number(value) for value in values.values())
    )


def noise_budget(diagnostics: Mapping[str, Any]) -> tuple[NoiseSource, ...]:
    """Collect the noise budget."""
    return tuple(
        NoiseSource(name, source, part["share"], part["sd"], (_root(part["lower"]), _root(part["upper"])))
        for name, budget in (diagnostics.get("noise_budget") or {}).items()
        for source, part in budget.items()
    )


def noise_share(diagnostics: Mapping[str, Any]) -> NoiseShare | None:
    """Say how much of the spread the finite test set makes."""
    noise = diagnostics.get("test_noise") or {}
    if not _number(noise.get("noise_share")) or not _number(noise.get("variance")):
        return None
    return NoiseShare(float(noise["variance"]) ** 0.5, _root(noise["distribution_wise"]), float(noise["noise_share"]))


def _shares(counts: Sequence[int]) -> Array:
    return np.array(counts, dtype=np.float64) / max(sum(counts), 1)


def _root(value: float | None) -> float | None:
    return float(value) ** 0.5 if _number(value) and value is not None and value >= 0 else None


def _number(value: Any) -> bool:
    return value is not None and bool(np.isfinite(value))
