"""The content of verdict.json: all that is said of a run and of the points of a sweep; null where there is nothing to say."""

from collections import Counter
from typing import Any, Final

from thermo_cli.equilibrium import verdict as court
from thermo_cli.judging.record import Judged, JudgedPoint, JudgedRun

NOTHING: Final[dict[str, Any]] = {
    "verdict": None,
    "phase": None,
    "criteria": [],
    "macroscopic": {},
    "microscopic": {},
}
SAID: Final = (
    "verdict",
    "phase",
    "summary",
    "scope",
    "criteria",
    "outcomes",
    "macroscopic",
    "microscopic",
    "diagnostics",
)


def as_dict(run: JudgedRun) -> dict[str, Any]:
    """Return the content of verdict.json: of a sweep all that is said of its points, and null where one verdict would be."""
    return _swept(run) if run.sweep else content_of(run.only)


def content_of(judged: Judged) -> dict[str, Any]:
    """Return what is said of one ensemble."""
    folder = judged.folder
    return court.as_dict(judged.verdict, folder.spec.name, folder.name.rpartition("-")[2], folder.status)


def scope_of(run: JudgedRun) -> str:
    """Say what the verdicts speak of; where points differ in it, all that they speak of."""
    scopes = list(dict.fromkeys(point.judged.verdict.scope for point in run.points if point.judged))
    return scopes[0] if len(scopes) == 1 else "differs from point to point: " + " / ".join(scopes)


def tally(run: JudgedRun) -> str:
    """Count the verdicts of a sweep, the most frequent first."""
    verdicts = Counter(point.judged.verdict.verdict if point.judged else "not judged" for point in run.points)
    return f"{len(run.points)} points: " + ", ".join(f"{count} {word}" for word, count in verdicts.most_common())


def _swept(run: JudgedRun) -> dict[str, Any]:
    points = [_point(point) for point in run.points]
    whole = [content_of(point.judged) for point in run.points if point.judged]
    counts = {key: sum(one["run"]["replicas"][key] for one in whole) for key in whole[0]["run"]["replicas"]}
    counts["planned"] += sum(
        row.role == "main" for point in run.points if not point.judged for row in point.folder.table
    )
    return {
        "schema_version": court.SCHEMA_VERSION,
        "run": whole[0]["run"] | {"status": run.folder.status, "replicas": counts},
        "scope": scope_of(run),
        **NOTHING,
        "summary": f"{tally(run)}.",
        "outcomes": {},
        "diagnostics": {},
        "points": points,
    }


def _point(point: JudgedPoint) -> dict[str, Any]:
    if point.judged is None:
        return {"point": dict(point.values), "replicas": None, **NOTHING, "summary": point.reason}
    content = content_of(point.judged)
    return {
        "point": dict(point.values),
        "replicas": content["run"]["replicas"],
        **{key: content[key] for key in SAID},
    }
