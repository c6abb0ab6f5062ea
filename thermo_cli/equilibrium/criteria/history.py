"""History: is the path that led here forgotten? Histories that were apart must end alike.

Two that never were apart have nothing to forget, so a history counts only if it differed from the first by more than the
margin at some time before T/2.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from scipy import stats

from thermo_cli.contracts import Array, Row, Trajectories
from thermo_cli.equilibrium.ensemble import Question, Settings
from thermo_cli.equilibrium.margins import Margin
from thermo_cli.equilibrium.statistics.intervals import Interval, replicas_for_mean

H = "H difference of final means"


def history(
    trajectories: Trajectories, question: Question, settings: Settings, margins: Mapping[str, Margin]
) -> list[Row]:
    """Answer H for every pair of histories and every gating observable.

    For a pair the 1 - 2 alpha Welch interval of the difference of the final means lies in (-delta, delta). A pair with a
    history that was never apart gates only when it fails: what was never apart and ends apart is no agreement either.

    Args:
        trajectories: The observables.
        question: Names of the histories, the first being the one that others must have been apart from.
        settings: Confidence.
        margins: delta of each gating observable.
    """
    if not question.evolves:
        return [
            _without("the fit is in closed form, or at the only optimum: there is no path to forget", "inapplicable")
        ]
    if not question.independent:
        return [_without("in a crossed design replicas share their randomness: they are no independent units")]
    if len(question.histories) < 2:
        return [_without("only one history was run: another (hot, detour) is needed")]
    if not margins:
        return [_without("no observable has a margin")]
    apart = {name for name in question.histories[1:] if was_apart(name, trajectories, question, settings, margins)}
    rows = []
    for one, other in combinations(question.histories, 2):
        counts = {one, other} <= apart | {question.histories[0]}
        for observable, margin in margins.items():
            finals = trajectories.values[observable][:, -1]
            rows.append(_pair(observable, one, other, finals, trajectories, margin.delta, settings, counts))
    if not apart:
        first, others = question.histories[0], ", ".join(question.histories[1:])
        reason = f"{others} never differed from {first} by more than a margin before T/2: there was nothing to forget"
        rows.append(_without(reason))
    return rows


def was_apart(
    name: str, trajectories: Trajectories, question: Question, settings: Settings, margins: Mapping[str, Margin]
) -> bool:
    """Say whether a history has shown itself to differ from the first, at one measurement before T/2 at least.

    The Welch interval of its mean minus the first history's, at the same step, lies outside (-delta, delta); alpha is divided
    by the number of measurements and observables looked at.

    Args:
        name: The history.
        trajectories: The observables.
        question: For T and the first history.
        settings: Confidence.
        margins: delta of each gating observable.
    """
    early = trajectories.steps < question.steps / 2
    alpha = settings.alpha / max(int(early.sum()) * len(margins), 1)
    here, there = trajectories.members(name), trajectories.members(question.histories[0])
    for observable, margin in margins.items():
        values = trajectories.values[observable][:, early]
        difference, half = welch(values[here], values[there], alpha)
        if bool((np.abs(difference) - half > margin.delta).any()):
            return True
    return False


def welch(one: Array, other: Array, alpha: float) -> tuple[Array, Array]:
    """Bound differences of means: m1 - m2 +- t_(1-alpha; nu) sqrt(s1^2/n1 + s2^2/n2), nu after Satterthwaite.

    Args:
        one: (replica, ...); values that are not finite are left out (they are counted elsewhere).
        other: (replica, ...), the other axes as those of `one`.
        alpha: Error rate of each bound.

    Returns:
        Difference and half-width, (...); NaN with fewer than two finite values on a side. Source: Welch 1947.
    """
    means, errors, freedoms = [], [], []
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for values in (one, other):
            finite = np.isfinite(values)
            n = np.where(finite.sum(axis=0) >= 2, finite.sum(axis=0), np.nan)
            mean = np.where(finite, values, 0.0).sum(axis=0) / n
            square = np.where(finite, values - mean, 0.0) ** 2
            means.append(mean)
            errors.append(square.sum(axis=0) / (n - 1) / n)
            freedoms.append(n - 1)
        error = errors[0] + errors[1]
        freedom = error**2 / (errors[0] ** 2 / freedoms[0] + errors[1] ** 2 / freedoms[1])
        freedom = np.where(error > 0, freedom, np.minimum(*freedoms))
        half: Array = stats.t.ppf(1 - alpha, freedom) * np.sqrt(error)
    difference: Array = means[0] - means[1]
    return difference, half


def _pair(
    observable: str,
    one: str,
    other: str,
    finals: Array,
    trajectories: Trajectories,
    delta: float,
    settings: Settings,
    counts: bool,
) -> Row:
    left, right = finals[trajectories.members(one)], finals[trajectories.members(other)]
    difference, half = (float(value) for value in welch(left, right, settings.alpha))
    interval, scope = Interval(difference, difference - half, difference + half), f"{one} - {other}"
    fewest = min(int(np.isfinite(left).sum()), int(np.isfinite(right).sum()))
    if fewest < 2:
        reason = f"a history has only {fewest} replicas with finite values; at least 2 are needed"
        return Row("history", H, observable, scope, True, "untested", margin=delta, explanation=reason)
    outcome = interval.inside(delta)
    words = {
        "holds": f"the means of {one} and {other} differ by less than {delta:.3g}",
        "fails": f"{one} and {other} end apart: the result remembers how it was reached",
        "undecided": f"{one} and {other} may end apart; more replicas decide",
    }[outcome]
    if not counts and outcome != "fails":
        words += "; they were not shown to be apart before T/2, so this says nothing about forgetting"
    needed = replicas_for_mean(interval, delta, fewest) if outcome == "undecided" else None
    return Row(
        "history",
        H,
        observable,
        scope,
        counts or outcome == "fails",
        outcome,
        interval.estimate,
        (interval.lower, interval.upper),
        delta,
        settings.confidence,
        words,
        needed,
    )


def _without(reason: str, outcome: str = "untested") -> Row:
    return Row("history", H, None, "all histories", True, outcome, explanation=reason)  # type: ignore[arg-type]
