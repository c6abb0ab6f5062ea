"""What was found now against what is kept: the verdicts, what holds and fails, and every mean within the errors of both.

A value that is not found any more is a difference too, save a microscopic one where fewer replicas may leave it open.

Two means m of independent replicas contradict each other where Student's test of m1 - m2 says so at the level .05 / values, the
number of values that the reference holds: where nothing has changed, all of them agree with a chance of .95, at whichever one
looks. Then the spread is the same too, and both tell of it: eight replicas that happen to be equal have an error all the same.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scipy import stats

Content = Mapping[str, Any]
Moments = tuple[float, float, int]  # mean, standard deviation, number of replicas
ALPHA = 0.05
ROUNDED = 1e-5  # the reference keeps six digits
CONTRARY = {"holds", "fails"}  # outcomes that contradict each other


def level_of(reference: Path) -> float:
    """Return the level at which one value is compared, so that all together are compared at `ALPHA`.

    Args:
        reference: Folder of what is kept.
    """
    kept = [json.loads(file.read_text()) for file in reference.glob("*/*.json")]
    places = [one for content in kept for one in (content["points"] or [content])]
    return ALPHA / max(1, sum(len(one["macroscopic"]) + len(one["microscopic"]) for one in places))


def contradictions(known: Content, found: Content, level: float) -> Iterator[str]:
    """Say where what was found contradicts what is known.

    Args:
        known: verdict.json of the reference.
        found: That of now; with fewer replicas it may leave open what is known.
        level: Of the comparison of one value.
    """
    points = {json.dumps(one["point"], sort_keys=True): one for one in known["points"]}
    for one in found["points"]:
        where = ", ".join(f"{field}={value}" for field, value in one["point"].items())
        before = points.get(json.dumps(one["point"], sort_keys=True))
        yield from (f"{where}: {words}" for words in (_apart(before, one, level) if before else ["a new point"]))
    if not found["points"]:
        yield from _apart(known, found, level)


def _apart(known: Content, found: Content, level: float) -> Iterator[str]:
    whole = _size(known) == _size(found)
    if whole and known["verdict"] != found["verdict"]:
        yield f"{found['verdict']}, where the reference says {known['verdict']}"
    rows = {(row["criterion"], row["statistic"], row["observable"], row["scope"]): row for row in known["criteria"]}
    for row in found["criteria"]:
        before = rows.get((row["criterion"], row["statistic"], row["observable"], row["scope"]))
        if before and row["gates"] and {before["outcome"], row["outcome"]} == CONTRARY:
            yield f"{row['statistic']} of {row['observable']} {row['outcome']}, where the reference says {before['outcome']}"
    for name in sorted({*known["macroscopic"], *found["macroscopic"]}):
        yield from _differs(name, _mean(known, name), _mean(found, name), level)
    for name in sorted({*known["microscopic"], *found["microscopic"]}):
        before, now = _state(known, name), _state(found, name)
        # fewer replicas may leave one open, and raw ones depend on their number itself: the mean cosine of n opposite states
        # is -1 / (n - 1)
        if whole or (before and now and not name.startswith("raw_")):
            yield from _differs(name, before, now, level)


def _differs(name: str, before: Moments | None, now: Moments | None, level: float) -> Iterator[str]:
    """Say where two means are apart, or the later is not known any more."""
    if before and now and _chance(before, now) < level:
        yield f"{name} is {now[0]:.4g}, where the reference says {before[0]:.4g}"
    elif before and not now:
        yield f"{name} is not known, where the reference says {before[0]:.4g}"


def _size(content: Content) -> int:
    """Return the number of replicas that finished."""
    return int((content.get("replicas") or content["run"]["replicas"])["finished"])


def _mean(content: Content, name: str) -> Moments | None:
    """Return a final mean with its spread over replicas."""
    state = content["macroscopic"].get(name)
    if state is None or state["mean"] is None or state["sd"] is None:
        return None
    return state["mean"], state["sd"], _size(content)


def _state(content: Content, name: str) -> Moments | None:
    """Return a microscopic estimate, with the spread over replicas that its interval was made of: by the t of n - 1."""
    state = content["microscopic"].get(name)
    if state is None or None in (state["estimate"], *state["interval"]):
        return None
    (low, high), count = state["interval"], _size(content)
    error = (high - low) / 2 / float(stats.t.ppf(0.975, count - 1))
    return state["estimate"], error * math.sqrt(count), count


def _chance(before: Moments, now: Moments) -> float:
    """Return the chance of two means as far apart as these, if they are of one law."""
    if math.isclose(before[0], now[0], rel_tol=ROUNDED, abs_tol=ROUNDED**2):
        return 1.0
    if not (before[1] or now[1]):
        return 0.0
    return float(stats.ttest_ind_from_stats(*before, *now, equal_var=True).pvalue)
