"""How the macroscopic state answers to a swept number, beside its fluctuations.

Between neighbouring points the response of an observable is (m_b - m_a) / (x_b - x_a), m being trimmed final means and x the
field: its label noise, say, or the strength of a covariate shift. A change of the bath is felt where it moves the mean by more
than one standard deviation over replicas, which is what another seed would do.
"""

import dataclasses
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import Array
from thermo_cli.equilibrium.statistics.trimmed import difference_interval
from thermo_cli.judging.record import Judged, JudgedPoint

RESPONSE: Final = "field_response"  # in the diagnostics of a point


def with_responses(points: Sequence[JudgedPoint]) -> list[JudgedPoint]:
    """Add to the diagnostics of each point what moved since the point before, where one number is swept.

    Args:
        points: In the order of the sweep.
    """
    if not all(len(point.values) == 1 and _is_number(*point.values.values()) for point in points):
        return list(points)
    answers = [None, *(_response(before, after) for before, after in pairwise(points))]
    return [_told(point, answer) for point, answer in zip(points, answers, strict=True)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _response(before: JudgedPoint, after: JudgedPoint) -> dict[str, Any] | None:
    """Say how far the gating observables of two points lie apart; None where one of them was not judged."""
    ((field, start),), (stop,) = before.values.items(), after.values.values()
    if before.judged is None or after.judged is None or start == stop:
        return None
    both = [name for name in after.judged.margins if name in before.judged.margins]
    moved = {name: _moved(before.judged, after.judged, name, stop - start) for name in both}
    return {
        "field": field,
        "since": start,
        "observables": {name: one for name, one in moved.items() if one is not None},
    }


def _moved(before: Judged, after: Judged, name: str, step: float) -> dict[str, Any] | None:
    """Return change, interval, change per unit of the field, and change in standard deviations over replicas before it."""
    values, others = _finals(after, name), _finals(before, name)
    if not (len(values) and len(others)):  # all have diverged
        return None
    known = difference_interval(values, others, (1 - after.settings.confidence) / 2, after.settings.trim)
    if not np.isfinite(known.upper):
        return None
    sd = float(others.std(ddof=1))
    in_sd = known.estimate / sd if sd > 0 else None
    return {
        "change": known.estimate,
        "interval": [known.lower, known.upper],
        "per_unit": known.estimate / step,
        "in_sd": in_sd,
    }


def _finals(judged: Judged, name: str) -> Array:
    finals = judged.observables.finals[name]
    return finals[np.isfinite(finals)]


def _told(point: JudgedPoint, answer: dict[str, Any] | None) -> JudgedPoint:
    if point.judged is None or not answer or not answer["observables"]:
        return point
    verdict = point.judged.verdict
    verdict = dataclasses.replace(verdict, diagnostics={**verdict.diagnostics, RESPONSE: answer})
    return dataclasses.replace(point, judged=dataclasses.replace(point.judged, verdict=verdict))
