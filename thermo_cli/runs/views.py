"""From a judged run to what its reports show."""

import dataclasses
from collections.abc import Sequence
from typing import Final

from thermo_cli.judging.comparing import baseline_record
from thermo_cli.judging.diagnostics import known_microstates
from thermo_cli.judging.record import Baseline, Judged, JudgedRun
from thermo_cli.judging.verdict_json import as_dict, content_of, scope_of
from thermo_cli.microstates.summary import divergence
from thermo_cli.reports.points import SweepView, point_view
from thermo_cli.reports.view import Material, Reproduction, RunView, view_of
from thermo_cli.store import RunFolder

MOST_WORDS: Final = 4000  # characters of a description


def view(run: JudgedRun) -> RunView | SweepView:
    """Choose what a report shows."""
    return sweep_view(run) if run.sweep else run_view(run.only)


def with_baselines(shown: RunView | SweepView, baselines: Sequence[Baseline | None]) -> RunView | SweepView:
    """Add to what a report shows, and to its record, how the points of a run compare with a baseline.

    Args:
        shown: What a report shows.
        baselines: One comparison per point; None where there is none.
    """
    records = [baseline_record(one) if one is not None else None for one in baselines]
    if isinstance(shown, RunView):
        return dataclasses.replace(shown, baseline=baselines[0], record={**shown.record, "baseline": records[0]})
    points = zip(shown.points, baselines, strict=True)
    said = [{**point, "baseline": record} for point, record in zip(shown.record["points"], records, strict=True)]
    return dataclasses.replace(
        shown,
        points=tuple(dataclasses.replace(point, baseline=one) for point, one in points),
        record={**shown.record, "baseline": None, "points": said},
    )


def run_view(judged: Judged) -> RunView:
    """Choose what a report shows of one ensemble."""
    findings = known_microstates(judged.folder)
    apart = divergence(findings) if findings is not None else None
    names = tuple(findings.facts["replicas"]) if findings is not None and apart is not None else ()
    material = Material(
        judged.folder.name,
        described(judged.folder),
        judged.folder.status,
        judged.observables,
        {name: margin.delta for name, margin in judged.margins.items()},
        judged.settings.content,
        apart,
        names,
        reproduction(judged.folder),
        content_of(judged),
        judged.folder.spec.dynamics is not None,
    )
    return view_of(judged.verdict, material)


def sweep_view(run: JudgedRun) -> SweepView:
    """Choose what a report shows of a sweep."""
    points = [
        point_view(point.values, point.judged.verdict if point.judged else None, point.reason) for point in run.points
    ]
    return SweepView(
        run.folder.name,
        described(run.folder),
        run.folder.status,
        scope_of(run),
        tuple(points),
        reproduction(run.folder),
        as_dict(run),
    )


def described(folder: RunFolder) -> str:
    """Return what the experiment is for, as much of it as a reader would read."""
    words = folder.spec.description
    return words if len(words) <= MOST_WORDS else words[:MOST_WORDS] + " ... (the rest is in the spec)"


def reproduction(folder: RunFolder) -> Reproduction:
    """Say how to get a run again, and what it was made with."""
    manifest, spec = folder.manifest, folder.resolved_text
    facts = {"run": folder.name, "made": str(manifest.get("created", "")), "python": str(manifest.get("python", ""))}
    facts |= {name: str(version) for name, version in manifest["packages"].items()}
    hardware = manifest["hardware"]
    facts["hardware"] = ", ".join(str(value) for value in hardware.values() if value is not None)
    facts["data fingerprint"] = str(manifest["data_fingerprint"])
    git = manifest.get("git")
    cautions = []
    if git:
        facts["git revision"] = git["revision"] + (" with uncommitted changes" if git["dirty"] else "")
        if git["dirty"]:
            cautions.append("the spec's repository had changes that were not committed")
    if folder.spec.foreign:
        cautions.append("the spec runs code of its own: it needs that code, at the revision above, and --allow")
    commands = (f"thermo-run {folder.path.name}/resolved.yaml", f"thermo-report {folder.name}")
    return Reproduction(commands, spec, facts, str(manifest.get("determinism", "")), tuple(cautions))
