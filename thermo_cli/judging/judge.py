"""From a run folder to a judged run: pure, no training; the verdict is a function of the folder and the margins."""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any, Final

from thermo_cli.contracts import Trajectories
from thermo_cli.equilibrium.court import judge
from thermo_cli.equilibrium.settings import margins_of
from thermo_cli.errors import SpecError, StoreError
from thermo_cli.judging.diagnostics import beside_microstates, diagnostics_of, known_microstates, raw
from thermo_cli.judging.setting import before, setting_of, settings_of, timeless
from thermo_cli.microstates.summary import microscopic as summarized
from thermo_cli.microstates.summary import overlaps_of, unknown_overlaps
from thermo_cli.runs.run import Run, Sweep
from thermo_cli.spec import Spec
from thermo_cli.spec.loading import validate
from thermo_cli.spec.observing import Equilibrium
from thermo_cli.spec.yaml_source import Source
from thermo_cli.store import RunFolder

NOT_EXAMINED: Final = (
    "the microstates were not examined, or too few replicas have finite ones: give the thermo-run command again"
)


def judge_folder(folder: RunFolder, changes: Mapping[str, Any] | None = None) -> Run | Sweep:
    """Judge a run folder, or every point of a sweep: pure, no training, nothing written.

    Args:
        folder: The run.
        changes: Fields of `equilibrium` to replace, at every point of a sweep.
    """

    def judged(one: RunFolder) -> Run:
        return judge_run(one, _with(one, changes)[1].equilibrium if changes else None)

    if not folder.points:
        return judged(folder)
    runs: list[Run | None] = []
    reasons: list[str] = []
    for point in folder.points:
        try:
            runs.append(judged(point))
            reasons.append("")
        except StoreError as error:
            if len(reasons) + 1 == len(folder.points) and not any(runs):
                raise
            runs.append(None)
            reasons.append(str(error))
    return Sweep(folder, tuple(runs), tuple(reasons))


def judge_run(folder: RunFolder, equilibrium: Equilibrium | None = None) -> Run:
    """Judge a run folder: pure, no training, nothing written.

    Args:
        folder: The run.
        equilibrium: Other margins, confidence, content or window than the spec's.
    """
    trajectories, settings = folder.trajectories(), settings_of(equilibrium or folder.spec.equilibrium)
    if folder.spec.family == "command":
        _check_reported_margins(settings.margins, trajectories)
    setting = setting_of(
        folder.spec, folder.manifest["data"], trajectories, timeless(folder, trajectories), before(folder)
    )
    found = known_microstates(folder)
    overlaps = (
        overlaps_of(found) if found is not None else unknown_overlaps(NOT_EXAMINED) if folder.spec.dynamics else None
    )
    microscopic = raw(folder) | (summarized(found, settings.confidence) if found is not None else {})
    diagnostics = diagnostics_of(folder, trajectories, setting, settings) | beside_microstates(
        found, trajectories, setting, settings
    )
    verdict = judge(trajectories, setting, settings, overlaps, microscopic, diagnostics)
    return Run(folder, verdict, trajectories, settings, margins_of(trajectories, setting, settings))


def judge_again(folder: RunFolder, changes: Mapping[str, Any]) -> Run | Sweep:
    """Judge a stored run with other settings, and keep the verdict as `verdicts/<hash of settings>.json` if it can be written.

    Args:
        folder: The run.
        changes: Fields of `equilibrium` to replace; margins are merged into those of the spec.

    Raises:
        SpecError: A setting is not possible.
    """
    from thermo_cli.experiment import check_margins  # what trains is imported only where settings change

    merged, spec = _with(folder, changes)
    check_margins(spec, folder.manifest["data"]["task"])
    if spec.dynamics is None:
        _check_reported_margins(spec.equilibrium.margins, folder.trajectories())
    run = judge_folder(folder, changes)
    digest = hashlib.sha256(json.dumps(merged, sort_keys=True).encode()).hexdigest()[:8]
    place = folder.path / "verdicts"
    if os.access(place if place.exists() else folder.path, os.W_OK):  # an archive is read and nothing is left in it
        folder.write_json(f"verdicts/{digest}.json", run.as_dict() | {"equilibrium": merged})
    return run


def _with(folder: RunFolder, changes: Mapping[str, Any]) -> tuple[dict[str, Any], Spec]:
    """Return the settings with some of them replaced, margins merged into those of the spec, and the spec that has them."""
    own = folder.spec.equilibrium.model_dump(mode="json")
    merged = own | dict(changes) | {"margins": own["margins"] | dict(changes.get("margins", {}))}
    return merged, validate(Source("judging again", folder.spec.model_dump(mode="json") | {"equilibrium": merged}))


def _check_reported_margins(margins: Mapping[str, float], trajectories: Trajectories) -> None:
    """Refuse a margin for something that others, who trained, did not report."""
    for observable in margins:
        if observable not in trajectories.values:
            raise SpecError(
                f"{observable} was not recorded",
                received=f"a margin for {observable}",
                remedy="margins can go to " + ", ".join(sorted(trajectories.values)),
                where="equilibrium.margins",
            )
