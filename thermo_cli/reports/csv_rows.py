"""The report as CSV: one tidy table, a line for each criterion row, score and comparison of all runs and points (RFC 4180)."""

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

from thermo_cli.characters import visible
from thermo_cli.contracts import Row
from thermo_cli.equilibrium.baseline import Difference
from thermo_cli.judging.record import Decision
from thermo_cli.reports.scores import Score, scores
from thermo_cli.reports.sweep_view import View, decisions

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets read wide ones too
LINE: Final[dict[str, type]] = {  # columns of a criterion row, and what they hold where they hold anything
    "verdict": str,
    "phase": str,
    "criterion": str,
    "statistic": str,
    "observable": str,
    "scope": str,
    "gates": bool,
    "outcome": str,
    "estimate": float,
    "interval_low": float,
    "interval_high": float,
    "margin": float,
    "confidence": float,
    "explanation": str,
    "replicas_needed": int,
    "steps_needed": int,
}
BESIDE: Final = ("constant", "better", "test_set_error")  # of a score
COLUMNS: Final = ("run", "point", *LINE, *BESIDE)


def text(views: Sequence[View]) -> str:
    """Write the table; what does not exist is an empty cell."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for view in views:
        for decision in decisions(view):
            place = [decision.run, json.dumps(dict(decision.point)) if decision.point else None]
            beside = {score.observable: _beside(score) for score in _scores(decision)}
            rows = [line | beside.get(line.get("observable") or "", {}) for line in lines(decision)]
            for line in (*rows, *_finals(decision), *_differences(decision)):
                writer.writerow(
                    [_cell(value) for value in (*place, *(line.get(column) for column in (*LINE, *BESIDE)))]
                )
    return written.getvalue()


def lines(decision: Decision) -> Iterator[dict[str, Any]]:
    """Return the criterion rows of a verdict, column to value; a point without a verdict has one line, with the reason."""
    verdict = decision.verdict
    if verdict is None:
        yield {"explanation": decision.reason}
        return
    for row in verdict.criteria:
        yield {"verdict": verdict.verdict, "phase": verdict.phase, **_columns(row)}


def _scores(decision: Decision) -> list[Score]:
    return scores(decision.verdict) if decision.verdict is not None else []


def _finals(decision: Decision) -> Iterator[dict[str, Any]]:
    """Return a line for each score: what was asked for appears, whether it has a criterion or not."""
    for score in _scores(decision):
        line = {
            "criterion": "score",
            "statistic": "final mean",
            "observable": score.observable,
            "scope": "all histories",
        }
        yield {**line, "gates": False, "estimate": score.mean, **_beside(score)}


def _differences(decision: Decision) -> Iterator[dict[str, Any]]:
    """Return a line for each difference from each run that it was compared with."""
    for partner in decision.partners:
        for row in partner.rows:
            statistic = f"difference from {partner.title}"
            yield {"criterion": "comparison", "statistic": statistic, "scope": row.history, **_columns(row)}


def _beside(score: Score) -> dict[str, Any]:
    return {"constant": score.constant, "better": score.better, "test_set_error": score.own_error}


def _columns(row: Row | Difference) -> dict[str, Any]:
    low, high = row.interval if row.interval is not None else (None, None)
    plain = {name: getattr(row, name) for name in LINE if hasattr(row, name)}
    return plain | {"interval_low": low, "interval_high": high}


def _cell(value: Any) -> str | int | float:
    """Write a cell: numbers in full, text so that no spreadsheet runs it."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = visible(value)
        return f"'{text}" if value.startswith(FORMULA) else text
    return float(value) if isinstance(value, float) else int(value)
