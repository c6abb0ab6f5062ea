"""From a run folder to a judged run: pure, no training; the verdict is a function of the folder and the margins."""

import dataclasses
import hashlib
import json
import os
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from thermo_cli.contracts import Advice, Look
from thermo_cli.equilibrium.court import judge
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.horizon import on_common_horizon
from thermo_cli.errors import UNEXPECTED, StoreError
from thermo_cli.judging.diagnostics import beside_microstates, diagnostics_of, known_microstates
from thermo_cli.judging.field_response import with_responses
from thermo_cli.judging.looks import look_of, next_size
from thermo_cli.judging.record import Judged, JudgedPoint, JudgedRun
from thermo_cli.judging.setting import directions_of, extent_of, settings_of
from thermo_cli.judging.standards import check_margins, check_targets, merged
from thermo_cli.judging.verdict_json import as_dict
from thermo_cli.kinds.kind import kind_of
from thermo_cli.microstates.raw import raw_overlaps
from thermo_cli.microstates.summary import microscopic as summarized
from thermo_cli.microstates.summary import overlaps_of, unknown_overlaps
from thermo_cli.spec import Spec
from thermo_cli.spec.observing import Equilibrium
from thermo_cli.spec.size import Size, first_size, grows
from thermo_cli.spec.validation import validate
from thermo_cli.spec.yaml_source import Source
from thermo_cli.store import RunFolder

NOT_EXAMINED: Final = (
    "the microstates were not examined, their file is damaged, or too few replicas have finite ones: "
    "give the thermo-run command again"
)


def judge_folder(folder: RunFolder, changes: Mapping[str, Any] | None = None) -> JudgedRun:
    """Judge every point of a run folder: pure, no training, nothing written.

    Args:
        folder: The run.
        changes: Fields of `equilibrium` to replace, at every point of a sweep.

    Raises:
        StoreError: No point can be judged.
    """
    folder = (
        RunFolder(folder.path, folder.point) if folder.sizes else folder
    )  # a look's folder does not know what may follow
    points: list[JudgedPoint] = []
    sizes: dict[int, Size] = {}
    for point in folder.points or (folder,):
        values = point.swept if folder.points else {}  # a point of a sweep, by itself, is a run without one
        equilibrium = _with(point, changes)[1].equilibrium if changes else None
        try:
            judged = judge_point(point, equilibrium)
            points.append(JudgedPoint(values, judged.folder, judged))
            sizes |= judged.folder.sizes
            sizes |= {point.point or 0: judged.ahead} if judged.ahead is not None else {}
        except (StoreError, *UNEXPECTED) as error:
            told = error if isinstance(error, StoreError) else _unexpected(point, error)
            points.append(JudgedPoint(values, point, None, str(told)))
            if len(points) == len(folder.points or (folder,)) and not any(one.judged for one in points):
                raise told from None
    return JudgedRun(folder.seen(sizes), tuple(with_responses(points)))


