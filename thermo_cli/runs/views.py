"""From a judged run to what its reports show."""

import dataclasses
from collections.abc import Sequence
from typing import Final

from thermo_cli.judging.diagnostics import known_microstates
from thermo_cli.judging.ranking import Standings
from thermo_cli.judging.record import Baseline, Gate, Judged, JudgedRun
from thermo_cli.judging.verdict_json import as_dict, content_of, scope_of
from thermo_cli.metric import asked_for
from thermo_cli.microstates.summary import divergence
from thermo_cli.reports.sweep_view import ComparisonView, SweepView, point_view
from thermo_cli.reports.typed import Typed
from thermo_cli.reports.view import Reproduction, RunView
from thermo_cli.runs.commands import typed_for
from thermo_cli.store import RunFolder

MOST_WORDS: Final = 4000  # characters of a description


def view(run: JudgedRun, partners: Sequence[Sequence[Baseline]] = ()) -> RunView | SweepView:
    """Choose what a report shows of a run.

    Args:
        run: A judged run.
        partners: What each of its points was compared with; empty where nothing was compared.
    """
    return sweep_view(run, partners) if run.sweep else run_view(run.only, partners[0] if partners else ())


def compared_view(
    views: Sequence[RunView | SweepView], standings: Sequence[Standings], gate: Gate | None = None
) -> ComparisonView | SweepView:
    """Choose what a report shows of several runs that were compared, or of a sweep whose points were.

    Args:
        views: Of each of them, what is shown of it alone.
        standings: What was found.
        gate: What was asked of all of them; None where nothing was.
    """
    if len(views) == 1 and isinstance(views[0], SweepView):
        return dataclasses.replace(views[0], standings=standings[0])
    return ComparisonView(tuple(views), tuple(standings), gate)


def run_view(judged: Judged, partners: Sequence[Baseline] = ()) -> RunView:
    """Choose what a report shows of one ensemble.

    Args:
        judged: An ensemble.
        partners: What it was compared with.
    """
    findings = known_microstates(judged.folder)
    apart = divergence(findings) if findings is not None else None
    names = tuple(findings.facts["replicas"]) if findings is not None and apart is not None else ()
    typed = typed_for(judged.folder)
    return RunView(
        title=judged.folder.name,
        description=described(judged.folder),
        status=judged.status,
        verdict=judged.verdict,
        trajectories=judged.observables,
        margins={name: margin.delta for name, margin in judged.margins.items()},
        content=judged.settings.content,
        apart=apart,
        names=names,
        reproduction=reproduction(judged.folder, typed),
        record=content_of(judged, partners),
        pace=judged.folder.pace,
        partners=tuple(partners),
        seconds=tuple(_seconds(judged)),
        before=tuple(_before(judged)),
        typed=typed,
        asked=tuple(asked_for(judged.folder.spec.observe.macro)),
    )


def _looks(judged: Judged) -> dict[tuple[int, int, int], float]:
    """Return number, replicas and steps of all looks at an ensemble that the manifest knows, to the seconds that each took."""
    place = judged.folder.point or 0
    kept = [look for look in judged.folder.manifest.get("looks", ()) if look["point"] == place]
    return {(look["look"], look["replicas"], look["steps"]): look["seconds"] for look in kept}


def _own(judged: Judged) -> list[tuple[int, int, int]]:
    first = 1 if judged.settings.look else 0
    return [(number, look.replicas, look.steps) for number, look in enumerate(judged.verdict.looks, first)]


def _seconds(judged: Judged) -> list[float | None]:
    costs = _looks(judged)
    return [costs.get(look) for look in _own(judged)]


def _before(judged: Judged) -> list[str]:
    """Say which other looks there were: each one errs by itself, and whoever takes the kindest errs more often."""
    others = sorted({look[1:] for look in _looks(judged).keys() - set(_own(judged))})
    if not others:
        return []
    words, rate = (
        ", ".join(f"{replicas} replicas for {steps} steps" for replicas, steps in others),
        judged.settings.confidence,
    )
    return [
        f"this run was also judged with {words}: the error rate of {1 - rate:.2g} is that of one judgement, chosen beforehand; "
        "with ensemble.replicas or dynamics.steps as {from: N, to: M} all looks together keep it"
    ]


def sweep_view(run: JudgedRun, partners: Sequence[Sequence[Baseline]] = ()) -> SweepView:
    """Choose what a report shows of a sweep.

    Args:
        run: A judged sweep.
        partners: What each of its points was compared with.
    """
    points, typed = [], typed_for(run.folder)
    for point, others in zip(run.points, partners or [()] * len(run.points), strict=True):
        shown = point_view(point.values, point.judged.verdict if point.judged else None, point.reason)
        points.append(dataclasses.replace(shown, partners=tuple(others)))
    return SweepView(
        run.folder.name,
        described(run.folder),
        run.folder.status,
        scope_of(run),
        tuple(points),
        reproduction(run.folder, typed),
        as_dict(run, partners),
        typed=typed,
    )


def described(folder: RunFolder) -> str:
    """Return what the experiment is for, as much of it as a reader would read."""
    words = folder.spec.description
    return words if len(words) <= MOST_WORDS else words[:MOST_WORDS] + " ... (the rest is in the spec)"


def reproduction(folder: RunFolder, typed: Typed) -> Reproduction:
    """Say how to get a run again, and what it was made with.

    Args:
        folder: Of the run.
        typed: How its commands are typed.
    """
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
    return Reproduction((typed.run, typed.report), spec, facts, str(manifest.get("determinism", "")), tuple(cautions))
