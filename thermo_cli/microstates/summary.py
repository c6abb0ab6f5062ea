"""From the findings about microstates to what verdict.json says of them, and to what diversity is decided on."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Array, Findings, Overlaps
from thermo_cli.microstates.material import FORMAT
from thermo_cli.microstates.pairs import Estimate, pair_mean, unit_mean

EDGES: Final = np.round(np.linspace(-0.5, 1.0, 31), 3)  # of P(q)
NOTHING: Final = np.empty(0)
OF_PAIRS: Final = ("disagreement", "error_consistency", "jensen_shannon", "output_distance", "support")
Quantities = dict[str, dict[str, Any]]
"""Microscopic quantity to its estimate, interval, null, self and further fields."""


def current(findings: Findings) -> bool:
    """Say whether the findings are such as this version makes; those of an older one must be made again."""
    complete = "main_null" in findings.arrays or not any(name.startswith("distance/") for name in findings.arrays)
    return findings.facts.get("format", FORMAT) == FORMAT and complete


def overlaps_of(findings: Findings) -> Overlaps:
    """Return what diversity and ergodicity are decided on."""
    facts, cosine = findings.facts, findings.facts["null_cosine"]
    distances, null, own = (findings.arrays.get(name, NOTHING) for name in ("pair_distance", "pair_null", "pair_own"))
    return Overlaps(
        distances,
        null,
        own,
        floor=float(facts["floor"]),
        null_cosine=float("nan") if cosine is None else float(cosine),
        dimensions=int(facts["dimensions"]),
        untested=str(facts.get("untested", "")),
        unique=bool(facts.get("unique", False)),
    )


def unknown_overlaps(reason: str) -> Overlaps:
    """Return overlaps of which nothing is known, for a reason."""
    return Overlaps(NOTHING, NOTHING, NOTHING, 0.0, float("nan"), 0, untested=reason)


def divergence(findings: Findings) -> Array | None:
    """Return 1 - Q* of all pairs at T, (replica, replica), or None where there is no null."""
    arrays = findings.arrays
    last = int(arrays["steps"][-1]) if "steps" in arrays else None
    if f"distance/{last}" not in arrays:
        return None
    scale = _only(arrays[f"null/{last}"])
    return arrays[f"distance/{last}"] / scale if scale > 0 else None


def mean_divergence(findings: Findings) -> float | None:
    """Return 1 - Q* of pairs of main replicas that were matched by themselves, or None where there is no null."""
    distances, null = (findings.arrays.get(name, NOTHING) for name in ("main_distance", "main_null"))
    return float(distances.mean() / null.mean()) if len(distances) and len(null) and null.mean() > 0 else None


def microscopic(findings: Findings, confidence: float | None) -> Quantities:
    """Return the microscopic part of verdict.json: each quantity with estimate, interval, null and self.

    Args:
        findings: Of a run folder.
        confidence: Of the intervals, which come from the jackknife over replicas or from independent pairs.
    """
    arrays = findings.arrays
    if findings.facts.get("crossed"):
        confidence = None  # replicas share their randomness: nothing independent stands behind an interval
    apart = divergence(findings)
    quantities = _scales(findings, confidence) if "steps" in arrays else {}
    if apart is not None:
        quantities["overlap"] = _overlap(findings, apart, confidence)
    return quantities | _answers(arrays, confidence) | _similarity(findings, confidence) | _barrier(arrays, confidence)


def _answers(arrays: Mapping[str, Any], confidence: float | None) -> Quantities:
    """How alike functions are: what all pairs of replicas answer."""
    quantities: Quantities = {}
    for name in OF_PAIRS:
        if name in arrays:
            chance = pair_mean(arrays[f"{name}_null"]).value if f"{name}_null" in arrays else None
            own = unit_mean(arrays[f"{name}_own"]).value if f"{name}_own" in arrays else None
            null = 0.0 if name == "error_consistency" else chance
            quantities[name] = pair_mean(arrays[name]).as_dict(confidence, null, own)
    if "test_error" in arrays:
        error = arrays["test_error"]
        quantities["disagreement"]["test_error"] = float(error.mean())
        gap = arrays["disagreement"] - (error[:, None] + error[None]) / 2
        quantities["generalization_gap"] = pair_mean(gap).as_dict(confidence, 0.0)
    return quantities


def _overlap(findings: Findings, apart: Array, confidence: float | None) -> dict[str, Any]:
    """Q* of pairs matched by themselves, per layer, of replicas with themselves; in one frame, P(q) and its history."""
    arrays, facts = findings.arrays, findings.facts
    steps = [int(step) for step in arrays["steps"]]
    scale, frame, null = float(arrays["main_null"].mean()), _only(arrays[f"null/{steps[-1]}"]), arrays["null_pairs"]
    own = {str(step): 1 - row / scale for step, row in zip(steps[:-1], arrays["own"], strict=False)}
    means = {step: unit_mean(overlaps).value for step, overlaps in own.items()}
    half = str(steps[-1] // 2)
    return unit_mean(1 - arrays["main_distance"] / scale).as_dict(
        confidence,
        0.0,
        means.get(half),
        same_bath=unit_mean(_share(arrays)).as_dict(confidence),
        layers=_layers(findings, confidence),
        with_itself=means,
        frame=pair_mean(1 - apart).as_dict(confidence, 0.0),
        between={
            str(step): pair_mean(1 - arrays[f"distance/{step}"] / _only(arrays[f"null/{step}"])).value for step in steps
        },
        distribution={
            "edges": EDGES.tolist(),
            "counts": _counts(1 - _upper(apart)),
            "null_counts": _counts(1 - _upper(null) / frame),
            "with_itself": _counts(own[half]) if half in own else None,
        },
        of="what was learned since the common initialization" if facts["displacement"] else facts["null"],
    )


def _layers(findings: Findings, confidence: float | None) -> Quantities:
    """Q* of each layer, of pairs matched by themselves."""
    arrays = findings.arrays
    if "main_layers" not in arrays:
        return {}
    rows = zip(findings.facts["layers"], arrays["main_layers"], arrays["main_layers_null"], strict=True)
    return {
        layer: unit_mean(1 - distances / float(null.mean())).as_dict(confidence)
        for layer, distances, null in rows
        if float(null.mean()) > 0
    }


def _scales(findings: Findings, confidence: float | None) -> Quantities:
    """Memory of the initialization, spread of the parameters, effective number of directions, separation of twins."""
    arrays = findings.arrays
    quantities: Quantities = {}
    if "main_cosine" in arrays:
        null = unit_mean(arrays["main_cosine_null"]).value
        quantities["aligned_cosine"] = unit_mean(arrays["main_cosine"]).as_dict(confidence, null)
    if "memory" in arrays:
        cosine, shared = arrays["memory"], findings.facts["displacement"]
        own, others = np.diag(cosine), (cosine.sum(axis=1) - np.diag(cosine)) / max(len(cosine) - 1, 1)
        # where all replicas have one start, that of another replica is no null
        memory = unit_mean(own if shared else own - others)
        quantities["memory"] = memory.as_dict(confidence, None if shared else 0.0)
        raw = _upper(arrays["raw_cosine"])
        width = float(raw.var(ddof=1)) if len(raw) > 1 else 0.0
        ratio = Estimate(1 / width if width > 0 else float("nan"))
        quantities["participation_ratio"] = ratio.as_dict(confidence)
    return quantities | _dispersion(findings, confidence) | _chaos(findings, confidence)


def _dispersion(findings: Findings, confidence: float | None) -> Quantities:
    """Spread of the parameters over replicas, over that of the null and over the floor, layer by layer."""
    arrays, facts = findings.arrays, findings.facts
    spreads = {int(step): arrays.get(f"spread/{int(step)}") for step in arrays["steps"]}
    *_, last = spreads.values()
    if last is None:
        return {}
    floor = 2 * np.log(max(float(facts["floor"]), np.finfo(np.float64).tiny)) - np.log(facts["dimensions"])
    layers = list(zip(facts["layers"], *last, strict=True))
    means = {
        str(step): unit_mean(spread[0] - spread[1]).value for step, spread in spreads.items() if spread is not None
    }
    return {
        "dispersion": Estimate(unit_mean(last[0] - last[1]).value).as_dict(
            confidence,
            0.0,
            layers={layer: float(own - null) for layer, own, null in layers},
            above_floor={layer: float(own - floor) for layer, own, _ in layers},
            between=means,
        )
    }


def _chaos(findings: Findings, confidence: float | None) -> Quantities:
    """How far twins have come apart, over the distance between replicas; both raw, since twins keep their labels."""
    arrays = findings.arrays
    steps = [int(step) for step in arrays["steps"]]
    apart = _only(arrays["raw_distance"]) if "raw_distance" in arrays else 0.0
    if f"twin/{steps[-1]}" not in arrays or apart <= 0:
        return {}
    distances = {step: arrays[f"twin/{step}"] for step in (1, *steps) if f"twin/{step}" in arrays}
    means = {str(step): float(twins.mean() / apart) for step, twins in distances.items()}
    floor = float(findings.facts["floor"]) / apart
    return {"chaos": unit_mean(distances[steps[-1]] / apart).as_dict(confidence, floor, between=means)}


def _similarity(findings: Findings, confidence: float | None) -> Quantities:
    """CKA per layer with that of untrained networks and of label-permuted twins; the last hidden layer speaks for the whole."""
    arrays, layers, parts = findings.arrays, findings.facts.get("representations", []), {}
    for layer in layers:
        null, twin = arrays.get(f"cka_null/{layer}"), arrays.get(f"cka_twin/{layer}")
        unrelated = None if null is None else pair_mean(null).value
        parts[layer] = pair_mean(arrays[f"cka/{layer}"]).as_dict(confidence, unrelated)
        if twin is not None:
            parts[layer]["label_permuted_twin"] = unit_mean(twin).as_dict(confidence)
    if not layers:
        return {}
    last = layers[-2] if len(layers) > 1 else layers[-1]  # of estimators their structure
    return {"similarity": {**parts[last], "layer": last, "layers": parts}}


def _barrier(arrays: Mapping[str, Any], confidence: float | None) -> Quantities:
    names = {"barrier": "barrier_aligned", "barrier_raw": "barrier_raw"}
    return {name: unit_mean(arrays[key]).as_dict(confidence) for name, key in names.items() if key in arrays}


def _share(arrays: Mapping[str, Any]) -> Array:
    """Q* of the pairs on one bath, (pair,)."""
    null = unit_mean(arrays["pair_null"]).value
    return np.asarray(1 - arrays["pair_distance"] / (null if null > 0 else np.nan))


def _counts(values: Array) -> list[int]:
    finite = values[np.isfinite(values)]
    return [int(count) for count in np.histogram(np.clip(finite, EDGES[0], EDGES[-1]), EDGES)[0]]


def _upper(matrix: Array) -> Array:
    """Return the values of all pairs r < s."""
    return np.asarray(matrix[np.triu_indices(len(matrix), 1)])


def _only(array: Array) -> float:
    return float(array[0])
