"""The court: from an ensemble to a verdict. Pure: no disk, no clock, no randomness."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from thermo_cli.contracts import CriterionName, Outcome, Row, Verdict
from thermo_cli.contracts.judgement import ENDS
from thermo_cli.equilibrium.advice import advice
from thermo_cli.equilibrium.criteria import asked_of
from thermo_cli.equilibrium.criteria.movement import nothing_has_happened
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.sentence import copied, sentence
from thermo_cli.equilibrium.skill import skill
from thermo_cli.equilibrium.statistics.mean_and_sd import mean_and_sd
from thermo_cli.equilibrium.statistics.slope import slopes
from thermo_cli.equilibrium.statistics.tolerance import tolerance_interval
from thermo_cli.equilibrium.unseen import unseen
from thermo_cli.equilibrium.verdict import combine, decide, phase_of

WATCHED: Final = ("parameter_norm", "gradient_norm")
WATCHED_DRIFT: Final = 0.1
LONGEST, MOST_GROUPS = 80, 8  # characters of a group of copies that are shown, and groups


def judge(
    ensemble: Ensemble,
    microscopic: Mapping[str, Mapping[str, Any]] | None = None,
    diagnostics: Mapping[str, Any] | None = None,
) -> Verdict:
    """Decide whether an ensemble has thermalized.

    Args:
        ensemble: With all that decides.
        microscopic: The rest of what is known of the microstates, for the record.
        diagnostics: What else is known, for the record.
    """
    rows, counts, settings = _rows(ensemble), _counts(ensemble), ensemble.settings
    outcomes: dict[CriterionName, Outcome] = {
        criterion.name: combine([row for row in rows if row.criterion == criterion.name])
        for criterion in asked_of(bool(settings.targets))
    }
    verdict = decide(outcomes, counts["diverged"] + counts["crashed"] > settings.diverged, settings.require_ergodic)
    unfinished = ensemble.recorded.unfinished is not None
    judgement = Verdict(
        verdict="undecided" if unfinished and verdict != "diverged" else verdict,
        phase=phase_of(outcomes, ensemble.question.schedule),
        summary="",
        scope=_scope(ensemble),
        criteria=tuple(rows),
        outcomes=outcomes,
        macroscopic={name: _macrostate(ensemble, name) for name in ensemble.values},
        microscopic=microscopic or {},
        diagnostics={"window": _window(ensemble), **(diagnostics or {})},
        replicas=counts,
        warnings=(*_copies(ensemble), *_idle(ensemble), *_missing(ensemble), *_warnings(ensemble)),
        unseen=unseen(ensemble),
        skill=skill(ensemble),
    )
    judgement = dataclasses.replace(judgement, advice=advice(judgement, ensemble))
    return dataclasses.replace(judgement, summary=sentence(judgement, ensemble))


def _rows(ensemble: Ensemble) -> list[Row]:
    rows = {criterion.name: criterion.judge(ensemble) for criterion in asked_of(bool(ensemble.settings.targets))}
    forgotten = any(row.gates and row.outcome == "holds" for row in rows["history"])
    if combine(rows["stationarity"]) == "holds" and not forgotten:
        rows["history"] += nothing_has_happened(ensemble)  # a row of S, told once no history has answered it
    return [row for answers in rows.values() for row in answers]


def _counts(ensemble: Ensemble) -> dict[str, int]:
    states = ensemble.recorded.trained.states
    ends = {word: states.count(word) for word in ENDS}
    independent = len(ensemble.trajectories.replicas)
    planned, controls = len(ensemble.recorded.replicas), ensemble.question.controls
    return {"planned": planned, **ends, "independent": independent, "controls": controls}


def _copies(ensemble: Ensemble) -> list[str]:
    """Name the replicas that are one run several times."""
    words = copied(ensemble)
    if not words:
        return []
    names = ensemble.recorded.trained.replicas
    groups = [" = ".join(names[row] for row in rows) for rows in ensemble.recorded.trained.copies]
    shown = [group if len(group) <= LONGEST else f"{group[:LONGEST].rpartition(' = ')[0]} = ..." for group in groups]
    more = f"; and {len(shown) - MOST_GROUPS} more" if len(shown) > MOST_GROUPS else ""
    return [f"{words}, and count once: {'; '.join(shown[:MOST_GROUPS])}{more}. Does each run get a seed, and use it?"]


def _scope(ensemble: Ensemble) -> str:
    """Say what the verdict speaks of; where all replicas are one run, nothing varied."""
    whole, count = ensemble.question.scope, len(ensemble.trajectories.replicas)
    return whole if count > 1 or not copied(ensemble) else f"{whole.partition('; varied: ')[0]}; varied: nothing"


def _idle(ensemble: Ensemble) -> list[str]:
    """Name the sources of randomness that change nothing."""
    words = (
        "changes nothing: replicas begin alike to the last bit whatever their stream, so it is not among what varied"
    )
    return [f"{name} {words}" for name in ensemble.question.idle]


def _missing(ensemble: Ensemble) -> list[str]:
    """Name the measurements of what gates that some replica has not, so that they are left out of all."""
    words, recorded = [], ensemble.trajectories
    for name in ensemble.margins:
        logged = ensemble.recorded.trained.logged[name]
        left_out = np.flatnonzero(logged & ~ensemble.measured[name])
        if len(left_out):
            gaps = np.isnan(ensemble.values[name][:, left_out]) & ensemble.alive[:, None]
            row = int(gaps.any(axis=1).argmax())
            first = f"{recorded.replicas[row]} has none at step {recorded.steps[left_out[int(gaps[row].argmax())]]}"
            words.append(
                f"{name} is judged on {logged.sum() - len(left_out)} of {logged.sum()} steps, those that all have: {first}"
            )
    return words


def _macrostate(ensemble: Ensemble, name: str) -> dict[str, Any]:
    """Summarize one observable at the end: mean and spread over the replicas that are finite, tolerance interval over all."""
    finals = ensemble.finals[name]
    tolerance = tolerance_interval(finals, ensemble.settings.content, ensemble.settings.alpha)
    return {
        **mean_and_sd(finals),
        "tolerance_interval": list(tolerance) if tolerance else [None, None],
        "window_mean": mean_and_sd(ensemble.means[name])["mean"],
        "constant": ensemble.question.constants.get(name),
        "test_set_error": _test_set_error(ensemble, name),
        "histories": {path: mean_and_sd(finals[members]) for path, members in ensemble.members.items()},
    }


def _test_set_error(ensemble: Ensemble, name: str) -> float | None:
    """Return sqrt(p (1 - p) / n) of a share p of n test examples, or what was found of another score, if known."""
    mean, share = mean_and_sd(ensemble.finals[name])["mean"], ensemble.question.resolutions.get(name)
    if mean is None or share is None:
        return ensemble.question.own_errors.get(name)
    return float(max(mean * (1 - mean) * share, 0.0) ** 0.5)


def _window(ensemble: Ensemble) -> dict[str, int]:
    steps = ensemble.trajectories.steps[ensemble.window]
    return {"from_step": int(steps[0]), "to_step": ensemble.question.steps, "measurements": len(steps)}


def _warnings(ensemble: Ensemble) -> list[str]:
    """Warn of norms that still move: they may drift for ever after the performance has converged (Kunin 2021)."""
    warnings, times = [], ensemble.times
    for name in WATCHED:
        for path, members in ensemble.members.items() if name in ensemble.values else ():
            values = ensemble.values[name][members]
            values = values[np.isfinite(values).all(axis=1)][:, ensemble.window]
            if len(values) and len(times) > 1:
                change = float(slopes(values, times).mean() * (times[-1] - times[0]))
                first = float(values.mean()) - change / 2  # of the straight line
                if first > 0 and abs(change) > WATCHED_DRIFT * first:
                    share = f"{change / first:+.0%}"
                    warnings.append(f"{name} of {path} moved by {share} within the window (watched, decides nothing)")
    return warnings
