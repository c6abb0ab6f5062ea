"""The common horizon: the last step that all replicas have reached, where some have ended before others."""

import dataclasses

import numpy as np

from thermo_cli.equilibrium.ensemble import Ensemble


def on_common_horizon(ensemble: Ensemble) -> Ensemble:
    """Return an ensemble up to the last step at which all replicas have a value of something that gates; T is that step.

    Where nothing gates, of anything. A replica that has diverged, now or later, has lost its last value. An ensemble of which
    all is measured that should be is returned as it is.

    Args:
        ensemble: With replicas that may have ended early, on purpose or not; that is said in the scope.
    """
    recorded, question = ensemble.recorded, ensemble.question
    names = [name for name in (*ensemble.margins, "energy") if name in ensemble.values] or list(ensemble.values)
    reached = [int(recorded.steps[there][-1]) for name in names if (there := ensemble.measured[name]).any()]
    last = max(reached, default=question.steps)
    if not recorded.sparse or last >= question.steps:
        return ensemble
    kept = recorded.steps <= last
    values = {name: array[:, kept] for name, array in recorded.values.items()}
    for array in values.values():
        array[recorded.lost < len(recorded.steps), -1] = np.inf
    early = f"{recorded.states.count('ended')} of {len(recorded.replicas)}"
    words = f"; judged up to step {last}, which all reached: {early} ended before step {question.steps}"
    scope = question.scope + (words if "ended" in recorded.states else "")
    return dataclasses.replace(
        ensemble,
        recorded=dataclasses.replace(recorded, steps=recorded.steps[kept], values=values),
        question=dataclasses.replace(question, steps=last, scope=scope),
    )
