"""From the findings about microstates to what verdict.json says of them, and to what diversity is decided on."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Array, Findings, Overlaps
from thermo_cli.microstates.examination import FORMAT
from thermo_cli.microstates.pairs import Estimate, pair_mean, unit_mean

EDGES: Final = np.round(np.linspace(-0.5, 1.0, 31), 3)  # of P(q)


def current(found: Findings) -> bool:
    """Say whether the findings are such as this version makes; those of an older one must be made again.

    Args:
        found: Of a run folder.
    """
    told = "main_null" in found.arrays or not any(name.startswith("distance/") for name in found.arrays)
    return found.facts.get("format", FORMAT) == FORMAT and told


def overlaps_of(found: Findings) -> Overlaps:
    """Return what diversity and ergodicity are decided on.

    Args:
        found: Of a run folder.
    """
    arrays, facts = found.arrays, found.facts
    nothing = np.empty(0)
    cosine = facts["null_cosine"]
    return Overlaps(
        distances=arrays.get("pair_distance", nothing),
        null=arrays.get("pair_null", nothing),
        own=arrays.get("pair_own", nothing),
        floor=float(facts["floor"]),
        null_cosine=float("nan") if cosine is None else float(cosine),
        dimensions=int(facts["dimensions"]),
        untested=str(facts.get("untested", "")),
        unique=bool(facts.get("unique", False)),
    )


def unknown_overlaps(reason: str) -> Overlaps:
    """Return overlaps of which nothing is known.

    Args:
        reason: Why.
    """
    nothing = np.empty(0)
    return Overlaps(nothing, nothing, nothing, 0.0, float("nan"), 0, untested=reason)


def divergence(found: Findings) -> Array | None:
    """Return 1 - Q* of all pairs at T, (replica, replica), or None where there is no null.

    Args:
        found: Of a run folder.
    """
    if "steps" not in found.arrays:
        return None
    last = _last(found)
    if f"distance/{last}" not in found.arrays:
        return None
    scale = float(found.arrays[f"null/{last}"][0])
    return found.arrays[f"distance/{last}"] / scale if scale > 0 else None


def mean_divergence(found: Findings) -> float | None:
    """Return 1 - Q* of pairs of main replicas that were matched by themselves, or None where there is no null.

    Args:
        found: Of a run folder.
    """
    distances, null = (found.arrays.get(name, np.empty(0)) for name in ("main_distance", "main_null"))
    return float(distances.mean() / null.mean()) if len(distances) and len(null) and null.mean() > 0 else None


def microscopic(found: Findings, confidence: float | None) -> dict[str, dict[str, Any]]:
    """Return the microscopic part of verdict.json: each quantity with estimate, interval, null and self.

    Args:
        found: Of a run folder.
        confidence: Of the intervals, which come from the jackknife over replicas or from independent pairs.
    """
    said: dict[str, dict[str, Any]] = {}
    arrays = found.arrays
    if found.facts.get("crossed"):
        confidence = None  # replicas share their randomness: nothing independent stands behind an interval
    apart = divergence(found)
    if "steps" in arrays:
        said |= _scales(found, confidence)
    if apart is not None:
        said["overlap"] = _overlap(found, apart, confidence)
    for name, null in (
        ("disagreement", "disagreement_null"),
        ("error_consistency", None),
        ("jensen_shannon", None),
        ("output_distance", None),
        ("support", "support_null"),
    ):
        if name in arrays:
            chance = (
                0.0
                if name == "error_consistency"
                else pair_mean(arrays[null]).value
                if null is not None and null in arrays
                else None
            )
            own = unit_mean(arrays[f"{name}_own"]).value if f"{name}_own" in arrays else None
            said[name] = pair_mean(arrays[name]).as_dict(confidence, chance, own)
    if "test_error" in arrays:
        said["disagreement"]["test_error"] = float(arrays["test_error"].mean())
        change = arrays["disagreement"] - (arrays["test_error"][:, None] + arrays["test_error"][None]) / 2
        said["generalization_gap"] = pair_mean(change).as_dict(confidence, 0.0)
    said |= _similarity(found, confidence) | _barrier(arrays, confidence)
    return said


def _overlap(found: Findings, apart: Array, confidence: float | None) -> dict[str, Any]:
    """Q* of pairs matched by themselves, per layer, of replicas with themselves; in one frame, P(q) and its history."""
    arrays, facts = found.arrays, found.facts
    steps = [int(step) for step in arrays["steps"]]
    scale = float(arrays["main_null"].mean())
    half = str(steps[-1] // 2)
    own = {str(step): unit_mean(1 - arrays["own"][row] / scale).value for row, step in enumerate(steps[:-1])}
    frame, null = float(arrays[f"null/{steps[-1]}"][0]), arrays["null_pairs"]
    layers = {}
    for row, layer in enumerate(facts["layers"] if "main_layers" in arrays else ()):
        unrelated = float(arrays["main_layers_null"][row].mean())
        if unrelated > 0:
            layers[layer] = unit_mean(1 - arrays["main_layers"][row] / unrelated).as_dict(confidence)
    return unit_mean(1 - arrays["main_distance"] / scale).as_dict(
        confidence,
        0.0,
        own.get(half),
        same_bath=unit_mean(_share(arrays)).as_dict(confidence),
        layers=layers,
        with_itself=own,
        frame=pair_mean(1 - apart).as_dict(confidence, 0.0),
        between={
            str(step): pair_mean(1 - arrays[f"distance/{step}"] / _one(arrays[f"null/{step}"])).value for step in steps
        },
        distribution={
            "edges": EDGES.tolist(),
            "counts": _counts(1 - apart[np.triu_indices(len(apart), 1)]),
            "null_counts": _counts(1 - null[np.triu_indices(len(null), 1)] / frame),
            "with_itself": _counts(1 - arrays["own"][steps.index(int(half))] / scale) if half in own else None,
        },
        of="what was learned since the common initialization" if facts["displacement"] else facts["null"],
    )


def _scales(found: Findings, confidence: float | None) -> dict[str, dict[str, Any]]:
    """Memory of the initialization, spread of the parameters, effective number of directions, separation of twins."""
    arrays, facts = found.arrays, found.facts
    said: dict[str, dict[str, Any]] = {}
    if "main_cosine" in arrays:
        null = unit_mean(arrays["main_cosine_null"]).value
        said["aligned_cosine"] = unit_mean(arrays["main_cosine"]).as_dict(confidence, null)
    if "memory" in arrays:
        cosine = arrays["memory"]
        own, others = np.diag(cosine), (cosine.sum(axis=1) - np.diag(cosine)) / max(len(cosine) - 1, 1)
        # where all replicas have one start, that of another replica is no null
        kept = own if facts["displacement"] else own - others
        said["memory"] = unit_mean(kept).as_dict(confidence, None if facts["displacement"] else 0.0)
        raw = arrays["raw_cosine"][np.triu_indices(len(cosine), 1)]
        width = float(raw.var(ddof=1)) if len(raw) > 1 else 0.0
        said["participation_ratio"] = Estimate(
            1 / width if width > 0 else float("nan"), float("nan"), len(cosine)
        ).as_dict(confidence)
    steps = [int(step) for step in arrays["steps"]]
    if f"spread/{steps[-1]}" in arrays:
        last = arrays[f"spread/{steps[-1]}"]
        floor = 2 * np.log(max(float(facts["floor"]), np.finfo(np.float64).tiny)) - np.log(facts["dimensions"])
        said["dispersion"] = Estimate(_mean(last[0] - last[1]), float("nan"), 1).as_dict(
            confidence,
            0.0,
            layers={layer: float(a - b) for layer, a, b in zip(facts["layers"], last[0], last[1], strict=True)},
            above_floor={layer: float(a - floor) for layer, a in zip(facts["layers"], last[0], strict=True)},
            between={str(step): _mean(arrays[f"spread/{step}"][0] - arrays[f"spread/{step}"][1]) for step in steps},
        )
    return said | _chaos(found, steps, confidence)


def _chaos(found: Findings, steps: list[int], confidence: float | None) -> dict[str, dict[str, Any]]:
    """How far twins have come apart, over the distance between replicas; both raw, since twins keep their labels."""
    arrays = found.arrays
    apart = _one(arrays["raw_distance"]) if "raw_distance" in arrays else 0.0
    if f"twin/{steps[-1]}" not in arrays or apart <= 0:
        return {}
    parted = {
        str(step): float(arrays[f"twin/{step}"].mean() / apart) for step in (1, *steps) if f"twin/{step}" in arrays
    }
    floor = float(found.facts["floor"]) / apart
    return {"chaos": unit_mean(arrays[f"twin/{steps[-1]}"] / apart).as_dict(confidence, floor, between=parted)}


def _similarity(found: Findings, confidence: float | None) -> dict[str, dict[str, Any]]:
    """CKA per layer with that of untrained networks; the last hidden layer speaks for the whole."""
    layers = found.facts.get("representations", [])
    if not layers:
        return {}
    parts = {
        layer: pair_mean(found.arrays[f"cka/{layer}"]).as_dict(
            confidence,
            pair_mean(found.arrays[f"cka_null/{layer}"]).value if f"cka_null/{layer}" in found.arrays else None,
            **_twins(found.arrays, layer, confidence),
        )
        for layer in layers
    }
    last = layers[-2] if len(layers) > 1 else layers[-1]  # of estimators their structure
    return {"similarity": {**parts[last], "layer": last, "layers": parts}}


def _twins(arrays: Mapping[str, Any], layer: str, confidence: float | None) -> dict[str, Any]:
    """CKA of replicas with their label-permuted twins, where there are such."""
    name = f"cka_twin/{layer}"
    return {"label_permuted_twin": unit_mean(arrays[name]).as_dict(confidence)} if name in arrays else {}


def _barrier(arrays: Mapping[str, Any], confidence: float | None) -> dict[str, dict[str, Any]]:
    if "barrier_raw" not in arrays:
        return {}
    names = {"barrier": "barrier_aligned", "barrier_raw": "barrier_raw"}
    return {name: unit_mean(arrays[kept]).as_dict(confidence) for name, kept in names.items() if kept in arrays}


def _share(arrays: Mapping[str, Any]) -> Array:
    null = arrays["pair_null"]
    null = null[np.isfinite(null)]
    if not len(null) or null.mean() <= 0:
        return np.full(len(arrays["pair_distance"]), np.nan)
    return np.asarray(1 - arrays["pair_distance"] / null.mean())


def _counts(values: Array) -> list[int]:
    finite = values[np.isfinite(values)]
    return [int(count) for count in np.histogram(np.clip(finite, EDGES[0], EDGES[-1]), EDGES)[0]]


def _mean(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _one(array: Array) -> float:
    return float(array[0])


def _last(found: Findings) -> int:
    return int(found.arrays["steps"][-1])
