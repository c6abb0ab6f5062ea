"""Whether two runs can be compared at all: the same task, measured alike under the same protocol; and what else differs."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from thermo_cli.data.subsample import subsample_size
from thermo_cli.environment import changes
from thermo_cli.errors import UsageError
from thermo_cli.judging.record import Judged
from thermo_cli.kinds.kind import kind_of
from thermo_cli.metric import whole
from thermo_cli.replicas import pool_of, streams_used
from thermo_cli.rng import STREAMS
from thermo_cli.spec import Spec

ABSENT: Final = object()
UNITS: Final = {1.0: "in shares", 100.0: "in per cent"}
FINGERPRINT: Final = "data fingerprint"
MOST_LINES: Final = 12


def check_comparable(run: Judged, baseline: Judged, where: str = "", mutual: bool = False) -> None:
    """Refuse a comparison of runs that do not answer the same question, naming every difference.

    Data, test set, task, gating observables and the protocol of the ensemble must be the same. System, dynamics and training
    time may differ: they are what is compared. The data of a script cannot be seen; those of recorded runs are what they say of
    themselves (test_examples, scope).

    Args:
        run: A judged run.
        baseline: The run that it is held against.
        where: Of a point of a sweep, its values.
        mutual: Whether neither is the measure of the other: then one that has diverged is worse, and no obstacle.

    Raises:
        UsageError: They do not compare, or the baseline is no measure.
    """
    _check_baseline(baseline, where, mutual)
    unlike = [*_kind(run, baseline)] or [*_data(run, baseline), *_protocol(run, baseline), *_observables(run, baseline)]
    if unlike:
        lines = "\n    ".join(["", *unlike])
        raise UsageError(
            f"{run.folder.name} and {baseline.folder.name} do not compare{where}",
            received=f"what differs:{lines}",
            remedy="compare runs of the same data, observables and ensemble; only system, dynamics and steps may differ",
        )


def differences(run: Judged, baseline: Judged) -> tuple[str, ...]:
    """List what differs between two comparable runs: system, dynamics, paths, ensemble size, code and surroundings.

    Args:
        run: A judged run.
        baseline: The run that it is held against.
    """
    one, other = run.folder.spec, baseline.folder.spec
    lines = []
    for part in ("system", "dynamics", "histories"):
        ours, theirs = (spec.model_dump(mode="json", include={part})[part] or {} for spec in (one, other))
        if ours.get("use") != theirs.get("use"):
            lines.append(_line(f"{part}.use", ours.get("use", ABSENT), theirs.get("use", ABSENT)))
        else:
            lines += _unlike(_flat(ours, f"{part}."), _flat(theirs, f"{part}."))
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} more fields"]
    sizes = ({"ensemble.replicas": spec.ensemble.replicas.last} for spec in (one, other))
    seeds = ({"ensemble.seed": spec.ensemble.seed} for spec in (one, other))
    lines += [*_unlike(*sizes), *_unlike(*seeds)]
    here, there = run.folder.manifest, baseline.folder.manifest
    if here["data_fingerprint"] != there["data_fingerprint"]:  # comparable all the same: a script, or recorded runs
        lines.append(_line("files", here["data_fingerprint"][:8], there["data_fingerprint"][:8]))
    revisions = [(one.get("git") or {}).get("revision", "unknown")[:8] for one in (here, there)]
    if revisions[0] != revisions[1]:
        lines.append(_line("git revision", *revisions))
    return tuple(lines + changes(there, here))


def gating_of(run: Judged, baseline: Judged) -> tuple[str, ...]:
    """Return the observables that a comparison rests on: all that have a margin in either run.

    The energy is left out where it is another quantity in the two runs: a smaller penalty is no better training.

    Args:
        run: A judged run.
        baseline: The run that it is held against.
    """
    one, other = run.folder.spec, baseline.folder.spec
    same = kind_of(one).objective(one) == kind_of(other).objective(other)
    return tuple(name for name in dict.fromkeys([*run.margins, *baseline.margins]) if name != "energy" or same)


def fixed_sources(run: Judged) -> list[str]:
    """Return the sources of randomness that training uses and that are the same for all replicas.

    Args:
        run: A judged run.
    """
    spec, facts = run.folder.spec, run.folder.manifest["data"]
    pool = int(facts.get("pool_examples", pool_of(spec)))
    size = subsample_size(spec.ensemble.subsample, pool) if pool else 0
    used = streams_used(spec, size, pool, noisy=bool(facts.get("noisy", False)))
    return [name for name in STREAMS if name in used and name not in spec.ensemble.vary]


def _check_baseline(baseline: Judged, where: str, mutual: bool) -> None:
    """Refuse a baseline that is without more replicas than it tolerates, or whose replicas are no independent units."""
    counts, status = baseline.verdict.replicas, baseline.status
    reason, remedy = "", ""
    if (baseline.verdict.verdict == "diverged" and not mutual) or baseline.verdict.unfinished:
        reason = f"it is {status}, and {counts['finished']} of its {counts['planned']} replicas have a result"
        remedy = "give its thermo-run command again" if status != "complete" else "name a run that did not diverge"
        remedy += ", or leave such points out of both sweeps" if where else ""
    elif baseline.folder.spec.ensemble.crossed is not None:
        reason = "its design is crossed, so its replicas share their randomness and are no independent units"
        remedy = "compare ensembles with design: independent"
    if reason:
        raise UsageError(
            f"this {'run' if mutual else 'baseline'} measures nothing{where}",
            received=f"{baseline.folder.name}: {reason}",
            remedy=remedy,
        )


def _kind(run: Judged, baseline: Judged) -> list[str]:
    """Learners compare with learners, whatever their system; scripts, recorded and physical systems with their like."""
    kinds = [each.folder.spec.traits.title for each in (run, baseline)]
    return [_line("kind", *kinds)] if kinds[0] != kinds[1] else []


def _data(run: Judged, baseline: Judged) -> list[str]:
    """Compare what the data are; equal fingerprints need no further word."""
    here, there = (
        _flat(kind_of(each.folder.spec).stated(each.folder.spec, each.folder.manifest), "") for each in (run, baseline)
    )
    fingerprint = here.get(FINGERPRINT)
    return [] if fingerprint is not None and fingerprint == there.get(FINGERPRINT) else _unlike(here, there)


def _protocol(run: Judged, baseline: Judged) -> list[str]:
    """Compare how replicas are drawn, and which paths they take."""
    one, other = run.folder.spec, baseline.folder.spec
    names = [sorted(set(each.observables.histories)) for each in (run, baseline)]
    lines = [] if names[0] == names[1] else [_line("histories", ", ".join(names[0]), ", ".join(names[1]))]
    lines += _unlike(_ensemble(one), _ensemble(other))
    ours, theirs = (_flat(kind_of(spec).comparable_fields(spec), "ensemble.") for spec in (one, other))
    common = ours.keys() & theirs.keys()  # estimators choose their own precision
    lines += _unlike(*({name: fields[name] for name in fields if name in common} for fields in (ours, theirs)))
    fixed = [name for name in STREAMS if name in {*fixed_sources(run), *fixed_sources(baseline)}]
    if fixed and one.ensemble.seed != other.ensemble.seed:  # one draw of each for all: no spread tells its effect
        lines.append(
            _line(f"ensemble.seed, which draws the fixed {', '.join(fixed)}", one.ensemble.seed, other.ensemble.seed)
        )
    return lines


def _ensemble(spec: Spec) -> dict[str, Any]:
    crossed = spec.ensemble.crossed
    return {
        "ensemble.vary": ", ".join(spec.ensemble.vary),
        "ensemble.design": "independent" if crossed is None else f"crossed: {crossed.model_dump()}",
    }


def _observables(run: Judged, baseline: Judged) -> list[str]:
    """What gates in either run must have been measured in both."""
    gating, lines = gating_of(run, baseline), []
    for name in gating:
        there = [name in each.observables.values for each in (run, baseline)]
        if not all(there):
            lines.append(_line(name, *("observed" if measured else "not observed" for measured in there)))
            continue
        units = [UNITS[whole(name, each.observables.values)] for each in (run, baseline)]
        if units[0] != units[1]:
            lines.append(_line(name, *units))
    return lines if gating else ["nothing that compares has a margin: state one with --margin OBSERVABLE=VALUE"]


def _flat(content: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Name every value by its dotted keys."""
    fields: dict[str, Any] = {}
    for key, value in content.items():
        fields |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return fields


def _unlike(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    names: Iterable[str] = dict.fromkeys([*ours, *theirs])
    pairs = [(name, ours.get(name, ABSENT), theirs.get(name, ABSENT)) for name in names]
    return [_line(name, here, there) for name, here, there in pairs if here != there]


def _line(name: str, here: Any, there: Any) -> str:
    words = [
        "none" if value is ABSENT or value is None else value if isinstance(value, str) else json.dumps(value)
        for value in (here, there)
    ]
    return f"{name}: {words[0]} (baseline: {words[1]})"
