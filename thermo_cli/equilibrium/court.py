"""The court: from trajectories, settings and facts to a verdict. Pure: no disk, no clock, no randomness."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from thermo_cli.contracts import Array, CriterionName, Outcome, Overlaps, Row, Trajectories, Verdict
from thermo_cli.equilibrium.criteria.agreement import agreement, tolerance_interval
from thermo_cli.equilibrium.criteria.diversity import diversity
from thermo_cli.equilibrium.criteria.ergodicity import ergodicity
from thermo_cli.equilibrium.criteria.history import history
from thermo_cli.equilibrium.criteria.stationarity import nothing_has_happened, slopes, stationarity
from thermo_cli.equilibrium.settings import Margin, Setting, Settings, margins_of, window_of
from thermo_cli.equilibrium.verdict import combine, decide, phase_of, summarize

WATCHED = ("parameter_norm", "gradient_norm")
WATCHED_DRIFT = 0.1
UNFINISHED = (
    "Not finished: {missing} of {planned} replicas are still to be trained; the same thermo-run command goes on. The rows are "
    "those of the rest."
)


def judge(
    trajectories: Trajectories,
    setting: Setting,
    settings: Settings,
    overlaps: Overlaps | None = None,
    microscopic: Mapping[str, Mapping[str, Any]] | None = None,
    diagnostics: Mapping[str, Any] | None = None,
) -> Verdict:
    """Decide whether an ensemble has thermalized.

    Args:
        trajectories: Macroscopic observables of all main replicas.
        setting: Facts of the experiment.
        settings: The user's margins and confidence.
        overlaps: What is known of the microstates, which decides whether replicas are different models.
        microscopic: The rest of it, for the record.
        diagnostics: What else was found, for the record.
    """
    values = {name: np.where(np.isfinite(array), array, np.nan) for name, array in trajectories.values.items()}
    whole = dataclasses.replace(trajectories, values=values)  # beyond all bounds in one way only
    trajectories = whole.trained  # what is still to be trained is no evidence, for or against
    setting = dataclasses.replace(
        setting, histories=tuple(name for name in setting.histories if name in trajectories.histories)
    )
    margins = margins_of(trajectories, setting, settings)
    rows = [*_stationarity_rows(trajectories, setting, settings, margins)]
    rows += _agreement_rows(trajectories, setting, settings, margins)
    rows += history(trajectories, setting, settings, margins)
    rows += _movement_rows(trajectories, setting, settings, margins, rows)
    rows += [diversity(overlaps, settings), ergodicity(overlaps, setting, settings)]
    diverged, first = _diverged(trajectories)
    counts = {
        "planned": len(whole.replicas),
        "finished": int((~trajectories.crashed & ~diverged).sum()),
        "diverged": int(diverged.sum()),
        "crashed": int(trajectories.crashed.sum()),
        "controls": setting.controls,
    }
    outcomes: dict[CriterionName, Outcome] = {
        name: combine([row for row in rows if row.criterion == name and (row.gates or name == "ergodicity")])
        for name in ("stationarity", "agreement", "history", "diversity", "ergodicity")
    }
    verdict = decide(outcomes, counts["diverged"] + counts["crashed"] > settings.diverged, settings.require_ergodic)
    macroscopic = {
        name: _macrostate(values, trajectories, setting, settings) for name, values in trajectories.values.items()
    }
    summary = summarize(verdict, rows, outcomes, counts, macroscopic, margins, setting, first)
    missing = len(whole.replicas) - len(trajectories.replicas)
    if missing and verdict != "diverged":
        verdict, summary = "undecided", UNFINISHED.format(missing=missing, planned=len(whole.replicas))
    return Verdict(
        verdict=verdict,
        phase=phase_of(outcomes, setting.schedule),
        summary=summary,
        scope=setting.scope,
        criteria=tuple(rows),
        outcomes=outcomes,
        macroscopic=macroscopic,
        microscopic=microscopic or {},
        diagnostics={**_window(trajectories, setting, settings), **(diagnostics or {})},
        replicas=counts,
        warnings=tuple(_warnings(trajectories, setting, settings)),
    )


def _stationarity_rows(
    trajectories: Trajectories, setting: Setting, settings: Settings, margins: Mapping[str, Margin]
) -> list[Row]:
    window = window_of(trajectories.steps.astype(float), setting, settings)
    steps = trajectories.steps[window].astype(np.float64)
    rows: list[Row] = []
    if not margins:
        return [
            Row("stationarity", "S", None, "all histories", True, "untested", explanation="no observable has a margin")
        ]
    for path in setting.histories:
        members = trajectories.members(path)
        for name, margin in margins.items():
            budgets = trajectories.budgets[name][members] if name in trajectories.budgets else None
            values = trajectories.values[name][members][:, window]
            rows += stationarity(name, path, values, steps, margin, setting, settings, budgets)
    return rows


def _movement_rows(
    trajectories: Trajectories, setting: Setting, settings: Settings, margins: Mapping[str, Margin], rows: list[Row]
) -> list[Row]:
    """Leave a holding stationarity open when nothing has moved yet and no history has been forgotten either."""
    if combine([row for row in rows if row.criterion == "stationarity" and row.gates]) != "holds":
        return []
    if any(row.criterion == "history" and row.gates and row.outcome == "holds" for row in rows):
        return []
    window = window_of(trajectories.steps.astype(float), setting, settings)
    moves = {name: _largest_move(trajectories, name, window, setting) for name in margins}
    still = nothing_has_happened(moves, margins)
    return [still] if still is not None else []


def _agreement_rows(
    trajectories: Trajectories, setting: Setting, settings: Settings, margins: Mapping[str, Margin]
) -> list[Row]:
    if not setting.independent:
        reason = "in a crossed design replicas share their randomness: agreement at the margin would hold falsely"
        return [Row("agreement", "A", None, "all histories", True, "untested", explanation=reason)]
    window = window_of(trajectories.steps.astype(float), setting, settings)
    rows: list[Row] = []
    for name, margin in margins.items():
        values = trajectories.values[name]
        rows += agreement(name, values[:, -1], values[:, window].mean(axis=1), margin, settings, len(setting.histories))
    if not any(row.gates for row in rows):
        reason = "no observable of the test set has a margin: observe accuracy or r2, or state a margin"
        rows.append(Row("agreement", "A", None, "all histories", True, "untested", explanation=reason))
    return rows


def _largest_move(trajectories: Trajectories, name: str, window: Any, setting: Setting) -> float:
    """Return the largest |mean in the window - mean at the first record| over the histories."""
    moves = []
    for path in setting.histories:
        values = trajectories.values[name][trajectories.members(path)]
        values = values[np.isfinite(values).all(axis=1)]
        if len(values):
            first = setting.initial.get(name, float(values[:, 0].mean()))
            moves.append(abs(float(values[:, window].mean()) - first))
    return max(moves, default=float("nan"))


def _diverged(trajectories: Trajectories) -> tuple[Any, str]:
    """Return which replicas have a value that is not finite, and a word on the first of them."""
    gone = np.zeros((len(trajectories.replicas), len(trajectories.steps)), dtype=bool)
    for values in trajectories.values.values():
        gone |= ~np.isfinite(values)
    gone[trajectories.crashed] = False
    replicas = gone.any(axis=1)
    if not replicas.any():
        return replicas, ""
    when = np.where(replicas, gone.argmax(axis=1), len(trajectories.steps))
    first = int(when.argmin())
    return replicas, f"{trajectories.replicas[first]} by step {trajectories.steps[when[first]]}"


def _macrostate(values: Array, trajectories: Trajectories, setting: Setting, settings: Settings) -> dict[str, Any]:
    """Summarize one observable at the end: mean and spread over the replicas that are finite, tolerance interval over all."""
    finals = values[:, -1]
    finite = finals[np.isfinite(finals)]
    histories = {}
    for path in setting.histories:
        inside = finals[trajectories.members(path)]
        inside = inside[np.isfinite(inside)]
        histories[path] = {"mean": _mean(inside), "sd": _sd(inside)}
    window = window_of(trajectories.steps.astype(float), setting, settings)
    means = values[:, window].mean(axis=1)
    tolerance = tolerance_interval(finals, settings.content, settings.alpha)
    return {
        "mean": _mean(finite),
        "sd": _sd(finite),
        "tolerance_interval": list(tolerance) if tolerance else [None, None],
        "window_mean": _mean(means[np.isfinite(means)]),
        "histories": histories,
    }


def _window(trajectories: Trajectories, setting: Setting, settings: Settings) -> dict[str, Any]:
    window = window_of(trajectories.steps.astype(float), setting, settings)
    return {
        "window": {
            "from_step": int(trajectories.steps[window][0]),
            "to_step": setting.steps,
            "measurements": int(window.sum()),
        }
    }


def _warnings(trajectories: Trajectories, setting: Setting, settings: Settings) -> list[str]:
    """Warn of norms that still move: they may drift for ever after the performance has converged (Kunin 2021)."""
    window = window_of(trajectories.steps.astype(float), setting, settings)
    steps = trajectories.steps[window].astype(np.float64)
    found = []
    for name in WATCHED:
        for path in setting.histories:
            values = trajectories.values.get(name, np.empty((0, 0)))
            values = values[trajectories.members(path)[: len(values)]] if len(values) else values
            values = values[np.isfinite(values).all(axis=1)][:, window] if len(values) else values
            if len(values) and len(steps) > 1 and values.mean() != 0:
                change = float(slopes(values, steps).mean() * (steps[-1] - steps[0])) / float(values.mean())
                if abs(change) > WATCHED_DRIFT:
                    found.append(
                        f"{name} of {path} moved by {change:+.0%} within the window (watched, decides nothing)"
                    )
    return found


def _mean(values: Array) -> float | None:
    return float(values.mean()) if len(values) else None


def _sd(values: Array) -> float | None:
    with np.errstate(over="ignore"):  # a spread that overflows is infinite, hence null
        return float(values.std(ddof=1)) if len(values) > 1 else None
