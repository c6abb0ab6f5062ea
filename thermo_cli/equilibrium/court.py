"""The court: from trajectories, settings and facts to a verdict. Pure: no disk, no clock, no randomness."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from thermo_cli.contracts import Array, CriterionName, Outcome, Row, Verdict
from thermo_cli.equilibrium.criteria.agreement import agreement, tolerance_interval
from thermo_cli.equilibrium.criteria.diversity import diversity
from thermo_cli.equilibrium.criteria.ergodicity import ergodicity
from thermo_cli.equilibrium.criteria.history import history
from thermo_cli.equilibrium.criteria.stationarity import nothing_has_happened, slopes, stationarity
from thermo_cli.equilibrium.ensemble import Ensemble
from thermo_cli.equilibrium.verdict import combine, decide, phase_of, summarize

WATCHED = ("parameter_norm", "gradient_norm")
WATCHED_DRIFT = 0.1
UNFINISHED = (
    "Not finished: {missing} of {planned} replicas are still to be trained; the same thermo-run command goes on. The rows are "
    "those of the rest."
)


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
    question, settings, margins, trajectories = (
        ensemble.question,
        ensemble.settings,
        ensemble.margins,
        ensemble.trajectories,
    )
    rows = [*_stationarity_rows(ensemble)]
    rows += _agreement_rows(ensemble)
    rows += history(trajectories, dataclasses.replace(question, histories=ensemble.histories), settings, margins)
    rows += _movement_rows(ensemble, rows)
    rows += [diversity(ensemble.overlaps, settings), ergodicity(ensemble.overlaps, question, settings)]
    counts = _counts(ensemble)
    outcomes: dict[CriterionName, Outcome] = {
        name: combine([row for row in rows if row.criterion == name and (row.gates or name == "ergodicity")])
        for name in ("stationarity", "agreement", "history", "diversity", "ergodicity")
    }
    verdict = decide(outcomes, counts["diverged"] + counts["crashed"] > settings.diverged, settings.require_ergodic)
    macroscopic = {name: _macrostate(ensemble, name) for name in ensemble.values}
    summary = summarize(verdict, rows, outcomes, counts, macroscopic, margins, question, _first_to_leave(ensemble))
    missing = counts["planned"] - len(trajectories.replicas)
    if missing and verdict != "diverged":
        verdict, summary = "undecided", UNFINISHED.format(missing=missing, planned=counts["planned"])
    return Verdict(
        verdict=verdict,
        phase=phase_of(outcomes, question.schedule),
        summary=summary,
        scope=question.scope,
        criteria=tuple(rows),
        outcomes=outcomes,
        macroscopic=macroscopic,
        microscopic=microscopic or {},
        diagnostics={"window": _window(ensemble), **(diagnostics or {})},
        replicas=counts,
        warnings=tuple(_warnings(ensemble)),
    )


def _stationarity_rows(ensemble: Ensemble) -> list[Row]:
    rows: list[Row] = []
    if not ensemble.margins:
        return [
            Row("stationarity", "S", None, "all histories", True, "untested", explanation="no observable has a margin")
        ]
    trajectories, question = ensemble.trajectories, ensemble.question
    for path, members in ensemble.members.items():
        for name, margin in ensemble.margins.items():
            budgets = trajectories.budgets[name][members] if name in trajectories.budgets else None
            values = ensemble.values[name][members][:, ensemble.window]
            rows += stationarity(name, path, values, ensemble.times, margin, question, ensemble.settings, budgets)
    return rows


def _movement_rows(ensemble: Ensemble, rows: list[Row]) -> list[Row]:
    """Leave a holding stationarity open when nothing has moved yet and no history has been forgotten either."""
    if combine([row for row in rows if row.criterion == "stationarity" and row.gates]) != "holds":
        return []
    if any(row.criterion == "history" and row.gates and row.outcome == "holds" for row in rows):
        return []
    moves = {name: _largest_move(ensemble, name) for name in ensemble.margins}
    still = nothing_has_happened(moves, ensemble.margins)
    return [still] if still is not None else []


def _agreement_rows(ensemble: Ensemble) -> list[Row]:
    if not ensemble.question.independent:
        reason = "in a crossed design replicas share their randomness: agreement at the margin would hold falsely"
        return [Row("agreement", "A", None, "all histories", True, "untested", explanation=reason)]
    rows: list[Row] = []
    for name, margin in ensemble.margins.items():
        means = ensemble.values[name][:, ensemble.window].mean(axis=1)
        rows += agreement(name, ensemble.finals[name], means, margin, ensemble.settings, len(ensemble.histories))
    if not any(row.gates for row in rows):
        reason = "no observable of the test set has a margin: observe accuracy or r2, or state a margin"
        rows.append(Row("agreement", "A", None, "all histories", True, "untested", explanation=reason))
    return rows


def _largest_move(ensemble: Ensemble, name: str) -> float:
    """Return the largest |mean in the window - mean at the first record| over the histories."""
    moves = []
    for members in ensemble.members.values():
        values = ensemble.values[name][members]
        values = values[np.isfinite(values).all(axis=1)]
        if len(values):
            first = ensemble.question.initial.get(name, float(values[:, 0].mean()))
            moves.append(abs(float(values[:, ensemble.window].mean()) - first))
    return max(moves, default=float("nan"))


def _counts(ensemble: Ensemble) -> dict[str, int]:
    states = ensemble.trajectories.states
    ends = {word: states.count(word) for word in ("finished", "diverged", "crashed")}
    return {"planned": len(ensemble.recorded.replicas), **ends, "controls": ensemble.question.controls}


def _first_to_leave(ensemble: Ensemble) -> str:
    """Name the replica that was the first to have a value that is not finite, and the step."""
    trajectories = ensemble.trajectories
    gone = np.any([~np.isfinite(values) for values in ensemble.values.values()], axis=0)
    gone[trajectories.crashed] = False
    if not gone.any():
        return ""
    when = int(gone.any(axis=0).argmax())
    return f"{trajectories.replicas[int(gone[:, when].argmax())]} by step {trajectories.steps[when]}"


def _macrostate(ensemble: Ensemble, name: str) -> dict[str, Any]:
    """Summarize one observable at the end: mean and spread over the replicas that are finite, tolerance interval over all."""
    finals = ensemble.finals[name]
    tolerance = tolerance_interval(finals, ensemble.settings.content, ensemble.settings.alpha)
    return {
        **_moments(finals),
        "tolerance_interval": list(tolerance) if tolerance else [None, None],
        "window_mean": _moments(ensemble.values[name][:, ensemble.window].mean(axis=1))["mean"],
        "histories": {path: _moments(finals[members]) for path, members in ensemble.members.items()},
    }


def _moments(values: Array) -> dict[str, float | None]:
    values = values[np.isfinite(values)]
    with np.errstate(over="ignore"):  # a spread that overflows is infinite, hence null
        sd = float(values.std(ddof=1)) if len(values) > 1 else None
    return {"mean": float(values.mean()) if len(values) else None, "sd": sd}


def _window(ensemble: Ensemble) -> dict[str, int]:
    steps = ensemble.trajectories.steps[ensemble.window]
    return {"from_step": int(steps[0]), "to_step": ensemble.question.steps, "measurements": len(steps)}


def _warnings(ensemble: Ensemble) -> list[str]:
    """Warn of norms that still move: they may drift for ever after the performance has converged (Kunin 2021)."""
    warnings = []
    times = ensemble.times
    for name in WATCHED:
        for path, members in ensemble.members.items() if name in ensemble.values else ():
            values = ensemble.values[name][members]
            values = values[np.isfinite(values).all(axis=1)][:, ensemble.window]
            if len(values) and len(times) > 1 and values.mean() != 0:
                change = float(slopes(values, times).mean() * (times[-1] - times[0])) / float(values.mean())
                if abs(change) > WATCHED_DRIFT:
                    warnings.append(
                        f"{name} of {path} moved by {change:+.0%} within the window (watched, decides nothing)"
                    )
    return warnings
