"""History: is the path that led here forgotten? Histories that were apart must end alike.

H: for a pair of histories the 1 - 2 alpha interval (Yuen) of the difference of their final trimmed means lies in (-delta,
delta). It fails at the level alpha / rows, as each of several rows may.

Two that never were apart have nothing to forget, so a history counts only if it differed from the first by more than the
margin at some time before T/2. A pair with one that was never apart gates only when it fails: what was never apart and ends
apart is no agreement either.
"""

from itertools import combinations
from typing import Final

import numpy as np

from thermo_cli.contracts import Row
from thermo_cli.equilibrium.criteria.criterion import EVERYWHERE, SHARED, Criterion, answered, refused
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.statistics.forecast import replicas_for_mean
from thermo_cli.equilibrium.statistics.trimmed import FEWEST, difference_and_half, difference_interval

H: Final = "H difference of final means"
NO_PATH: Final = "the fit is in closed form, or at the only optimum: there is no path to forget"


def history(ensemble: Ensemble) -> list[Row]:
    """Answer H for every pair of histories and every gating observable."""
    nothing = Row("history", H, None, EVERYWHERE, True)
    if not ensemble.question.evolves:
        return [refused(nothing, NO_PATH, "inapplicable")]
    if not ensemble.question.independent:
        return [refused(nothing, SHARED)]
    if len(ensemble.histories) < 2:
        return [refused(nothing, "only one history was run: another (hot, detour) is needed")]
    if not ensemble.margins:
        return [refused(nothing, "no observable has a margin")]
    first, *others = ensemble.histories
    apart = {name for name in others if was_apart(ensemble, name)}
    pairs = list(combinations(ensemble.histories, 2))
    count = len(pairs) * len(ensemble.margins)
    rows = [
        _pair(ensemble, observable, pair, set(pair) <= apart | {first}, count)
        for pair in pairs
        for observable in ensemble.margins
    ]
    never = (
        f"{', '.join(others)} never differed from {first} by more than a margin before T/2: there was nothing to forget"
    )
    if len(ensemble.trajectories.steps) == 1:
        never = "final scores alone do not show that histories ever were apart"
    return rows if apart else [*rows, refused(nothing, never)]


def was_apart(ensemble: Ensemble, name: str) -> bool:
    """Say whether a history has shown itself to differ from the first, at one measurement before T/2 at least.

    Yuen's interval of its trimmed mean minus the first history's, at the same step, lies outside (-delta, delta); alpha is
    divided by the number of measurements and observables looked at.
    """
    early, settings = ensemble.trajectories.steps < ensemble.question.steps / 2, ensemble.settings
    alpha = settings.alpha / max(int(early.sum()) * len(ensemble.margins), 1)
    here, there = ensemble.members[name], ensemble.members[ensemble.histories[0]]
    for observable, margin in ensemble.margins.items():
        values = ensemble.values[observable][:, early]
        least = ensemble.least_variance(observable)
        difference, half = difference_and_half(values[here], values[there], alpha, settings.trim, least)
        if bool((np.abs(difference) - half > margin.delta).any()):
            return True
    return False


def _pair(ensemble: Ensemble, observable: str, pair: tuple[str, str], counts: bool, rows: int) -> Row:
    settings, delta, (one, other) = ensemble.settings, ensemble.margins[observable].delta, pair
    row = Row("history", H, observable, f"{one} - {other}", True, margin=delta)
    left, right = (ensemble.finals[observable][ensemble.members[name]] for name in pair)
    fewest = min(int(np.isfinite(left).sum()), int(np.isfinite(right).sum()))
    if fewest < FEWEST:
        return refused(row, f"a history has only {fewest} replicas with finite values; at least {FEWEST} are needed")
    interval, surer = (
        difference_interval(left, right, alpha, settings.trim, ensemble.least_variance(observable))
        for alpha in (settings.alpha, settings.alpha / rows)
    )
    outcome = interval.inside(delta)
    if outcome == "fails":
        outcome = "fails" if surer.inside(delta) == "fails" else "undecided"
    words = {
        "holds": f"the trimmed means of {one} and {other} differ by less than {delta:.3g}",
        "fails": f"{one} and {other} end apart: the result remembers how it was reached",
        "undecided": f"{one} and {other} may end apart; more replicas decide",
    }[outcome]
    if not counts and outcome != "fails":
        words += "; they were not shown to be apart before T/2, so this says nothing about forgetting"
    needed = replicas_for_mean(interval, delta, fewest, settings.alpha) if outcome == "undecided" else None
    gates = counts or outcome == "fails"
    return answered(row, interval, outcome, words, 1 - settings.alpha, gates=gates, replicas_needed=needed)


HISTORY: Final = Criterion(
    "history", "Is it forgotten how it began?", "yes, forgotten", "no, it is remembered", True, history
)
