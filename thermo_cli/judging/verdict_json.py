"""The content of verdict.json: all that is said of a run and of the points of a sweep; null where there is nothing to say.

A point says what a run says, so that a reader of one reads the other.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from thermo_cli.contracts import VERDICT_SCHEMA, Row, Verdict
from thermo_cli.judging.ranking import keys, own_rank, rank_of, rows_of
from thermo_cli.judging.record import Baseline, Judged, JudgedRun
from thermo_cli.store import RunFolder

NOTHING: Final[Mapping[str, Any]] = {  # said of a run: what there is no word on
    "scope": "nothing could be judged",
    "unseen": None,
    "looks": [],
    "skill": {},
    "advice": [],
    "comparison": None,
    "verdict": None,
    "phase": None,
    "summary": "",
    "outcomes": {},
    "criteria": [],
    "macroscopic": {},
    "microscopic": {},
    "diagnostics": {},
}


def as_dict(run: JudgedRun, partners: Sequence[Sequence[Baseline]] = ()) -> dict[str, Any]:
    """Return the content of verdict.json: of a sweep all that is said of its points, and null where one verdict would be.

    Args:
        run: A judged run.
        partners: What each of its points was compared with; empty where nothing was compared.
    """
    others = partners or [()] * len(run.points)
    return _swept(run, others) if run.sweep else content_of(run.only, others[0])


def content_of(judged: Judged, partners: Sequence[Baseline] = ()) -> dict[str, Any]:
    """Return what is said of one ensemble.

    Args:
        judged: An ensemble.
        partners: What it was compared with.
    """
    folder = judged.folder
    return document(_title(folder), judged.status, judged.verdict) | _beside(folder.name, partners)


def document(title: str, status: str, verdict: Verdict | None, reason: str = "") -> dict[str, Any]:
    """Return what is said of a run without a sweep.

    Args:
        title: The run's name and hash, with a hyphen between them.
        status: `complete`, `partial` or `failed`.
        verdict: None where it cannot be judged.
        reason: Why not.
    """
    return {
        "schema_version": VERDICT_SCHEMA,
        "run": _head(title, status, replicas(verdict) if verdict is not None else None),
        **(_said(verdict) if verdict is not None else {**NOTHING, "summary": reason}),
        "points": [],
    }


def replicas(verdict: Verdict) -> dict[str, int | None]:
    """Count the replicas by how they ended, and those that are no copies of others."""
    return dict(verdict.replicas)


def _beside(title: str, partners: Sequence[Baseline]) -> dict[str, Any]:
    """Say how an ensemble compares: its rank, each difference, and all of them in the order of their means."""
    if not partners:
        return {}
    return {
        "comparison": {
            "rank": list(own_rank(partners)),
            "partners": [_partner(partner) for partner in partners],
            "ranking": [_ranked(title, partners, observable, history) for observable, history in keys(partners)],
        }
    }


def _ranked(title: str, partners: Sequence[Baseline], observable: str, history: str) -> dict[str, Any]:
    """Say where an ensemble stands in one observable of one history."""
    found = rows_of(partners, observable, history)
    rows = [row for row in found if row is not None]
    higher = rows[0].higher_is_better
    means = [(title, rows[0].mean)]
    means += [(one.title, row.baseline_mean) for one, row in zip(partners, found, strict=True) if row is not None]
    relations = [row.outcome if row is not None else "undecided" for row in found]
    return {
        "observable": observable,
        "history": history,
        "higher_is_better": higher,
        "rank": None if higher is None else list(rank_of(relations)),
        "order": _ordered(means, higher),
    }


def scope_of(run: JudgedRun) -> str:
    """Say what the verdicts speak of; where points differ in it, all that they speak of."""
    scopes = list(dict.fromkeys(point.judged.verdict.scope for point in run.points if point.judged))
    return scopes[0] if len(scopes) == 1 else "differs from point to point: " + " / ".join(scopes)


def tally(run: JudgedRun) -> str:
    """Count the verdicts of a sweep, the most frequent first."""
    verdicts = Counter(point.judged.verdict.verdict if point.judged else "not judged" for point in run.points)
    return f"{len(run.points)} points: " + ", ".join(f"{count} {word}" for word, count in verdicts.most_common())


def _title(folder: RunFolder) -> str:
    """Return name and hash of a run; its folder may have been given another name."""
    return f"{folder.spec.name}-{folder.name.rpartition('-')[2]}"


def _head(title: str, status: str, counts: Mapping[str, int | None] | None) -> dict[str, Any]:
    name, _, digits = title.rpartition("-")
    return {"name": name or title, "id": digits, "status": status, "replicas": counts}


def _swept(run: JudgedRun, partners: Sequence[Sequence[Baseline]]) -> dict[str, Any]:
    points, counts = [], Counter[str]()
    for point, others in zip(run.points, partners, strict=True):
        judged = point.judged
        ends = replicas(judged.verdict) if judged is not None else None
        said = _said(judged.verdict) if judged is not None else {**NOTHING, "summary": point.reason}
        points.append({"point": dict(point.values), "replicas": ends, **said, **_beside(point.title, others)})
        lost = {"planned": sum(row.role == "main" for row in point.folder.table)}
        counts.update({name: count or 0 for name, count in (ends or lost).items()})
    return {
        "schema_version": VERDICT_SCHEMA,
        "run": _head(_title(run.folder), run.folder.status, {**counts, "independent": None}),
        **NOTHING,
        "scope": scope_of(run),
        "summary": f"{tally(run)}.",
        "points": points,
    }


def _said(verdict: Verdict) -> dict[str, Any]:
    content: dict[str, Any] = _plain(
        {
            **NOTHING,
            "scope": verdict.scope,
            "unseen": verdict.unseen or None,
            "skill": {name: {"constant": one.constant, "better": one.better} for name, one in verdict.skill.items()},
            "advice": [dataclasses.asdict(step) for step in verdict.advice],
            "looks": [dataclasses.asdict(look) for look in verdict.looks],
            "verdict": verdict.verdict,
            "phase": verdict.phase,
            "summary": verdict.summary,
            "outcomes": verdict.outcomes,
            "criteria": [_row(row) for row in verdict.criteria],
            "macroscopic": verdict.macroscopic,
            "microscopic": verdict.microscopic,
            "diagnostics": {**verdict.diagnostics, "warnings": verdict.warnings},
        }
    )
    return content


def _partner(partner: Baseline) -> dict[str, Any]:
    content: dict[str, Any] = _plain(
        {
            "run": partner.title,
            "outcome": partner.outcome,
            "not_worse": partner.not_worse,
            "summary": partner.words,
            "rows": [dataclasses.asdict(row) for row in partner.rows],
            "changes": partner.changes,
            "notes": partner.notes,
        }
    )
    return content


def _ordered(means: Sequence[tuple[str, float | None]], higher: bool | None) -> list[dict[str, Any]]:
    """Put the best first; those without a mean come last."""
    sign = 1.0 if higher is False else -1.0
    order = sorted(means, key=lambda entry: math.inf if entry[1] is None else sign * entry[1])
    return [{"run": run, "mean": mean} for run, mean in order]


def _row(row: Row) -> dict[str, Any]:
    return dataclasses.asdict(row) | {"interval": row.interval if row.interval is not None else (None, None)}


def _plain(value: Any) -> Any:
    """Turn nested records into JSON values; a number that is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