def _unexpected(folder: RunFolder, error: Exception) -> StoreError:
    """Say that sealed files hold what cannot be judged, and where that was noticed: anybody can write a seal."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return StoreError(
        "this run cannot be judged: its files are whole, and say something that was not expected",
        received=f"{folder.path}: {type(error).__name__}: {error} (noticed in {Path(place.filename).name}:{place.lineno})",
        remedy="ask whoever made it for the run as thermo left it; if it is that, this is a bug of thermo: send it with this",
    )


def judge_point(folder: RunFolder, equilibrium: Equilibrium | None = None) -> Judged:
    """Judge an ensemble; one that grows, look after look, to the one that decides it or is the last to have been trained.

    Args:
        folder: What is stored of a point.
        equilibrium: Other settings than the spec's.
    """
    spec, required, number = folder.spec, folder.manifest.get("required", ()), folder.point or 0
    if not grows(spec):
        judged = judge_run(folder, equilibrium)
        return _looked(judged, (look_of(judged),) if not judged.verdict.unfinished else ())
    ahead, looks = first_size(spec), list[Look]()
    seen = folder.seen({number: ahead})
    judged = judge_run(seen, equilibrium, 1)
    while seen.ended:
        looks.append(look_of(judged))
        following = next_size(spec, ahead, judged.verdict, required)
        if following is None:
            return _looked(judged, looks)
        ahead, seen = following, folder.seen({number: following})
        judged = judge_run(seen, equilibrium, len(looks) + 1) if seen.ended else judged
    return _looked(judged, looks, ahead)


def _looked(judged: Judged, looks: Sequence[Look], ahead: Size | None = None) -> Judged:
    verdict = dataclasses.replace(judged.verdict, looks=tuple(looks))
    if ahead is not None:
        more = f"look {len(looks) + 1}, {ahead.replicas} replicas per history for {ahead.steps} steps"
        finish = Advice("finish", f"the same thermo-run command: {more}, is still to be trained")
        verdict = dataclasses.replace(verdict, advice=(finish,))
    return dataclasses.replace(judged, verdict=verdict, ahead=ahead)


def judge_run(folder: RunFolder, equilibrium: Equilibrium | None = None, look: int = 0) -> Judged:
    """Judge a run folder: pure, no training, nothing written.

    Args:
        folder: The run.
        equilibrium: Other settings than the spec's.
        look: Which look this is, from 1; 0 where nothing grows.
    """
    equilibrium = equilibrium or folder.spec.equilibrium
    trajectories, settings = folder.trajectories(), dataclasses.replace(settings_of(equilibrium), look=look)
    check_margins(settings.margins, folder.spec, trajectories.values)  # a script tells what it reports by reporting
    check_targets(equilibrium.targets, trajectories.values)
    kind = kind_of(folder.spec)
    findings = known_microstates(folder)
    unknown = unknown_overlaps(NOT_EXAMINED) if folder.spec.traits.trains else None
    overlaps, seen = unknown, {}
    try:
        if findings is not None:
            overlaps, seen = overlaps_of(findings), summarized(findings, settings.confidence)
    except UNEXPECTED:  # whoever wrote it, it is no examination
        findings = None
    parameters = kind.raw(folder)
    microscopic = {**(raw_overlaps(*parameters) if parameters is not None else {}), **seen}
    question = dataclasses.replace(
        kind.question(folder, trajectories),
        higher=directions_of(folder.spec, equilibrium, trajectories.values),
        extent=extent_of(folder.spec),
        own_errors=findings.facts.get("own_errors", {}) if findings is not None else {},
    )
    ensemble = on_common_horizon(Ensemble(trajectories, question, settings, overlaps))
    diagnostics = kind.diagnostics(folder) | diagnostics_of(folder, ensemble) | beside_microstates(findings, ensemble)
    verdict = judge(ensemble, microscopic, diagnostics)
    remarks = (folder.manifest.get("data") or {}).get("remarks", ())
    verdict = dataclasses.replace(verdict, warnings=(*remarks, *verdict.warnings))
    return Judged(folder, verdict, trajectories, settings, ensemble.margins, ensemble.question.resolutions)


def judge_again(folder: RunFolder, changes: Mapping[str, Any]) -> JudgedRun:
    """Judge a stored run with other settings, and keep the verdict as `verdicts/<hash of settings>.json` if it can be written.

    Args:
        folder: The run.
        changes: Fields of `equilibrium` to replace; margins are merged into those of the spec.

    Raises:
        SpecError: A setting is not possible.
        StoreError: No point can be judged.
    """
    settings, _ = _with(folder, changes)
    run = judge_folder(folder, changes)
    observables = [name for point in run.points if point.judged for name in point.judged.observables.values]
    check_margins(changes.get("margins", {}), folder.spec, dict.fromkeys(observables))
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    place = folder.path / "verdicts"
    writable = os.access(place if place.exists() else folder.path, os.W_OK)  # an archive is read, nothing is left in it
    if writable and folder.point is None:
        folder.write_json(f"verdicts/{digest}.json", as_dict(run) | {"equilibrium": settings})
    return run


def _with(folder: RunFolder, changes: Mapping[str, Any]) -> tuple[dict[str, Any], Spec]:
    """Return the settings with some of them replaced, and the spec that has them."""
    own = folder.spec.equilibrium.model_dump(mode="json")
    whole = merged(own, changes)
    return whole, validate(Source("judging again", folder.spec.model_dump(mode="json") | {"equilibrium": whole}))
